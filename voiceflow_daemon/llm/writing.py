"""The model at work on one piece of a transcript: what stands in its sequence, and what it writes behind it.

The sequence is: the context's prefix (hot, see `KvCache`), the turns before, the transcript, the answer. What
stands there already is never read again: a sentence is read and written once, and as the turn before the
next one it is there. Where a new chain of turns begins, the one before is set aside as a copy, for its last
sentence is often revised when more of it has been said. All of it but the prefix is dictated text, and goes
when `forget_dictation` is called.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.budget import output_limit
from voiceflow_daemon.llm.decoding import Decoder, common_start
from voiceflow_daemon.llm.kv_cache import KvCache, SequenceCopy
from voiceflow_daemon.llm.prompt_tokens import PromptTokens, TokenCache
from voiceflow_daemon.llm.turns import Turn
from voiceflow_daemon.metrics import Metrics


@dataclass(frozen=True)
class _Aside:
    """Another chain of turns than the one in the sequence: its tokens, and their state."""

    ids: list[int]
    copy: SequenceCopy


class Writer:
    """Used by the model's thread."""

    def __init__(
        self, model: LanguageModel, tokens: TokenCache, kv: KvCache, decoder: Decoder, metrics: Metrics
    ) -> None:
        self._model = model
        self._tokens = tokens
        self._kv = kv
        self._decoder = decoder
        self._metrics = metrics
        self._behind: list[int] = []
        """What is known to stand behind the hot prefix; more may stand there."""
        self._first: Turn | None = None
        """The turn that the chain in the sequence begins with."""
        self._aside: _Aside | None = None

    def _turn_tokens(self, prompt: PromptTokens, earlier: Sequence[Turn]) -> list[int]:
        """What stands between the prefix and the transcript; nothing where there is no place for turns."""
        if not prompt.between:
            return []
        turns = (self._tokens.turn(prompt, turn.transcript, turn.text) for turn in earlier)
        ids = [token for turn in turns for token in turn]
        # They are a help; where the window is small, the transcript needs it.
        room = self._model.context_tokens - len(prompt.prefix)
        return ids if 3 * len(ids) <= room else []

    def _said_tokens(self, prompt: PromptTokens, said: str) -> list[int]:
        rest = self._tokens.rest(prompt, said) if said else list(prompt.suffix)
        return rest[: len(rest) - len(prompt.suffix)]

    def make_hot(self, prompt: PromptTokens, earlier: Sequence[Turn], said: str) -> int:
        """Make the sequence the prefix and, as far as they stand there already, the turns and what is said.

        Returns how many tokens of the turns are to be read. Raises what `LanguageModel.evaluate` raises.
        """
        turns = self._turn_tokens(prompt, earlier)
        self._stand(prompt, earlier, [*turns, *self._said_tokens(prompt, said)])
        return max(0, len(turns) - len(self._behind))

    def read(self, prompt: PromptTokens, earlier: Sequence[Turn], said: str = "") -> None:
        """Make the sequence the prefix, the turns and what is said; raises as `LanguageModel.evaluate`."""
        ids = [*self._turn_tokens(prompt, earlier), *self._said_tokens(prompt, said)]
        self._stand(prompt, earlier, ids)
        rest = ids[len(self._behind) :]
        if rest:
            self._model.evaluate(rest)
            self._behind += rest

    def _stand(self, prompt: PromptTokens, earlier: Sequence[Turn], ids: list[int]) -> None:
        """Cut the sequence to what it has of the prefix and `ids`, which begin with the turns."""
        self._exchange(prompt, earlier[0] if earlier and prompt.between else None, ids)
        kept = self._kv.make_hot(prompt.prefix, common_start(self._behind, ids))
        self._behind = ids[:kept]

    def _exchange(self, prompt: PromptTokens, first: Turn | None, ids: list[int]) -> None:
        """Where the sequence has another chain of turns than `ids` go on with, set that one aside."""
        is_same, self._first = first == self._first, first
        kept = common_start(self._behind, ids)
        if is_same or kept == len(self._behind):
            return
        aside, self._aside = self._aside, None
        theirs = common_start(aside.ids, ids) if aside is not None else 0
        if theirs <= kept:
            aside = None  # Freed before the next copy takes its room.
        copy = self._kv.copy(prompt.prefix, len(self._behind))
        self._aside = None if copy is None else _Aside(self._behind, copy)
        if aside is not None and self._kv.put_back(aside.copy, theirs):
            self._behind = aside.ids[:theirs]

    def write(self, piece: str, prompt: PromptTokens, draft: str, earlier: Sequence[Turn]) -> str | None:
        """The model's answer; None when a limit cut it, or it does not fit into the window.

        Raises what `LanguageModel.evaluate` raises.
        """
        turns, said = self._turn_tokens(prompt, earlier), self._tokens.rest(prompt, piece)
        source = said[: len(said) - len(prompt.suffix)]
        limit = output_limit(len(source))
        room = self._model.context_tokens - len(prompt.prefix) - len(said) - limit
        if room < 0:
            return None
        ids = [*(turns if len(turns) <= room else []), *said]
        # At least one token must be read, for the model to say what follows it.
        kept = common_start(self._behind, ids[:-1])
        if not self._kv.keep(prompt.prefix, kept):
            kept = self._kv.make_hot(prompt.prefix)
        self._behind = ids[:kept]
        with self._metrics.timed("transcript_prefill_ms"):
            token = self._model.evaluate(ids[kept:])
        self._behind = ids
        drafted = self._model.tokenize(draft, special=False)
        with self._metrics.timed("decode_ms"):
            written = self._decoder.decode(token, limit, drafted, source)
        if written is None:
            return None
        self._behind = [*ids, *written]
        return b"".join(map(self._model.piece, written)).decode("utf-8", "replace").strip()

    def forget_dictation(self) -> None:
        """Cut all but the prefix off the sequence."""
        self._behind, self._first, self._aside = [], None, None
        self._kv.rewind()

    @contextmanager
    def dictation(self, *, goes_on: bool) -> Iterator[None]:
        """Work on a dictation; what was read of it stays for what comes next if it `goes_on`."""
        try:
            yield
        finally:
            if not goes_on:
                self.forget_dictation()
