"""`voiceflow bench sentences`: texts finished while somebody speaks, against texts written at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.voice import VoiceDetector, load_voice_detector
from voiceflow_daemon.bench.comparison import Comparison
from voiceflow_daemon.bench.folder import own_folder
from voiceflow_daemon.bench.recognition import Piece, Remembering, Segmented, clip_pieces, heard, segmented
from voiceflow_daemon.bench.subject import DictationSubject, patient
from voiceflow_daemon.bench.utterances import Utterance, join_clips, sample_clips
from voiceflow_daemon.bench.word_errors import ErrorsByWay, word_errors
from voiceflow_daemon.config.schema import ContextSettings, Settings
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.loading import load_formatter
from voiceflow_daemon.daemon.pipeline import Pipeline
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech import Transcriber, load_transcriber
from voiceflow_daemon.storage.paths import assets_dir

Progress = Callable[[int, int], None]
"""Called with how many texts are written both ways, and how many there are to be."""


@dataclass
class Samples:
    """All that was compared, and the word errors by the length asked for in seconds."""

    comparisons: list[Comparison] = field(default_factory=list)
    heard: dict[int, list[ErrorsByWay]] = field(default_factory=dict)


def measure(
    subject: DictationSubject, lengths: Sequence[int], seeds: int, contexts: Sequence[str], progress: Progress
) -> Samples:
    """Compare `seeds` utterances of each length in each context; raises `VoiceflowError`."""
    samples, clips = Samples(), sample_clips(assets_dir() / "demo" / "recordings")
    total = len(lengths) * seeds * len(contexts)
    with _opened(subject) as bench:
        for seed in range(1, seeds + 1):
            for seconds in lengths:
                utterance = join_clips(clips, seconds, seed)
                cut = segmented(utterance.samples, bench.detector, bench.settings.speech)
                for context in contexts:
                    progress(len(samples.comparisons), total)
                    samples.comparisons.append(bench.compare(utterance, cut, context, seconds, seed))
                errors = bench.word_errors(utterance, samples.comparisons[-1].by_sentence.raw)
                samples.heard.setdefault(seconds, []).append(errors)
    progress(total, total)
    return samples


@dataclass(frozen=True)
class _Bench:
    """The daemon's own way from sound to text, without its threads."""

    settings: Settings
    detector: VoiceDetector
    transcriber: Transcriber
    pipeline: Pipeline
    metrics: Metrics

    def compare(
        self, utterance: Utterance, cut: Segmented, context: str, seconds: int, seed: int
    ) -> Comparison:
        """Each piece is recognised once, however often it is written."""
        before = self.metrics.counter("sentences_revised")
        texts = both_ways(self.pipeline, utterance.samples, cut, context, self.settings)
        revised = self.metrics.counter("sentences_revised") - before
        return Comparison(context, seconds, seed, *texts, revised)

    def word_errors(self, utterance: Utterance, streamed: str) -> ErrorsByWay:
        """Of what was heard as it was `streamed`, and otherwise."""
        speech = self.settings.speech
        texts = {
            "streamed": streamed,
            "clip_by_clip": heard(clip_pieces(utterance), self.transcriber, speech),
            "one_pass": heard([Piece(utterance.samples)], self.transcriber, speech),
        }
        return {way: word_errors(utterance.said, text) for way, text in texts.items()}


def both_ways(
    pipeline: Pipeline, samples: NDArray[np.int16], cut: Segmented, context: str, settings: Settings
) -> tuple[Dictated, Dictated]:
    """A recording, int16 at 16 kHz, shape (n,), written sentence by sentence and at once."""

    def dictated(*, whole: bool) -> Dictated:
        live = pipeline.begin(context, _with_whole(settings, context, whole=whole))
        for segment in cut.segments:
            live.hear(segment)
            while live.has_pending and not whole:
                live.write_next()
        return pipeline.finish(live, samples, cut.gap_ms / 1000)

    return dictated(whole=False), dictated(whole=True)


def _with_whole(settings: Settings, context: str, *, whole: bool) -> Settings:
    own = settings.contexts.get(context, ContextSettings())
    changed = {context: own.model_copy(update={"whole": whole})}
    return settings.model_copy(update={"contexts": {**settings.contexts, **changed}})


@contextmanager
def _opened(subject: DictationSubject) -> Iterator[_Bench]:
    """With the models loaded, and time for them: what they write is compared, not how fast."""
    settings, metrics = patient(subject.settings), Metrics()
    with ExitStack() as stack:
        folder = stack.enter_context(own_folder(subject.paths.cache_dir / "bench"))
        detector = load_voice_detector()
        transcriber = Remembering(load_transcriber(subject.speech_path, settings.speech, detector))
        stack.callback(transcriber.close)
        formatter = load_formatter(settings, subject.paths, metrics, folder / "prefixes")
        pipeline = stack.enter_context(closing(Pipeline(transcriber, formatter, metrics)))
        yield _Bench(settings, detector, transcriber, pipeline, metrics)
