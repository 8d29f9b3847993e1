"""Samples as a run of three would give them."""

from __future__ import annotations

from voiceflow_daemon.bench.cache import SIDES, Samples
from voiceflow_daemon.bench.phases import PhaseTimes
from voiceflow_daemon.bench.report import Report, report
from voiceflow_daemon.bench.transcripts import RESTS

SHORT_MS = {
    "no_reuse": 1000.0,
    "llama_same": 32.0,
    "llama_alternating": 793.0,
    "ram_cache_alternating": 128.0,
    "ours_hot": 30.0,
    "ours_alternating": 32.0,
    "ours_ram": 31.0,
    "ours_disk_restart": 36.0,
    "ours_after_ttl": 30.5,
}


def samples() -> Samples:
    """Each time once as it is, once a tenth less and once a tenth more."""
    made = Samples(
        threads=4,
        prefix_tokens={"default": 398, "email": 400, "slack": 396, "code": 402},
        rest_tokens={"": 7, "_92": 44, "_411": 176},
        ours_bytes={"default": 5_000_000, "email": 5_200_000, "slack": 4_900_000, "code": 5_300_000},
        ram_cache_bytes=250_000_000,
        ram_cache_resident_bytes=260_000_000,
        ram_cache_save_ms=[100.0, 110.0, 120.0, 90.0],
        tiers={
            "ours_hot": {"hot"},
            "ours_alternating": {"ram"},
            "ours_ram": {"ram"},
            "ours_disk_restart": {"disk"},
            "ours_after_ttl": {"hot"},
        },
        disk_read_ms=[4.0, 4.4, 3.6],
        restart_stages_ms={"prefix_read_ms": [4.0, 4.4, 3.6], "transcript_prefill_ms": [30.0, 29.0, 31.0]},
        phases=[
            PhaseTimes(0.3, 0.5, 950.0, 1.2, 0.9),
            PhaseTimes(0.4, 0.6, 960.0, 1.1, 0.9),
            PhaseTimes(0.2, 0.4, 940.0, 1.3, 0.9),
        ],
    )
    for number, rest in enumerate(RESTS):
        for side in SIDES:
            middle = SHORT_MS[side] + 100.0 * number
            made.ttft_ms[rest.key][side] = [middle, 0.9 * middle, 1.1 * middle]
    return made


def figures() -> Report:
    return report("Stand-in of qwen2.5-0.5b's <shape>", 3, samples(), "GOMP_SPINCOUNT=1000")
