"""`voiceflow bench decode`: tokens a second, written plainly and with drafts, in one run and by turns."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from voiceflow_daemon.bench.goals import Goal, at_least
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.budget import output_limit
from voiceflow_daemon.llm.decoding import Decoder, measure_costs
from voiceflow_daemon.llm.prompt_cache import PromptTemplate
from voiceflow_daemon.llm.prompt_tokens import PromptTokens, TokenCache
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.text.rules import format_by_rules

SIDES = ("plain", "copy_edit", "copy_edit_right_draft", "copy_edit_wrong_draft")
"""In the order of the report. The draft is none; the rules' text; what the model will write; and, with
its transcript, another dictation's."""

_GOALS = (
    ("copy_edit", "the rules' drafts: times plain decoding", 3.0),
    ("copy_edit_right_draft", "right drafts: times plain decoding", 5.0),
    ("copy_edit_wrong_draft", "wrong drafts: times plain decoding", 0.95),
)
"""Side, words for it, and the least."""

SHOWN_ROWS = (1, 4, 8, 16, 32)

Template = Callable[[str, Settings], PromptTemplate]
Clock = Callable[[], float]
Progress = Callable[[int, int], None]
"""Called with how many dictations are done, and how many there are."""


@dataclass(frozen=True)
class Dictation:
    """What was said, and the context that it is written out in."""

    context: str
    transcript: str


@dataclass
class Side:
    """One way to write; all dictations of all runs together."""

    tokens: int = 0
    steps: int = 0
    drafted: int = 0
    accepted: int = 0
    seconds: list[float] = field(default_factory=list)
    """Of each run."""
    draft_s: float = 0.0
    """Making the drafts, which is not in `seconds`."""

    @property
    def tokens_per_s(self) -> float:
        """By the median run: now and then the machine has other work."""
        return self.tokens / len(self.seconds) / median(self.seconds)

    @property
    def tokens_per_step(self) -> float:
        """One step is one evaluation."""
        return self.tokens / max(1, self.steps)

    @property
    def accepted_share(self) -> float:
        """Of the drafted tokens; 0 when there were none."""
        return self.accepted / max(1, self.drafted)


@dataclass(frozen=True)
class DecodeTimes:
    """All that was measured. `batch_ms` is empty for a model that cannot verify drafts.

    `differing` answers with a draft were not the plain ones: near ties, where another batch size
    rounds otherwise.
    """

    dictations: int
    runs: int
    batch_ms: dict[int, float]
    sides: dict[str, Side]
    differing: int

    def times_plain(self, side: str) -> float:
        """How many times as fast as plain decoding: the median of the runs, each compared within itself."""
        plain, other = self.sides["plain"], self.sides[side]
        times = (before / after for before, after in zip(plain.seconds, other.seconds, strict=True))
        return median(times) * other.tokens / plain.tokens


def goals(times: DecodeTimes) -> list[Goal]:
    """How many times as fast as plain decoding each kind of draft is to be."""
    return [at_least(least, side, says, times.times_plain(side)) for side, says, least in _GOALS]


def as_json(times: DecodeTimes) -> dict[str, Any]:
    """The figures, rounded."""
    sides = times.sides
    return {
        "dictations": times.dictations,
        "runs": times.runs,
        "batch_ms": {str(rows): round(ms, 3) for rows, ms in times.batch_ms.items()},
        "decode_tokens_per_s": {name: round(side.tokens_per_s, 2) for name, side in sides.items()},
        "times_plain": {name: round(times.times_plain(name), 3) for name in sides},
        "tokens_per_step": {name: round(side.tokens_per_step, 2) for name, side in sides.items()},
        "accepted_share": {name: round(side.accepted_share, 3) for name, side in sides.items()},
        "draft_ms_per_dictation": round(
            sides["copy_edit"].draft_s / (times.dictations * times.runs) * 1e3, 3
        ),
        "differing_answers": times.differing,
    }


def demo_dictations(recordings: Path) -> list[Dictation]:
    """What the demo recogniser hears in the recordings of a folder with an `index.toml`."""
    index = tomllib.loads((recordings / "index.toml").read_text(encoding="utf-8"))
    return [Dictation(entry["context"], entry["heard"]) for entry in index["recording"]]


def measure(
    model: LanguageModel,
    template: Template,
    settings: Settings,
    dictations: Sequence[Dictation],
    runs: int,
    progress: Progress,
    clock: Clock = time.perf_counter,
) -> DecodeTimes:
    """Write each dictation in every way, `runs` times, and once before that, which does not count.

    Raises `ModelError` when the model does not come to an end of any answer.
    """
    bench = _Bench(model, template, settings, dictations, clock)
    total = (runs + 1) * len(dictations)
    for run in range(runs + 1):
        for side in bench.sides.values():
            side.begin_run(counts=run > 0)
        for number, task in enumerate(bench.tasks()):
            progress(run * len(dictations) + number, total)
            bench.write(task, turn=run + number)
    progress(total, total)
    if not any(bench.right.values()):
        raise ModelError("The model came to no end of any answer while it was measured.")
    return DecodeTimes(
        len(dictations),
        runs,
        bench.batch_ms,
        {name: side.result for name, side in bench.sides.items()},
        bench.differing,
    )


