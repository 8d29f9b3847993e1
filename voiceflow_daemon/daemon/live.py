"""One dictation while it is being spoken: what was heard of it, and what is finished already.

Closed segments are recognised at once, settled sentences are formatted at once, so that the release
waits for nothing but what came after the last pause. None of it is needed: whatever was not heard or
written by then, `finish` hears and writes.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.dictated import Dictated, Finished, turns_of
from voiceflow_daemon.daemon.formatting import Formatter, Rung, Within
from voiceflow_daemon.daemon.heard import Heard
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.llm.engine import always
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech.transcriber import (
    RecognitionAbortedError,
    Transcriber,
    join_texts,
)
from voiceflow_daemon.text.joining import fixed_text, join_finished
from voiceflow_daemon.text.languages import joint
from voiceflow_daemon.text.rules import format_by_rules
from voiceflow_daemon.text.settling import Sentence, whole_transcript

log = logging.getLogger(__name__)


class NotWantedError(Exception):
    """The work was given up between two stages, or two windows of the recogniser, as its caller wished."""


class LiveDictation:
    """Used by the thread that owns the models."""

    def __init__(
        self,
        context: str,
        settings: Settings,
        transcriber: Transcriber,
        formatter: Formatter,
        metrics: Metrics,
    ) -> None:
        self._context = context
        self._settings = settings
        self._transcriber = transcriber
        self._formatter = formatter
        self._metrics = metrics
        self._heard = Heard()
        self._is_read = True

    @property
    def has_pending(self) -> bool:
        """Whether a settled sentence is to be written, or something to be read for what comes next."""
        return self._heard.pending is not None or not self._is_read

    @property
    def heard_until(self) -> int:
        """Behind the last sample that was heard."""
        return self._heard.until

    @property
    def fixed(self) -> str:
        """How the text begins, whatever is said from now on; empty where nobody wants it in pieces."""
        heard = self._heard
        wanted = self._settings.delivery.by_sentence and not self._is_whole
        if not (wanted and joint(heard.language) and self._is_language_certain(heard)):
            return ""
        done = heard.done[: len(heard.settling.final)]
        return fixed_text([one.sentence for one in done], [one.text for one in done], heard.language)

    def hear(self, segment: SegmentClosed, wanted: Callable[[], bool] = always) -> None:
        """Recognise a closed segment; one behind a gap is left to the release, which hears all of it.

        Raises `ModelError`; `NotWantedError`, and nothing is remembered, when `wanted` says no.
        """
        if segment.start != self._heard.until:
            return
        heard = replace(self._heard, loudness=segment.loudness)
        text, language = "", heard.language
        if segment.speech_ms:
            with self._metrics.timed("segment_transcribe_ms"):
                text, language = self._recognise(segment.samples, heard, wanted)
        gap_s, pause_s = segment.gap_ms / 1000, segment.pause_ms / 1000
        heard = heard.after(text, language, segment.end, gap_s, pause_s)
        self._heard = replace(heard, speech_ms=heard.speech_ms + (segment.speech_ms if text else 0))
        self._is_read = False
        for sentence in self._heard.settling.sentences[len(self._heard.finished) :]:
            log.info("a sentence of %d words is settled by its %s", len(sentence.raw.split()), sentence.rule)

    def write_next(self, wanted: Callable[[], bool] = always) -> None:
        """Format the next settled sentence, or else read ahead; without a result when it was interrupted."""
        sentence, agreed = self._heard.pending, self._heard.agreed
        if sentence is None:
            if not self._is_read:
                self._read_ahead(wanted)
            return
        if agreed < len(self._heard.finished):
            self._metrics.count("sentences_revised")
        with self._metrics.timed("sentence_format_ms"):
            text, rung = self._format(sentence.marked, self._heard, self._heard.finished[:agreed], wanted)
        if wanted():
            done = (*self._heard.finished[:agreed], Finished(sentence, text, rung))
            self._heard = replace(self._heard, finished=done)
            self._metrics.count("sentences_finished_while_speaking")

    def _read_ahead(self, wanted: Callable[[], bool]) -> None:
        """Have the model read what it would have to write if nothing more came: of that, no release waits."""
        heard = self._heard.released()
        done, left = self._left(heard)
        said = whole_transcript(left) if left and joint(heard.language) and self._fits(left) else ""
        with suppress(VoiceflowError):  # Whoever formats next meets it again, and says so.
            self._formatter.prepare(self._context, self._settings, wanted, turns_of(done), said)
        self._is_read = wanted()

    def finish(
        self, samples: NDArray[np.int16], gap_s: float = 0.0, wanted: Callable[[], bool] = always
    ) -> Dictated:
        """The whole recording, mono at 16 kHz, shape (n,): hear and write what is left of it.

        `gap_s` is the silence before what was said behind `heard_until`, if anything was.
        May be called for what there is of a recording that goes on, too: nothing of it is remembered.
        Raises `ModelError`; `NotWantedError` when `wanted` says no between the stages.
        """
        stages: dict[str, float] = {}
        with self._stage("transcribe", stages):
            heard = self._heard_to_the_end(samples, gap_s, wanted)
        if not heard.settling.sentences:
            return Dictated("", "", Rung.NOTHING, stages)
        if not wanted():
            raise NotWantedError
        with self._stage("format", stages):
            finished = self._written_to_the_end(heard, wanted)
        rungs = {one.rung for one in finished}
        sentences = [one.sentence for one in finished]
        raw = " ".join(sentence.raw for sentence in sentences)
        text = join_finished(sentences, [one.text for one in finished], heard.language)
        return Dictated(raw, text, rungs.pop() if len(rungs) == 1 else Rung.MIXED, stages, finished)

    def _heard_to_the_end(
        self, samples: NDArray[np.int16], gap_s: float, wanted: Callable[[], bool]
    ) -> Heard:
        heard, rest = self._heard, samples[self._heard.until :]
        if len(rest):
            text, language = self._recognise(rest, heard, wanted)
            heard = heard.after(text, language, len(samples), gap_s, 0.0)
        return heard.released()

    def _written_to_the_end(self, heard: Heard, wanted: Callable[[], bool]) -> tuple[Finished, ...]:
        """What is not finished is one text: cut into sentences it would take the model longer.

        Only what is too long for the model is written sentence by sentence: it then knows what came before.
        """
        done, left = self._left(heard)
        draft = ""
        if not joint(heard.language):
            text = join_texts(heard.texts, heard.language)
            done, left = (), (replace(heard.settling.sentences[-1], raw=text, marked=text),)
        elif heard.done and not done:
            draft = self._drafted(heard.done, heard.unwritten, heard.language)
        if not left:
            return done
        if len(left) > 1 and not self._fits(left):
            return self._one_by_one(left, heard, done, wanted)
        rest = replace(
            left[-1], raw=" ".join(sentence.raw for sentence in left), marked=whole_transcript(left)
        )
        text, rung = self._format(rest.marked, heard, done, wanted, draft)
        return (*done, Finished(rest, text, rung))

    def _left(self, heard: Heard) -> tuple[tuple[Finished, ...], Sequence[Sentence]]:
        """The sentences that stand, and those to be written behind them: all, where it is wanted whole."""
        if self._is_whole and self._fits(heard.settling.sentences):
            return (), heard.settling.sentences
        return heard.done, heard.unwritten

    def _fits(self, sentences: Sequence[Sentence]) -> bool:
        return self._formatter.fits(whole_transcript(sentences), self._context, self._settings)

    def _one_by_one(
        self,
        left: Sequence[Sentence],
        heard: Heard,
        done: tuple[Finished, ...],
        wanted: Callable[[], bool],
    ) -> tuple[Finished, ...]:
        texts = [sentence.marked for sentence in left]
        latest = self._formatter.latest(texts, self._context, self._settings)
        for sentence in left:
            text, rung = self._format(sentence.marked, heard, done, wanted, latest=latest)
            done = (*done, Finished(sentence, text, rung))
        return done

    def _format(
        self,
        text: str,
        heard: Heard,
        done: Sequence[Finished],
        wanted: Callable[[], bool],
        draft: str = "",
        latest: float | None = None,
    ) -> tuple[str, Rung]:
        """Finish what comes behind the sentences that are `done`."""
        within = Within(turns_of(done), goes_on=True, latest=latest)
        return self._formatter.format(
            text, self._context, self._settings, heard.language, wanted, draft, within
        )

    @property
    def _is_whole(self) -> bool:
        own = self._settings.contexts.get(self._context)
        return own is not None and own.whole

    def _drafted(self, done: Sequence[Finished], left: Sequence[Sentence], language: str) -> str:
        """What the sentences written so far, and rules for the others, say that the whole text will be."""
        sentences = [*(one.sentence for one in done), *left]
        rest = [format_by_rules(sentence.marked, self._context, language, opens=False) for sentence in left]
        return join_finished(sentences, [*(one.text for one in done), *rest], language)

    def _recognise(
        self, samples: NDArray[np.int16], heard: Heard, wanted: Callable[[], bool]
    ) -> tuple[str, str]:
        speech = self._settings.speech
        if heard.is_language_certain:
            speech = speech.model_copy(update={"languages": [heard.language]})
        sound = samples.astype(np.float32) / 32768.0
        try:
            transcript = self._transcriber.transcribe(sound, speech, heard.loudness, wanted)
        except RecognitionAbortedError:
            raise NotWantedError from None
        return transcript.text, transcript.language if transcript.text else heard.language

    def _is_language_certain(self, heard: Heard) -> bool:
        return len(self._settings.speech.languages) == 1 or heard.is_language_certain

    @contextmanager
    def _stage(self, name: str, stages: dict[str, float]) -> Iterator[None]:
        start = time.perf_counter()
        yield
        stages[name] = (time.perf_counter() - start) * 1e3
        self._metrics.observe_ms(f"{name}_ms", stages[name])
