from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.speech.inventions import INVENTIONS, Evidence, is_invented, is_loop, without_loops

SPOKEN = Evidence(
    speech_s=0.6, peak_probability=0.97, level_dbfs=-25.0, no_speech_probability=0.05, mean_logprob=-0.2
)
HARDLY_ANY = replace(SPOKEN, speech_s=0.2)
DOUBTFUL = replace(SPOKEN, peak_probability=0.8)
FAINT = replace(SPOKEN, level_dbfs=-70.0)


@pytest.mark.parametrize("evidence", [HARDLY_ANY, DOUBTFUL, FAINT], ids=["short", "doubtful", "faint"])
@pytest.mark.parametrize(
    "text", ["Thank you.", "you", "Thanks for watching!", " Don\u2019t forget to like and subscribe."]
)
def test_stock_phrases_on_near_silence_are_dropped(text: str, evidence: Evidence) -> None:
    assert is_invented(text, evidence)


@pytest.mark.parametrize("text", ["Thank you.", "you", "bye", "okay"])
def test_stock_phrases_that_were_spoken_are_kept(text: str) -> None:
    assert not is_invented(text, SPOKEN)


@pytest.mark.parametrize("evidence", [HARDLY_ANY, DOUBTFUL, FAINT])
def test_other_words_on_near_silence_are_kept(evidence: Evidence) -> None:
    assert not is_invented("call my sister", evidence)
    assert not is_invented("thank you Anna", evidence)


def test_what_the_model_itself_calls_silence_is_dropped_when_it_is_also_improbable() -> None:
    silent = replace(SPOKEN, no_speech_probability=0.9)
    assert is_invented("answer array url", replace(silent, mean_logprob=-1.6))
    assert not is_invented("answer array url", silent)
    assert not is_invented("answer array url", replace(SPOKEN, mean_logprob=-1.6))


def test_improbable_words_on_near_silence_are_dropped() -> None:
    assert is_invented("answer array url", replace(FAINT, mean_logprob=-1.6))


@given(st.sampled_from(sorted(INVENTIONS)), st.sampled_from(["", ".", "!", "..."]), st.booleans())
def test_every_listed_phrase_is_found_however_it_is_written(phrase: str, end: str, capital: bool) -> None:
    written = (phrase.capitalize() if capital else phrase) + end
    assert is_invented(f" {written} ", FAINT)


def test_a_loop_is_noticed_and_left_once() -> None:
    looped = "we will meet " + "and then we will see " * 20 + "on friday"
    assert is_loop(looped)
    assert without_loops(looped) == "we will meet and then we will see on friday"


@pytest.mark.parametrize(
    "text",
    [
        "no no no that is wrong",
        "remember to call my sister tonight",
        "get milk and eggs from the store no wait actually get bread and cheese",
        "bye bye bye",
        "define a function that returns a list and then " * 2
        + "call it "
        + "define a function that returns a list " * 2,
    ],
)
def test_people_may_repeat_themselves(text: str) -> None:
    assert not is_loop(text)


@given(st.lists(st.sampled_from("abc"), max_size=30))
def test_without_loops_only_leaves_words_out(words: list[str]) -> None:
    rest = iter(words)
    left = without_loops(" ".join(words)).split()
    assert all(word in rest for word in left)
    assert set(left) == set(words)


@given(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True), st.integers(3, 40))
def test_a_repeated_phrase_is_left_once(phrase: list[str], turns: int) -> None:
    assert without_loops(" ".join(phrase * turns)) == " ".join(phrase)


def test_text_without_loops_is_left_alone() -> None:
    assert without_loops("one two two three") == "one two two three"
    assert without_loops("") == ""
