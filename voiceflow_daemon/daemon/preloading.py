"""Which prompt is to be prepared next. All pure; the worker's queue owns the plan."""

from __future__ import annotations

from dataclasses import dataclass, replace

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.orders import Guess, Hear, Job, MakeHot, Prepare
from voiceflow_daemon.errors import VoiceflowError


@dataclass(frozen=True)
class Plan:
    """What is left of an order to prepare prompts.

    `waiting` are the contexts to prepare, in order; then `hot` is made the one at hand, None when it
    is already. `failures` are the contexts that cannot be prepared.
    """

    order: Prepare | MakeHot
    waiting: tuple[str, ...]
    hot: str | None
    tried: frozenset[str] = frozenset()
    failures: tuple[tuple[str, VoiceflowError], ...] = ()

    @property
    def next(self) -> str | None:
        """The context to prepare now; None when all is done."""
        return self.waiting[0] if self.waiting else self.hot

    @property
    def progress(self) -> tuple[int, int]:
        """Which of how many contexts is being prepared, counted from 1."""
        total = len(self.order.contexts) if isinstance(self.order, Prepare) else 1
        return min(len(self.tried) + 1, total), total

    def prepared(self, context: str) -> Plan:
        """The plan once `context` is ready and hot."""
        waiting = tuple(name for name in self.waiting if name != context)
        hot = None if context == self.hot and not waiting else self.hot
        failures = tuple(failure for failure in self.failures if failure[0] != context)
        return replace(self, waiting=waiting, hot=hot, tried=self.tried | {context}, failures=failures)

    def failed(self, context: str, error: VoiceflowError) -> Plan:
        """The plan once `context` has turned out to be unusable: the others are prepared all the same."""
        ended = self.prepared(context)
        hot = None if context == self.hot else ended.hot
        return replace(ended, hot=hot, failures=(*ended.failures, (context, error)))

    def turned_to(self, context: str) -> Plan:
        """The plan once the user wants `context`: it comes first now, and is the hot one in the end."""
        others = tuple(name for name in self.waiting if name != context)
        return replace(self, waiting=(context, *others), hot=context)


def plan(order: Prepare) -> Plan:
    """The active context first, then the others, then the active one again, so that it stays hot.

    Where neither memory nor disk may keep a prompt, only the active one's work is not in vain.
    """
    limits = order.settings.prompt_cache
    keeps = limits.memory_mb > 0 or limits.disk_mb > 0
    waiting = tuple(dict.fromkeys(order.contexts)) if keeps else order.contexts[:1]
    return Plan(order, waiting, hot=next(iter(waiting), None))


def turned_to(present: Plan | None, order: MakeHot) -> Plan:
    """The plan after `order`: the rest of an unfinished one goes on behind it."""
    if present is None or isinstance(present.order, MakeHot):
        return Plan(order, (order.context,), hot=order.context)
    return present.turned_to(order.context)


def is_same_prompt(context: str, settings: Settings, other: str, other_settings: Settings) -> bool:
    """Whether both name one prompt: a dictation keeps the settings it began with."""
    return context == other and settings.contexts.get(context) == other_settings.contexts.get(other)


@dataclass(frozen=True, eq=False)
class Step:
    """One context's prompt to prepare: which of how many is in `progress`, counted from 1."""

    order: Prepare | MakeHot
    context: str
    settings: Settings
    progress: tuple[int, int]


def step_of(present: Plan | None) -> Step | None:
    """The plan's next step."""
    if present is None or present.next is None:
        return None
    return Step(present.order, present.next, present.order.settings, present.progress)


def serves(step: Step, upcoming: object) -> bool:
    """Whether what is `upcoming` needs the very prompt that `step` prepares."""
    match upcoming:
        case (
            Job(context=context, settings=settings)
            | Guess(context=context, settings=settings)
            | Hear(context=context, settings=settings)
            | Step(context=context, settings=settings)
        ):
            return is_same_prompt(step.context, step.settings, context, settings)
        case _:
            return False
