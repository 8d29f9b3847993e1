"""The figures of one run: what is written as JSON, shown as tables and drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voiceflow_daemon.bench.cache import SIDES, Samples
from voiceflow_daemon.bench.cache_goals import cache_goals
from voiceflow_daemon.bench.goals import Goal, goals_as_json
from voiceflow_daemon.bench.spread import Spread, medians, quartiles, rounded, spread
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
        goals=cache_goals(
            medians(ttft[""]),
            medians(ttft["_92"]),
            disk_read.median,
            held["ours"] / held["ram_cache"],
            restore.median if restore is not None else None,
        ),
    )


def as_json(figures: Report) -> dict[str, Any]:
    """Medians; under "spread", in the same places, the quartiles between which half of the runs lie."""
    samples = figures.samples
    by_name = {f"ttft_ms{key}": sides for key, sides in figures.ttft.items()} | {"saved_ms": figures.saved}
    alone = {
        "restore_ms_per_10mb": figures.restore_per_10mb,
        "copy_ms_per_10mb": figures.copy_per_10mb,
        "disk_read_ms": figures.disk_read,
        "ram_cache_save_ms": spread(samples.ram_cache_save_ms),
    }
    found = {
        "model": figures.model,
        "runs": figures.runs,
        "threads": figures.threads,
        "waiting": figures.waiting,
        "prefix_tokens": figures.prefix_tokens,
        "prefix_tokens_of": samples.prefix_tokens,
        "rest_tokens": {f"ttft_ms{key}": count for key, count in samples.rest_tokens.items()},
        **{name: medians(of) for name, of in by_name.items()},
        "bytes_per_context": figures.bytes_per_context,
        "resident_bytes_per_context": {"ram_cache": samples.ram_cache_resident_bytes},
        **{name: of and of.median for name, of in alone.items()},
        "restart_stages_ms": {stage: spread(ms).median for stage, ms in samples.restart_stages_ms.items()},
        "tiers": {side: sorted(tiers) for side, tiers in samples.tiers.items()},
        "spread": {name: quartiles(of) for name, of in by_name.items()}
        | {name: of and [of.low, of.high] for name, of in alone.items()},
        "goals": goals_as_json(figures.goals),
    }
    return dict(rounded(found))


def _spread_of_some(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return spread(known) if known else None


def _mean(values: Any) -> float:
    numbers = list(values)
    return float(sum(numbers) / len(numbers))
