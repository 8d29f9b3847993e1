"""The capture thread, driven by a fake microphone: what is said is recorded, whatever happens."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.desktop.rig.waiting import until
from tests.fakes.audio_source import BUILT_IN, HEADSET, FakeSource, FakeStream
from tests.fakes.spool import FakeSpool
from tests.fakes.voice import FakeDetector
from voiceflow_daemon.audio.recorder import (
    CaptureEvent,
    CaptureFailed,
    CaptureLimits,
    MicrophoneReplaced,
    Recorded,
    Recorder,
    SegmentClosed,
    Spool,
    SpoolFailed,
)
from voiceflow_daemon.audio.source import Microphone, OnBlock
from voiceflow_daemon.config.schema import AudioSettings, SpeechSettings
from voiceflow_daemon.errors import MicrophoneError

PATIENT = CaptureLimits(first_block_s=60, silence_s=60, late_tail_s=60, longest_s=60)
BLOCK = 320
"""20 ms at 16 kHz."""
TAIL_BLOCKS = 6


def block(level: float = 0.5, frames: int = BLOCK) -> NDArray[np.float32]:
    return np.full((frames, 1), level, np.float32)


class HangingSource(FakeSource):
    """Its streams do not close before it `answers`."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = threading.Event()

    def open(self, microphone: str, on_block: OnBlock) -> FakeStream:
        stream = super().open(microphone, on_block)
        stream.close = self.answers.wait  # type: ignore[method-assign,assignment]
        return stream


class UnansweringSource(FakeSource):
    """Its streams do not open before it `answers`."""

    def __init__(self, *present: Microphone) -> None:
        super().__init__(*present)
        self.answers = threading.Event()

    def open(self, microphone: str, on_block: OnBlock) -> FakeStream:
        self.answers.wait()
        return super().open(microphone, on_block)


class Booth:
    """A recorder, its microphones, and the events that it emitted."""

    def __init__(
        self, source: FakeSource, limits: CaptureLimits = PATIENT, detector: FakeDetector | None = None
    ) -> None:
        self.source = source
        self.speech: SpeechSettings | None = SpeechSettings()
        self.events: queue.SimpleQueue[CaptureEvent] = queue.SimpleQueue()
        self.recorder = Recorder(source, self.events.put, limits, detector)
        self.spools: dict[int, FakeSpool] = {}
        self.recorder.start()

    def begin(self, recording_id: int, *, full: bool = False, **audio: Any) -> None:
        def open_spool() -> Spool:
            self.spools[recording_id] = FakeSpool(full=full)
            return self.spools[recording_id]

        self.begin_with(recording_id, open_spool, **audio)
        until("the microphone to be open", lambda: recording_id in self.spools)

    def begin_with(self, recording_id: int, open_spool: Callable[[], Spool], **audio: Any) -> None:
        self.recorder.begin(recording_id, AudioSettings.model_validate(audio), open_spool, self.speech)

    def stream(self) -> FakeStream:
        return self.source.streams[-1]

    def speak(self, blocks: int = 1, level: float = 0.5) -> None:
        for _ in range(blocks):
            self.stream().send(block(level))

    def event(self) -> CaptureEvent:
        return self.events.get(timeout=20)

    def recorded(self) -> Recorded:
        event = self.event()
        assert isinstance(event, Recorded)
        return event

    def failed(self) -> CaptureFailed:
        event = self.event()
        assert isinstance(event, CaptureFailed)
        return event

    def settle(self) -> None:
        """Wait until the thread has worked on everything so far: it opens a microphone for us."""
        opened: list[bool] = []

        def no_spool() -> Spool:
            opened.append(True)
            raise OSError

        self.begin_with(-1, no_spool)
        until("the queue to be empty", lambda: opened)
        self.recorder.drop(-1)
        until("the microphone to be closed", lambda: not self.source.open_streams())

    def until_spooled(self, recording_id: int, blocks: int) -> None:
        until("the blocks", lambda: len(self.spools[recording_id].samples) >= blocks * BLOCK)


@pytest.fixture
def booth() -> Iterator[Booth]:
    one = Booth(FakeSource(BUILT_IN, HEADSET))
    yield one
    one.recorder.stop()


