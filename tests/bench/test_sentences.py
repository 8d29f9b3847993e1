"""Formatting sentence by sentence against formatting at once, with the rules as the formatter."""

from __future__ import annotations

from functools import partial

import pytest

from voiceflow_daemon.bench.sentences import Comparison, Finished, Segment, compare
from voiceflow_daemon.text.rules import format_by_rules


def by_rules(raw: str, before: Finished | None, context: str) -> str:
    return format_by_rules(raw, context)


def compared(context: str, *texts: str) -> Comparison:
    segments = [Segment(text, 0.9, 0.3) for text in texts]
    return compare(segments, partial(by_rules, context=context))


DICTATIONS = {
    "letter": (
        "hi anna",
        "thanks for the report",
        "could you please send the invoice by friday",
        "the total is two hundred and",
        "fifty dollars",
        "best regards",
        "peter",
    ),
    "said marks": (
        "thank you for your email period new paragraph",
        "could we meet on tuesday at three thirty pm",
        "question mark",
        "i will bring the contract period",
    ),
    "taken back": (
        "the weather was nice today",
        "we went to the lake",
        "scratch that",
        "we went to the park with the dog",
        "please book the flight on tuesday",
        "no wait on thursday",
    ),
    "list": ("milk new line", "two eggs new line", "bread period new paragraph", "please pay in cash"),
    "written marks": (
        "The weather was nice today.",
        "We went to the park. With the dog, um, and",
        "the children.",
        "Scratch that.",
        "Is it late?",
    ),
    "identifiers": (
        "define a function called parse config that returns a list",
        "rename it to camel case user name",
        "and add a unit test",
    ),
}


@pytest.mark.parametrize("context", ["default", "email", "slack", "code"])
@pytest.mark.parametrize("name", DICTATIONS)
def test_both_ways_write_the_same(name: str, context: str) -> None:
    comparison = compared(context, *DICTATIONS[name])
    assert comparison.joined == comparison.whole
    assert comparison.equal


def test_it_tells_what_differs() -> None:
    written = {"one is here": "One is here!", "two is here": "Two."}
    segments = [Segment("one is here", 0.0, 0.3), Segment("two is here", 0.9, 0.3)]
    comparison = compare(segments, lambda raw, _: written.get(raw, "One is here. And two."))
    assert (comparison.joined, comparison.equal) == ("One is here! Two.", False)
    assert (comparison.found, comparison.revisions) == (1, 0)


def test_a_revised_sentence_is_formatted_again_behind_the_one_before_it() -> None:
    asked: list[tuple[str, str]] = []

    def write(raw: str, before: Finished | None) -> str:
        asked.append((raw, before.raw if before else ""))
        return raw

    said = ["first of all hello", "call my sister", "no wait call anna"]
    comparison = compare([Segment(text, 0.9, 0.3) for text in said], write)
    assert comparison.revisions == 1
    assert asked[:3] == [
        ("first of all hello", ""),
        ("call my sister", "first of all hello"),
        ("call my sister. no wait call anna", "first of all hello"),
    ]
