from __future__ import annotations

import numpy as np
import pytest

from tests.speech.recordings import RECORDINGS
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.bench.utterances import (
    LEAD_S,
    LONGEST_PAUSE_S,
    SHORTEST_PAUSE_S,
    Clip,
    clip_of,
    join_clips,
    sample_clips,
)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return sample_clips(RECORDINGS)


def test_recordings_are_cut_to_their_speech(clips: list[Clip]) -> None:
    by_name = {clip.name: clip for clip in clips}
    assert len(clips) == 12
    # 2.61 s long, of which 0.25 s and 0.29 s are silent.
    assert by_name["note_short.wav"].seconds == pytest.approx(2.1, abs=0.1)
    assert all(20 < clip.noise_level < 80 for clip in clips)


def test_silence_is_no_clip() -> None:
    with pytest.raises(ValueError, match="no speech"):
        clip_of("nobody", "nothing", np.zeros(SAMPLE_RATE_HZ, np.int16))


@pytest.mark.parametrize(("seconds", "within"), [(2, 0.5), (5, 0.5), (15, 1), (60, 1), (180, 2)])
def test_utterances_have_about_the_length_asked_for(clips: list[Clip], seconds: int, within: float) -> None:
    utterance = join_clips(clips, seconds, seed=1)
    assert utterance.seconds == pytest.approx(seconds, abs=within)
    assert utterance.said == " ".join(clip.said for clip in utterance.clips)


def test_the_sound_is_the_clips_with_noise_between_and_ends_with_the_last_word(clips: list[Clip]) -> None:
    utterance = join_clips(clips, 30, seed=5)
    at = round(LEAD_S * SAMPLE_RATE_HZ)
    for clip, pause in zip(utterance.clips, (*utterance.pauses_s, 0.0), strict=True):
        assert np.array_equal(utterance.samples[at : at + len(clip.samples)], clip.samples)
        at += len(clip.samples)
        between = utterance.samples[at : at + round(pause * SAMPLE_RATE_HZ)].astype(np.float64)
        assert not pause or np.sqrt(np.mean(between**2)) == pytest.approx(clip.noise_level, rel=0.5)
        assert not pause or SHORTEST_PAUSE_S <= pause <= LONGEST_PAUSE_S
        at += len(between)
    assert at == len(utterance.samples)


def test_a_seed_gives_the_same_again_and_another_one_another(clips: list[Clip]) -> None:
    first, again, other = (join_clips(clips, 15, seed) for seed in (3, 3, 4))
    assert np.array_equal(first.samples, again.samples)
    assert first.said != other.said


def test_every_clip_comes_before_any_comes_twice(clips: list[Clip]) -> None:
    names = [clip.name for clip in join_clips(clips, 180, seed=2).clips]
    assert len(set(names[:12])) == 12


@pytest.mark.parametrize("seconds", [2, 60])
def test_an_utterance_can_end_with_a_certain_clip(clips: list[Clip], seconds: int) -> None:
    """Which still comes once before the others come twice."""
    by_name = {clip.name: clip for clip in clips}
    utterance = join_clips(clips, seconds, seed=1, last=by_name["note_short.wav"])
    assert utterance.clips[-1].name == "note_short.wav"
    assert len(utterance.pauses_s) == len(utterance.clips) - 1
    assert utterance.seconds == pytest.approx(seconds, abs=1)