class _Writer:
    """One side: its decoder learns from its own drafts alone."""

    def __init__(self, decoder: Decoder, metrics: Metrics) -> None:
        self.decoder = decoder
        self.result = Side()
        self._metrics = metrics
        self._counts = False
        self._before: dict[str, int] = {}

    def begin_run(self, *, counts: bool) -> None:
        self._counts = counts
        if counts:
            self.result.seconds.append(0.0)

    def begin_answer(self) -> None:
        self._before = self._metrics.counters()

    def add(self, draft_s: float, seconds: float) -> None:
        """The draft took so long, and then the answer."""
        if not self._counts:
            return
        self.result.seconds[-1] += seconds
        self.result.draft_s += draft_s
        self.result.tokens += self._since("tokens_written")
        self.result.steps += self._since("decode_steps")
        self.result.drafted += self._since("tokens_drafted")
        self.result.accepted += self._since("tokens_accepted")

    def _since(self, name: str) -> int:
        return self._metrics.counter(name) - self._before.get(name, 0)


@dataclass(frozen=True)
class _Task:
    dictation: Dictation
    other: Dictation
    prompt: PromptTokens


class _Bench:
    """The model with its ways to write."""

    def __init__(
        self,
        model: LanguageModel,
        template: Template,
        settings: Settings,
        dictations: Sequence[Dictation],
        clock: Clock,
    ) -> None:
        self._model = model
        self._template = template
        self._settings = settings
        self._dictations = dictations
        self._clock = clock
        self._tokens = TokenCache(model, Metrics())
        costs = measure_costs(model, clock)
        self.batch_ms = {rows: costs.seconds(rows) * 1e3 for rows in SHOWN_ROWS} if costs else {}
        self.sides: dict[str, _Writer] = {}
        for name in SIDES:
            metrics = Metrics()
            own = None if name == "plain" else deepcopy(costs)
            self.sides[name] = _Writer(Decoder(model, metrics, own, clock), metrics)
        self.right: dict[Dictation, str] = {}
        """What plain decoding wrote."""
        self.differing = 0

    def tasks(self) -> Iterator[_Task]:
        """Context by context: each one's prompt is evaluated once a run."""
        following = [*self._dictations[1:], *self._dictations[:1]]
        pairs = sorted(zip(self._dictations, following, strict=True), key=lambda pair: pair[0].context)
        for context, group in groupby(pairs, key=lambda pair: pair[0].context):
            prompt = self._tokens.get(self._template(context, self._settings))
            self._model.truncate(0)
            for dictation, other in group:
                yield _Task(dictation, other, prompt)

    def write(self, task: _Task, turn: int) -> None:
        """Every side once, beginning with another one each turn; before the first, plainly."""
        if task.dictation not in self.right:
            self.right[task.dictation] = self._text(task, "plain") or ""
        for number in range(len(SIDES)):
            name = SIDES[(turn + number) % len(SIDES)]
            text = self._text(task, name)
            self.differing += (text or "") != self.right[task.dictation]

    def _text(self, task: _Task, name: str) -> str | None:
        """Written by one side, and timed from the answer's first token, with the draft at hand."""
        side, prompt = self.sides[name], task.prompt
        rest = self._tokens.rest(prompt, task.dictation.transcript)
        spoken = rest[: len(rest) - len(prompt.suffix)]
        self._make_hot(prompt)
        token = self._model.evaluate(rest)
        side.begin_answer()
        began = self._clock()
        draft, source = self._draft(task, name, spoken)
        start = self._clock()
        written = side.decoder.decode(token, output_limit(len(spoken)), draft, source)
        side.add(start - began, self._clock() - start)
        if written is None:
            return None
        return b"".join(map(self._model.piece, written)).decode("utf-8", "replace")

    def _make_hot(self, prompt: PromptTokens) -> None:
        length = len(prompt.prefix)
        self._model.truncate(length)
        if self._model.length() != length:
            self._model.truncate(0)
            self._model.evaluate(prompt.prefix)

    def _draft(self, task: _Task, name: str, spoken: list[int]) -> tuple[list[int], list[int]]:
        """The side's draft, and the transcript that it is looked up in."""
        match name:
            case "copy_edit":
                text = format_by_rules(task.dictation.transcript, task.dictation.context)
            case "copy_edit_right_draft":
                text = self.right[task.dictation]
            case "copy_edit_wrong_draft":
                text = format_by_rules(task.other.transcript, task.other.context)
                spoken = self._model.tokenize(task.other.transcript, special=False)
            case _:
                return [], []
        return self._model.tokenize(text, special=False), spoken