@pytest.fixture
def hasty_booth() -> Iterator[Booth]:
    """One that takes a microphone for dead at once."""
    one = Booth(FakeSource(BUILT_IN, HEADSET), CaptureLimits(0.05, 0.05, 0.05, 60))
    yield one
    one.recorder.stop()


class TestRecording:
    def test_all_that_is_said_is_recorded_and_spooled(self, booth: Booth) -> None:
        booth.begin(1)
        booth.speak(5, 0.25)
        booth.recorder.finish(1)
        booth.speak(TAIL_BLOCKS, 0.5)
        recorded = booth.recorded()
        assert recorded.recording_id == 1
        expected = np.repeat(np.array([8192, 16384], np.int16), [5 * BLOCK, TAIL_BLOCKS * BLOCK])
        assert np.array_equal(recorded.samples, expected)
        assert recorded.spool is booth.spools[1]
        assert np.array_equal(booth.spools[1].samples, expected)
        assert booth.spools[1].end == ""
        until("the microphone to be closed", lambda: booth.stream().closed)

    def test_the_tail_is_counted_in_recorded_time(self, booth: Booth) -> None:
        booth.begin(1)
        booth.speak(3)
        booth.recorder.finish(1)
        booth.speak(TAIL_BLOCKS - 1)
        booth.until_spooled(1, 3 + TAIL_BLOCKS - 1)
        assert booth.events.empty()
        booth.speak(1)
        assert len(booth.recorded().samples) == (3 + TAIL_BLOCKS) * BLOCK

    def test_a_second_release_does_not_lengthen_the_tail(self, booth: Booth) -> None:
        booth.begin(1)
        booth.recorder.finish(1)
        booth.speak(TAIL_BLOCKS - 1)
        booth.recorder.finish(1)
        booth.speak(1)
        assert len(booth.recorded().samples) == TAIL_BLOCKS * BLOCK

    def test_without_a_tail_the_release_ends_it(self, booth: Booth) -> None:
        booth.begin(1, tail_ms=0)
        booth.speak(2)
        booth.recorder.finish(1)
        assert len(booth.recorded().samples) == 2 * BLOCK

    def test_stereo_at_48_khz_becomes_mono_at_16_khz(self) -> None:
        microphone = Microphone("Studio", "studio", is_default=True, sample_rate_hz=48_000, channels=2)
        booth = Booth(FakeSource(microphone))
        booth.begin(1, tail_ms=0)
        phase = 2 * np.pi * 440 * np.arange(48_000) / 48_000
        stereo = np.stack([np.sin(phase), np.zeros(48_000)], axis=1).astype(np.float32)
        for part in np.split(stereo, 50):
            booth.stream().send(part)
        booth.recorder.finish(1)
        samples = booth.recorded().samples
        booth.recorder.stop()
        assert len(samples) == 16_000
        expected = 0.5 * 32767 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
        assert np.abs(samples[800:-800] - expected[800:-800]).max() < 200

    def test_the_peak_tells_a_muted_microphone_from_a_quiet_room(self, booth: Booth) -> None:
        booth.begin(1, tail_ms=0)
        booth.speak(2, 0.0)
        booth.recorder.finish(1)
        assert booth.recorded().peak == 0.0
        booth.begin(2, tail_ms=0)
        booth.speak(2, -0.001)
        booth.recorder.finish(2)
        assert 0.0005 < booth.recorded().peak < 0.002

    def test_too_loud_is_clipped_and_not_wrapped(self, booth: Booth) -> None:
        booth.begin(1, tail_ms=0)
        booth.speak(1, 1.7)
        booth.recorder.finish(1)
        assert booth.recorded().samples.min() == 32767

    def test_a_recording_without_end_is_ended_and_handed_over(self) -> None:
        booth = Booth(FakeSource(), CaptureLimits(60, 60, 60, longest_s=0.1))
        booth.begin(1)
        booth.speak(5)
        failed = booth.failed()
        booth.recorder.stop()
        assert failed.recorded is not None
        assert len(failed.recorded.samples) == 5 * BLOCK


@pytest.fixture
def listening_booth() -> Iterator[Booth]:
    """One whose detector takes all that is loud for speech."""
    one = Booth(FakeSource(BUILT_IN), detector=FakeDetector())
    yield one
    one.recorder.stop()


