"""The figures of one run: what is written as JSON, shown as tables and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voiceflow_daemon.bench.cache import SIDES, Samples
from voiceflow_daemon.bench.goals import Goal, goals
from voiceflow_daemon.bench.spread import Spread, spread
from voiceflow_daemon.bench.transcripts import RESTS


@dataclass(frozen=True)
class Report:
    """Medians and quartiles; all times in milliseconds. `ttft[key of the rest][side]`."""

    model: str
    runs: int
    threads: int
    waiting: str
    samples: Samples
    ttft: Mapping[str, Mapping[str, Spread]]
    bytes_per_context: Mapping[str, int]
    saved: Mapping[str, Spread]
    restore_per_10mb: Spread | None
    copy_per_10mb: Spread | None
    disk_read: Spread
    goals: Sequence[Goal]

    @property
    def prefix_tokens(self) -> int:
        """The contexts' mean."""
        return round(_mean(self.samples.prefix_tokens.values()))


def report(model: str, runs: int, samples: Samples, waiting: str) -> Report:
    """Sum up; `waiting` says how the threads of both sides wait for each other."""
    ttft = {rest.key: {side: spread(samples.ttft_ms[rest.key][side]) for side in SIDES} for rest in RESTS}
    held = {"ram_cache": samples.ram_cache_bytes, "ours": round(_mean(samples.ours_bytes.values()))}
    restore = _spread_of_some([each.restore_ms_per_10mb for each in samples.phases])
    disk_read = spread(samples.disk_read_ms)
    medians = {key: {side: each.median for side, each in sides.items()} for key, sides in ttft.items()}
    return Report(
        model=model,
        runs=runs,
        threads=samples.threads,
        waiting=waiting,
        samples=samples,
        ttft=ttft,
        bytes_per_context=held,
        saved={
            "template": spread([each.template for each in samples.phases]),
            "tokens": spread([each.tokens for each in samples.phases]),
            "state": spread([each.state for each in samples.phases]),
        },
        restore_per_10mb=restore,
        copy_per_10mb=_spread_of_some([each.copy_ms_per_10mb for each in samples.phases]),
        disk_read=disk_read,
        goals=goals(
            medians[""],
            medians["_92"],
            disk_read.median,
            held["ours"] / held["ram_cache"],
            restore.median if restore is not None else None,
        ),
    )


def as_json(figures: Report) -> dict[str, Any]:
    """Medians; under "spread", in the same places, the quartiles between which half of the runs lie."""
    samples = figures.samples
    times = {f"ttft_ms{key}": sides for key, sides in figures.ttft.items()}
    middles: dict[str, Any] = {name: _medians(sides) for name, sides in times.items()}
    around: dict[str, Any] = {name: _quartiles(sides) for name, sides in times.items()}
    restore, copy = figures.restore_per_10mb, figures.copy_per_10mb
    return {
        "model": figures.model,
        "runs": figures.runs,
        "threads": figures.threads,
        "waiting": figures.waiting,
        "prefix_tokens": figures.prefix_tokens,
        "prefix_tokens_of": samples.prefix_tokens,
        "rest_tokens": {f"ttft_ms{key}": count for key, count in samples.rest_tokens.items()},
        **middles,
        "bytes_per_context": dict(figures.bytes_per_context),
        "resident_bytes_per_context": {"ram_cache": samples.ram_cache_resident_bytes},
        "saved_ms": _medians(figures.saved),
        "restore_ms_per_10mb": None if restore is None else _rounded(restore.median),
        "copy_ms_per_10mb": None if copy is None else _rounded(copy.median),
        "disk_read_ms": _rounded(figures.disk_read.median),
        "restart_stages_ms": {
            stage: _rounded(spread(took_ms).median) for stage, took_ms in samples.restart_stages_ms.items()
        },
        "ram_cache_save_ms": _rounded(spread(samples.ram_cache_save_ms).median),
        "tiers": {side: sorted(tiers) for side, tiers in samples.tiers.items()},
        "spread": around
        | {
            "saved_ms": _quartiles(figures.saved),
            "restore_ms_per_10mb": None if restore is None else _pair(restore),
            "copy_ms_per_10mb": None if copy is None else _pair(copy),
            "disk_read_ms": _pair(figures.disk_read),
            "ram_cache_save_ms": _pair(spread(samples.ram_cache_save_ms)),
        },
        "goals": {
            goal.name: {
                "value": _rounded(goal.value),
                "limit": goal.limit,
                "at_least": goal.at_least,
                "met": goal.met,
            }
            for goal in figures.goals
        },
    }


def _spread_of_some(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return spread(known) if known else None


def _medians(times: Mapping[str, Spread]) -> dict[str, float]:
    return {name: _rounded(each.median) for name, each in times.items()}


def _quartiles(times: Mapping[str, Spread]) -> dict[str, list[float]]:
    return {name: _pair(each) for name, each in times.items()}


def _pair(of: Spread) -> list[float]:
    return [_rounded(of.low), _rounded(of.high)]


def _rounded(value: float) -> float:
    return round(value, 4)


def _mean(values: Any) -> float:
    numbers = list(values)
    return float(sum(numbers) / len(numbers))
