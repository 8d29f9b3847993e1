"""The finished texts of settled sentences, joined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.dictation import transcripts
from voiceflow_daemon.text.joining import fixed_text, join_finished
from voiceflow_daemon.text.rules import format_by_rules
from voiceflow_daemon.text.seams import Rule
from voiceflow_daemon.text.settling import Sentence, Settling, whole_transcript


def joined(*parts: tuple[str, Rule, str], language: str = "en") -> str:
    """Parts are (heard, what settled it, finished text)."""
    sentences = [Sentence(raw, rule, raw) for raw, rule, _ in parts]
    return join_finished(sentences, [text for _, _, text in parts], language)


def test_sentences_stand_in_a_row() -> None:
    assert joined() == ""
    parts = (("it is late", Rule.PAUSE, "It is late."), ("go home", Rule.RELEASE, "Go home."))
    assert joined(*parts) == "It is late. Go home."
    assert joined(("um", Rule.PAUSE, ""), *parts) == "It is late. Go home."


def test_breaks_that_were_said_come_back() -> None:
    go = ("go home", Rule.RELEASE, "Go home.")
    assert joined(("late new paragraph", Rule.PARAGRAPH, "Late."), go) == "Late.\n\nGo home."
    assert joined(("Late. New paragraph.", Rule.PARAGRAPH, "Late."), go) == "Late.\n\nGo home."
    assert joined(("late new line", Rule.LENGTH, "Late"), go) == "Late\nGo home."


def test_messages_without_a_period_get_one_where_there_are_more() -> None:
    late, go = ("it's late", Rule.PAUSE, "It's late"), ("go home", Rule.RELEASE, "Go home")
    assert joined(late) == "It's late"
    assert joined(late, go) == "It's late. Go home."
    assert joined(late, ("is it", Rule.RELEASE, "Is it?")) == "It's late. Is it?"
    assert joined(("late new paragraph", Rule.PARAGRAPH, "Late"), go) == "Late.\n\nGo home."


def test_a_break_that_was_said_is_no_signature() -> None:
    lines = ("one new line two", Rule.PAUSE, "One\nTwo")
    assert joined(lines, ("three", Rule.RELEASE, "Three")) == "One\nTwo. Three."


def test_a_signature_stays_on_its_line() -> None:
    letter = ("best regards tom", Rule.PAUSE, "See you.\n\nBest regards,\nTom")
    assert joined(("see you", Rule.PAUSE, "See you."), letter).endswith("\n\nBest regards,\nTom")
    assert joined(letter, ("call me", Rule.RELEASE, "Call me.")).endswith("\nTom\n\nCall me.")


def test_the_halves_of_a_cut_sentence_become_one() -> None:
    first = ("we went to the park", Rule.LENGTH, "We went to the park.")
    assert joined(first, ("um so we swam", Rule.RELEASE, "So we swam.")) == "We went to the park so we swam."
    assert joined(first, ("anna swam", Rule.RELEASE, "Anna swam.")) == "We went to the park Anna swam."
    assert joined(first, ("anna swam", Rule.RELEASE, "Anna swam."), language="de").endswith("park Anna swam.")
    said = ("we swam period", Rule.LENGTH, "We swam.")
    assert joined(said, ("it was late", Rule.RELEASE, "It was late.")) == "We swam. It was late."
    taken_back = ("no period scratch that", Rule.LENGTH, "Yes.")
    assert joined(taken_back, ("it was late", Rule.RELEASE, "It was late.")) == "Yes. It was late."


def test_a_message_of_one_long_sentence_stays_without_a_period() -> None:
    first = ("we went to the park", Rule.LENGTH, "We went to the park")
    second, third = (
        ("and we swam", Rule.LENGTH, "And we swam."),
        ("in the lake", Rule.RELEASE, "In the lake."),
    )
    assert joined(first, second, third) == "We went to the park and we swam in the lake"
    assert joined(second, third) == "And we swam in the lake."
    assert joined(first, ("", Rule.RELEASE, "In the lake. Yes.")).endswith("the lake. Yes.")
    assert joined(("see you", Rule.PAUSE, "See you"), third) == "See you. In the lake."
    assert joined(("stop", Rule.RELEASE, "Stop.")) == "Stop."


def test_the_capital_goes_also_where_the_first_words_were_taken_back() -> None:
    first = ("we have new numbers", Rule.LENGTH, "We have new numbers.")
    second = ("and the total is no wait scratch that we need two days", Rule.RELEASE, "We need 2 days.")
    assert joined(first, second) == "We have new numbers we need 2 days."


@given(
    raws=st.lists(transcripts(), max_size=5), context=st.sampled_from(["default", "email", "slack", "code"])
)
def test_joining_keeps_every_word(raws: list[str], context: str) -> None:
    state = Settling()
    for raw in raws:
        state = state.hear(raw, 0.7, 0.3)
    sentences = state.finish().sentences
    texts = [format_by_rules(sentence.marked, context) for sentence in sentences]
    text = join_finished(sentences, texts, "en")
    bare = "".join(character for character in text if character.isalnum()).casefold()
    assert bare == "".join(c for c in "".join(texts) if c.isalnum()).casefold()


SLACK, ENDED = ("it's late", Rule.PAUSE, "It's late"), ("go home", Rule.PAUSE, "Go home.")


def test_a_sentence_that_was_cut_behind_a_comma_keeps_it() -> None:
    first = ("deploy it to staging comma", Rule.LENGTH, "Deploy it to staging.")
    assert joined(first, ("use the new one", Rule.PAUSE, "Use the new one.")) == (
        "Deploy it to staging, use the new one."
    )


def test_a_question_that_was_cut_ends_with_its_second_half() -> None:
    first = ("could you bring the plan", Rule.LENGTH, "Could you bring the plan?")
    second = ("and the keys", Rule.PAUSE, "And the keys.")
    assert joined(first, second) == "Could you bring the plan and the keys?"
    two = ("and the keys period thanks", Rule.RELEASE, "And the keys. Thanks.")
    assert joined(first, two) == "Could you bring the plan and the keys. Thanks."


CUT = ("we went to the park", Rule.LENGTH, "We went to the park.")


@pytest.mark.parametrize(
    ("parts", "fixed"),
    [
        ([], ""),
        ([ENDED], "Go home."),
        ([SLACK], ""),
        ([ENDED, SLACK], "Go home."),
        ([SLACK, ENDED], "It's late. Go home."),
        ([SLACK, ("um", Rule.PAUSE, " ")], ""),
        ([ENDED, CUT], "Go home."),
        ([CUT, ("so we swam", Rule.PAUSE, "So we swam.")], "We went to the park so we swam."),
        ([("late new line", Rule.SPOKEN_MARK, "Late"), ENDED], "Late.\nGo home."),
    ],
)
def test_what_follows_cannot_change_what_is_fixed(parts: list[tuple[str, Rule, str]], fixed: str) -> None:
    sentences = [Sentence(raw, rule, raw) for raw, rule, _ in parts]
    assert fixed_text(sentences, [text for _, _, text in parts], "en") == fixed


PIECES = st.sampled_from(
    [
        "Hi Anna,\n\nSee you.\n\nBest regards,\nTom",
        "So we swam.",
        "see you",
        "",
        " ",
        "- one\n- two",
        "A.",
        "(No.)",
    ]
)
WRITTEN = st.one_of(PIECES, st.text(alphabet="aB.,;?! \n)", max_size=12))
SAID = st.sampled_from(
    ["so we swam", "late new line", "late new paragraph", "no period scratch that", "a", "um"]
)


@given(
    parts=st.lists(st.tuples(SAID, st.sampled_from(Rule), WRITTEN), max_size=7),
    known=st.integers(0, 7),
    language=st.sampled_from(["en", "de"]),
)
def test_whatever_follows_begins_with_what_is_fixed(
    parts: list[tuple[str, Rule, str]], known: int, language: str
) -> None:
    sentences = [Sentence(raw, rule, raw) for raw, rule, _ in parts]
    texts = [text for _, _, text in parts]
    fixed = fixed_text(sentences[:known], texts[:known], language)
    assert join_finished(sentences, texts, language).startswith(fixed)
    assert fixed_text(sentences, texts, language).startswith(fixed)


@pytest.mark.parametrize("context", ["default", "email"])
@pytest.mark.parametrize(
    "segments",
    [
        ("i gave it to you", "delete that", "call maria"),
        ("give it to you", "wait", "to anna"),
        ("on monday there is no wait", "on tuesday"),
        ("i am sorry no", "one told me"),
        ("after step two please wait ten", "seconds"),
        ("at five we can make that", "six"),
        ("we wish you all the best", "see you on monday"),
        ("we wish you", "all the best"),
        ("talk to you soon", "about this"),
        ("hello everyone", "is waiting for you"),
        ("the grace period", "is over"),
        ("he has colon", "cancer"),
        ("the twenty second", "of june"),
        ("it was one point", "five million dollars"),
        ("do the tests", "pass"),
        ("Do it.", "Which one."),
        ("It is 3 p.m.", "Please come."),
    ],
)
def test_a_pause_in_ordinary_english_is_written_as_at_once(segments: tuple[str, ...], context: str) -> None:
    state = Settling()
    for segment in segments:
        state = state.hear(segment, 0.9, 0.3)
    sentences = state.finish().sentences
    texts = [format_by_rules(one.marked, context, opens=not at) for at, one in enumerate(sentences)]
    assert join_finished(sentences, texts, "en") == format_by_rules(whole_transcript(sentences), context)
