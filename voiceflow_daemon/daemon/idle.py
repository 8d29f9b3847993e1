"""When the models are freed: after so many minutes without a dictation. Pure.

Times are seconds of one monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Idle:
    """Since when nothing has needed the models; None while something does."""

    since: float | None = None

    def after(self, now: float, *, busy: bool) -> Idle:
        """What is known at `now`, when something needs the models (`busy`), or still nothing does."""
        if busy:
            return Idle()
        return Idle(now) if self.since is None else self

    def unload_due(self, unload_after_min: float) -> float | None:
        """When the models are to be freed if nothing happens; None for not at all, as 0 minutes say."""
        if self.since is None or unload_after_min <= 0:
            return None
        return self.since + unload_after_min * 60
