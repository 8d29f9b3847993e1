"""Drafts of words instead of tokens; each word is a number."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.llm.draft import SUFFIX, Draft

TOKENS = st.lists(st.integers(0, 6), max_size=24)


def ids(text: str) -> list[int]:
    return [hash(word) for word in text.split()]


def after(draft: Draft, written: Sequence[int]) -> Draft:
    for token in written:
        draft.follow(token)
    return draft


def test_a_right_draft_says_what_comes() -> None:
    text = ids("We need ten chairs by noon .")
    for count in range(1, len(text) + 1):
        draft = after(Draft(text), text[:count])
        assert draft.ahead(99) == tuple(text[count:])
        assert draft.agreed == count


def test_no_more_is_said_than_was_asked_for() -> None:
    text = ids("We need ten chairs by noon .")
    assert after(Draft(text), text[:1]).ahead(3) == tuple(text[1:4])
    assert after(Draft(text), text[:1]).ahead(0) == ()


def test_nothing_is_said_where_nothing_agrees() -> None:
    draft = Draft(ids("we need ten chairs"))
    assert draft.ahead(9) == ()
    assert after(draft, ids("we need")).ahead(9) == tuple(ids("ten chairs"))
    assert after(draft, ids("10")).ahead(9) == ()
    assert draft.agreed == 0


@pytest.mark.parametrize(
    ("draft", "written", "ahead"),
    [
        ("we need ten chairs by noon", "we need 10 chairs", "by noon"),  # another word in a word's place
        ("we need ten chairs by noon", "we ten", "chairs by noon"),  # a word left out
        ("we need ten chairs by noon", "we chairs", "by noon"),
        ("we need chairs by noon", "we need ten chairs", "by noon"),  # a word more
        ("we need chairs by noon", "we need ten new green chairs", "by noon"),
        ("we need ten chairs", "so I think we need", "ten chairs"),  # some words before
        ("by noon we need ten chairs", "we need", "ten chairs"),  # its beginning left out
        ("a b c d a b e f g h", "a b c d a b", "e f g h"),  # the same again
        ("a b c d a b e f g h", "a b c d x a b", "e f g h"),
    ],
)
def test_it_goes_on_behind_a_difference(draft: str, written: str, ahead: str) -> None:
    assert after(Draft(ids(draft)), ids(written)).ahead(99) == tuple(ids(ahead))


def test_what_the_draft_leaves_out_is_looked_up_in_the_source() -> None:
    spoken = ids("get milk and eggs no wait get bread and then call")
    draft = Draft(ids("get bread and then call"), spoken)
    assert after(draft, ids("get milk")).ahead(3) == tuple(ids("and eggs no"))
    assert after(draft, ids("and eggs no wait get bread")).ahead(3) == tuple(ids("and then call"))


def test_one_word_alone_leads_nowhere_far_away() -> None:
    draft = ids("the car is red") + list(range(40)) + ids("the house is old")
    assert after(Draft(draft), ids("the car was the")).ahead(1) != tuple(ids("house"))


def test_without_a_draft_nothing_is_said_until_the_source_agrees() -> None:
    draft = Draft([], ids("we need ten chairs"))
    assert draft.ahead(99) == ()
    assert after(draft, ids("We")).ahead(99) == ()
    assert after(draft, ids("need")).ahead(99) == tuple(ids("ten chairs"))


@given(draft=TOKENS, source=TOKENS, written=TOKENS)
def test_what_it_says_stands_there_behind_what_agrees(
    draft: list[int], source: list[int], written: list[int]
) -> None:
    followed = after(Draft(draft, source), written)
    ahead, agreed = list(followed.ahead(99)), followed.agreed
    assert agreed <= len(written)
    assert agreed or not ahead
    if agreed:
        known = written[len(written) - agreed :] + ahead
        assert any(known == text[len(text) - len(known) :] for text in (draft, source))


@given(draft=TOKENS, source=TOKENS, written=TOKENS, most=st.integers(0, 30))
def test_asking_changes_nothing(draft: list[int], source: list[int], written: list[int], most: int) -> None:
    asked, silent = Draft(draft, source), Draft(draft, source)
    for token in written:
        asked.ahead(most)
        asked.follow(token)
        silent.follow(token)
    assert asked.ahead(99) == silent.ahead(99)
    assert asked.ahead(most) == asked.ahead(99)[:most]


@given(
    size=st.integers(20, 60),
    at=st.integers(1, 10),
    left_out=st.integers(0, 5),
    put_in=st.lists(st.integers(100, 110), max_size=5),
)
def test_a_difference_anywhere_costs_the_next_token_at_most(
    size: int, at: int, left_out: int, put_in: list[int]
) -> None:
    text = list(range(size))
    rest = text[at + left_out :]
    followed = after(Draft(text), [*text[:at], *put_in, rest[0]])
    assert followed.ahead(99) == tuple(rest[1:])


def test_it_stays_quick_where_everything_is_alike() -> None:
    draft = after(Draft([1] * 500 + [2], [1] * 500), [1] * 300 + [3] + [1] * 300)
    assert draft.agreed >= SUFFIX
