from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voiceflow_daemon.speech.segments import (
    LONG_PAUSE_FRAMES,
    MAX_SEGMENT_FRAMES,
    MIN_PAUSE_FRAMES,
    MIN_SPEECH_FRAMES,
    PAD_FRAMES,
    Span,
    cut_into_segments,
    speech_spans,
)

Probabilities = NDArray[np.float32]


def probabilities(*runs: tuple[int, float]) -> Probabilities:
    """(frames, probability) after each other."""
    return np.concatenate([np.full(frames, value, dtype=np.float32) for frames, value in runs])


any_probabilities = st.lists(
    st.tuples(st.integers(1, 500), st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.8, 0.99])), min_size=1, max_size=20
).map(lambda runs: probabilities(*runs))


def test_speech_between_silences_is_one_span() -> None:
    assert speech_spans(probabilities((20, 0.0), (30, 0.9), (20, 0.0)), 0.5) == [Span(20, 50)]


def test_speech_up_to_the_end_of_the_audio_counts() -> None:
    assert speech_spans(probabilities((20, 0.0), (30, 0.9)), 0.5) == [Span(20, 50)]


def test_a_gap_within_a_word_does_not_part_it() -> None:
    found = speech_spans(probabilities((20, 0.9), (MIN_PAUSE_FRAMES - 1, 0.0), (20, 0.9)), 0.5)
    assert found == [Span(0, 40 + MIN_PAUSE_FRAMES - 1)]


def test_a_pause_parts_two_spans() -> None:
    found = speech_spans(probabilities((20, 0.9), (MIN_PAUSE_FRAMES, 0.0), (20, 0.9)), 0.5)
    assert found == [Span(0, 20), Span(20 + MIN_PAUSE_FRAMES, 40 + MIN_PAUSE_FRAMES)]


def test_a_fading_word_is_kept_to_its_end() -> None:
    assert speech_spans(probabilities((20, 0.9), (5, 0.4), (20, 0.0)), 0.5) == [Span(0, 25)]


def test_a_click_is_too_short_to_be_speech() -> None:
    assert speech_spans(probabilities((20, 0.0), (MIN_SPEECH_FRAMES - 1, 0.99), (20, 0.0)), 0.5) == []


def test_music_that_is_never_certainly_speech_is_none() -> None:
    assert speech_spans(probabilities((20, 0.0), (7, 0.68), (20, 0.0)), 0.5) == []


def test_no_audio_has_no_speech() -> None:
    assert speech_spans(np.zeros(0, dtype=np.float32), 0.5) == []
    assert cut_into_segments([], np.zeros(0, dtype=np.float32)) == []


def test_short_speech_is_one_segment_with_padding() -> None:
    heard = probabilities((100, 0.0), (100, 0.9), (100, 0.0))
    assert cut_into_segments(speech_spans(heard, 0.5), heard) == [Span(100 - PAD_FRAMES, 200 + PAD_FRAMES)]


def test_a_pause_in_which_whisper_would_invent_is_left_out() -> None:
    heard = probabilities((100, 0.9), (LONG_PAUSE_FRAMES, 0.0), (100, 0.9))
    segments = cut_into_segments(speech_spans(heard, 0.5), heard)
    assert segments == [
        Span(0, 100 + PAD_FRAMES),
        Span(100 + LONG_PAUSE_FRAMES - PAD_FRAMES, 200 + LONG_PAUSE_FRAMES),
    ]


def test_long_speech_is_cut_in_its_longest_late_pause() -> None:
    heard = probabilities((300, 0.9), (60, 0.0), (200, 0.9), (40, 0.0), (100, 0.9), (15, 0.0), (400, 0.9))
    first, second = cut_into_segments(speech_spans(heard, 0.5), heard)
    assert first == Span(0, 560 + PAD_FRAMES)
    assert second.start == 600 - PAD_FRAMES


def test_speech_without_a_pause_is_cut_where_it_is_least_like_speech() -> None:
    heard = probabilities((600, 0.99), (6, 0.4), (600, 0.99))
    first, second = cut_into_segments(speech_spans(heard, 0.5), heard)
    assert first.end == second.start
    assert 600 <= first.end <= 606


@given(any_probabilities, st.sampled_from([0.2, 0.5, 0.9]))
def test_spans_are_in_order_parted_by_pauses_and_long_enough(heard: Probabilities, threshold: float) -> None:
    spans = speech_spans(heard, threshold)
    assert all(span.frames >= MIN_SPEECH_FRAMES for span in spans)
    assert all(0 <= span.start < span.end <= len(heard) for span in spans)
    for before, after in pairwise(spans):
        assert after.start - before.end >= MIN_PAUSE_FRAMES


@given(any_probabilities)
def test_segments_fit_the_window_and_lose_no_speech(heard: Probabilities) -> None:
    spans = speech_spans(heard, 0.5)
    segments = cut_into_segments(spans, heard)
    covered = np.zeros(len(heard), dtype=int)
    for segment in segments:
        assert 0 < segment.frames <= MAX_SEGMENT_FRAMES
        covered[segment.start : segment.end] += 1
    assert covered.max(initial=0) <= 1
    assert all((covered[span.start : span.end] == 1).all() for span in spans)
    assert segments == sorted(segments, key=lambda segment: segment.start)