class TestListening:
    SPOKEN, QUIET = 200, 40

    def dictate(self, booth: Booth, recording_id: int = 1) -> None:
        booth.begin(recording_id, tail_ms=0)
        booth.speak(self.SPOKEN)
        booth.speak(self.QUIET, 0.0)
        booth.speak(self.SPOKEN)

    def test_a_pause_closes_a_segment_while_it_is_recorded(self, listening_booth: Booth) -> None:
        self.dictate(listening_booth)
        segment = listening_booth.event()
        assert isinstance(segment, SegmentClosed)
        assert (segment.recording_id, segment.start) == (1, 0)
        assert self.SPOKEN < segment.end / BLOCK < self.SPOKEN + self.QUIET
        listening_booth.recorder.finish(1)
        recorded = listening_booth.recorded()
        assert len(recorded.samples) == (2 * self.SPOKEN + self.QUIET) * BLOCK
        assert np.array_equal(recorded.samples[: segment.end], segment.samples)

    def test_the_silence_at_the_end_is_closed_before_the_recording(self, listening_booth: Booth) -> None:
        self.dictate(listening_booth)
        listening_booth.speak(self.QUIET, 0.0)
        listening_booth.recorder.finish(1)
        events = [listening_booth.event() for _ in range(4)]
        assert [type(event) for event in events] == [SegmentClosed] * 3 + [Recorded]
        silence, recorded = events[2:]
        assert isinstance(silence, SegmentClosed)
        assert isinstance(recorded, Recorded)
        assert silence.speech_ms == 0
        assert silence.end == len(recorded.samples)

    def test_each_recording_begins_anew(self, listening_booth: Booth) -> None:
        for recording_id in (1, 2):
            self.dictate(listening_booth, recording_id)
            listening_booth.recorder.finish(recording_id)
            segment = listening_booth.event()
            assert isinstance(segment, SegmentClosed)
            assert (segment.recording_id, segment.start) == (recording_id, 0)
            listening_booth.recorded()

    def test_a_defect_of_the_detector_does_not_touch_the_recording(self, listening_booth: Booth) -> None:
        listening_booth.begin(1, tail_ms=0)
        listening_booth.speak(3)
        listening_booth.stream().send(block(-1.1))
        listening_booth.speak(self.SPOKEN)
        listening_booth.speak(self.QUIET, 0.0)
        listening_booth.recorder.finish(1)
        assert len(listening_booth.recorded().samples) == (4 + self.SPOKEN + self.QUIET) * BLOCK

    def test_without_the_wish_nobody_listens(self, listening_booth: Booth) -> None:
        listening_booth.speech = None
        self.dictate(listening_booth)
        listening_booth.recorder.finish(1)
        listening_booth.recorded()


class TestOneAfterTheOther:
    def test_a_press_in_the_tail_completes_the_former_and_keeps_the_microphone(self, booth: Booth) -> None:
        booth.begin(1)
        booth.speak(3, 0.25)
        booth.recorder.finish(1)
        booth.speak(2, 0.25)
        booth.begin(2)
        assert len(booth.recorded().samples) == 5 * BLOCK
        booth.speak(4, 0.5)
        booth.recorder.finish(2)
        booth.speak(TAIL_BLOCKS, 0.5)
        second = booth.recorded()
        assert np.array_equal(second.samples, np.full((4 + TAIL_BLOCKS) * BLOCK, 16384))
        assert len(booth.source.streams) == 1

    def test_a_press_in_the_tail_with_another_microphone_opens_that(self, booth: Booth) -> None:
        booth.begin(1)
        booth.recorder.finish(1)
        booth.begin(2, microphone="Headset")
        booth.recorded()
        assert [stream.microphone for stream in booth.source.streams] == [BUILT_IN, HEADSET]
        assert booth.source.streams[0].closed
        booth.source.streams[0].closed = False  # a late block of the former
        booth.source.streams[0].send(block(0.9))
        booth.speak(1, 0.25)
        booth.until_spooled(2, 1)
        assert set(booth.spools[2].samples) == {8192}

    def test_drop_forgets(self, booth: Booth) -> None:
        booth.begin(1)
        booth.speak(3)
        booth.recorder.drop(1)
        until("the microphone to be closed", lambda: booth.stream().closed)
        assert booth.spools[1].end == "discarded"
        assert booth.events.empty()

    def test_drop_in_the_tail_forgets(self, booth: Booth) -> None:
        booth.begin(1)
        booth.recorder.finish(1)
        booth.recorder.drop(1)
        until("the microphone to be closed", lambda: booth.stream().closed)
        assert booth.spools[1].end == "discarded"

    def test_orders_for_other_recordings_are_ignored(self, booth: Booth) -> None:
        booth.recorder.finish(7)
        booth.recorder.drop(7)
        booth.begin(1)
        booth.recorder.finish(7)
        booth.recorder.drop(7)
        booth.speak(2)
        booth.recorder.finish(1)
        booth.speak(TAIL_BLOCKS)
        assert len(booth.recorded().samples) == (2 + TAIL_BLOCKS) * BLOCK
        booth.recorder.drop(1)
        booth.settle()
        assert booth.spools[1].end == ""

    def test_stop_leaves_an_open_recording_in_the_journal(self, booth: Booth) -> None:
        booth.begin(1)
        booth.speak(3)
        booth.recorder.stop()
        assert booth.spools[1].end == "released"
        assert len(booth.spools[1].samples) == 3 * BLOCK
        assert booth.stream().closed


