"""What is heard at pauses while one speaks reads like one transcription: measured on the real models."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.speech.recordings import DEMO_MODEL, RECORDINGS, white_noise
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.audio.voice import VoiceDetector, load_voice_detector
from voiceflow_daemon.bench.recognition import Remembering, clip_pieces, heard, segmented, streamed_pieces
from voiceflow_daemon.bench.utterances import Utterance, join_clips, sample_clips
from voiceflow_daemon.bench.word_errors import WordErrors, word_errors
from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.speech import Transcriber, Transcript, load_transcriber
from voiceflow_daemon.speech.transcriber import always

SETTINGS = SpeechSettings(threads=2)
EAGER = SpeechSettings(threads=2, segment_pause_ms=300)


@pytest.fixture(scope="module")
def detector() -> VoiceDetector:
    return load_voice_detector()


@pytest.fixture(scope="module")
def transcriber(detector: VoiceDetector) -> Iterator[Transcriber]:
    loaded = load_transcriber(DEMO_MODEL, SETTINGS, detector)
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def utterances() -> list[Utterance]:
    clips = sample_clips(RECORDINGS)
    return [join_clips(clips, seconds, seed) for seconds, seed in ((5, 1), (15, 2), (40, 3))]


@pytest.mark.parametrize("settings", [SETTINGS, EAGER], ids=["default", "eager"])
def test_word_errors_are_those_of_the_single_clips(
    detector: VoiceDetector, transcriber: Transcriber, utterances: list[Utterance], settings: SpeechSettings
) -> None:
    streamed = single = WordErrors(0, 0)
    for one in utterances:
        pieces = streamed_pieces(one.samples, detector, settings)
        streamed += word_errors(one.said, heard(pieces, transcriber, settings))
        single += word_errors(one.said, heard(clip_pieces(one), transcriber, settings))
    # About 150 words: over thousands the difference is far below this.
    assert streamed.percent <= single.percent + 2.0


def test_little_is_left_at_the_release(detector: VoiceDetector, utterances: list[Utterance]) -> None:
    for one in utterances:
        left = len(streamed_pieces(one.samples, detector, SETTINGS)[-1].samples)
        assert left / SAMPLE_RATE_HZ <= one.clips[-1].seconds + one.pauses_s[-1]


def test_cuts_lie_in_the_pauses_between_and_inside_the_clips(
    detector: VoiceDetector, utterances: list[Utterance]
) -> None:
    """A tenth of a second on both sides of each cut is as quiet as the room."""
    for one in utterances:
        noise = max(clip.noise_level for clip in one.clips)
        for segment in segmented(one.samples, detector, SETTINGS).segments:
            around = one.samples[segment.end - 800 : segment.end + 800].astype(np.float64)
            assert segment.pause_ms
            assert np.sqrt(np.mean(around**2)) < noise * 4


def test_nothing_is_left_after_a_pause(detector: VoiceDetector, utterances: list[Utterance]) -> None:
    room = (white_noise(1.5) * 40).astype(np.int16)
    samples = np.concatenate([utterances[0].samples, room])
    assert len(streamed_pieces(samples, detector, SETTINGS)[-1].samples) == 0


def test_nobody_is_heard_where_nobody_spoke(detector: VoiceDetector, transcriber: Transcriber) -> None:
    room = (white_noise(20.0) * 40).astype(np.int16)
    pieces = streamed_pieces(room, detector, SETTINGS)
    assert [len(piece.samples) for piece in pieces] == [len(room)]
    assert heard(pieces, transcriber, SETTINGS) == ""


class CountingEars:
    def __init__(self) -> None:
        self.asked: list[tuple[int, list[str], float]] = []

    def warm_up(self) -> None:
        pass

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        self.asked.append((len(samples), settings.languages, loudness))
        return Transcript(f"answer {len(self.asked)}", "en", 1.0)

    def close(self) -> None:
        pass


def test_what_was_heard_once_is_remembered() -> None:
    ears = CountingEars()
    remembering = Remembering(ears)
    sound = np.linspace(-1, 1, 100, dtype=np.float32)
    first = remembering.transcribe(sound, SETTINGS, 0.5)
    assert remembering.transcribe(sound.copy(), SETTINGS, 0.5) == first
    assert len(ears.asked) == 1
    german = SETTINGS.model_copy(update={"languages": ["de"]})
    others = [
        remembering.transcribe(-sound, SETTINGS, 0.5),
        remembering.transcribe(sound, SETTINGS, 0.25),
        remembering.transcribe(sound, german, 0.5),
    ]
    assert len({first.text, *(other.text for other in others)}) == 4
    assert ears.asked[1:] == [(100, ["en"], 0.5), (100, ["en"], 0.25), (100, ["de"], 0.5)]
