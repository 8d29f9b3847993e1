"""The figures of one run of `voiceflow bench sentences`, and the list of the differences. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voiceflow_daemon.bench.comparison import Alike, Comparison
from voiceflow_daemon.bench.goals import Goal, at_least, at_most, goals_as_json
from voiceflow_daemon.bench.sentences import Samples
from voiceflow_daemon.bench.spread import rounded
from voiceflow_daemon.bench.word_errors import WordErrors, in_all, percents
from voiceflow_daemon.text.rules import format_by_rules

EQUAL_PERCENT = 95.0
MORE_WORD_ERRORS = 0.5
"""Percentage points above what the same clips come to one by one."""


@dataclass(frozen=True)
class Figures:
    """Of some texts; `rungs` says who wrote them by sentences, `rungs_at_once` who otherwise."""

    texts: int
    equal: int
    sentences: Alike
    words: Alike
    revised: int
    rungs: Counter[str]
    rungs_at_once: Counter[str]

    @property
    def equal_percent(self) -> float:
        """Texts that are the same to the letter."""
        return 100.0 * self.equal / self.texts


def figures(comparisons: Sequence[Comparison]) -> Figures:
    """Sum up one comparison at least."""
    return Figures(
        texts=len(comparisons),
        equal=sum(each.is_equal for each in comparisons),
        sentences=sum((each.sentences for each in comparisons), Alike(0, 0)),
        words=sum((each.words for each in comparisons), Alike(0, 0)),
        revised=sum(each.revised for each in comparisons),
        rungs=Counter(each.by_sentence.rung.value for each in comparisons),
        rungs_at_once=Counter(each.at_once.rung.value for each in comparisons),
    )


def by_context(samples: Samples) -> dict[str, Figures]:
    """In the order in which they were asked for."""
    contexts = dict.fromkeys(each.context for each in samples.comparisons)
    return {
        context: figures([each for each in samples.comparisons if each.context == context])
        for context in contexts
    }


def by_length(samples: Samples) -> dict[int, Figures]:
    """By the seconds asked for."""
    lengths = dict.fromkeys(each.seconds for each in samples.comparisons)
    return {
        seconds: figures([each for each in samples.comparisons if each.seconds == seconds])
        for seconds in lengths
    }


def settled_by(samples: Samples) -> Counter[str]:
    """How many of the pieces each rule has settled."""
    return Counter(
        one.sentence.rule.value for each in samples.comparisons for one in each.by_sentence.sentences
    )


def errors_by_length(samples: Samples) -> dict[int, dict[str, WordErrors]]:
    """By the seconds asked for, then by the way to hear."""
    return {seconds: in_all(heard) for seconds, heard in samples.heard.items()}


def errors_in_all(samples: Samples) -> dict[str, WordErrors]:
    """By the way to hear."""
    return in_all(errors_by_length(samples).values())


def sentence_goals(samples: Samples) -> list[Goal]:
    """Both ways write the same, and hearing at pauses costs no words."""
    equal, rates = figures(samples.comparisons).equal_percent, percents(errors_in_all(samples))
    more = rates["streamed"] - rates["clip_by_clip"]
    return [
        at_least(EQUAL_PERCENT, "equal", "texts equal to those written at once, %", equal),
        at_most(MORE_WORD_ERRORS, "word_errors", "word errors at pauses: points above clip by clip", more),
    ]


def as_json(name: str, samples: Samples) -> dict[str, Any]:
    """All figures; shares and rates are percentages."""
    found = {
        "models": name,
        "in_all": _as_json(figures(samples.comparisons)),
        "contexts": {context: _as_json(each) for context, each in by_context(samples).items()},
        "seconds": {seconds: _as_json(each) for seconds, each in by_length(samples).items()},
        "settled_by": settled_by(samples),
        "word_error_rate": percents(errors_in_all(samples)),
        "word_error_rate_of": {
            seconds: percents(errors) for seconds, errors in errors_by_length(samples).items()
        },
        "goals": goals_as_json(sentence_goals(samples)),
    }
    return dict(rounded(found))


def _as_json(of: Figures) -> dict[str, Any]:
    return {
        "texts": of.texts,
        "equal": of.equal,
        "equal_percent": of.equal_percent,
        "sentences_percent": of.sentences.percent,
        "words_percent": of.words.percent,
        "revised": of.revised,
        "written_by": {"sentences": of.rungs, "at_once": of.rungs_at_once},
    }


# ------------------------------------------------------------------------------------- differences
def differences(name: str, samples: Samples) -> str:
    """Markdown: each text that is not the same both ways, as it was heard and as it was written."""
    unequal = [each for each in samples.comparisons if not each.is_equal]
    title = f"# Sentence by sentence and at once: {name}"
    count = f"{len(unequal)} of {len(samples.comparisons)} texts differ."
    return "\n\n".join([title, count, *map(_difference, unequal)]) + "\n"


def _difference(of: Comparison) -> str:
    first, second = of.first_difference
    sentences = of.by_sentence.sentences
    said = [f"- {one.sentence.marked} ({one.sentence.rule}, {one.rung})" for one in sentences]
    return "\n\n".join(
        [
            f"## {of.context}, {of.seconds} s, seed {of.seed}",
            "Heard, with what settled it and who wrote it:",
            "\n".join(said),
            f"Sentence by sentence ({of.by_sentence.rung}):",
            _indented(of.by_sentence.text),
            f"At once ({of.at_once.rung}):",
            _indented(of.at_once.text),
            "At once, by rules:",
            _indented(_by_rules(of)),
            "The first sentences that differ:",
            _indented(f"{first!r}\n{second!r}"),
        ]
    )


def _by_rules(of: Comparison) -> str:
    """For a judgement on which of both is right."""
    return format_by_rules(" ".join(one.sentence.marked for one in of.at_once.sentences), of.context)


def _indented(text: str) -> str:
    """As it is: Markdown leaves alone what stands four places in."""
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
