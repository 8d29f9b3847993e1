"""How many tokens of a draft are worth verifying at once. All pure; it learns while it is used.

Three things decide: what a batch of so many rows costs on this machine, how often a draft was right
after so many tokens in agreement, and an account of the time that wrong drafts have cost against plain
decoding, which ends drafting before anyone could notice.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from itertools import pairwise, takewhile

BATCHES = (*range(4, 33, 4), 40, 48, 56)
"""Rows that are considered beside a single one: llama.cpp's fast kernels take multiples of 4. From 64
on its flash attention works in tiles and rounds otherwise; below, every size rounds alike."""

ALLOWANCE = 0.03
"""Share of plain decoding's time that wrong drafts may cost an answer."""

TRUSTED = 16
"""Rows of an answer's first batch when the drafts before were right."""

_SCALE_RATE, _SHAPE_RATE = 0.2, 0.05
_OUTLIER = 2.0
"""A time so many times longer or shorter than expected says more about the machine's other work."""

_CHANCE_RATE = 0.03
_CHANCES = (0.75, 0.88, 0.94, 0.97, 0.98)
"""Share of drafted tokens that were right after 1, 2, 4, 8 and 16 or more in agreement: the rules' drafts
of the demo model's answers, moved towards caution."""


class BatchCosts:
    """Seconds that a batch takes, by its rows; between the sizes that were measured, a straight line.

    That the whole machine is slower at the moment shows in every size: most of what is observed goes
    into a common scale, and little into the one size, but for its first times: behind a long prompt
    the sizes compare otherwise than they did when they were measured.
    """

    def __init__(self, measured: Mapping[int, float]) -> None:
        """`measured` has the seconds of a single row and of some larger batches."""
        self._scale = 1.0
        self._sizes = sorted(measured)
        self._shape = [measured[size] for size in self._sizes]
        self._middles = [math.sqrt(low * high) for low, high in pairwise(self._sizes)]
        self._seen = [1] * len(self._sizes)

    def seconds(self, rows: int) -> float:
        """Expected time of a batch."""
        low = min(max(bisect_right(self._sizes, rows) - 1, 0), len(self._sizes) - 2)
        slope = (self._shape[low + 1] - self._shape[low]) / (self._sizes[low + 1] - self._sizes[low])
        return self._scale * (self._shape[low] + max(0.0, slope * (rows - self._sizes[low])))

    def observe(self, rows: int, seconds: float) -> None:
        """A batch took so long."""
        factor = min(max(seconds / self.seconds(rows), 1 / _OUTLIER), _OUTLIER)
        nearest = bisect_right(self._middles, rows)
        self._scale *= 1 + _SCALE_RATE * (factor - 1)
        self._seen[nearest] += 1
        self._shape[nearest] *= 1 + max(_SHAPE_RATE, 1 / self._seen[nearest]) * (factor - 1)


class Agreement:
    """How likely the next token of a draft is right, by the run of tokens, 1 at least, that agreed before."""

    def __init__(self) -> None:
        self._chances = list(_CHANCES)

    def chance(self, agreed: int) -> float:
        """Of the next token."""
        return self._chances[_class(agreed)]

    def observe(self, agreed: int, *, right: bool) -> None:
        """A token, drafted after `agreed` in agreement, was right or not."""
        run = _class(agreed)
        self._chances[run] += _CHANCE_RATE * (right - self._chances[run])

    def expected(self, agreed: int, most: int) -> list[float]:
        """Tokens that 0, 1, 2... up to `most` drafted ones bring: the right ones before the first error,
        and the model's own."""
        tokens, chance = [1.0], 1.0
        for more in range(agreed, agreed + most):
            chance *= self._chances[_class(more)]
            tokens.append(tokens[-1] + chance)
        return tokens


def _class(agreed: int) -> int:
    return min(agreed.bit_length(), len(_CHANCES)) - 1


class DraftSizes:
    """Chooses the rows of each batch for one model; `begin` each answer."""

    def __init__(self, costs: BatchCosts) -> None:
        self._costs = costs
        self._agreement = Agreement()
        self._gained_s = 0.0
        self._written = 0
        self._expected = 0

    def begin(self, expected_tokens: int) -> None:
        """A new answer, which will have about so many tokens, rather less.

        Of what drafts gained before, as much may be lost again as one good-sized batch costs: who was
        right is trusted at once, and who was wrong must earn it. So is what earlier answers might have
        lost and did not: short ones could never afford a draft by themselves.
        """
        step_s = self._costs.seconds(1)
        most_s = self._costs.seconds(TRUSTED) - step_s
        saved_s = ALLOWANCE * step_s * self._written
        self._gained_s = max(0.0, min(self._gained_s + saved_s, most_s))
        self._written, self._expected = 0, expected_tokens

    def rows(self, agreed: int, drafted: int, room: int) -> int:
        """Rows of the next batch: 1, or a multiple of 4 up to `room`.

        `drafted` tokens are there to verify, after `agreed` in agreement. The batch with the most
        expected tokens a second is chosen, among those that may turn out wrong altogether.
        """
        batches = self._affordable(min(room, drafted + 3))
        if not batches:
            return 1
        expected = self._agreement.expected(agreed, min(drafted, batches[-1][0] - 1))
        best, best_rate = 1, 1 / self._costs.seconds(1)
        for rows, seconds in batches:
            rate = expected[min(drafted, rows - 1)] / seconds
            if rate > best_rate:
                best, best_rate = rows, rate
        return best

    def _affordable(self, most: int) -> list[tuple[int, float]]:
        """Batches of up to `most` rows and their seconds that may bring no more than a single row does."""
        step_s = self._costs.seconds(1)
        at_stake_s = self._gained_s + ALLOWANCE * step_s * max(self._written, self._expected)
        batches = ((rows, self._costs.seconds(rows)) for rows in BATCHES if rows <= most)
        return list(takewhile(lambda batch: batch[1] - step_s <= at_stake_s, batches))

    def observe(self, rows: int, seconds: float, written: int) -> None:
        """A batch took so long and brought so many tokens, the model's own included."""
        self._costs.observe(rows, seconds)
        self._written += written
        self._gained_s += written * self._costs.seconds(1) - self._costs.seconds(rows)

    def observe_step(self) -> None:
        """A single row, with no draft to verify, brought a token."""
        self._written += 1

    def judge(self, agreed: int, right: int, *, wrong: bool) -> None:
        """After `agreed` tokens in agreement `right` more were right, and then, perhaps, one was wrong."""
        for more in range(right):
            self._agreement.observe(agreed + more, right=True)
        if wrong:
            self._agreement.observe(agreed + right, right=False)
