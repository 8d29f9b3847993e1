"""The figures of a comparison: shares, goals, JSON, the table and the list of the differences."""

from __future__ import annotations

import io
import json
import re

from rich.console import Console

from voiceflow_daemon.bench.comparison import Comparison
from voiceflow_daemon.bench.sentence_report import as_json, differences
from voiceflow_daemon.bench.sentence_table import WAYS, show
from voiceflow_daemon.bench.sentences import Samples
from voiceflow_daemon.bench.word_errors import ErrorsByWay, WordErrors
from voiceflow_daemon.daemon.dictated import Dictated, Finished
from voiceflow_daemon.daemon.formatting import Rung
from voiceflow_daemon.text.seams import Rule
from voiceflow_daemon.text.settling import Sentence


def by_sentence(rung: Rung = Rung.MODEL) -> Dictated:
    first = Finished(Sentence("one", Rule.PAUSE, "one"), "One.", rung)
    second = Finished(Sentence("and two", Rule.RELEASE, "and. two"), "And two?", rung)
    return Dictated("one and two", "One. And two?", rung, {}, (first, second))


def compared(context: str, seconds: int, at_once: str, rung: Rung = Rung.MODEL) -> Comparison:
    whole = Finished(Sentence("one and two", Rule.RELEASE, "one. and two"), at_once, rung)
    dictated = Dictated("one and two", at_once, rung, {}, (whole,))
    return Comparison(context, seconds, 7, by_sentence(), dictated, revised=1)


def samples(*, more_errors: int = 0) -> Samples:
    """Three of four texts are equal."""
    errors = {"streamed": 1 + more_errors, "clip_by_clip": 1, "one_pass": 9}
    heard: list[ErrorsByWay] = [{way: WordErrors(count, 100) for way, count in errors.items()}]
    equal = [compared("default", 5, "One. And two?"), compared("default", 60, "One. And two?")]
    others = [compared("email", 5, "One. And two?"), compared("email", 60, "One.\n\nAnd two.", Rung.RULES)]
    return Samples([*equal, *others], {5: heard, 60: heard})


def test_the_json() -> None:
    made = json.loads(json.dumps(as_json("Models", samples())))
    assert made["models"] == "Models"
    assert made["in_all"] == {
        "texts": 4,
        "equal": 3,
        "equal_percent": 75.0,
        "sentences_percent": 75.0,
        "words_percent": round(100 * 11 / 12, 4),
        "revised": 4,
        "written_by": {"sentences": {"model": 4}, "at_once": {"model": 3, "rules": 1}},
    }
    assert {context: each["equal_percent"] for context, each in made["contexts"].items()} == {
        "default": 100.0,
        "email": 50.0,
    }
    assert {length: each["equal"] for length, each in made["seconds"].items()} == {"5": 2, "60": 1}
    assert made["settled_by"] == {"pause": 4, "release": 4}
    assert made["word_error_rate"] == {"streamed": 1.0, "clip_by_clip": 1.0, "one_pass": 9.0}
    assert set(made["word_error_rate_of"]) == {"5", "60"}


def test_the_goals() -> None:
    goals = as_json("Models", samples())["goals"]
    assert (goals["equal"]["value"], goals["equal"]["met"]) == (75.0, False)
    assert (goals["word_errors"]["value"], goals["word_errors"]["met"]) == (0.0, True)
    made = samples(more_errors=1)
    made.comparisons.pop()
    goals = as_json("Models", made)["goals"]
    assert (goals["equal"]["value"], goals["equal"]["met"]) == (100.0, True)
    assert (goals["word_errors"]["value"], goals["word_errors"]["met"]) == (1.0, False)


def test_the_tables() -> None:
    console = Console(file=io.StringIO(), width=150)
    show(console, "Some models", samples())
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for title in ("Some models", "pause 50%, release 50%", *WAYS.values()):
        assert title in text
    assert re.search(r"in all +3 of 4 +75\.0 +75\.0 +91\.7 +4 +0 / 1\b", text)
    assert re.search(r"60 s +1 of 2 +50\.0", text)
    assert text.count("missed") == 1


def test_each_difference_is_listed_with_what_was_heard() -> None:
    listed = differences("Some models", samples())
    assert "1 of 4 texts differ." in listed
    assert "## email, 60 s, seed 7\n" in listed
    assert "- one (pause, model)\n- and. two (release, model)\n" in listed
    assert "Sentence by sentence (model):\n\n    One. And two?\n" in listed
    assert "At once (rules):\n\n    One.\n\n    And two.\n" in listed
    assert "At once, by rules:\n\n    One. And 2.\n" in listed
    assert "    'One.'\n    'One.\\n\\n'\n" in listed
    assert listed.count("## ") == 1
