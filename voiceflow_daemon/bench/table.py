"""The report as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from voiceflow_daemon.bench.cache import SIDES
from voiceflow_daemon.bench.goals import Goal
from voiceflow_daemon.bench.report import Report
from voiceflow_daemon.bench.spread import Spread, spread
from voiceflow_daemon.bench.transcripts import RESTS

TITLES = {
    "no_reuse": "no reuse",
    "llama_same": "Llama, same context",
    "llama_alternating": "Llama, alternating contexts",
    "ram_cache_alternating": "LlamaRAMCache, alternating",
    "ours_hot": "voiceflow, hot",
    "ours_alternating": "voiceflow, alternating",
    "ours_ram": "voiceflow, from RAM",
    "ours_disk_restart": "voiceflow, after a restart",
    "ours_after_ttl": "voiceflow, after the TTL",
}

EXPECTED_TIERS = {
    "ours_hot": {"hot"},
    "ours_alternating": {"ram"},
    "ours_ram": {"ram"},
    "ours_disk_restart": {"disk"},
    "ours_after_ttl": {"hot"},
}

EXPLANATION = """\
Milliseconds from the transcript to the answer's first token: median of {runs} runs,
and in brackets the quartiles. Every side: the same file, kernels, prompts, {threads}
threads, batches of 512, f16 K/V and flash attention; threads wait by {waiting}.
LlamaRAMCache also saves after each answer: {save:.0f} ms, not counted above.
"After a restart" is the first dictation of a new process (file in the page cache); in it:
{stages}.
"""

STAGES = {
    "prompt_format_ms": "template",
    "prompt_tokenize_ms": "tokens",
    "prompt_seam_ms": "proving their seam",
    "prefix_read_ms": "reading and checking the file",
    "prefix_restore_ms": "restoring",
    "transcript_prefill_ms": "the rest of the prompt",
}


def show(console: Console, figures: Report) -> None:
    """Print it."""
    samples = figures.samples
    console.print(
        f"{figures.model}: prefix {figures.prefix_tokens} tokens, then"
        f" {' / '.join(str(samples.rest_tokens[rest.key]) for rest in RESTS)} tokens"
    )
    console.print(_times(figures))
    explanation = EXPLANATION.format(
        runs=figures.runs,
        threads=figures.threads,
        waiting=figures.waiting,
        save=spread(samples.ram_cache_save_ms).median,
        stages=", ".join(
            f"{STAGES[stage]} {spread(took_ms).median:.1f}"
            for stage, took_ms in samples.restart_stages_ms.items()
        ),
    )
    console.print(explanation, highlight=False, soft_wrap=True)
    console.print(_costs(figures))
    console.print(goals_table(figures.goals))
    for side, tiers in samples.tiers.items():
        if tiers != EXPECTED_TIERS[side]:
            console.print(f'Mind: in "{TITLES[side]}" the prompt came from: {", ".join(sorted(tiers))}.')


def plain_table(*columns: str) -> Table:
    """A table with these heads; all columns but the first are numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _times(figures: Report) -> Table:
    table = plain_table("time to first token, ms", "suffix alone", "92 characters", "411 characters")
    for side in SIDES:
        table.add_row(TITLES[side], *(in_quartiles(figures.ttft[rest.key][side]) for rest in RESTS))
    return table


def _costs(figures: Report) -> Table:
    held, resident = figures.bytes_per_context, figures.samples.ram_cache_resident_bytes
    grown = "" if resident is None else f"process grew by {_megabytes(resident)}"
    table = plain_table("memory and savings", "", "")
    table.add_row("LlamaRAMCache, per context", _megabytes(held["ram_cache"]), grown)
    table.add_row("voiceflow, per context", _megabytes(held["ours"]), "in RAM, and as much on disk")
    for phase, saved in figures.saved.items():
        table.add_row(f"saved by keeping the {phase}", f"{in_quartiles(saved)} ms", "")
    if figures.restore_per_10mb is not None and figures.copy_per_10mb is not None:
        copying = f"copying 10 MB in memory: {in_quartiles(figures.copy_per_10mb)} ms"
        table.add_row("restoring 10 MB of state", f"{in_quartiles(figures.restore_per_10mb)} ms", copying)
    return table


def goals_table(goals: Sequence[Goal], title: str = "goal (4 cores, 0.5B)") -> Table:
    """Each goal with its ratio and its limit."""
    table = plain_table(title, "measured", "limit", "")
    for goal in goals:
        sign = "≥" if goal.at_least else "≤"
        met = "[green]met[/]" if goal.met else "[red]missed[/]"
        table.add_row(goal.says, f"{goal.value:.3g}", f"{sign} {goal.limit:g}", met)
    return table


def in_quartiles(of: Spread) -> str:
    """The median, and in brackets the quartiles."""
    digits = 0 if of.median >= 100 else 1 if of.median >= 1 else 3
    return f"{of.median:.{digits}f} ({of.low:.{digits}f} to {of.high:.{digits}f})"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
