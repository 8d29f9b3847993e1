"""The judge of finished texts, on a hand-written set and on properties."""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.text.dictation import clauses, number_words, transcripts
from voiceflow_daemon import text as text_room
from voiceflow_daemon.text.alignment import common_length
from voiceflow_daemon.text.fidelity import Verdict, check_fidelity, is_unfinished
from voiceflow_daemon.text.rules import format_by_rules


class Case(NamedTuple):
    """One line of the hand-written set."""

    kind: str
    raw: str
    text: str
    language: str


def _cases() -> list[Case]:
    with Path(__file__).with_name("fidelity_cases.toml").open("rb") as file:
        kinds = tomllib.load(file)
    return [
        Case(kind, case["raw"], case["text"], case.get("language", "en"))
        for kind, cases in kinds.items()
        for case in cases
    ]


CASES = _cases()


def test_the_set_is_large_and_balanced() -> None:
    good = [case for case in CASES if case.kind == "good"]
    assert len(CASES) >= 200
    assert len(good) >= 80
    assert len({(case.raw, case.text) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.text[:40]!r}")
def test_hand_written_case(case: Case) -> None:
    verdict = check_fidelity(case.raw, case.text, case.language)
    assert verdict.faithful == (case.kind == "good"), verdict


def test_a_faithful_text_has_no_complaint() -> None:
    assert check_fidelity("um call anna", "Call Anna.") == Verdict(faithful=True)


def test_what_is_wrong_is_named_to_the_program_but_not_in_the_reason() -> None:
    verdict = check_fidelity("remember to call my sister", "Remember to phone my sister.")
    assert verdict.invented == ("phone",)
    assert verdict.lost == ("call",)
    assert verdict.reason == "1 word not said, 1 word lost"


def test_an_empty_answer_says_so() -> None:
    assert check_fidelity("call anna", " ").reason == "the answer is empty"


@given(raw=st.text(max_size=80), language=st.sampled_from(["en", "de", "ja", ""]))
def test_any_text_is_faithful_to_itself(raw: str, language: str) -> None:
    assert check_fidelity(raw, raw, language).faithful


@given(raw=st.text(max_size=60), text=st.text(max_size=60), language=st.sampled_from(["en", "de"]))
def test_any_two_texts_are_judged_and_no_word_is_in_the_reason(raw: str, text: str, language: str) -> None:
    verdict = check_fidelity(raw, text, language)
    assert verdict.faithful == (verdict.reason == "")
    assert re.fullmatch(
        r"|the answer is empty|a line break that was said is missing"
        r"|\d+ words? (not said|lost)(, \d+ words? lost)?|words in another order.*",
        verdict.reason,
    )


def test_a_lost_line_break_says_so() -> None:
    verdict = check_fidelity("dear anna new paragraph thanks", "Dear Anna, thanks.")
    assert verdict == Verdict(faithful=False, reason="a line break that was said is missing")


@given(raw=transcripts())
def test_a_transcript_is_faithful_to_itself(raw: str) -> None:
    assert check_fidelity(raw, raw).faithful


@given(before=clauses(), after=clauses(), said=st.sampled_from(["new line", "newline", "new paragraph"]))
def test_a_lost_line_break_is_always_seen(before: str, after: str, said: str) -> None:
    text = format_by_rules(f"{before} {said} {after}")
    assert check_fidelity(f"{before} {said} {after}", text).faithful
    assert not check_fidelity(f"{before} {said} {after}", " ".join(text.split())).faithful


@given(raw=transcripts(), data=st.data())
def test_an_added_content_word_is_always_seen(raw: str, data: st.DataObject) -> None:
    words = raw.split()
    words.insert(data.draw(st.integers(0, len(words))), "kangaroo")
    assert not check_fidelity(raw, " ".join(words)).faithful


@given(raw=transcripts())
def test_a_lost_not_is_always_seen(raw: str) -> None:
    said = f"{raw} the parser is not ready"
    assert not check_fidelity(said, f"{raw} the parser is ready").faithful


NUMBERS_CHANGED = (
    ("it takes two to three weeks", "It takes 23 weeks."),
    ("ten to fifteen people came", "1015 people came."),
    ("items one and two are missing", "Items 12 are missing."),
    ("twenty three people came by", "2 to 3 people came by."),
    ("please send it to five people", "Please send it 25 people."),
    ("five hundred and fifty dollars for that", "$5.50 for that."),
    ("five dollars and fifty cents for that", "$550 for that."),
    ("the temperature is five degrees", "The temperature is -5 degrees."),
)
NUMBERS_KEPT = (
    ("two to three weeks are left", "2-3 weeks are left."),
    ("my number is five five five oh one two three", "My number is 555-0123."),
    ("one hundred and twenty people came", "120 people came."),
    ("a thousand and one nights", "1,001 nights."),
    ("go to two places for fun", "Go to 2 places for fun."),
    ("it costs five fifty dollars", "It costs $5.50."),
    ("it costs five dollars and fifty cents", "It costs $5.50."),
    ("it costs $5.50", "It costs five dollars and fifty cents."),
    ("the fee is $5.00", "The fee is $5."),
    ("it is minus ten degrees", "It is -10 degrees."),
    ("five minus three is two", "5 - 3 is 2."),
    ("see you at three thirty in twenty twenty six", "See you at 3:30 in 2026."),
)


@pytest.mark.parametrize(("raw", "text"), NUMBERS_CHANGED)
def test_another_number_is_always_seen(raw: str, text: str) -> None:
    assert not check_fidelity(raw, text).faithful


@pytest.mark.parametrize(("raw", "text"), NUMBERS_KEPT)
def test_the_same_number_in_another_form_is_faithful(raw: str, text: str) -> None:
    assert check_fidelity(raw, text).faithful


@given(first=st.integers(0, 999), second=st.integers(0, 999))
def test_two_numbers_are_never_one(first: int, second: int) -> None:
    for between in ("to", "and", "for"):
        glued = f"It takes {first}{second} weeks."
        assert not check_fidelity(f"it takes {first} {between} {second} weeks", glued).faithful
        assert not check_fidelity(
            f"it takes {number_words(first)} {between} 7 weeks", f"It takes {first}7."
        ).faithful


@pytest.mark.parametrize(
    ("raw", "text", "unfinished"),
    [
        ("call bob no wait scratch that call maria", "Call Bob, no wait, scratch that. Call Maria.", True),
        ("call bob no wait scratch that call maria", "Call Maria.", False),
        ("he likes to strike that pose", "He likes to strike that pose.", False),
        ("please delete that file", "Please delete that file.", False),
    ],
)
def test_a_command_in_words_is_unfinished(raw: str, text: str, unfinished: bool) -> None:
    assert is_unfinished(raw, text) == unfinished
    assert not is_unfinished(raw, text, "de")


def test_nothing_that_was_dictated_is_cached() -> None:
    for _, name, _ in pkgutil.walk_packages(text_room.__path__, f"{text_room.__name__}."):
        caches = [
            key for key, value in vars(importlib.import_module(name)).items() if hasattr(value, "cache_info")
        ]
        assert caches == [], name


def test_a_long_text_is_judged_by_its_last_word_too() -> None:
    said = " ".join(
        f"sentence number {number_words(n)} is about the garden and the house period" for n in range(200)
    )
    assert check_fidelity(said, format_by_rules(said)).faithful
    assert not check_fidelity(said, format_by_rules(said) + " Kangaroo.").faithful


@given(first=st.text(alphabet="abc", max_size=12), second=st.text(alphabet="abc", max_size=12))
def test_common_length_is_the_longest_common_subsequence(first: str, second: str) -> None:
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, left in enumerate(first):
        for j, right in enumerate(second):
            table[i + 1][j + 1] = table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
    assert common_length(first, second) == table[-1][-1]
