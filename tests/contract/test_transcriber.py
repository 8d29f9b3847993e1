"""One suite over the fake recogniser and the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.transcriber import FakeTranscriber
from tests.speech.recordings import DEMO_MODEL, Audio, recording, silence
from voiceflow_daemon.audio.voice import load_voice_detector
from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.speech import Transcriber, load_transcriber
from voiceflow_daemon.speech.transcriber import RecognitionAbortedError

SETTINGS = SpeechSettings(threads=2)
MAKERS: dict[str, Callable[[], Transcriber]] = {
    "fake": lambda: FakeTranscriber([recording("note_short").heard]),
    "real": lambda: load_transcriber(DEMO_MODEL, SETTINGS, load_voice_detector()),
}


@pytest.fixture(scope="module", params=MAKERS)
def transcriber(request: pytest.FixtureRequest) -> Iterator[Transcriber]:
    made = MAKERS[request.param]()
    yield made
    made.close()


def test_warming_up_says_nothing_and_may_be_repeated(transcriber: Transcriber) -> None:
    transcriber.warm_up()
    transcriber.warm_up()


def test_speech_becomes_words(transcriber: Transcriber) -> None:
    entry = recording("note_short")
    heard = transcriber.transcribe(entry.samples(), SETTINGS)
    assert heard.text == entry.heard
    assert heard.language == "en"
    assert 0 < heard.speech_s <= len(entry.samples()) / 16_000


def test_what_is_not_wanted_is_left_off_and_leaves_no_trace(transcriber: Transcriber) -> None:
    entry = recording("note_short")
    with pytest.raises(RecognitionAbortedError):
        transcriber.transcribe(entry.samples(), SETTINGS, wanted=lambda: False)
    assert transcriber.transcribe(entry.samples(), SETTINGS, wanted=lambda: True).text == entry.heard


@pytest.mark.parametrize("seconds", [0.0, 0.00007, 0.01, 0.2, 3.0, 45.0])
def test_silence_becomes_nothing(transcriber: Transcriber, seconds: float) -> None:
    heard = transcriber.transcribe(silence(seconds), SETTINGS)
    assert (heard.text, heard.speech_s) == ("", 0.0)
    assert heard.language in SETTINGS.languages


def test_the_callers_audio_is_left_as_it_was(transcriber: Transcriber) -> None:
    samples = recording("note_short").samples()
    samples[100:200] = np.nan
    before = samples.copy()
    transcriber.transcribe(samples, SETTINGS)
    assert np.array_equal(samples, before, equal_nan=True)


def test_read_only_audio_is_taken(transcriber: Transcriber) -> None:
    samples = recording("note_short").samples()
    samples.flags.writeable = False
    assert transcriber.transcribe(samples, SETTINGS).text


def _broken(kind: str) -> Audio:
    spoken = recording("note_short").samples()
    match kind:
        case "nan":
            spoken[::3] = np.nan
        case "all nan":
            spoken[:] = np.nan
        case "infinite":
            spoken[::50] = np.inf
            spoken[1::50] = -np.inf
        case "clipped":
            spoken = np.sign(spoken).astype(np.float32)
        case "far too loud":
            spoken *= 1e30
        case "denormal":
            spoken *= np.float32(1e-38)
        case "one sided":
            spoken += 1.0
    return spoken


@pytest.mark.parametrize(
    "kind", ["nan", "all nan", "infinite", "clipped", "far too loud", "denormal", "one sided"]
)
def test_broken_audio_never_raises(transcriber: Transcriber, kind: str) -> None:
    heard = transcriber.transcribe(_broken(kind), SETTINGS)
    assert heard.language == "en"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(0, 40_000), seed=st.integers(0, 2**32 - 1), gain=st.floats(0, 1000, width=32))
def test_any_noise_never_raises(transcriber: Transcriber, length: int, seed: int, gain: float) -> None:
    noise = np.random.default_rng(seed).standard_normal(length).astype(np.float32) * np.float32(gain)
    assert transcriber.transcribe(noise, SETTINGS).language == "en"


def test_a_language_that_the_model_does_not_know_is_refused(transcriber: Transcriber) -> None:
    with pytest.raises(ModelError) as raised:
        transcriber.transcribe(silence(1.0), SpeechSettings(languages=["de"]))
    assert raised.value.hint


@pytest.mark.parametrize("maker", MAKERS.values(), ids=MAKERS)
def test_a_closed_model_may_be_closed_again_and_says_that_it_is_closed(
    maker: Callable[[], Transcriber],
) -> None:
    made = maker()
    made.close()
    made.close()
    with pytest.raises(ModelError, match="closed"):
        made.transcribe(silence(1.0), SETTINGS)
