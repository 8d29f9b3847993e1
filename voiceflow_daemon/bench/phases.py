"""What each of the prompt cache's three phases saves by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from voiceflow_daemon.bench.first_token import FirstTokenModel
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.llm.prompt_tokens import TokenCache
from voiceflow_daemon.llm.prompts import ContextPrompts
from voiceflow_daemon.metrics import Metrics

TEN_MB = 10_000_000


@dataclass(frozen=True)
class PhaseTimes:
    """One context's, in milliseconds: what the template, the tokens and the state save, and restoring.

    `restore_ms_per_10mb` is for ten million bytes of state, `copy_ms_per_10mb` what this machine takes
    to copy them within its memory; None where the model gives no state back.
    """

    template: float
    tokens: float
    state: float
    restore_ms_per_10mb: float | None
    copy_ms_per_10mb: float | None


class Phases:
    """Each phase's work against its cache's, on the model's own sequence, which is empty afterwards."""

    def __init__(self, model: FirstTokenModel, prompts: ContextPrompts, settings: Settings) -> None:
        self._model, self._prompts, self._settings = model, prompts, settings
        self._templates = PromptCache(prompts.template, Metrics())
        self._tokens = TokenCache(model, Metrics())

    def measure(self, context: str) -> PhaseTimes:
        """Raises `ConfigError` or `ModelError` as the daemon's preparing does."""
        model, settings = self._model, self._settings
        template = self._templates.get_or_format(context, settings)
        prompt = self._tokens.get(template)
        format_ms = _ms(lambda: self._prompts.template(context, settings))
        kept_ms = _ms(lambda: self._templates.get_or_format(context, settings))
        tokenize_ms = _ms(
            lambda: (
                model.tokenize(template.prefix, special=True),
                model.tokenize(template.suffix, special=True),
            )
        )
        found_ms = _ms(lambda: self._tokens.get(template))
        model.truncate(0)
        prefill_ms = _ms(lambda: model.evaluate(prompt.prefix))
        saved = (format_ms - kept_ms, tokenize_ms - found_ms)
        restored = self._restore(len(prompt.prefix))
        if restored is None:
            return PhaseTimes(*saved, prefill_ms, None, None)
        restore_ms, copy_ms, size = restored
        return PhaseTimes(
            *saved, prefill_ms - restore_ms, restore_ms * TEN_MB / size, copy_ms * TEN_MB / size
        )

    def _restore(self, length: int) -> tuple[float, float, int] | None:
        """How long the sequence's state takes to come back, how long to be copied, and its bytes."""
        try:
            state = self._model.state()
        except ModelError:
            return None
        copy = np.zeros_like(state)
        copy_ms = _ms(lambda: np.copyto(copy, state))
        self._model.truncate(0)
        began = time.perf_counter()
        restored = self._model.restore(state, length)
        restore_ms = (time.perf_counter() - began) * 1e3
        self._model.truncate(0)
        return (restore_ms, copy_ms, state.nbytes) if restored else None


def _ms(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1e3
