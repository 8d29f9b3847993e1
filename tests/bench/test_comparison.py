from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.bench.comparison import Alike, Comparison, alike, sentences_of
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.formatting import Rung


def comparison(by_sentence: str, at_once: str) -> Comparison:
    return Comparison(
        "email", 5, 1, Dictated("", by_sentence, Rung.MODEL), Dictated("", at_once, Rung.MODEL), revised=0
    )


def test_sentences_end_at_marks_and_line_breaks_which_stay_with_them() -> None:
    text = "Hi Anna,\n\nmeet me at 3.30 PM. Is it late?  Yes!\nRegards"
    assert sentences_of(text) == ["Hi Anna,\n\n", "meet me at 3.30 PM.", "Is it late?", "Yes!\n", "Regards"]
    assert sentences_of("") == []


@given(st.text(alphabet="ab.?! \n"))
def test_no_letter_is_lost_between_sentences(text: str) -> None:
    assert "".join(sentences_of(text)).replace(" ", "") == text.replace(" ", "")


def test_equal_texts() -> None:
    same = comparison("One. Two.", "One. Two.")
    assert same.is_equal
    assert (same.sentences, same.words) == (Alike(2, 2), Alike(2, 2))
    assert same.first_difference == ("", "")


def test_a_sentence_that_differs_and_one_too_many() -> None:
    other = comparison("One here. Two here? Three.", "One here. Two here. Three. Four.")
    assert not other.is_equal
    assert (other.sentences, other.words) == (Alike(2, 4), Alike(4, 6))
    assert other.first_difference == ("Two here?", "Two here.")


def test_texts_that_differ_in_line_breaks_or_length_alone() -> None:
    assert comparison("One. Two.", "One.\n\nTwo.").first_difference == ("One.", "One.\n\n")
    assert comparison("One.", "One. Two.").first_difference == ("", "Two.")
    assert comparison("One.  Two.", "One. Two.").first_difference == ("", "")


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")))
def test_shares(first: list[str], second: list[str]) -> None:
    assert alike(first, first).percent == 100
    share = alike(first, second)
    assert share == alike(second, first)
    assert 0 <= share.same <= min(len(first), len(second)) <= share.of
    assert Alike(1, 2) + Alike(2, 3) == Alike(3, 5)
