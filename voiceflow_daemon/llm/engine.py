"""Raw transcript to finished text: greedy decoding behind a prefix that is evaluated once."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError, VoiceflowError
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError, LanguageModel
from voiceflow_daemon.llm.budget import (
    Speed,
    measure_speed,
    output_limit,
    part_capacity,
    pieces,
)
from voiceflow_daemon.llm.interrupt import Interrupt
from voiceflow_daemon.llm.kv_cache import KvCache, PromptTokens
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
from voiceflow_daemon.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """A piece of the transcript and what the model wrote for it.

    `complete` is False, and `text` empty, when the model did not come to its own end: past the
    deadline, cut by a limit, aborted, failed. Such a part is formatted by the rules instead.
    """

    raw: str
    text: str
    complete: bool


class LlmEngine:
    """Owns the model; used by the worker thread, but for `abort` and `invalidate`."""

    def __init__(self, model: LanguageModel, metrics: Metrics, speed: Speed | None = None) -> None:
        """`speed` is measured now when not given, which also warms the model up."""
        self._model = model
        self._metrics = metrics
        self._speed = speed or measure_speed(model)
        self._kv = KvCache(model, metrics)
        self._interrupt = Interrupt(model)
        self._cache: PromptCache | None = None

    @property
    def speed(self) -> Speed:
        """Seconds a token on this machine."""
        return self._speed

    def set_prompt_cache(self, cache: PromptCache) -> None:
        """Where templates come from."""
        self._cache = cache

    def prepare(self, context: str, settings: Settings) -> None:
        """Evaluate the context's prefix, so that the next dictation does not wait for it.

        Raises `ConfigError` or `ModelError` when the context's prompt cannot be used.
        """
        with self._interrupt.work():
            try:
                self._kv.make_hot(self._kv.tokens(self._template(context, settings)))
            except EvaluationAbortedError:
                log.info("preparing the context %r was interrupted", context)
            except ContextOverflowError as error:
                raise ModelError(
                    f"The prompt of the context {context!r} is longer than the model's context window.",
                    "Shorten it, or raise context_tokens in [llm].",
                ) from error

    def format(
        self, transcript: str, context: str, settings: Settings, deadline: float | None = None
    ) -> tuple[Part, ...]:
        """Write the transcript in the context's style; its parts in order, none when it is blank.

        `deadline` is in `time.monotonic`; by default `deadline_s` of the settings from now, and the
        time that the work is expected to take. Whatever goes wrong with prompt or model is logged,
        and the parts come back incomplete: what was said is never lost here.
        """
        raw = transcript.strip()
        if not raw:
            return ()
        with self._interrupt.work():
            try:
                prompt = self._kv.tokens(self._template(context, settings))
                parts = self._pieces(raw, prompt, settings.llm.deadline_s)
                if deadline is None:
                    deadline = self._deadline(parts, prompt, settings.llm.deadline_s)
                self._interrupt.stop_at(deadline)
            except VoiceflowError as error:
                return (self._failed(raw, error),)
            return tuple(self._format_piece(part, prompt) for part in parts)

    def abort(self) -> None:
        """End the present `format` or `prepare` between two graph nodes; any thread may call it."""
        self._interrupt.abort()

    def invalidate(self) -> None:
        """Forget token ids and the evaluated prefix before the next use; any thread may call it."""
        self._kv.invalidate()

    def close(self) -> None:
        """Free the model."""
        self._model.close()

    def _template(self, context: str, settings: Settings) -> PromptTemplate:
        if self._cache is None:
            raise RuntimeError("set_prompt_cache was not called")
        return self._cache.get_or_format(context, settings)

    def _count_tokens(self, text: str) -> int:
        return len(self._model.tokenize(text, special=False))

    def _pieces(self, raw: str, prompt: PromptTokens, deadline_s: float) -> list[str]:
        room = self._model.context_tokens - len(prompt.prefix)
        capacity = part_capacity(room, len(prompt.suffix), self._speed, deadline_s)
        return pieces(raw, capacity, self._count_tokens)

    def _deadline(self, parts: list[str], prompt: PromptTokens, deadline_s: float) -> float:
        work_s = self._speed.read_s * self._kv.missing(prompt)
        for part in parts:
            tokens = self._count_tokens(part)
            work_s += self._speed.work_s(tokens + len(prompt.suffix), tokens)
        return time.monotonic() + deadline_s + work_s

    def _format_piece(self, piece: str, prompt: PromptTokens) -> Part:
        try:
            self._kv.make_hot(prompt)
            text = self._generate(piece, prompt)
        except (EvaluationAbortedError, ContextOverflowError):
            text = None
        except ModelError as error:
            self._kv.forget_hot()
            return self._failed(piece, error)
        finally:
            self._kv.rewind()
        return Part(piece, text or "", complete=text is not None)

    def _failed(self, raw: str, error: VoiceflowError) -> Part:
        log.error("the language model could not format a text: %s", error)
        self._metrics.count("parts_failed")
        return Part(raw, "", complete=False)

    def _generate(self, piece: str, prompt: PromptTokens) -> str | None:
        """The model's answer behind the hot prefix; None when a limit cut it."""
        ids = self._model.tokenize(piece, special=False)
        limit = output_limit(len(ids))
        if len(prompt.prefix) + len(ids) + len(prompt.suffix) + limit > self._model.context_tokens:
            return None
        with self._metrics.timed("transcript_prefill_ms"):
            token = self._model.evaluate([*ids, *prompt.suffix])
        with self._metrics.timed("decode_ms"):
            written = self._decode(token, limit)
        return written.decode("utf-8", "replace").strip() if written is not None else None

    def _decode(self, token: int, limit: int) -> bytes | None:
        """The bytes up to the end of the turn; None when that does not come within `limit` tokens."""
        written, count = bytearray(), 0
        while not self._model.is_end(token):
            if count == limit:
                return None
            written += self._model.piece(token)
            count += 1
            token = self._model.evaluate([token])
        self._metrics.count("tokens_written", count)
        return bytes(written)