class TestMicrophoneTrouble:
    def test_refused(self, booth: Booth) -> None:
        booth.source.refusal = MicrophoneError("Refused.", "Allow it.")
        booth.begin_with(1, FakeSpool)
        failed = booth.failed()
        assert (failed.recording_id, failed.error, failed.recorded) == (1, booth.source.refusal, None)
        booth.source.refusal = None
        booth.begin(2, tail_ms=0)
        booth.speak(1)
        booth.recorder.finish(2)
        assert len(booth.recorded().samples) == BLOCK

    def test_refused_in_the_tail_of_the_former(self, booth: Booth) -> None:
        booth.begin(1)
        booth.speak(2)
        booth.recorder.finish(1)
        booth.source.refusal = MicrophoneError("Refused.")
        booth.begin_with(2, FakeSpool, microphone="Headset")
        assert len(booth.recorded().samples) == 2 * BLOCK
        assert booth.failed().recording_id == 2

    def test_unplugged_while_speaking_keeps_what_was_said(self, hasty_booth: Booth) -> None:
        hasty_booth.begin(1)
        hasty_booth.speak(4)
        failed = hasty_booth.failed()
        assert failed.recorded is not None
        assert len(failed.recorded.samples) == 4 * BLOCK
        assert failed.recorded.spool is hasty_booth.spools[1]
        assert hasty_booth.spools[1].end == ""
        until("the microphone to be closed", lambda: hasty_booth.stream().closed)

    def test_a_microphone_that_never_sends(self, hasty_booth: Booth) -> None:
        hasty_booth.begin(1)
        failed = hasty_booth.failed()
        assert failed.recorded is not None
        assert len(failed.recorded.samples) == 0

    def test_unplugged_in_the_tail_ends_the_recording_as_usual(self) -> None:
        booth = Booth(FakeSource(), CaptureLimits(60, 60, late_tail_s=0.01, longest_s=60))
        booth.begin(1)
        booth.speak(4)
        booth.recorder.finish(1)
        assert len(booth.recorded().samples) == 4 * BLOCK
        booth.recorder.stop()

    def test_an_absent_microphone_is_replaced_and_told_once_until_it_is_back(self, booth: Booth) -> None:
        booth.source.present = (BUILT_IN,)
        told = []
        for recording_id, present in enumerate([(BUILT_IN,), (BUILT_IN,), (BUILT_IN, HEADSET), (BUILT_IN,)]):
            booth.source.present = present
            booth.begin(recording_id, microphone="Headset", tail_ms=0)
            booth.recorder.finish(recording_id)
            event = booth.event()
            if isinstance(event, MicrophoneReplaced):
                told.append((event.recording_id, event.wanted))
                event = booth.event()
            assert isinstance(event, Recorded)
        assert told == [(0, "Headset"), (3, "Headset")]

    def test_a_sound_server_that_hangs_keeps_neither_text_nor_stop_waiting(self) -> None:
        source = HangingSource()
        booth = Booth(source)
        booth.begin(1, tail_ms=0)
        booth.speak(2)
        booth.recorder.finish(1)
        assert len(booth.recorded().samples) == 2 * BLOCK
        booth.recorder.stop(limit_s=0.01)
        source.answers.set()

    def test_a_sound_server_that_hangs_at_the_opening_is_told_and_nothing_comes_after(self) -> None:
        source = UnansweringSource(BUILT_IN)
        booth = Booth(source, CaptureLimits(60, 60, 60, 60, open_s=0.05))
        for recording_id in (1, 2):
            booth.begin_with(recording_id, FakeSpool)
            failed = booth.failed()
            assert (failed.recording_id, failed.recorded) == (recording_id, None)
            assert "does not answer" in failed.error.message
            booth.recorder.finish(recording_id)
        source.answers.set()
        booth.recorder.stop()
        assert booth.events.empty()
        assert not booth.source.open_streams()
        assert len(booth.source.streams) == 1

    def test_after_an_answer_that_came_too_late_the_next_recording_works(self) -> None:
        source = UnansweringSource(BUILT_IN)
        booth = Booth(source, CaptureLimits(60, 60, 60, 60, open_s=2.0))
        booth.begin_with(1, FakeSpool)
        assert booth.failed().recording_id == 1
        source.answers.set()
        booth.begin(2, tail_ms=0)
        booth.speak(2)
        booth.recorder.finish(2)
        assert len(booth.recorded().samples) == 2 * BLOCK
        booth.recorder.stop()

    def test_a_defect_is_told_and_the_next_recording_works(self, booth: Booth) -> None:
        def broken() -> Spool:
            raise ZeroDivisionError

        booth.begin_with(1, broken)
        failed = booth.failed()
        assert failed.recording_id == 1
        until("the microphone to be closed", lambda: not booth.source.open_streams())
        booth.begin(2, tail_ms=0)
        booth.speak(1)
        booth.recorder.finish(2)
        assert len(booth.recorded().samples) == BLOCK


