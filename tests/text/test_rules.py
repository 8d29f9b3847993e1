"""Formatting by rules: every decision on a line of its own, the sample recordings, and properties."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.text.dictation import number_words, transcripts
from voiceflow_daemon.text.fidelity import check_fidelity
from voiceflow_daemon.text.rules import format_by_rules

CONTEXTS = ("default", "email", "slack", "code")
ANY_TEXT = st.text(max_size=80)
SPOKEN_WORDS = """
um you know i mean no wait scratch that delete strike comma period new line paragraph question mark the the
five hundred and twenty oh pm at dollars percent function called camel case hi dear anna best regards . , ? !
... - th- 3:30 p.m. don't I'm tuesday may first (so) "well" sorry make twenty-five like
"""
GREETINGS = st.sampled_from(["", "dear anna new paragraph ", "hey ben comma new line ", "hi tom "])
SPOKEN_TEXT = st.lists(st.sampled_from([*SPOKEN_WORDS.split(), "\n"]), max_size=25).map(" ".join)

DEFAULT = {
    "": "",
    "um": "",
    "remember to call my sister tonight": "Remember to call my sister tonight.",
    "um so the the train leaves on monday no wait tuesday": "So the train leaves on Tuesday.",
    "what is the weather in paris": "What is the weather in Paris?",
    "we need twenty five chairs by three thirty pm": "We need 25 chairs by 3:30 PM.",
    "send it to bob scratch that call maria tomorrow": "Call Maria tomorrow.",
    "send it to bob period scratch that call maria": "Call Maria.",
    "please delete that file": "Please delete that file.",
    "there is no wait time today": "There is no wait time today.",
    "go to the office no wait to the school in march": "Go to the school in March.",
    "get milk from the store no wait actually get bread": "Get bread.",
    "let's meet on tuesday at three no wait wednesday": "Let's meet on Wednesday at 3.",
    "it is twenty dollars a night i mean thirty": "It is $30 a night.",
    "at two sorry three": "At 3.",
    "the quiet no wait loud plan is here": "The loud plan is here.",
    "sorry for the delay": "Sorry for the delay.",
    "i mean it is late": "It is late.",
    "i think i think we know": "I think we know.",
    "again and again and again": "Again and again and again.",
    "it was very very good": "It was very very good.",
    "th- the boiler": "The boiler.",
    "do you know what he likes": "Do you know what he likes?",
    "the dog you know barked": "The dog barked.",
    "a long period of rain": "A long period of rain.",
    "add a comma here": "Add a comma here.",
    "milk comma bread new line two lemons": "Milk, bread\n2 lemons.",
    "one line new paragraph hello exclamation mark": "One line.\n\nHello!",
    "it costs forty five thousand dollars": "It costs $45,000.",
    "in nineteen ninety four": "In 1994.",
    "on june twenty first": "On June 21.",
    "five five five oh one two": "555012.",
    "at seven oh five": "At 7:05.",
    "at five pm no make that six pm": "At 6 PM.",
    "i may go in may": "I may go in May.",
    "the brown dog of bob brown": "The brown dog of Bob Brown.",
    "i'm here and i've read it": "I'm here and I've read it.",
    "hey ben are you free": "Hey Ben, are you free?",
    "dear anna new paragraph thanks": "Dear Anna,\n\nThanks.",
    "dear anna comma new paragraph thanks": "Dear Anna,\n\nThanks.",
    "hi anna new line can you come": "Hi Anna,\nCan you come?",
    "hi anna new line new line i am here": "Hi Anna,\n\nI am here.",
    "hi anna exclamation mark new line can you come": "Hi Anna!\nCan you come?",
    "hi tom no wait hi peter new line thanks": "Hi Peter,\nThanks.",
    "hi anna new line": "Hi Anna.",
    "hi anna new line um": "Hi Anna.",
    "hi anna exclamation mark": "Hi Anna!",
    "hello new line world": "Hello\nWorld.",
}
PUNCTUATED = {
    "Um, I think, you know, we should go on Tuesday, no wait, Wednesday at 3:30 pm. Is that okay?": (
        "I think we should go on Wednesday at 3:30 PM. Is that okay?"
    ),
    "Twenty-five people came at 5pm.": "25 people came at 5 PM.",
    "I like cats, and you know the rules.": "I like cats, and you know the rules.",
    "Like my father, I cook.": "Like my father, I cook.",
    "Things I like, and more.": "Things I like, and more.",
    "Hi Thomasina, how are you?": "Hi Thomasina, how are you?",
}
FINISHED = (
    'He said "hello." Then he left (early.)',
    "iPhone sales rose by 12% in the U.S. last year.",
    "See https://example.com/a?b=c for e.g. version 1.2.3.",
    "I think... we should wait.",
    "- Milk\n- Eggs\n- Bread",
    "Duran Duran played in Baden-Baden.",
    "Meet me at 3:30 PM on June 21.",
    "Pre- and post-war houses.",
    "She\u2019s here; he isn\u2019t.",
    "What?! No way!",
    "How many times did I tell you!",
    "Hi Anna! How are you?",
    "Hello Anna!\n\nThanks for the letter.",
    "Dear Anna,\n\nThanks for the letter.\n\nSee you soon.",
)
EMAIL = {
    "hi anna uh can you send the report by friday best regards tom": (
        "Hi Anna,\n\nCan you send the report by Friday?\n\nBest regards,\nTom"
    ),
    "the invoice is attached": "The invoice is attached.",
    "hi anna": "Hi Anna,",
    "dear mr smith comma thank you best regards thomasina": (
        "Dear Mr Smith,\n\nThank you.\n\nBest regards,\nThomasina"
    ),
    "hi anna new line thanks for the report": "Hi Anna,\n\nThanks for the report.",
    "hi anna exclamation mark new paragraph it works": "Hi Anna,\n\nIt works.",
    "hi tom no wait hi peter thanks": "Hi Peter,\n\nThanks.",
    "thanks for the report period thanks": "Thanks for the report.\n\nThanks,",
    "see you period best regards comma tom new paragraph ps the invoice is late": (
        "See you.\n\nBest regards,\nTom\n\nPs the invoice is late."
    ),
    "i send kind regards julia period see you": "I send kind regards Julia. See you.",
    "all the best period see you soon": "All the best. See you soon.",
}
SLACK = {
    "um i am running late start without me": "I'm running late start without me",
    "hey ben new line i am running late": "Hey Ben,\nI'm running late",
    "did you see the message from kevin": "Did you see the message from Kevin?",
    "the build is green period we can deploy at five pm": "The build is green. We can deploy at 5 PM.",
}
CODE = {
    "add a function called parse config that returns a list": (
        "Add a function called `parse_config` that returns a list."
    ),
    "uh rename it to camel case user name no wait camel case full name": "Rename it to fullName.",
    "use snake case load data and pascal case data loader": "Use load_data and DataLoader.",
    "set the port to forty five thousand": "Set the port to 45000.",
}


@pytest.mark.parametrize(("raw", "text"), (DEFAULT | PUNCTUATED).items())
def test_default(raw: str, text: str) -> None:
    assert format_by_rules(raw) == text


@pytest.mark.parametrize(("context", "raw", "text"), [
    (context, raw, text)
    for context, cases in (("email", EMAIL), ("slack", SLACK), ("code", CODE))
    for raw, text in cases.items()
])  # fmt: skip
def test_context(context: str, raw: str, text: str) -> None:
    assert format_by_rules(raw, context) == text


def _ordinary() -> list[tuple[str, str, str]]:
    """(context, raw, text) of every line of the hand-written set."""
    with Path(__file__).with_name("ordinary_english.toml").open("rb") as file:
        cases = [case for group in tomllib.load(file).values() for case in group]
    return [(case.get("context", "default"), case["raw"], case.get("text", case["raw"])) for case in cases]


@pytest.mark.parametrize(("context", "raw", "text"), _ordinary())
def test_ordinary_english(context: str, raw: str, text: str) -> None:
    assert format_by_rules(raw, context) == text
    assert check_fidelity(raw, text).faithful


@pytest.mark.parametrize("text", FINISHED)
def test_finished_text_is_not_touched(text: str) -> None:
    assert format_by_rules(text) == text


def test_an_unknown_context_is_written_as_default() -> None:
    assert format_by_rules("i am late", "journal") == format_by_rules("i am late")


@pytest.mark.parametrize("language", ["en", "en-US", "EN_gb"])
def test_english_by_any_name(language: str) -> None:
    assert format_by_rules("um five chairs", language=language) == "5 chairs."


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("  guten  tag .  wie geht's?  gut ", "Guten tag . Wie geht's? Gut"),
        ("um fünf comma \n\n\n\n neue zeile", "Um fünf comma\n\nNeue zeile"),
        ("¿qué hora es? son las tres", "¿Qué hora es? Son las tres"),
        ("明日の会議", "明日の会議"),
    ],
)
def test_a_language_without_rules_gets_spacing_and_capitals(raw: str, text: str) -> None:
    assert format_by_rules(raw, language="de") == text


def test_sample_recordings() -> None:
    index = Path(__file__).parents[2] / "assets/demo/recordings/index.toml"
    with index.open("rb") as file:
        recordings = tomllib.load(file)["recording"]
    written = {entry["file"]: format_by_rules(entry["said"], entry["context"]) for entry in recordings}
    assert len(written) == 12
    for entry in recordings:
        heard = format_by_rules(entry["heard"], entry["context"])
        assert check_fidelity(entry["heard"], heard).faithful, entry["file"]
        assert check_fidelity(entry["said"], written[entry["file"]]).faithful, entry["file"]
    assert written["email_meeting.wav"] == (
        "Dear David,\n\nThank you for your email. Could we meet on Tuesday at 3:30 PM?\n\n"
        "Kind regards,\nJulia"
    )
    assert written["code_define.wav"] == "Define a function called `parse_config` that returns a list."
    assert written["chat_short.wav"] == "Hey Ben, are you free for a quick call?"
    assert written["note_short.wav"] == "Remember to call my sister tonight."
    assert written["note_correct.wav"] == (
        "Get bread and cheese and then pick up the kids from school at half past 4."
    )
    assert "the total is $45,000 we need 2 more days" in written["email_long.wav"]


@given(raw=ANY_TEXT | SPOKEN_TEXT, context=st.sampled_from(CONTEXTS), language=st.sampled_from(["en", "de"]))
@example(raw=". , ?", context="email", language="en")
def test_any_text_gives_tidy_text(raw: str, context: str, language: str) -> None:
    text = format_by_rules(raw, context, language)
    assert not re.search(r"[^\S\n]{2,}|[^\S\n]\n|\n\s|\n{3}|^\s|\s$", text.replace("\n\n", "\n"))


@given(raw=st.text(alphabet=" \n\t\u2003", max_size=20), context=st.sampled_from(CONTEXTS))
def test_nothing_said_gives_nothing(raw: str, context: str) -> None:
    assert format_by_rules(raw, context) == ""


@given(greeting=GREETINGS, raw=transcripts(), context=st.sampled_from(CONTEXTS))
def test_rules_are_faithful(greeting: str, raw: str, context: str) -> None:
    raw = greeting + raw
    text = format_by_rules(raw, context)
    verdict = check_fidelity(raw, text)
    assert verdict.faithful, (text, verdict)


@given(greeting=GREETINGS, raw=transcripts(), context=st.sampled_from(CONTEXTS))
def test_finished_text_stays_as_it_is(greeting: str, raw: str, context: str) -> None:
    text = format_by_rules(greeting + raw, context)
    assert format_by_rules(text, context) == text


@example(value=10_000)
@given(value=st.integers(2, 999_999).filter(lambda value: value not in (1000, 1_000_000)))
def test_numbers_to_digits(value: int) -> None:
    said = number_words(value)
    assert format_by_rules(f"there are {said} birds", "code") == f"There are {value} birds."
    grouped = f"{value:,}" if value >= 10_000 else str(value)
    assert format_by_rules(f"there are {said} birds") == f"There are {grouped} birds."
    assert check_fidelity(f"there are {said} birds", f"There are {value:,} birds.").faithful


@given(hour=st.integers(1, 12), minute=st.integers(1, 59), half=st.sampled_from(["am", "pm"]))
def test_clock_times(hour: int, minute: int, half: str) -> None:
    minutes = number_words(minute) if minute >= 10 else f"oh {number_words(minute)}"
    said = f"it starts at {number_words(hour)} {minutes} {half}"
    assert format_by_rules(said) == f"It starts at {hour}:{minute:02d} {half.upper()}."


@pytest.mark.parametrize(
    ("context", "text"),
    [
        ("default", "Hey team the build is green again."),
        ("email", "Hey team the build is green again."),
        ("slack", "Hey team the build is green again."),
    ],
)
def test_a_greeting_inside_a_text_is_none(context: str, text: str) -> None:
    assert format_by_rules("hey team the build is green again", context, opens=False) == text


def test_a_letter_ends_as_one_wherever_it_began() -> None:
    text = format_by_rules("please reply soon best regards tom", "email", opens=False)
    assert text == "Please reply soon.\n\nBest regards,\nTom"
