"""Cutting transcripts and joining texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.dictation import transcripts
from voiceflow_daemon.text.sentences import join_pieces, split_sentences


def test_a_transcript_that_fits_stays_whole() -> None:
    assert split_sentences("one two  three\nfour", 4) == ["one two  three\nfour"]
    assert split_sentences("", 5) == []


def test_cuts_where_a_sentence_ends() -> None:
    assert split_sentences("Call Anna today. Then paint the wall. Go home now please", 8) == [
        "Call Anna today. Then paint the wall.",
        "Go home now please",
    ]


def test_a_spoken_mark_stays_with_the_words_before_it() -> None:
    assert split_sentences("call anna period new paragraph is it late question mark go home", 6) == [
        "call anna period new paragraph",
        "is it late question mark",
        "go home",
    ]


def test_a_period_of_time_ends_no_sentence() -> None:
    assert split_sentences("we had a trial period and then nothing", 6) == [
        "we had a trial period",
        "and then nothing",
    ]


def test_else_before_a_conjunction_else_anywhere() -> None:
    assert split_sentences("we went to the lake and we swam", 7) == ["we went to the lake", "and we swam"]
    assert split_sentences("alpha beta gamma delta", 3) == ["alpha beta gamma", "delta"]


@pytest.mark.parametrize(
    ("raw", "max_words", "whole"),
    [
        ("they paid us two hundred and fifty dollars", 7, "two hundred and fifty dollars"),
        ("come on june twenty first", 4, "june twenty first"),
        ("see you there at half past four", 6, "half past four"),
        ("we will meet on tuesday no wait on wednesday evening", 8, "on tuesday no wait on wednesday"),
        ("please add a function called load user data now", 7, "function called load user data"),
        ("then rename it to camel case user name", 6, "camel case user name"),
        ("the bag is red scratch that it is really blue", 8, "red scratch that"),
    ],
)
def test_a_number_correction_or_name_stays_whole(raw: str, max_words: int, whole: str) -> None:
    pieces = split_sentences(raw, max_words)
    assert len(pieces) > 1
    assert any(whole in piece for piece in pieces), pieces


def test_what_is_longer_than_a_piece_is_cut_all_the_same() -> None:
    assert split_sentences("nine hundred ninety nine thousand", 2) == [
        "nine hundred",
        "ninety nine",
        "thousand",
    ]


def test_a_piece_needs_a_word() -> None:
    with pytest.raises(ValueError, match="at least one word"):
        split_sentences("some words", 0)


@given(raw=transcripts() | st.text(max_size=120), max_words=st.integers(1, 30))
def test_pieces_have_the_same_words_and_fit(raw: str, max_words: int) -> None:
    pieces = split_sentences(raw, max_words)
    assert " ".join(pieces).split() == raw.split()
    assert all(1 <= len(piece.split()) <= max_words for piece in pieces)


def test_join_by_a_space_or_the_break_that_is_there() -> None:
    assert join_pieces(["One.", "Two."]) == "One. Two."
    assert join_pieces(["One.\n\n", "Two."]) == "One.\n\nTwo."
    assert join_pieces(["One.", "\nTwo."]) == "One.\nTwo."
    assert join_pieces(["One. ", "", " Two."]) == "One. Two."
    assert join_pieces([]) == ""


def test_join_puts_back_a_break_that_was_said() -> None:
    pieces = ["it is late new paragraph", "go home newline", "now"]
    assert join_pieces(["It is late.", "Go home", "Now."], pieces) == "It is late.\n\nGo home\nNow."


def test_join_keeps_a_said_break_behind_an_empty_text() -> None:
    assert join_pieces(["One.", "", "Two."], ["one", "um new paragraph", "two"]) == "One.\n\nTwo."


@given(texts=st.lists(st.text(alphabet="ab .\n", min_size=1, max_size=6), max_size=6))
def test_joining_keeps_the_words(texts: list[str]) -> None:
    assert join_pieces(texts).split() == " ".join(texts).split()
