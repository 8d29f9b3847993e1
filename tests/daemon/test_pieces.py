"""A text in pieces: at the end all of it is somewhere, nothing twice, and no middle is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.daemon.pieces import CAME_OUT_DIFFERENTLY, Insert, Keep, Standing, after, next_piece
from voiceflow_daemon.desktop.inserter import Delivery, Outcome

MOVED = "another window has the focus now"


@pytest.mark.parametrize(
    ("standing", "text", "is_last", "piece"),
    [
        (Standing(), "one. two.", True, Insert("one. two.")),
        (Standing(), "one.", False, Insert("one.")),
        (Standing("one."), "one. two.", True, Insert(" two.")),
        (Standing("one."), "one.", False, None),
        (Standing("one."), "one.", True, None),
        (Standing("one.", trouble=MOVED), "one. two.", False, None),
        (Standing("one.", trouble=MOVED), "one. two.", True, Keep(" two.", MOVED)),
        (Standing("", trouble=MOVED), "one. two.", True, Keep("one. two.", MOVED)),
        (Standing("one."), "another", False, None),
        (Standing("one."), "another", True, Keep("another", CAME_OUT_DIFFERENTLY)),
    ],
)
def test_what_comes_next(standing: Standing, text: str, is_last: bool, piece: Insert | Keep | None) -> None:
    assert next_piece(standing, text, is_last=is_last) == piece


def test_what_stands_of_a_piece_that_was_typed_in_part() -> None:
    kept = Delivery(Outcome.KEPT, MOVED, inserted=3)
    standing = after(Standing("one."), Insert(" two."), kept)
    assert standing == Standing("one. tw", trouble=MOVED)
    assert standing.delivery == Delivery(Outcome.KEPT, MOVED, inserted=7)
    assert next_piece(standing, "one. two. three.", is_last=True) == Keep("o. three.", MOVED)


DELIVERIES = st.one_of(
    st.sampled_from([Delivery(Outcome.PASTED), Delivery(Outcome.TYPED)]),
    st.builds(Delivery, st.just(Outcome.KEPT), st.just(MOVED), st.integers(0, 2)),
)


@given(text=st.text(alphabet="ab. ", min_size=1), cuts=st.lists(st.integers(0, 40)), data=st.data())
def test_cursor_and_clipboard_hold_the_whole_text_once(
    text: str, cuts: list[int], data: st.DataObject
) -> None:
    standing, cursor, clipboard = Standing(), "", ""
    orders = [(text[:cut], False) for cut in sorted(cuts)] + [(text, True)]
    for so_far, is_last in orders:
        piece = next_piece(standing, so_far, is_last=is_last)
        if isinstance(piece, Insert):
            assert not clipboard, "what comes behind a gap is put there"
            delivery = data.draw(DELIVERIES)
            at_cursor = delivery.outcome is not Outcome.KEPT
            cursor += piece.text if at_cursor else piece.text[: delivery.inserted]
            clipboard = "" if at_cursor else piece.text[delivery.inserted :]
            standing = after(standing, piece, delivery)
        elif isinstance(piece, Keep):
            clipboard = piece.text
    assert cursor + clipboard == text
    assert standing.text == cursor
    if standing.delivery.outcome is not Outcome.KEPT:
        assert cursor == text