class TestDiskTrouble:
    def test_a_spool_that_cannot_be_opened(self, booth: Booth) -> None:
        def no_room() -> Spool:
            raise OSError(28, "No space left on device")

        booth.begin_with(1, no_room, tail_ms=0)
        told = booth.event()
        assert isinstance(told, SpoolFailed)
        assert told.error.errno == 28
        booth.speak(3)
        booth.recorder.finish(1)
        recorded = booth.recorded()
        assert recorded.spool is None
        assert len(recorded.samples) == 3 * BLOCK

    def test_a_disk_that_fills_up_is_told_once_and_nothing_is_lost(self, booth: Booth) -> None:
        booth.begin(1, tail_ms=0)
        booth.speak(2)
        booth.until_spooled(1, 2)
        booth.spools[1].full = True
        booth.speak(5)
        booth.recorder.finish(1)
        assert isinstance(booth.event(), SpoolFailed)
        recorded = booth.recorded()
        assert len(recorded.samples) == 7 * BLOCK
        assert recorded.spool is booth.spools[1]

    def test_drop_on_a_dead_disk_still_drops(self, booth: Booth) -> None:
        class Stuck(FakeSpool):
            def discard(self) -> None:
                raise OSError(30, "Read-only file system")

        booth.begin_with(1, Stuck)
        booth.recorder.drop(1)
        booth.settle()
        booth.begin(2, tail_ms=0)
        booth.recorder.finish(2)
        events = [booth.event(), booth.event()]
        assert [type(event) for event in events] == [SpoolFailed, Recorded]


