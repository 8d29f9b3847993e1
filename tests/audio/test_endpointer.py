"""Where segments end, for any course of probabilities and levels."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.audio.endpointer import (
    EAGER_FRAMES,
    LEAD_FRAMES,
    LEAST_PAUSE_FRAMES,
    LONG_PAUSE_FRAMES,
    SHORT_SPEECH_FRAMES,
    SILENCE_FRAMES,
    Closed,
    Endpointer,
    EndpointRule,
)

RULE = EndpointRule(threshold=0.5, pause=16, longest=469)
SENTENCE = 100
"""3.2 s."""
PAUSE = RULE.pause_after(SENTENCE)

Course = list[tuple[float, float]]


def spoken(frames: int, probability: float = 0.95, level: float = 60.0) -> Course:
    return [(probability, level)] * frames


def silent(frames: int) -> Course:
    return [(0.05, 10.0)] * frames


def segments(course: Course, rule: EndpointRule = RULE) -> list[Closed]:
    endpointer = Endpointer(rule)
    closed = [endpointer.hear(*frame) for frame in course]
    return [segment for segment in [*closed, endpointer.finish()] if segment is not None]


def speaking(course: Course, threshold: float = 0.5) -> list[bool]:
    """Which frames hold speech: the same definition, written another way."""
    found: list[bool] = []
    for probability, _ in course:
        found.append(
            probability >= threshold or (bool(found) and found[-1] and probability >= threshold - 0.15)
        )
    return found


class TestPauses:
    def test_a_pause_ends_a_segment_in_its_middle(self) -> None:
        course = silent(10) + spoken(SENTENCE) + silent(40) + spoken(5)
        assert segments(course) == [Closed(0, 110 + (PAUSE + 1) // 2, SENTENCE, PAUSE)]

    def test_nothing_ends_before_the_pause_is_long_enough(self) -> None:
        assert segments(spoken(SENTENCE) + silent(PAUSE - 1) + spoken(1)) == []
        assert len(segments(spoken(SENTENCE) + silent(PAUSE) + spoken(1))) == 1

    def test_a_short_word_waits_for_what_follows(self) -> None:
        word = spoken(SHORT_SPEECH_FRAMES - 1)
        assert segments(word + silent(LONG_PAUSE_FRAMES - 1) + word) == []
        assert segments(word + silent(LONG_PAUSE_FRAMES) + word) == [
            Closed(0, len(word) + LONG_PAUSE_FRAMES // 2, len(word), LONG_PAUSE_FRAMES)
        ]

    def test_the_longer_the_speech_the_shorter_the_pause(self) -> None:
        wanted = [RULE.pause_after(frames) for frames in range(SHORT_SPEECH_FRAMES, RULE.longest)]
        assert wanted == sorted(wanted, reverse=True)
        assert wanted[0] == RULE.pause
        assert RULE.pause_after(EAGER_FRAMES) == wanted[-1] == LEAST_PAUSE_FRAMES

    def test_a_users_pause_is_never_made_longer_but_for_short_words(self) -> None:
        hasty = EndpointRule(0.5, 5, 469)
        assert {hasty.pause_after(frames) for frames in range(SHORT_SPEECH_FRAMES, 469)} == {5}

    def test_unsure_frames_between_sure_ones_are_speech(self) -> None:
        course = spoken(50) + spoken(30, probability=0.4) + spoken(50)
        assert segments(course + silent(30))[0].speech == len(course)

    def test_unsure_frames_after_a_silence_are_none(self) -> None:
        assert segments(spoken(SENTENCE) + silent(1) + spoken(30, probability=0.4))[0].speech == SENTENCE


class TestGaps:
    def test_a_segment_knows_the_whole_silence_before_its_speech(self) -> None:
        course = spoken(SENTENCE) + silent(60) + spoken(SENTENCE) + silent(25) + spoken(10)
        assert [segment.gap for segment in segments(course)] == [0, 60]
        endpointer = Endpointer(RULE)
        gaps = []
        for frame in course:
            endpointer.hear(*frame)
            gaps.append(endpointer.gap)
        assert gaps[-1] == 25
        assert gaps[SENTENCE + 59] == 0

    def test_a_silence_of_its_own_belongs_to_the_gap(self) -> None:
        course = spoken(SENTENCE) + silent(200) + spoken(SENTENCE) + silent(30)
        first, silence, second, rest = segments(course)
        assert (first.gap, silence.gap, second.gap, rest.gap) == (0, 0, 200, 0)

    def test_where_speech_was_cut_there_is_none(self) -> None:
        assert [segment.gap for segment in segments(spoken(1000))] == [0, 0, 0]


class TestSilences:
    def test_a_long_silence_is_a_segment_of_its_own_once_speech_begins(self) -> None:
        course = spoken(SENTENCE) + silent(200)
        assert len(segments([*course, *spoken(1)])) == 2
        first, silence = segments(course + spoken(10))
        assert silence == Closed(first.end, SENTENCE + 200 - LEAD_FRAMES, 0, 200)

    def test_a_shorter_one_stays_with_what_follows(self) -> None:
        assert segments(silent(SILENCE_FRAMES) + spoken(10)) == []
        assert segments(silent(SILENCE_FRAMES + 1) + spoken(10)) == [
            Closed(0, SILENCE_FRAMES + 1 - LEAD_FRAMES, 0, SILENCE_FRAMES + 1)
        ]

    def test_the_silence_at_the_end_leaves_nothing_to_do(self) -> None:
        course = spoken(SENTENCE) + silent(30)
        speech, silence = segments(course)
        assert (silence.start, silence.end, silence.speech) == (speech.end, len(course), 0)

    def test_a_recording_in_which_nobody_spoke_is_left_whole(self) -> None:
        assert segments(silent(500)) == []

    def test_an_unfinished_sentence_is_left(self) -> None:
        assert segments(spoken(SENTENCE) + silent(5)) == []


class TestSpeechWithoutPauses:
    def test_it_is_cut_in_the_longest_gap_of_its_later_half(self) -> None:
        course = spoken(200) + silent(7) + spoken(70) + silent(5) + spoken(60) + silent(3) + spoken(200)
        assert segments(course)[0] == Closed(0, 280, 270, 0)

    def test_without_a_gap_it_is_cut_where_it_is_quietest(self) -> None:
        course = spoken(320) + spoken(3, level=20.0) + spoken(200)
        assert segments(course)[0] == Closed(0, 321, 321, 0)

    def test_one_quiet_frame_alone_does_not_count(self) -> None:
        course = spoken(300) + spoken(1, level=30.0) + spoken(50) + spoken(3, level=40.0) + spoken(200)
        assert segments(course)[0].end == 352

    def test_the_rest_begins_with_what_was_not_cut_off(self) -> None:
        course = spoken(1000)
        ended = segments(course)
        assert len(ended) >= 2
        assert all(segment.end - segment.start <= RULE.longest for segment in ended)


frames = st.one_of(
    st.tuples(st.floats(0, 1), st.floats(-90, 0)),
    st.tuples(
        st.sampled_from([0.0, 0.1, 0.34, 0.36, 0.49, 0.5, 0.51, 0.99]), st.sampled_from([-60.0, -20.0])
    ),
)
runs = st.lists(st.tuples(frames, st.integers(1, 140)), max_size=25)
courses = st.one_of(
    runs.map(lambda parts: [part for part, times in parts for _ in range(times)]), st.lists(frames)
)
rules = st.builds(EndpointRule, st.just(0.5), st.integers(LEAST_PAUSE_FRAMES, 160), st.integers(156, 875))


@given(courses, rules)
def test_for_any_course(course: Course, rule: EndpointRule) -> None:
    ended = segments(course, rule)
    speech = speaking(course)
    assert not ended or ended[0].start == 0
    assert all(left.end == right.start for left, right in pairwise(ended))
    assert all(segment.start < segment.end <= len(course) for segment in ended)
    for segment in ended:
        inside = speech[segment.start : segment.end]
        assert segment.speech == sum(inside)
        if segment.speech:
            assert segment.end - segment.start <= rule.longest + SILENCE_FRAMES
        if segment.pause:
            half = min(LEAST_PAUSE_FRAMES // 2, len(course) - segment.end)
            assert not any(speech[segment.end - LEAST_PAUSE_FRAMES // 2 : segment.end + half])
        else:
            first = inside.index(True)
            assert segment.end - segment.start - first >= rule.longest // 2
    left = len(course) - (ended[-1].end if ended else 0)
    if any(speech):
        assert left <= rule.longest + SILENCE_FRAMES


@given(courses)
def test_a_pause_of_the_rules_length_always_ends_a_segment(course: Course) -> None:
    ended = segments(course + spoken(SHORT_SPEECH_FRAMES + 10) + silent(LONG_PAUSE_FRAMES))
    assert ended[-1].end == len(course) + SHORT_SPEECH_FRAMES + 10 + LONG_PAUSE_FRAMES
    assert ended[-1].speech == 0


@pytest.mark.parametrize("threshold", [0.05, 0.9])
def test_the_users_threshold_counts(threshold: float) -> None:
    rule = EndpointRule(threshold, 16, 469)
    above = spoken(SENTENCE, probability=threshold) + [(0.0, 0.0)] * 30
    assert [segment.speech for segment in segments(above, rule)] == [SENTENCE, 0]
    below = spoken(SENTENCE, probability=threshold - 0.01) + [(0.0, 0.0)] * 30
    assert segments(below, rule) == []
