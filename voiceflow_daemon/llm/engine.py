"""Raw transcript to finished text: greedy decoding behind a prefix that is evaluated once."""

from __future__ import annotations

import time
from dataclasses import dataclass

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.llm.backend import EvaluationAbortedError, LanguageModel
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
from voiceflow_daemon.metrics import Metrics


@dataclass(frozen=True)
class Formatted:
    """What the model wrote. `complete` is False when a limit cut it: then it must not be delivered."""

    text: str
    complete: bool
    tokens: int


class LlmEngine:
    """Owns the model; used by the worker thread alone."""

    def __init__(self, model: LanguageModel, metrics: Metrics) -> None:
        self._model = model
        self._metrics = metrics
        self._cache: PromptCache | None = None
        self._hot: list[int] = []

    def set_prompt_cache(self, cache: PromptCache) -> None:
        """Where templates come from."""
        self._cache = cache

    def prepare(self, context: str, settings: Settings) -> None:
        """Evaluate the context's prefix, so that the next dictation does not wait for it."""
        self._make_hot(self._template(context, settings))

    def format(self, transcript: str, context: str, settings: Settings, deadline: float) -> Formatted:
        """Write the transcript in the context's style; stops at `deadline` (`time.monotonic`)."""
        template = self._template(context, settings)
        self._model.set_abort_check(lambda: time.monotonic() > deadline)
        try:
            return self._generate(transcript, template)
        except EvaluationAbortedError:
            return Formatted("", complete=False, tokens=0)
        finally:
            self._model.set_abort_check(None)
            self._model.truncate(len(self._hot))

    def close(self) -> None:
        """Free the model."""
        self._model.close()

    def _template(self, context: str, settings: Settings) -> PromptTemplate:
        if self._cache is None:
            raise RuntimeError("set_prompt_cache was not called")
        return self._cache.get_or_format(context, settings)

    def _make_hot(self, template: PromptTemplate) -> None:
        tokens = self._model.tokenize(template.prefix, special=True)
        if tokens == self._hot and self._model.length() >= len(tokens):
            self._metrics.count("prefix_hits")
            self._model.truncate(len(tokens))
            return
        self._metrics.count("prefix_misses")
        self._hot = []
        self._model.truncate(0)
        with self._metrics.timed("prompt_prefill_ms"):
            self._model.evaluate(tokens)
        self._hot = tokens

    def _generate(self, transcript: str, template: PromptTemplate) -> Formatted:
        self._make_hot(template)
        rest = self._model.tokenize(transcript, special=False)
        rest += self._model.tokenize(template.suffix, special=True)
        limit = min(2 * len(rest) + 32, self._model.context_tokens - len(self._hot) - len(rest))
        written = bytearray()
        token = self._model.evaluate(rest)
        for count in range(limit):
            if self._model.is_end(token):
                return Formatted(written.decode("utf-8", "replace").strip(), complete=True, tokens=count)
            written += self._model.piece(token)
            token = self._model.evaluate([token])
        return Formatted(written.decode("utf-8", "replace").strip(), complete=False, tokens=limit)
