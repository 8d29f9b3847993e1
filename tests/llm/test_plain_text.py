"""Cutting markers apart, with a tokenizer that finds its markers anywhere, as llama.cpp does."""

from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.llm.plain_text import cut_markers

MARKERS = ("<tag>", "<tag", "aa", "\n\n", "ß")
FIRST_MARKER = 0x110000


def tokenize(text: str) -> list[int]:
    """Code points, and a number above them for each marker (the longest that fits)."""
    ids: list[int] = []
    while text:
        found = max((marker for marker in MARKERS if text.startswith(marker)), key=len, default="")
        ids.append(FIRST_MARKER + MARKERS.index(found) if found else ord(text[0]))
        text = text[len(found) or 1 :]
    return ids


def marker(token: int) -> str | None:
    return MARKERS[token - FIRST_MARKER] if token >= FIRST_MARKER else None


@given(st.lists(st.sampled_from([*MARKERS, "a", "<", ">", "tag", "t", "\n"]), max_size=30).map("".join))
def test_no_marker_comes_out_and_every_character_stays(text: str) -> None:
    ids = cut_markers(text, tokenize, marker)
    assert not any(marker(token) for token in ids)
    assert "".join(map(chr, ids)) == text.replace("ß", "")


@given(st.lists(st.sampled_from(["<tag>", "<tag", "aa", "a", "<", "t", "\n", " "]), max_size=30).map("".join))
def test_a_cut_is_no_gap_where_the_tokenizer_puts_a_space_before_each_text(text: str) -> None:
    def spacing(part: str) -> list[int]:
        return tokenize(f" {part}") if part else []

    ids = cut_markers(text, spacing, marker)
    assert not any(marker(token) for token in ids)
    assert "".join(map(chr, ids)) == (f" {text}" if text else "")


def test_text_without_markers_is_tokenized_in_one_piece() -> None:
    calls: list[str] = []

    def noting(text: str) -> list[int]:
        calls.append(text)
        return tokenize(text)

    cut_markers("hello there", noting, marker)
    assert calls == ["hello there"]


def test_a_marker_that_is_spelled_otherwise_in_the_vocabulary_is_cut_as_well() -> None:
    def folding(text: str) -> list[int]:
        return tokenize(text.lower())

    ids = cut_markers("see <TAG> here", folding, marker)
    assert "".join(map(chr, ids)) == "see <tag> here"


def test_thousands_of_markers_are_no_trouble() -> None:
    text = "<tag>" * 5000
    assert "".join(map(chr, cut_markers(text, tokenize, marker))) == text
