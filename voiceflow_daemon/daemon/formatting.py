"""A raw transcript to finished text, by the highest rung of the ladder that can be trusted."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError, VoiceflowError
from voiceflow_daemon.llm.engine import LlmEngine, Part, always
from voiceflow_daemon.llm.kv_cache import PromptEntry
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.llm.turns import Turn
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.text.fidelity import check_fidelity, is_unfinished
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


@dataclass(frozen=True)
class Within:
    """The place of a text in its dictation, which is all of it by default.

    `earlier` are the sentences before. Where the dictation `goes_on`, `forget_dictation` must be called in
    the end. `latest`, in `time.monotonic`, stands for the deadline of the settings: it is one of several
    texts that share their time.
    """

    earlier: Sequence[Turn] = ()
    goes_on: bool = False
    latest: float | None = None


ALONE = Within()


@dataclass(frozen=True)
class _Judged:
    """`strays`: the model finished it, but did not keep to what was said."""

    part: Part
    stands: bool
    strays: bool


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
        wanted: Callable[[], bool] = always,
        draft: str = "",
        within: Within = ALONE,
    ) -> tuple[str, Rung]:
        """Finished text, and who wrote it. Never raises for a model that fails: rules format then.

        Where `wanted` says no at the beginning, the model is not asked. `draft` is what it will probably
        write, by default what the rules do.
        """
        earlier = within.earlier

        def by_rules(piece: str) -> str:
            # A greeting is one at the start of the text alone.
            opens = not earlier and raw.lstrip().startswith(piece)
            return format_by_rules(piece, context, language, opens=opens)

        def drafted(piece: str) -> str:
            return draft if draft and piece == raw else by_rules(piece)

        if self._engine is None:
            return by_rules(raw), Rung.RULES

        ask = partial(
            self._engine.format,
            raw,
            context,
            deadline=within.latest,
            wanted=wanted,
            draft=drafted,
            goes_on=within.goes_on,
        )
        began = time.monotonic()
        try:
            parts = self._judged(ask(settings, earlier=earlier), language, wanted)
            left = _with_what_is_left(settings, began, within.latest)
            if earlier and left is not None and any(part.strays for part in parts):
                # The sentences before can lead a small model astray: it says them again, or goes on.
                self._metrics.count("parts_misled")
                parts = self._judged(ask(left), language, wanted)
        except ModelError as error:
            log.error("the language model failed, rules format instead: %s", error)
            self._metrics.count("model_errors")
            return by_rules(raw), Rung.RULES
        return _joined(parts, by_rules)

    def fits(self, raw: str, context: str, settings: Settings) -> bool:
        """Whether the model can be given so long a text at once."""
        if self._engine is None:
            return True
        with suppress(VoiceflowError):  # Of the prompt: whoever formats meets it again, and says so.
            return self._engine.fits(raw, context, settings)
        return True

    def latest(self, texts: Sequence[str], context: str, settings: Settings) -> float | None:
        """When texts that are written one by one from now on have to be there; see `Within`."""
        if self._engine is None:
            return None
        with suppress(VoiceflowError):
            return self._engine.latest(texts, context, settings)
        return None

    def _judged(self, parts: Sequence[Part], language: str, wanted: Callable[[], bool]) -> Sequence[_Judged]:
        """Each part with whether the model's words may stand: finished, and saying what was said."""
        return [self._judge(part, language, wanted) for part in parts]

    def _judge(self, part: Part, language: str, wanted: Callable[[], bool]) -> _Judged:
        if not part.complete:
            if wanted():
                self._metrics.count("parts_unfinished")
            return _Judged(part, stands=False, strays=False)
        verdict = check_fidelity(part.raw, part.text, language)
        reason = verdict.reason
        if verdict.faithful and is_unfinished(part.raw, part.text, language):
            reason = "a command was written instead of carried out"
        if reason:
            self._metrics.count("parts_unfaithful")
            log.warning("the model's text was not used: %s", reason)
        return _Judged(part, stands=not reason, strays=bool(reason))

    def prepare(
        self,
        context: str,
        settings: Settings,
        wanted: Callable[[], bool],
        earlier: Sequence[Turn] = (),
        said: str = "",
    ) -> bool:
        """Make the context's prompt ready, and behind it the sentences before the one that comes.

        `said` is that one's beginning, as far as it was heard.

        False when that was interrupted, or not `wanted` any more. Raises `ConfigError` or `ModelError`
        when the prompt cannot be used.
        """
        return self._engine is None or self._engine.prepare(context, settings, wanted, earlier, said)

    def forget_dictation(self) -> None:
        """Nothing of what was dictated is needed any more."""
        if self._engine is not None:
            self._engine.forget_dictation()

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


def _with_what_is_left(settings: Settings, began: float, latest: float | None) -> Settings | None:
    """With what is left of the deadline for work that `began` then; None where nothing is."""
    left_s = (began + settings.llm.deadline_s if latest is None else latest) - time.monotonic()
    if left_s <= 0:
        return None
    return settings.model_copy(update={"llm": settings.llm.model_copy(update={"deadline_s": left_s})})


def _joined(parts: Sequence[_Judged], by_rules: Callable[[str], str]) -> tuple[str, Rung]:
    """The parts as one text; rules write those where the model's words may not stand."""
    by_model = [one.stands for one in parts]
    texts = [one.part.text if one.stands else by_rules(one.part.raw) for one in parts]
    rung = Rung.MODEL if all(by_model) else Rung.MIXED if any(by_model) else Rung.RULES
    return join_pieces(texts, [one.part.raw for one in parts]), rung
