"""The figures of `voiceflow bench decode` as tables."""

from __future__ import annotations

from rich.console import Console

from voiceflow_daemon.bench.decode import DecodeTimes, goals
from voiceflow_daemon.bench.table import goals_table, plain_table

TITLES = {
    "plain": "token by token",
    "copy_edit": "with the rules' text as its draft",
    "copy_edit_right_draft": "with the right draft",
    "copy_edit_wrong_draft": "with another dictation's text as its draft",
}


def show(console: Console, name: str, times: DecodeTimes) -> None:
    """Print what was measured, and how it stands to the goals."""
    console.print(f"{name}: {times.dictations} dictations, {times.runs} runs\n", highlight=False)
    table = plain_table("writing", "tokens/s", "times plain", "tokens a step", "accepted")
    for side, title in TITLES.items():
        of = times.sides[side]
        accepted = f"{of.accepted_share:.0%}" if of.drafted else ""
        ratio = f"{times.times_plain(side):.2f}"
        table.add_row(title, f"{of.tokens_per_s:.1f}", ratio, f"{of.tokens_per_step:.2f}", accepted)
    console.print(table)
    if times.batch_ms:
        costs = ", ".join(f"{rows}: {ms:.1f}" for rows, ms in times.batch_ms.items())
        console.print(f"One evaluation by its tokens, ms: {costs}", highlight=False)
    console.print(f"Answers that differ from the plain ones: {times.differing}\n", highlight=False)
    console.print(goals_table(goals(times)))
