"""How much text goes to the model at once."""

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.llm.budget import (
    LEAST_PART_TOKENS,
    SENTENCES_TOKENS,
    SLOWEST,
    Speed,
    measure_speed,
    output_limit,
    part_capacity,
    pieces,
    split_to_capacity,
)

FAST, SLOW = Speed(1e-6, 1e-5), Speed(0.02, 0.1)


def words(text: str) -> int:
    return len(text.split())


@given(room=st.integers(0, 5000), suffix=st.integers(0, 50), speed=st.sampled_from([FAST, SLOW]))
def test_a_part_of_that_capacity_fits_the_window_with_its_longest_output(
    room: int, suffix: int, speed: Speed
) -> None:
    capacity = part_capacity(room, suffix, speed, 4.0)
    if capacity > 0:
        assert capacity + suffix + output_limit(capacity) <= room


def test_a_fast_machine_is_bounded_by_the_window() -> None:
    assert part_capacity(3000, 10, FAST, 4.0) == (3000 - 10 - 32) // 3


def test_a_slow_machine_is_bounded_by_the_time_but_keeps_a_sentence_whole() -> None:
    speed = Speed(0.005, 0.02)
    capacity = part_capacity(10_000, 10, speed, 4.0)
    assert LEAST_PART_TOKENS < capacity < 150
    assert speed.work_s(capacity + 10, capacity) <= 4.0
    assert part_capacity(10_000, 10, SLOW, 4.0) == LEAST_PART_TOKENS


SENTENCES = " ".join(["Here are five more words."] * 100)


def test_what_fits_stays_whole() -> None:
    assert pieces(SENTENCES, 500, words) == [SENTENCES]


def test_what_does_not_fit_is_split_into_a_few_sentences_each() -> None:
    parts = pieces(SENTENCES, 499, words)
    assert all(words(part) <= SENTENCES_TOKENS and part.endswith(".") for part in parts)
    assert " ".join(parts) == SENTENCES
    assert pieces("One two. Three four.", 3, words) == ["One two.", "Three four."]


@given(
    text=st.lists(st.sampled_from(["one", "and", "two.", "three", "but", "four?"]), min_size=1, max_size=60),
    capacity=st.integers(-5, 20),
)
def test_no_part_is_too_long_and_no_word_is_lost(text: list[str], capacity: int) -> None:
    parts = split_to_capacity(" ".join(text), capacity, words)
    assert all(words(part) <= max(capacity, 1) for part in parts)
    assert " ".join(parts).split() == text


def test_words_of_many_tokens_are_taken_into_account() -> None:
    def characters(part: str) -> int:
        return len(part)

    parts = split_to_capacity("a b c d e f " + "x" * 30 + " g h", 20, characters)
    assert "x" * 30 in " ".join(parts).split()
    assert all(len(part) <= 20 or part == "x" * 30 for part in parts)


def test_measuring_takes_the_best_of_some_tries_and_leaves_the_sequence_empty() -> None:
    model = FakeLanguageModel()
    times = iter(accumulate([10.0, 0.64, 5.0, 0.3, 0.1, 0.2, 3.0, 0.1, 0.2]))
    speed = measure_speed(model, lambda: next(times))
    assert speed.read_s == pytest.approx(0.01)
    assert speed.write_s == pytest.approx(0.1)
    assert model.length() == 0
    assert model.evaluated[0] == model.evaluated[1], "once to warm up"


def test_a_machine_at_a_standstill_does_not_make_deadlines_endless() -> None:
    times = iter(range(0, 1000, 10))
    assert measure_speed(FakeLanguageModel(), lambda: next(times)) == SLOWEST
