"""The report of `voiceflow bench release` as tables for the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from voiceflow_daemon.bench.decode import SIDES as DECODE_SIDES
from voiceflow_daemon.bench.release_report import RELEASE_SIDES, Report
from voiceflow_daemon.bench.spread import Spread
from voiceflow_daemon.bench.table import goals_table, plain_table
from voiceflow_daemon.daemon.dictation import STAGES

TITLES = {
    "ours": "voiceflow",
    "sequential": "one after the other",
    "sequential_prompt_kept": "  with the prompt kept",
    "sequential_tuned": "  tuned as well",
}
DRAFTS = {
    "plain": "without a draft",
    "copy_edit": "draft by the rules",
    "copy_edit_right_draft": "the right draft",
    "copy_edit_wrong_draft": "a wrong draft",
}
WAYS = {
    "streamed": "while it is spoken",
    "one_pass": "in one pass",
    "clip_by_clip": "clip by clip",
    "sequential": "faster-whisper",
    "sequential_tuned": "faster-whisper, tuned",
}

EXPLANATION = """\
From the physical release of the key to the text: medians, and in brackets the quartiles.
The key is let go with the last word; voiceflow's grace ({grace} ms) and tail ({tail} ms) are in
its time, the others have none. Recordings are played in real time to the daemon's own
threads; the text goes {place}.

"One after the other" records all, then runs faster-whisper's transcribe and
Llama.create_chat_completion with their defaults, the prompt being read anew; "with the prompt
kept" is the same where Llama still has it from the dictation before; "tuned" is beam 1, a
fixed language, no conditioning on previous text, and the prompt kept. Both sides: the same
files, int8, {speech} and {llm} threads ({waiting}), the same transcript to
write; the others may write no more tokens than voiceflow's text has.
"""
DEMO_OUTPUT = """\
The models are the demo models, or these widened to a real model's cost: what they cost is
real, what they write is the demo models'. They know no time stamps, so faster-whisper is
asked for none, and lose their way in long texts, so Llama must write just as many tokens as
voiceflow's text has. {tokens} tokens of prompt and two tokens a word are more than a real
model's.
Word error rates are theirs, too, on their own sample voice, and say nothing about yours;
where faster-whisper loses words in long recordings, it has less to do.
"""


def show(console: Console, figures: Report) -> None:
    """Print it."""
    samples, settings = figures.samples, figures.subject.settings
    console.print(f"{figures.subject.name}, context {settings.context}")
    console.print(_release(figures))
    console.print(_times(figures))
    explanation = EXPLANATION.format(
        grace=settings.hotkey.release_grace_ms,
        tail=settings.audio.tail_ms,
        speech=samples.speech_threads,
        llm=samples.llm_threads,
        waiting=figures.waiting,
        place="into the editor" if samples.is_desktop else "to a sink instead of a desktop",
    )
    console.print(explanation, highlight=False, soft_wrap=True)
    if figures.subject.is_stand_in:
        console.print(DEMO_OUTPUT.format(tokens=samples.prompt_tokens), highlight=False, soft_wrap=True)
    for table in (_stages(figures), _work(figures), _costs(figures), _words(figures), _decoding(figures)):
        console.print(table)
    console.print(goals_table(figures.goals))
    if figures.unlike_model:
        console.print(f"Mind: {figures.unlike_model} texts were written by rules, wholly or in part.")


def _release(figures: Report) -> Table:
    table = plain_table("release to text, seconds", *_lengths(figures))
    for side in RELEASE_SIDES:
        table.add_row(TITLES[side], *(_seconds(sides[side]) for sides in figures.release_ms.values()))
    return table


def _times(figures: Report) -> Table:
    table = plain_table("times voiceflow", *_lengths(figures))
    for side in list(RELEASE_SIDES)[1:]:
        times = (sides[side].median / sides["ours"].median for sides in figures.release_ms.values())
        table.add_row(TITLES[side], *(f"{each:.1f}" for each in times))
    return table


def _stages(figures: Report) -> Table:
    """The daemon's own account; medians, so that they do not quite add up."""
    table = plain_table("voiceflow's stages, ms", *_lengths(figures))
    lengths = [sides["ours"] for sides in figures.stages_ms.values()]
    for stage in STAGES:
        if any(stage in stages for stages in lengths):
            table.add_row(stage, *(f"{stages.get(stage, 0.0):.0f}" for stages in lengths))
    return table


def _work(figures: Report) -> Table:
    """What the models did in these stages."""
    table = plain_table("voiceflow after the release, ms", *_lengths(figures))
    titles = {
        "wait": "grace, tail, waiting",
        "recognise": "recognising the last words",
        "read": "reading them",
        "write": "writing",
    }
    for kind, title in titles.items():
        table.add_row(title, *(_text(kinds[kind]) for kinds in figures.work_ms.values()))
    return table


def _costs(figures: Report) -> Table:
    table = plain_table("CPU seconds per second of speech", *_lengths(figures), "in all")
    for side, in_all in figures.cpu_in_all.items():
        cells = (f"{sides[side].median:.2f}" for sides in figures.cpu.values())
        table.add_row(TITLES[side].strip(), *cells, f"{in_all:.2f}")
    for kind in ("drafted", "accepted"):
        cells = (f"{kinds[kind].median:.0f}" for kinds in figures.drafted.values())
        table.add_row(f"words {kind} a second of writing", *cells, "")
    return table


def _words(figures: Report) -> Table:
    table = plain_table("word error rate, %", *_lengths(figures), "in all")
    for way, title in WAYS.items():
        each = (f"{heard[way].percent:.1f}" for heard in figures.samples.heard.values())
        table.add_row(title, *each, f"{figures.word_error_rate[way]:.1f}")
    return table


def _decoding(figures: Report) -> Table:
    table = plain_table("writing", "tokens a second", "times plain")
    for side in DECODE_SIDES:
        per_s, times = figures.decoding.sides[side].tokens_per_s, figures.decoding.times_plain(side)
        table.add_row(DRAFTS[side], f"{per_s:.1f}", f"{times:.2f}")
    return table


def _lengths(figures: Report) -> list[str]:
    return [f"{seconds} s ({len(runs)} runs)" for seconds, runs in figures.samples.runs.items()]


def _text(of: Spread) -> str:
    return f"{of.median:.0f} ({of.low:.0f} to {of.high:.0f})"


def _seconds(of: Spread) -> str:
    return f"{of.median / 1e3:.2f} ({of.low / 1e3:.2f} to {of.high / 1e3:.2f})"
