"""Which sentences are settled while somebody speaks."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.text.dictation import clauses
from voiceflow_daemon.text.seams import Rule
from voiceflow_daemon.text.settling import LONGEST, Settling, whole_transcript

Segment = tuple[str, float]
"""What was said, and the silence before it."""
SO_FAR_S = 0.3
"""The silence behind a segment that is known when it is closed."""
NEXT_S = 0.9
"""A pause between sentences."""


def heard(*segments: str | Segment, language: str = "en") -> Settling:
    """The state after these segments; without a pause of its own, each follows as a new sentence would."""
    state = Settling(language)
    for segment in segments:
        text, pause_s = (segment, NEXT_S) if isinstance(segment, str) else segment
        state = state.hear(text, pause_s, SO_FAR_S)
    return state


def raws(state: Settling) -> list[str]:
    return [sentence.raw for sentence in state.sentences]


def rest(state: Settling) -> str:
    """What was heard and is not settled."""
    return " ".join(word.text for word in state.tail[state.latest_words :])


def rules(state: Settling) -> list[str]:
    return [sentence.rule.value for sentence in state.sentences]


def test_a_pause_settles_where_the_recogniser_writes_no_marks() -> None:
    state = heard("remember to call my sister tonight")
    assert (raws(state), rules(state), rest(state)) == (["remember to call my sister tonight"], ["pause"], "")


def test_the_pause_is_judged_again_when_something_follows() -> None:
    assert raws(heard("call my sister", ("tonight at nine pm", 0.4))) == ["call my sister tonight at nine pm"]
    assert raws(heard("call my sister", ("buy some milk today", 0.6))) == [
        "call my sister",
        "buy some milk today",
    ]


def test_a_long_sentence_ends_at_a_shorter_pause() -> None:
    long = "the weather was nice today so we went to the park and swam in the lake"
    follows = ("remember to call my sister", 0.4)
    assert raws(heard(long, follows)) == [long, "remember to call my sister"]
    assert len(raws(heard(long, (follows[0], 0.3)))) == 1
    assert len(raws(heard(f"{long} with the", follows))) == 1
    assert len(raws(heard(" ".join(long.split()[:10]), follows))) == 1
    assert raws(heard("So, " + long, follows)) == [], "who writes marks, and wrote none there, goes on"


def test_a_recogniser_that_writes_marks_is_believed() -> None:
    state = heard("Thanks for the report. Could you send it by Friday?", "I would like to see it before")
    assert raws(state) == ["Thanks for the report.", "Could you send it by Friday?"]
    assert set(rules(state)) == {"punctuation"}
    assert rest(state) == "I would like to see it before"
    assert raws(state.wait(1.5))[2:] == ["I would like to see it before"]


@pytest.mark.parametrize(
    "text",
    [
        "i would like to talk about the",
        "we went to the park and",
        "i talked to mr.",
        "So I was thinking...",
        "we should, um",
        "send it to anna no wait",
        "send it to anna scratch that",
        "add a function called",
        "the box is open quote very heavy",
        "the box open parenthesis the red one",
        "we need two hundred",
        "the code is a b",
        "good morning maria",
        "okay so",
        "i was there at half",
        "milk new line eggs new line",
        "I would like to go to the.",
        "The meeting is on.",
        "She told us no.",
        "we need three things colon",
        "yes i can",
    ],
)
def test_never_settled_by_a_short_pause(text: str) -> None:
    state = heard(text)
    assert (raws(state), rest(state)) == ([], text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("yes i can do it period", "spoken mark"),
        ("is it a long trial period question mark", "spoken mark"),
        ("thank you for your email period new paragraph", "paragraph command"),
        ("the box open quote very heavy close quote is here", "pause"),
        ("we meet at nine am", "pause"),
        ("Yes.", "punctuation"),
        ('He said "go home."', "punctuation"),
        ("What are you waiting for?", "punctuation"),
        ("Please call Mr. Smith.", "punctuation"),
    ],
)
def test_settled(text: str, rule: str) -> None:
    state = heard(text)
    assert (raws(state), rules(state)) == ([text], [rule])


def test_a_trial_period_ends_no_sentence_by_a_mark() -> None:
    assert rules(heard("we had a trial period")) == ["pause"]


@pytest.mark.parametrize(
    "again",
    [
        "scratch that",
        "um scratch that write to bob",
        "no wait call my brother",
        "actually no call my brother",
        "i mean call my brother",
        "sorry",
        "Strike that. Call my brother.",
    ],
)
def test_a_correction_takes_the_latest_sentence_back(again: str) -> None:
    before = heard("the weather was nice today", "remember to call my sister")
    after = before.hear(again, 2.0, SO_FAR_S)
    assert len(before.sentences) == 2
    assert raws(after)[:1] == ["the weather was nice today"]
    assert f"remember to call my sister {again}" in [*raws(after), rest(after)]


def test_a_mark_within_a_segment_is_believed_more_than_one_at_its_end() -> None:
    assert raws(heard("Come on. We are late.")) == ["Come on.", "We are late."]
    assert raws(heard("The meeting is on.", ("Monday.", 0.5))) == ["The meeting is on. Monday."]
    assert raws(heard("Come on.", ("We are late.", 1.5))) == ["Come on.", "We are late."]


def test_what_is_no_correction_leaves_it_alone() -> None:
    assert len(heard("the weather was nice", "sorry for the delay").sentences) == 2
    assert len(heard("the weather was nice", "please strike that from the list").sentences) == 2


def test_words_taken_back_and_those_behind_them_are_one_sentence_with_its_pauses_marked() -> None:
    state = heard("email bob today", "scratch that", "call anna tonight").finish()
    assert raws(state) == ["email bob today scratch that call anna tonight"]
    assert state.sentences[0].marked == "email bob today. scratch that call anna tonight"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("we need to talk about the budget", 1.0), ("and about the hotel", 0.6)),
        (("we need twenty", 1.0), ("five new chairs", 1.5)),
        (("it costs about twenty", 1.0), ("percent of the budget", 1.5)),
        (("could we meet on tuesday", 1.0), ("question mark", 2.0)),
        (("thank you for your email", 1.0), ("period new paragraph", 2.0)),
        (("Let us meet.", 1.0), ("on Tuesday.", 0.5)),
        (("please send the invoice by friday", 1.0), ("best regards peter", 2.0)),
        (("please send the invoice by friday", 1.0), ("thanks tom", 2.0)),
        (("First we go to the park.", 1.0), ("Second we eat.", 2.0)),
    ],
)
def test_what_goes_on_belongs_to_the_latest_sentence(first: Segment, second: Segment) -> None:
    state = heard(first)
    after = heard(first, second)
    assert raws(after.finish()) == [f"{first[0]} {second[0]}"]
    assert len(state.sentences) <= 1


@pytest.mark.parametrize("second", [("and then we went home", 1.5), ("when is the lunch", 0.6)])
def test_a_new_sentence_may_begin_like_one_that_goes_on(second: Segment) -> None:
    assert len(heard("the weather was nice today", second).sentences) == 2


def test_thanks_with_more_behind_is_no_closing() -> None:
    first = heard("the report is here", "thank you")
    assert raws(first) == ["the report is here thank you"]
    assert raws(first.hear("for all your help with it", 0.3, SO_FAR_S)) == [
        "the report is here",
        "thank you for all your help with it",
    ]


def test_a_greeting_waits_for_what_it_greets_with() -> None:
    assert raws(heard("hi anna", "thanks for the report")) == ["hi anna thanks for the report"]


def test_a_list_by_new_lines_stays_together() -> None:
    state = heard("milk new line", "eggs new line", "bread period", "we need to go home")
    assert raws(state) == ["milk new line eggs new line bread period", "we need to go home"]


def test_long_speech_without_an_end_is_cut_where_it_is_best() -> None:
    clause = "we walked along the river for a while"
    state = heard(f"{clause} but {clause} because {clause}", (f"{clause} {clause}", 0.3))
    assert rules(state)[:1] == ["length"]
    assert raws(state)[0] == f"{clause} but {clause} because {clause}"


def test_a_cut_at_a_pause_that_ended_a_clause_is_a_pause() -> None:
    letter = "hello kevin " + "the paint is wet and the door is open " * 3
    state = heard("the weather was nice and we all went out to the park today", letter)
    assert rules(state)[:1] == ["pause"]
    assert raws(state)[0] == "the weather was nice and we all went out to the park today"


def test_a_language_without_rules_has_marks_and_long_pauses() -> None:
    state = heard("das wetter ist schön und", "wir gehen nach hause", language="de")
    assert (raws(state), rest(state)) == ([], "das wetter ist schön und wir gehen nach hause")
    assert rules(state.wait(1.3)) == ["pause"]
    assert rules(heard("今日は雨です。", "明日は晴れです。", language="ja")) == ["punctuation"] * 2
    assert rules(heard("Es regnet.", "aber nur heute.", language="de")) == ["punctuation"] * 2
    assert raws(heard("Es regnet.", ("aber nur heute.", 0.5), language="de")) == [
        "Es regnet. aber nur heute."
    ]


def test_the_release_settles_the_rest() -> None:
    state = heard("the weather was nice", "we went to the").finish()
    assert (rules(state), rest(state)) == (["pause", "release"], "")
    assert Settling().finish() == Settling()


def test_the_whole_transcript_marks_the_pauses() -> None:
    state = heard("the weather was nice", "is it late question mark", "go home now").finish()
    assert whole_transcript(state.sentences) == "the weather was nice. is it late question mark go home now"
    assert whole_transcript(()) == ""


SEAMS = [
    "",
    "scratch that",
    "no wait",
    "period",
    "new paragraph",
    "and",
    "sorry",
    "um",
    "Best regards Tom.",
    "twenty",
]
PAUSES = st.sampled_from([0.0, 0.3, 0.6, 0.9, 1.5, 3.0])
SEGMENTS = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(SEAMS),
            clauses(),
            clauses().map(lambda clause: clause.capitalize() + "."),
            st.text(alphabet="ab .,?!A\n\u3002", max_size=30),
            st.lists(st.sampled_from(["the", "and", "word", "go", "five"]), min_size=1, max_size=60).map(
                " ".join
            ),
        ),
        PAUSES,
        PAUSES,
    ),
    max_size=10,
)


@given(segments=SEGMENTS, language=st.sampled_from(["en", "de"]))
@example(segments=[("scratch that", 0.0, 0.0)], language="en")
def test_nothing_is_lost_or_doubled_and_only_the_latest_sentence_changes(
    segments: list[tuple[str, float, float]], language: str
) -> None:
    state, said = Settling(language), list[str]()
    for text, before_s, after_s in segments:
        following = state.hear(text, before_s, after_s)
        said += text.split()
        assert " ".join([*raws(following), rest(following)]).split() == said
        final = state.sentences[:-1]
        assert following.sentences[: len(final)] == final
        assert all(len(raw.split()) <= LONGEST for raw in raws(following))
        assert following.wait(0.0) == following
        state = following
    finished = state.finish()
    assert (rest(finished), " ".join(raws(finished)).split()) == ("", said)
    assert finished.sentences[: len(state.sentences[:-1])] == state.sentences[:-1]
    assert finished.finish().sentences == finished.sentences


@given(segments=SEGMENTS)
def test_marking_adds_periods_at_pauses_alone(segments: list[tuple[str, float, float]]) -> None:
    state = Settling()
    for segment in segments:
        state = state.hear(*segment)
    for sentence in state.finish().sentences:
        marked = sentence.marked.split()
        assert len(marked) == len(sentence.raw.split())
        assert all(a in (b, b + ".") for a, b in zip(marked, sentence.raw.split(), strict=True))
        assert sentence.closed == sentence.marked + ("." if sentence.rule is Rule.PAUSE else "")
