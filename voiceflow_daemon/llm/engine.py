"""Raw transcript to finished text: greedy decoding behind a prefix that is evaluated once."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from voiceflow_daemon.config.schema import PromptCacheSettings, Settings
from voiceflow_daemon.errors import ModelError, VoiceflowError
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError, LanguageModel
from voiceflow_daemon.llm.budget import (
    Speed,
    measure_speed,
    part_capacity,
    pieces,
)
from voiceflow_daemon.llm.decoding import Decoder, measure_costs
from voiceflow_daemon.llm.draft_size import BatchCosts
from voiceflow_daemon.llm.interrupt import Interrupt
from voiceflow_daemon.llm.kv_cache import DiskTier, KvCache, PromptEntry
from voiceflow_daemon.llm.kv_ram import Prefix
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.llm.prompt_tokens import PromptTokens, TokenCache
from voiceflow_daemon.llm.turns import Turn
from voiceflow_daemon.llm.writing import Writer
from voiceflow_daemon.metrics import Metrics

log = logging.getLogger(__name__)

MEBIBYTE = 1 << 20

CONTEXTS_SHOWN = 64
"""Contexts that the config no longer has go from the status by and by."""


@dataclass(frozen=True)
class Part:
    """A piece of the transcript and what the model wrote for it.

    `complete` is False, and `text` empty, when the model did not come to its own end: past the
    deadline, cut by a limit, aborted, failed. Such a part is formatted by the rules instead.
    """

    raw: str
    text: str
    complete: bool


def always() -> bool:
    """Work that nobody takes back."""
    return True


class LlmEngine:
    """Owns the model; used by the worker thread, but for `abort`, `invalidate` and what is for status."""

    def __init__(
        self,
        model: LanguageModel,
        metrics: Metrics,
        disk: DiskTier,
        speed: Speed | None = None,
        costs: BatchCosts | None = None,
    ) -> None:
        """Without a `speed` it is measured now, and the `costs` of batches too; that warms the model up.

        Without `costs` drafts are not used.
        """
        self._model = model
        self._metrics = metrics
        self._disk = disk
        if speed is None:
            speed, costs = measure_speed(model), measure_costs(model)
        self._speed = speed
        self._tokens = TokenCache(model, metrics)
        self._kv = KvCache(model, metrics, disk, PromptCacheSettings().memory_mb * MEBIBYTE)
        self._writer = Writer(model, self._tokens, self._kv, Decoder(model, metrics, costs), metrics)
        self._interrupt = Interrupt(model)
        self._cache: PromptCache | None = None
        self._lock = threading.Lock()
        self._prefixes: OrderedDict[str, Prefix] = OrderedDict()

    @property
    def prompt_problem(self) -> str:
        """Why evaluated prompts cannot be kept on disk; empty when they can. Any thread."""
        return self._disk.problem

    def prompt_entries(self) -> tuple[PromptEntry, ...]:
        """Where each context's evaluated prompt is now; any thread may ask."""
        with self._lock:
            prefixes = list(self._prefixes.items())
        return tuple(self._kv.entry(context, prefix) for context, prefix in prefixes)

    def set_prompt_cache(self, cache: PromptCache) -> None:
        """Where templates come from."""
        self._cache = cache

    def prepare(
        self,
        context: str,
        settings: Settings,
        wanted: Callable[[], bool] = always,
        earlier: Sequence[Turn] = (),
        said: str = "",
    ) -> bool:
        """Evaluate the context's prefix, so that no dictation waits for it; False when aborted.

        With `earlier`, the turns before the sentence that comes next stand behind it then, and with `said`
        what was heard of that one so far, until `forget_dictation` is called. `wanted` is asked once `abort`
        works: who first takes it back and then aborts is never missed.
        Raises `ConfigError` or `ModelError` when the context's prompt cannot be used.
        """
        with self._interrupt.work():
            if not wanted():
                return False
            limits = settings.prompt_cache
            try:
                prompt = self._prompt(context, settings)
                self._kv.set_limits(limits.memory_mb * MEBIBYTE, limits.disk_mb * MEBIBYTE)
                self._writer.read(prompt, earlier, said.strip())
            except EvaluationAbortedError:
                log.info("preparing the context %r was interrupted", context)
                return False
            except ContextOverflowError as error:
                raise ModelError(
                    f"The prompt of the context {context!r} is longer than the model's context window.",
                    "Shorten it, or raise context_tokens in [llm].",
                ) from error
        return True

    def format(
        self,
        transcript: str,
        context: str,
        settings: Settings,
        deadline: float | None = None,
        wanted: Callable[[], bool] = always,
        draft: Callable[[str], str] = str,
        earlier: Sequence[Turn] = (),
        *,
        goes_on: bool = False,
    ) -> tuple[Part, ...]:
        """Write the transcript in the context's style; its parts in order, none when it is blank.

        `deadline` is in `time.monotonic`; by default `deadline_s` of the settings from when
        the prompt is hot, and the time that the work is expected to take. Whatever goes wrong with
        prompt or model is logged, and the parts come back incomplete: what was said is never lost here.
        So they do where `wanted`, asked when an `abort` would be noticed, says no. `draft` makes of a
        piece of the transcript what the model will probably write: right or wrong, it changes the time
        that this takes, not the outcome. `earlier` are the turns before it, where the chat template has a
        place for such. Where the dictation `goes_on`, what was read of it stays in the sequence, for what
        comes next; then `forget_dictation` must be called in the end.
        """
        raw = transcript.strip()
        if not raw:
            return ()
        limit_s = settings.llm.deadline_s
        with self._interrupt.work():
            if not wanted():
                return (Part(raw, "", complete=False),)
            with self._writer.dictation(goes_on=goes_on):
                try:
                    prompt = self._prompt(context, settings)
                    # Evaluating the prompt comes on top of the text's own time, and may hang as well.
                    reading_s = self._speed.read_s * len(prompt.prefix)
                    latest = time.monotonic() + limit_s + reading_s
                    self._interrupt.stop_at(latest if deadline is None else deadline)
                    unread_turns = self._writer.make_hot(prompt, earlier, raw)
                except (EvaluationAbortedError, ContextOverflowError):
                    return (Part(raw, "", complete=False),)
                except VoiceflowError as error:
                    return (self._failed(raw, error),)
                parts = self._pieces(raw, prompt, limit_s)
                if deadline is None:
                    reading_s = self._speed.read_s * unread_turns
                    self._interrupt.stop_at(self._deadline(parts, prompt, limit_s + reading_s))
                return tuple(self._format_pieces(parts, prompt, draft, earlier))

    def fits(self, transcript: str, context: str, settings: Settings) -> bool:
        """Whether the model is given so long a text as one part.

        Raises `ConfigError` or `ModelError` when the context's prompt cannot be used.
        """
        prompt = self._prompt(context, settings)
        return self._count_tokens(transcript) <= self._capacity(prompt, settings.llm.deadline_s)

    def latest(self, transcripts: Sequence[str], context: str, settings: Settings) -> float:
        """When texts that are begun now and written one by one have to be there, in `time.monotonic`.

        Raises `ConfigError` or `ModelError` when the context's prompt cannot be used.
        """
        prompt = self._prompt(context, settings)
        reading_s = self._speed.read_s * sum(map(self._count_tokens, transcripts))  # again, as turns
        return self._deadline(transcripts, prompt, settings.llm.deadline_s + reading_s)

    def forget_dictation(self) -> None:
        """Cut what was dictated off the model's sequence; the model's thread calls it."""
        with self._interrupt.work():
            self._writer.forget_dictation()

    def abort(self) -> None:
        """End the present `format` or `prepare` between two graph nodes; any thread may call it."""
        self._interrupt.abort()

    def leave_room(self, room: bool) -> None:
        """Whether to leave a core or more to the desktop, from the next batch on; any thread may say so."""
        self._model.leave_room(room)

    def invalidate(self) -> None:
        """Forget token ids and evaluated prefixes, files included; any thread may call it."""
        self._tokens.clear()
        self._kv.invalidate()

    def close(self) -> None:
        """Free the model, when what is being written to disk is there."""
        self._kv.close()
        self._model.close()

    def _prompt(self, context: str, settings: Settings) -> PromptTokens:
        if self._cache is None:
            raise RuntimeError("set_prompt_cache was not called")
        prompt = self._tokens.get(self._cache.get_or_format(context, settings))
        with self._lock:
            self._prefixes[context] = prompt.prefix
            self._prefixes.move_to_end(context)
            if len(self._prefixes) > CONTEXTS_SHOWN:
                self._prefixes.popitem(last=False)
        return prompt

    def _count_tokens(self, text: str) -> int:
        return len(self._model.tokenize(text, special=False))

    def _pieces(self, raw: str, prompt: PromptTokens, deadline_s: float) -> list[str]:
        return pieces(raw, self._capacity(prompt, deadline_s), self._count_tokens)

    def _capacity(self, prompt: PromptTokens, deadline_s: float) -> int:
        room = self._model.context_tokens - len(prompt.prefix)
        return part_capacity(room, len(prompt.suffix), self._speed, deadline_s)

    def _deadline(self, parts: Sequence[str], prompt: PromptTokens, deadline_s: float) -> float:
        work_s = 0.0
        for part in parts:
            tokens = self._count_tokens(part)
            work_s += self._speed.work_s(tokens + len(prompt.suffix), tokens)
        return time.monotonic() + deadline_s + work_s

    def _format_pieces(
        self, pieces: list[str], prompt: PromptTokens, draft: Callable[[str], str], earlier: Sequence[Turn]
    ) -> Iterator[Part]:
        """After an abort the rest comes back at once: what aborted it is waiting."""
        aborted = False
        for piece in pieces:
            if not aborted:
                try:
                    yield self._format_piece(piece, prompt, draft, earlier)
                    continue
                except EvaluationAbortedError:
                    aborted = True
            yield Part(piece, "", complete=False)

    def _format_piece(
        self, piece: str, prompt: PromptTokens, draft: Callable[[str], str], earlier: Sequence[Turn]
    ) -> Part:
        try:
            text = self._writer.write(piece, prompt, draft(piece), earlier)
        except ContextOverflowError:
            text = None
        except ModelError as error:
            self._kv.forget_hot()
            return self._failed(piece, error)
        return Part(piece, text or "", complete=text is not None)

    def _failed(self, raw: str, error: VoiceflowError) -> Part:
        log.error("the language model could not format a text: %s", error)
        self._metrics.count("parts_failed")
        return Part(raw, "", complete=False)
