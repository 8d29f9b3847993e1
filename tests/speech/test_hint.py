from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.speech.hint import MAX_HINT_TOKENS, hint_tokens


def one_a_character(text: str) -> list[int]:
    return [ord(character) for character in text]


def written(tokens: list[int]) -> str:
    return "".join(map(chr, tokens))


def test_the_terms_become_one_list() -> None:
    assert written(hint_tokens(["Julia", " parse_config "], one_a_character)) == " Julia, parse_config."


def test_no_vocabulary_is_no_hint() -> None:
    assert hint_tokens([], one_a_character) == []
    assert hint_tokens(["", "  "], one_a_character) == []


def test_a_model_without_hints_gets_none() -> None:
    assert hint_tokens(["Julia"], lambda _text: []) == []


@given(st.lists(st.text("abcde", min_size=1, max_size=200), max_size=200))
def test_a_hint_has_whole_first_terms_and_fits(terms: list[str]) -> None:
    tokens = hint_tokens(terms, one_a_character)
    assert len(tokens) <= MAX_HINT_TOKENS
    kept = written(tokens).strip(" .").split(", ") if tokens else []
    assert kept == terms[: len(kept)]
    assert kept or not terms or len(terms[0]) + 2 > MAX_HINT_TOKENS
