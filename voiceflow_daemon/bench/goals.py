"""What a benchmark's figures are meant to reach."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Goal:
    """A ratio of this run, and its limit; `at_least` tells on which side of it the ratio should be."""

    name: str
    says: str
    value: float
    limit: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the ratio keeps to the limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def at_least(limit: float, name: str, says: str, value: float) -> Goal:
    """The more the better."""
    return Goal(name, says, value, limit, at_least=True)


def at_most(limit: float, name: str, says: str, value: float) -> Goal:
    """The less the better."""
    return Goal(name, says, value, limit, at_least=False)


def goals_as_json(reached: Iterable[Goal]) -> dict[str, Any]:
    """By their names."""
    return {
        goal.name: {
            "value": round(goal.value, 4),
            "limit": goal.limit,
            "at_least": goal.at_least,
            "met": goal.met,
        }
        for goal in reached
    }
