"""Writing sentence by sentence against writing at once: by rules, and once with the demo models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.bench.recognition import Segmented
from voiceflow_daemon.bench.sentences import both_ways, measure
from voiceflow_daemon.bench.subject import DictationSubject
from voiceflow_daemon.config.schema import LlmSettings, Settings, SpeechSettings
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.formatting import Formatter
from voiceflow_daemon.daemon.pipeline import Pipeline
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech import Transcript
from voiceflow_daemon.speech.transcriber import always
from voiceflow_daemon.storage.paths import Paths
from voiceflow_daemon.text.seams import Rule

PIECE = 160
"""Samples; the amplitude is the text's number."""


class Ears:
    """Hears the text that each piece stands for."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.asked = 0

    def warm_up(self) -> None:
        pass

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        self.asked += 1
        numbers = np.rint(samples[::PIECE] * 32768).astype(int)
        return Transcript(" ".join(self.texts[number - 1] for number in numbers), "en", 1.0)

    def close(self) -> None:
        pass


def written(context: str, *texts: str, settings: Settings | None = None) -> tuple[Dictated, Dictated]:
    """All but the last one in segments of their own, with pauses of 0.9 s between them."""
    samples = np.repeat(np.arange(1, len(texts) + 1, dtype=np.int16), PIECE)
    segments = [
        SegmentClosed(
            *(0, start, start + PIECE, samples[start : start + PIECE]),
            speech_ms=100,
            pause_ms=300,
            loudness=0.1,
            gap_ms=900 if start else 0,
        )
        for start in range(0, (len(texts) - 1) * PIECE, PIECE)
    ]
    metrics = Metrics()
    pipeline = Pipeline(Ears(texts), Formatter(None, None, metrics), metrics)
    return both_ways(pipeline, samples, Segmented(tuple(segments), 900), context, settings or Settings())


DICTATIONS = {
    "letter": (
        "hi anna",
        "thanks for the report",
        "could you please send the invoice by friday",
        "the total is two hundred and",
        "fifty dollars",
        "best regards",
        "peter",
    ),
    "said marks": (
        "thank you for your email period new paragraph",
        "could we meet on tuesday at three thirty pm",
        "question mark",
        "i will bring the contract period",
    ),
    "taken back": (
        "the weather was nice today",
        "we went to the lake",
        "scratch that",
        "we went to the park with the dog",
        "please book the flight on tuesday",
        "no wait on thursday",
    ),
    "list": ("milk new line", "two eggs new line", "bread period new paragraph", "please pay in cash"),
    "written marks": (
        "The weather was nice today.",
        "We went to the park. With the dog, um, and",
        "the children.",
        "Scratch that.",
        "Is it late?",
    ),
    "identifiers": (
        "define a function called parse config that returns a list",
        "rename it to camel case user name",
        "and add a unit test",
    ),
}


@pytest.mark.parametrize("context", ["default", "email", "slack", "code"])
@pytest.mark.parametrize("name", DICTATIONS)
def test_rules_write_the_same_both_ways(name: str, context: str) -> None:
    by_sentence, at_once = written(context, *DICTATIONS[name])
    assert by_sentence.text == at_once.text
    assert by_sentence.raw == at_once.raw == " ".join(DICTATIONS[name])
    assert len(at_once.sentences) == 1


def test_each_sentence_is_written_for_itself_but_for_those_of_the_release() -> None:
    texts = ("the report is ready now", "i will bring it period", "please call", "my sister")
    by_sentence, _ = written("default", *texts)
    assert [(one.sentence.rule, one.sentence.raw) for one in by_sentence.sentences] == [
        (Rule.PAUSE, texts[0]),
        (Rule.SPOKEN_MARK, texts[1]),
        (Rule.RELEASE, " ".join(texts[2:])),
    ]


def test_a_context_that_is_written_whole_is_compared_all_the_same() -> None:
    whole = Settings.model_validate({"contexts": {"email": {"whole": True}}})
    by_sentence, at_once = written("email", *DICTATIONS["letter"], settings=whole)
    assert len(by_sentence.sentences) > len(at_once.sentences) == 1


def test_the_demo_models(tmp_path: Path) -> None:
    paths = Paths(*(tmp_path / name for name in ("config", "data", "cache", "state", "runtime")))
    settings = Settings(
        speech=SpeechSettings(model="demo", threads=1), llm=LlmSettings(model="demo", threads=1)
    )
    told: list[tuple[int, int]] = []
    subject = DictationSubject("demo", settings, paths, is_stand_in=True)
    samples = measure(subject, [5], 1, ["email", "slack"], lambda *at: told.append(at))
    assert told == [(0, 2), (1, 2), (2, 2)]
    email, slack = samples.comparisons
    assert (email.context, email.seconds, email.seed) == ("email", 5, 1)
    assert email.by_sentence.raw == email.at_once.raw == slack.by_sentence.raw
    assert email.by_sentence.rung == email.at_once.rung == "model"
    assert len(email.by_sentence.sentences) > len(email.at_once.sentences) == 1
    (heard,) = samples.heard[5]
    assert set(heard) == {"streamed", "clip_by_clip", "one_pass"}
    assert {errors.said for errors in heard.values()} == {len(email.by_sentence.raw.split())}
    assert list((paths.cache_dir / "bench").iterdir()) == []
    assert not paths.prefixes_dir.exists()
