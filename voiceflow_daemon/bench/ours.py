"""Our side: dictations through the engine, with the prompt wherever a dictation may find it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from voiceflow_daemon.bench.first_token import NOTHING, FirstTokenModel
from voiceflow_daemon.bench.transcripts import EARLIER
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.kv_cache import DiskTier
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.llm.prompts import ContextPrompts
from voiceflow_daemon.metrics import Metrics


@dataclass(frozen=True)
class FirstToken:
    """The time to the first token, and which tier the prompt came from ("none": it was evaluated)."""

    ms: float
    tier: str


class Ours:
    """The engine with its caches, as the daemon puts them together."""

    def __init__(
        self,
        model: FirstTokenModel,
        disk: DiskTier,
        prompts: ContextPrompts,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        """Warms the model up."""
        self._model, self._settings, self._metrics = model, settings, metrics
        self._now_s = 0.0
        self._engine = LlmEngine(model, metrics, disk)
        self._engine.set_prompt_cache(PromptCache(prompts.template, metrics, lambda: self._now_s))

    def prepare(self, context: str) -> None:
        """As the daemon does it at its start for each context."""
        self._engine.prepare(context, self._settings)

    def state_bytes(self) -> dict[str, int]:
        """Of each prepared context's evaluated prefix."""
        return {entry.context: entry.bytes for entry in self._engine.prompt_entries()}

    def prefix_tokens(self) -> dict[str, int]:
        """Of each prepared context."""
        return {entry.context: entry.tokens for entry in self._engine.prompt_entries()}

    def dictate(self, context: str, transcript: str) -> FirstToken:
        """From the transcript to the first token; raises `ModelError` when none comes."""
        before = self._metrics.counters()
        self._model.evaluated_at = 0.0
        began = time.perf_counter()
        parts = self._engine.format(transcript or NOTHING, context, self._settings)
        if not all(part.complete for part in parts) or not self._model.evaluated_at:
            raise ModelError("The model did not come to its first token while it was measured.")
        return FirstToken((self._model.evaluated_at - began) * 1e3, self._tier_since(before))

    def hot(self, context: str, transcript: str) -> FirstToken:
        """After a dictation in the same context."""
        self.dictate(context, EARLIER)
        return self.dictate(context, transcript)

    def alternating(self, context: str, other: str, transcript: str) -> FirstToken:
        """After a dictation in another context."""
        self.dictate(other, EARLIER)
        return self.dictate(context, transcript)

    def from_ram(self, context: str, transcript: str) -> FirstToken:
        """After the sequence was emptied, with nothing hot."""
        self._model.truncate(0)
        return self.dictate(context, transcript)

    def after_ttl(self, context: str, transcript: str) -> FirstToken:
        """After a dictation in the same context, longer ago than the templates' time to live."""
        self.dictate(context, EARLIER)
        self._now_s += self._settings.prompt_cache.ttl_s + 1.0
        return self.dictate(context, transcript)

    def _tier_since(self, before: dict[str, int]) -> str:
        for tier in ("hot", "ram", "disk"):
            name = f"prefix_hits_{tier}"
            if self._metrics.counter(name) > before.get(name, 0):
                return tier
        return "none"


def no_reuse(model: FirstTokenModel, system: str, transcript: str) -> float:
    """Milliseconds to the first token by nothing but the model: the whole prompt in one piece."""
    model.truncate(0)
    began = time.perf_counter()
    model.evaluate(model.tokenize(model.render_chat(system, transcript), special=True))
    ms = (model.evaluated_at - began) * 1e3
    model.truncate(0)
    return ms
