"""A language model whose next token is any function of all tokens before, on a clock of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.fakes.language_model import END, FakeLanguageModel

Rule = Callable[[Sequence[int]], int]
"""All tokens so far -> the next one."""

SMALL = {1: 0.021, 4: 0.024, 8: 0.040, 16: 0.062, 32: 0.114, 64: 0.213}
"""Seconds of a batch by its rows, as measured with 0.5B parameters in 4 bits on 4 cores."""
MIDDLE = {1: 0.040, 4: 0.053, 8: 0.101, 16: 0.142, 32: 0.279, 64: 0.558}
"""With 1.5B parameters."""
TINY = {1: 0.0007, 4: 0.0018, 8: 0.0029, 16: 0.0052, 32: 0.010, 64: 0.011}
"""The demo model, where a row costs nearly as much as a step."""


def seconds_of(costs: Mapping[int, float], rows: int) -> float:
    """The table's cost, on straight lines between its sizes."""
    sizes = sorted(costs)
    low = max((size for size in sizes[:-1] if size <= rows), default=sizes[0])
    high = sizes[sizes.index(low) + 1]
    return costs[low] + (costs[high] - costs[low]) * (rows - low) / (high - low)


def answering(prompt: Sequence[int], answer: Sequence[int]) -> Rule:
    """Behind the prompt the answer and the end; nonsense behind anything else."""
    whole = [*prompt, *answer, END]

    def rule(read: Sequence[int]) -> int:
        return whole[len(read)] if list(read) == whole[: len(read)] else 255

    return rule


class ScriptedModel(FakeLanguageModel):
    """`now` is its clock; each evaluation moves it by its cost."""

    def __init__(
        self,
        rule: Rule,
        costs: Mapping[int, float] = SMALL,
        *,
        context_tokens: int = 4096,
        goes_back: bool = True,
    ) -> None:
        super().__init__(context_tokens=context_tokens, goes_back=goes_back)
        self.rule = rule
        self.costs = costs
        self.now = 0.0

    @property
    def read(self) -> list[int]:
        """All tokens of the sequence."""
        return list(self._sequence)

    def _append(self, tokens: Sequence[int], *, each: bool) -> list[int]:
        likeliest = super()._append(tokens, each=each)
        self.now += seconds_of(self.costs, len(tokens))
        return likeliest

    def _next(self, end: int) -> int:
        return self.rule(self._sequence[:end])
