"""What an instant release is meant to reach, with shapes of whisper-base and half a billion parameters."""

from __future__ import annotations

from collections.abc import Mapping

from voiceflow_daemon.bench import decode
from voiceflow_daemon.bench.decode import DecodeTimes
from voiceflow_daemon.bench.goals import Goal, at_least, at_most

SHORT_S, LONG_S = 5, 60
TIMES_SHORT = 1.3
TIMES_FASTER = {SHORT_S: 4.0, LONG_S: 15.0}
CPU_WORK = 1.6


def release_goals(
    release_ms: Mapping[int, Mapping[str, float]],
    times_same_end: float | None,
    cpu: Mapping[str, float],
    decoding: DecodeTimes,
) -> list[Goal]:
    """By the medians of the lengths that were measured; `cpu` in all.

    `times_same_end` is the long utterance's time by the short one's where both end with the same words:
    otherwise it is mostly the length of what was said last that is compared.
    """
    found = []
    if {SHORT_S, LONG_S} <= release_ms.keys():
        times = release_ms[LONG_S]["ours"] / release_ms[SHORT_S]["ours"]
        found.append(at_most(TIMES_SHORT, "60_to_5", f"{LONG_S} s spoken: times {SHORT_S} s spoken", times))
    if times_same_end is not None:
        says = "  with the same last words"
        found.append(at_most(TIMES_SHORT, "60_to_5_same_end", says, times_same_end))
    for seconds, least in TIMES_FASTER.items():
        if seconds in release_ms:
            times = release_ms[seconds]["sequential"] / release_ms[seconds]["ours"]
            says = f"{seconds} s spoken: times faster than the sequential way"
            found.append(at_least(least, f"faster_{seconds}", says, times))
    work = cpu["ours"] / cpu["sequential"]
    found.append(at_most(CPU_WORK, "cpu", "CPU work: times the sequential way's", work))
    return [*found, *decode.goals(decoding)]
