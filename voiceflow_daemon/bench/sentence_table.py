"""The report of `voiceflow bench sentences` as tables for the terminal."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.table import Table

from voiceflow_daemon.bench.sentence_report import (
    Figures,
    by_context,
    by_length,
    errors_by_length,
    errors_in_all,
    figures,
    sentence_goals,
    settled_by,
)
from voiceflow_daemon.bench.sentences import Samples
from voiceflow_daemon.bench.table import goals_table, plain_table

WAYS = {
    "streamed": "at pauses, while it is spoken",
    "clip_by_clip": "recording by recording",
    "one_pass": "in one pass",
}

EXPLANATION = """\
Sample recordings, joined to utterances with pauses of 0.3 to 1.5 s, are cut and recognised as
while somebody speaks. From the same transcripts each text is written twice: every sentence as
soon as it is settled (with time enough for that), and all of it at once. Sentences and words
are the same ones in order, with capitals and marks. "Revised" sentences were taken back after
they had been written, and written anew. "By rules": texts for which the model was not used,
or only in part, by sentences and at once. What is too long for the model's window (three
minutes are, for the demo model's) is written sentence by sentence both ways.
"""


def show(console: Console, name: str, samples: Samples) -> None:
    """Print it."""
    console.print(f"{name}\n", highlight=False)
    console.print(_texts(samples))
    console.print(EXPLANATION, highlight=False, soft_wrap=True)
    settled = settled_by(samples)
    shares = (f"{rule} {count / settled.total():.0%}" for rule, count in settled.most_common())
    console.print(f"What settled the sentences: {', '.join(shares)}.\n", highlight=False)
    console.print(_words(samples))
    console.print(goals_table(sentence_goals(samples), "goal"))


def _texts(samples: Samples) -> Table:
    table = plain_table("", "equal", "texts, %", "sentences, %", "words, %", "revised", "by rules")
    for context, of in by_context(samples).items():
        table.add_row(context, *_cells(of))
    for seconds, of in by_length(samples).items():
        table.add_row(f"{seconds} s", *_cells(of))
    table.add_row("in all", *_cells(figures(samples.comparisons)))
    return table


def _cells(of: Figures) -> list[str]:
    shares = (of.equal_percent, of.sentences.percent, of.words.percent)
    by_rules = f"{_not_by_model(of.rungs)} / {_not_by_model(of.rungs_at_once)}"
    return [f"{of.equal} of {of.texts}", *(f"{share:.1f}" for share in shares), str(of.revised), by_rules]


def _not_by_model(rungs: Counter[str]) -> int:
    return rungs.total() - rungs["model"]


def _words(samples: Samples) -> Table:
    lengths = errors_by_length(samples)
    table = plain_table("word error rate, %", *(f"{seconds} s" for seconds in lengths), "in all")
    for way, title in WAYS.items():
        rates = (errors[way].percent for errors in (*lengths.values(), errors_in_all(samples)))
        table.add_row(title, *(f"{rate:.2f}" for rate in rates))
    return table
