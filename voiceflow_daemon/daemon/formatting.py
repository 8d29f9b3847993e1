"""A raw transcript to finished text, by the highest rung of the ladder that can be trusted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import StrEnum

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.engine import LlmEngine, Part
from voiceflow_daemon.llm.kv_cache import PromptEntry
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.text.fidelity import check_fidelity
from voiceflow_daemon.text.rules import format_by_rules
from voiceflow_daemon.text.sentences import join_pieces

log = logging.getLogger(__name__)


class Rung(StrEnum):
    """Who wrote the finished text."""

    MODEL = "model"
    MIXED = "mixed"
    """The model, but rules wrote the parts that it did not finish or did not keep to."""
    RULES = "rules"
    NOTHING = "nothing"
    """Nobody spoke."""


class Formatter:
    """Owns the language model, where there is one; one thread uses it, but where any thread may."""

    def __init__(self, engine: LlmEngine | None, prompts: PromptCache | None, metrics: Metrics) -> None:
        self._engine = engine
        self._prompts = prompts
        self._metrics = metrics
        if engine is not None and prompts is not None:
            engine.set_prompt_cache(prompts)

    def format(
        self,
        raw: str,
        context: str,
        settings: Settings,
        language: str = "en",
        wanted: Callable[[], bool] = lambda: True,
        draft: str = "",
    ) -> tuple[str, Rung]:
        """Finished text, and who wrote it. Never raises for a model that fails: rules format then.

        Where `wanted` says no at the beginning, the model is not asked. `draft` is what it will probably
        write, by default what the rules do.
        """
        if self._engine is None:
            return format_by_rules(raw, context, language), Rung.RULES
        try:
            parts = self._engine.format(
                raw,
                context,
                settings,
                wanted=wanted,
                draft=lambda piece: (
                    draft if draft and piece == raw else format_by_rules(piece, context, language)
                ),
            )
        except ModelError as error:
            log.error("the language model failed, rules format instead: %s", error)
            self._metrics.count("model_errors")
            return format_by_rules(raw, context, language), Rung.RULES
        by_model = [self._is_deliverable(part, language) for part in parts]
        texts = [
            part.text if good else format_by_rules(part.raw, context, language)
            for part, good in zip(parts, by_model, strict=True)
        ]
        rung = Rung.MODEL if all(by_model) else Rung.MIXED if any(by_model) else Rung.RULES
        return join_pieces(texts, [part.raw for part in parts]), rung

    def _is_deliverable(self, part: Part, language: str) -> bool:
        """Whether the model's words may stand: finished, and saying what was said."""
        if not part.complete:
            self._metrics.count("parts_unfinished")
            return False
        verdict = check_fidelity(part.raw, part.text, language)
        if not verdict.faithful:
            self._metrics.count("parts_unfaithful")
            log.warning("the model's text was not used: %s", verdict.reason)
        return verdict.faithful

    def prepare(self, context: str, settings: Settings, wanted: Callable[[], bool]) -> bool:
        """Make the context's prompt ready; False when that was interrupted, or not `wanted` any more.

        Raises `ConfigError` or `ModelError` when the prompt cannot be used.
        """
        return self._engine is None or self._engine.prepare(context, settings, wanted)

    def invalidate(self, *, everything: bool) -> None:
        """Forget the templates; with `everything`, tokens and evaluated prefixes too. Any thread."""
        if self._prompts is not None:
            self._prompts.invalidate()
        if self._engine is not None and everything:
            self._engine.invalidate()

    def prompt_entries(self) -> tuple[PromptEntry, ...]:
        """Where each context's evaluated prompt is now; any thread may ask."""
        return self._engine.prompt_entries() if self._engine is not None else ()

    def prompt_problem(self) -> str:
        """Why evaluated prompts are not kept on disk; empty when they are. Any thread may ask."""
        return self._engine.prompt_problem if self._engine is not None else ""

    def leave_room(self, room: bool) -> None:
        """Whether the model leaves a core or more to the desktop; any thread may say so."""
        if self._engine is not None:
            self._engine.leave_room(room)

    def abort(self) -> None:
        """Stop what the language model is doing; any thread may call it."""
        if self._engine is not None:
            self._engine.abort()

    def close(self) -> None:
        """Free the model."""
        if self._engine is not None:
            self._engine.close()