class TestKeptOpen:
    def test_the_preroll_comes_before_the_press(self, booth: Booth) -> None:
        booth.recorder.prepare(AudioSettings(keep_open=True, preroll_ms=60))
        until("the microphone to be open", lambda: booth.source.streams)
        until("the line to be up", booth.source.open_streams)
        for level in (0.1, 0.2, 0.3, 0.4, 0.5):
            booth.speak(1, level)
        booth.begin(1, keep_open=True, preroll_ms=60, tail_ms=0)
        booth.speak(1, 0.6)
        booth.recorder.finish(1)
        levels = booth.recorded().samples[::BLOCK] / 32767
        assert np.allclose(levels, [0.3, 0.4, 0.5, 0.6], atol=0.001)

    def test_what_was_recorded_never_comes_again_as_preroll(self, booth: Booth) -> None:
        kept: dict[str, Any] = {"keep_open": True, "preroll_ms": 200, "tail_ms": 0}
        booth.begin(1, **kept)
        booth.speak(3, 0.25)
        booth.recorder.finish(1)
        booth.recorded()
        booth.speak(2, 0.5)
        booth.begin(2, **kept)
        booth.recorder.finish(2)
        assert np.array_equal(booth.recorded().samples, np.full(2 * BLOCK, 16384))
        assert len(booth.source.streams) == 1

    def test_it_is_closed_when_the_settings_change(self, booth: Booth) -> None:
        booth.recorder.prepare(AudioSettings(keep_open=True))
        until("the microphone to be open", booth.source.open_streams)
        booth.recorder.prepare(AudioSettings(keep_open=True, microphone="Headset"))
        until("the other one", lambda: len(booth.source.streams) == 2)
        assert [stream.microphone for stream in booth.source.open_streams()] == [HEADSET]
        booth.recorder.prepare(AudioSettings())
        until("the microphone to be closed", lambda: not booth.source.open_streams())

    def test_a_change_while_recording_counts_afterwards(self, booth: Booth) -> None:
        booth.begin(1, keep_open=True, tail_ms=0)
        booth.recorder.prepare(AudioSettings())
        booth.speak(1)
        booth.recorder.finish(1)
        assert len(booth.recorded().samples) == BLOCK
        until("the microphone to be closed", lambda: not booth.source.open_streams())

    def test_one_that_died_is_opened_again(self, hasty_booth: Booth) -> None:
        hasty_booth.recorder.prepare(AudioSettings(keep_open=True))
        until("the microphone to be open", lambda: hasty_booth.source.streams)
        until("its death to be noticed", lambda: hasty_booth.stream().closed)
        hasty_booth.begin(1, keep_open=True)
        assert len(hasty_booth.source.streams) == 2

    def test_a_microphone_that_cannot_be_kept_open_is_told_at_the_press(self, booth: Booth) -> None:
        booth.source.refusal = MicrophoneError("Refused.")
        booth.recorder.prepare(AudioSettings(keep_open=True))
        booth.begin_with(1, FakeSpool, keep_open=True)
        assert booth.failed().recording_id == 1


ORDERS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.sampled_from(["", "Headset", "Gone"]), st.booleans(), st.booleans()),
        st.tuples(st.sampled_from(["finish", "drop"]), st.integers(0, 12)),
        st.tuples(st.just("speak"), st.integers(1, 8)),
        st.tuples(st.just("refuse"), st.booleans()),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(ORDERS)
def test_every_recording_ends_once_whatever_is_ordered(orders: list[tuple[object, ...]]) -> None:
    """Each is handed over, failed, dropped, or left in the journal; no microphone stays open."""
    booth = Booth(FakeSource(BUILT_IN, HEADSET))
    begun = 0
    for order in orders:
        match order:
            case ("begin", str(microphone), bool(keep_open), bool(full)):
                spool = booth.spools[begun] = FakeSpool(full=full)
                booth.begin_with(begun, lambda s=spool: s, microphone=microphone, keep_open=keep_open)  # type: ignore[misc]
                begun += 1
            case ("finish", int(recording_id)):
                booth.recorder.finish(recording_id)
            case ("drop", int(recording_id)):
                booth.recorder.drop(recording_id)
            case ("speak", int(blocks)) if booth.source.streams:
                booth.speak(blocks)
            case ("refuse", bool(refused)):
                booth.source.refusal = MicrophoneError("Refused.") if refused else None
    booth.recorder.stop()
    assert not booth.source.open_streams()
    ended = [spool_id for spool_id, spool in booth.spools.items() if spool.end]
    spool_failures = []
    while not booth.events.empty():
        match booth.events.get():
            case Recorded(recording_id, samples):
                ended.append(recording_id)
                spool = booth.spools[recording_id]
                assert spool.full or np.array_equal(samples, spool.samples)
            case CaptureFailed(recording_id):
                ended.append(recording_id)
            case SpoolFailed(recording_id):
                spool_failures.append(recording_id)
    assert sorted(ended) == list(range(begun))
    assert len(spool_failures) == len(set(spool_failures))
