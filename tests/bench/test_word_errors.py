from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.bench.word_errors import WordErrors, in_all, percents, word_errors, words_of


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a x c", 1),
        ("a b c", "a c", 1),
        ("a b c", "a b b c", 1),
        ("a b c", "", 3),
        ("", "a b", 2),
        ("a b c d", "b c d e", 2),
        ("kitten sits", "sits kitten", 2),
        ("Don\u2019t stop, Ben!", "don't stop ben", 0),
    ],
)
def test_examples(said: str, heard: str, errors: int) -> None:
    assert word_errors(said, heard).errors == errors


def test_words_are_compared_without_case_and_punctuation() -> None:
    assert words_of("It's 3:30 -- ok?") == ["it's", "3", "30", "ok"]


def test_rates_add_up_by_words() -> None:
    total = word_errors("a b", "a x") + word_errors("a b c d e f", "a b c d e f")
    assert total == WordErrors(1, 8)
    assert total.percent == 12.5
    assert word_errors("", "").percent == 0.0


texts = st.lists(st.sampled_from("abc"), max_size=7).map(" ".join)


def plain_distance(left: list[str], right: list[str]) -> int:
    if not left or not right:
        return len(left) + len(right)
    here = plain_distance(left[1:], right[1:]) + (left[0] != right[0])
    return min(here, plain_distance(left[1:], right) + 1, plain_distance(left, right[1:]) + 1)


@given(texts, texts)
def test_any_texts_as_the_definition_says(said: str, heard: str) -> None:
    assert word_errors(said, heard).errors == plain_distance(said.split(), heard.split())


def test_ways_are_summed_up_each_for_itself() -> None:
    parts = [{"streamed": WordErrors(1, 10), "one_pass": WordErrors(3, 10)}] * 2
    assert in_all(parts) == {"streamed": WordErrors(2, 20), "one_pass": WordErrors(6, 20)}
    assert percents(in_all(parts)) == {"streamed": 10.0, "one_pass": 30.0}
    assert in_all([]) == {}
