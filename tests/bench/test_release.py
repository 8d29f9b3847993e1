"""Both ways with the demo models: the daemon in real time, and the libraries one after the other."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.bench import release
from voiceflow_daemon.bench.place import NOWHERE
from voiceflow_daemon.bench.release import Run, measure, measure_recognition, spoken_seconds
from voiceflow_daemon.bench.release_daemon import ReleaseDaemon, release_daemon
from voiceflow_daemon.bench.release_table import WAYS
from voiceflow_daemon.bench.subject import DictationSubject
from voiceflow_daemon.bench.utterances import Clip, Utterance, join_clips, sample_clips
from voiceflow_daemon.bench.word_errors import WordErrors
from voiceflow_daemon.config.schema import HotkeySettings, LlmSettings, Settings, SpeechSettings
from voiceflow_daemon.daemon.deliverer import Delivered, Order
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.formatting import Rung
from voiceflow_daemon.daemon.orders import Done, Job
from voiceflow_daemon.desktop.inserter import Delivery, Outcome
from voiceflow_daemon.errors import DeliveryError, ModelMissingError, VoiceflowError
from voiceflow_daemon.storage.paths import Paths, assets_dir

DEMO = Settings(
    hotkey=HotkeySettings(mode="toggle", max_recording_s=1.0),
    speech=SpeechSettings(model="demo", threads=1),
    llm=LlmSettings(model="demo", threads=1),
)
"""With what the benchmark must not keep."""


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(*(tmp_path / name for name in ("config", "data", "cache", "state", "runtime")))


def test_an_utterance_both_ways(paths: Paths) -> None:
    told: list[tuple[int, int]] = []
    recognised: list[tuple[int, int]] = []
    subject = DictationSubject("demo", DEMO, paths, is_stand_in=True)
    samples = measure(subject, {2: 1}, lambda *at: told.append(at))
    measure_recognition(subject, samples, lambda *at: recognised.append(at))
    (run,) = samples.runs[2]
    check_ours(run)
    for answered in (run.sequential, run.tuned):
        assert answered.heard == run.utterance.said
        assert set(answered.stages_ms) == {"transcribe", "format"}
        assert answered.release_ms == pytest.approx(sum(answered.stages_ms.values()))
        assert answered.cpu_s > 0
    assert samples.heard[2] == dict.fromkeys(WAYS, WordErrors(0, len(run.utterance.said.split())))
    assert samples.prompt_tokens > 100
    assert told == sorted(told)
    assert told[-1] == (2, 2)
    assert recognised == [(0, 2), (2, 2)]
    assert list((paths.cache_dir / "bench").iterdir()) == []
    assert not paths.prefixes_dir.exists()
    assert not paths.state_dir.exists()


def check_ours(run: Run) -> None:
    ours = run.ours
    assert ours.dictated.raw == run.utterance.said
    assert ours.dictated.rung == "model"
    # Both are the daemon's own, by its clock, and by ours.
    assert sum(ours.stages_ms.values()) == pytest.approx(ours.release_ms, abs=1000.0)
    assert sum(ours.work_ms.values()) == pytest.approx(ours.release_ms, abs=1.0)
    assert ours.release_ms > DEMO.hotkey.release_grace_ms + DEMO.audio.tail_ms - 20
    assert ours.work_ms["recognise"] > 0
    assert ours.work_ms["write"] > 0
    assert ours.cpu_s > 0
    assert ours.counted["tokens_written"] > 0


def test_the_same_last_words_after_a_short_and_a_long_time(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, "SHORT_S", 2)
    monkeypatch.setattr(release, "LONG_S", 4)
    told: list[tuple[int, int]] = []
    subject = DictationSubject("demo", DEMO, paths, is_stand_in=True)
    samples = measure(subject, {2: 2, 4: 1}, lambda *at: told.append(at))
    ((short, long),) = samples.same_end
    assert short is samples.runs[2][0].ours
    words = short.dictated.raw.split()
    assert long.dictated.raw.split()[-len(words) :] == words
    assert len(long.dictated.raw.split()) > len(words)
    assert told[-1] == (spoken_seconds({2: 2, 4: 1}), 2 + 2 + 4 + 4)


def test_the_daemon_hears_nobody(paths: Paths, tmp_path: Path) -> None:
    """And is as ready for the next one."""
    clips = sample_clips(assets_dir() / "demo" / "recordings")
    silence = np.zeros(SAMPLE_RATE_HZ // 2, np.int16)
    nobody = Utterance((Clip("silence", "", silence, 1.0),), (), silence)
    with release_daemon(release._measurable(DEMO), paths, tmp_path / "own") as daemon:
        with pytest.raises(VoiceflowError, match="Nothing was heard"):
            daemon.dictate(nobody)
        spoken = daemon.dictate(join_clips(clips, 2, seed=3))
        assert spoken.dictated.raw == join_clips(clips, 2, seed=3).said


def test_a_text_in_pieces_is_there_with_the_last_one(paths: Paths, tmp_path: Path) -> None:
    daemon = ReleaseDaemon(DEMO, paths, tmp_path, NOWHERE)
    dictated = Dictated("one two", "One. Two.", Rung.MODEL)
    done = Done(Job(1, np.zeros(1, np.int16), "default", DEMO), dictated)
    first = Order(1, "One.", None, DEMO.delivery, is_last=False)
    pasted = Delivery(Outcome.PASTED)
    last = Delivered(replace(first, text="One. Two.", is_last=True), pasted)
    for news in (Delivered(first, pasted), done, Delivered(first, pasted), last):
        daemon._news.put(news)
    assert daemon._await_text(0.0, lambda _: None) is dictated
    assert daemon._news.empty()


@pytest.mark.parametrize(
    ("delivery", "error", "told"),
    [
        (Delivery(Outcome.KEPT, "another window has the focus now"), None, "could not be put at the cursor"),
        (None, DeliveryError("There is no clipboard."), "There is no clipboard"),
    ],
)
def test_a_text_that_is_not_at_the_cursor_ends_it(
    paths: Paths, tmp_path: Path, delivery: Delivery | None, error: DeliveryError | None, told: str
) -> None:
    daemon = ReleaseDaemon(DEMO, paths, tmp_path, NOWHERE)
    daemon._news.put(Delivered(Order(1, "One.", None, DEMO.delivery), delivery, error))
    with pytest.raises(VoiceflowError, match=told):
        daemon._await_text(0.0, lambda _: None)


def test_a_daemon_without_its_model_tells(paths: Paths, tmp_path: Path) -> None:
    missing = DEMO.model_copy(update={"speech": SpeechSettings(model="/nowhere/model")})
    with pytest.raises(ModelMissingError, match="/nowhere"), release_daemon(missing, paths, tmp_path):
        pytest.fail("it cannot be ready")


@pytest.mark.parametrize("is_stand_in", [True, False])
def test_others_write_as_much_as_ours(paths: Paths, *, is_stand_in: bool) -> None:
    """And recognise what they are given, by their own defaults or tuned."""
    (clip, *_) = sample_clips(assets_dir() / "demo" / "recordings")
    asked, written = [], []
    with closing(
        release._sequential(DictationSubject("demo", DEMO, paths, is_stand_in=is_stand_in))
    ) as others:
        answer = others._llama.create_chat_completion

        def noting(messages: list[object], **options: object) -> object:
            asked.append(options["max_tokens"])
            answered = answer(messages, **options)
            written.append(answered["usage"]["completion_tokens"])
            return answered

        others._llama.create_chat_completion = noting
        text = "Hello there, this is longer than what was said. " * 3
        for way in (others.defaults, others.tuned):
            assert way(clip.samples, "Tidy it up.", "hello there", text).heard
        most = others.tokens(text) + 1
    assert asked == [most, 1, most]
    if is_stand_in:
        assert written == asked
    else:
        assert max(written) < most, "it ends by itself"
