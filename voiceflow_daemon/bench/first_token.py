"""A language model that is stopped at the first token of each answer, and says when that came."""

from __future__ import annotations

import time
from collections.abc import Sequence

from voiceflow_daemon.llm.backend import LanguageModel, StateBytes

NOTHING = "\N{OBJECT REPLACEMENT CHARACTER}"
"""A transcript without tokens: the engine has no work for an empty one."""


class FirstTokenModel:
    """The `LanguageModel` behind it, but every token ends the answer.

    So the engine does all that it does for a dictation up to the first token, and nothing after it.
    `evaluated_at` is when the latest evaluation ended, in `time.perf_counter`.
    """

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self.evaluated_at = 0.0

    @property
    def identity(self) -> str:
        """The model's."""
        return self._model.identity

    @property
    def state_identity(self) -> str:
        """The model's."""
        return self._model.state_identity

    @property
    def context_tokens(self) -> int:
        """The model's."""
        return self._model.context_tokens

    def render_chat(self, system: str, user: str, earlier: Sequence[tuple[str, str]] = ()) -> str:
        """By the model's template."""
        return self._model.render_chat(system, user, earlier)

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """By the model's vocabulary; `NOTHING` has no tokens."""
        return self._model.tokenize(text.replace(NOTHING, ""), special=special)

    def piece(self, token: int) -> bytes:
        """The token's bytes."""
        return self._model.piece(token)

    def is_end(self, token: int) -> bool:  # noqa: ARG002
        """Always."""
        return True

    def length(self) -> int:
        """Of the sequence."""
        return self._model.length()

    def truncate(self, length: int) -> None:
        """Shorten the sequence."""
        self._model.truncate(length)

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Append to the sequence, and note when it was done."""
        token = self._model.evaluate(tokens)
        self.evaluated_at = time.perf_counter()
        return token

    def evaluate_each(self, tokens: Sequence[int]) -> list[int]:
        """Append to the sequence, and note when it was done."""
        after = self._model.evaluate_each(tokens)
        self.evaluated_at = time.perf_counter()
        return after

    def state(self) -> StateBytes:
        """A copy of the sequence's state."""
        return self._model.state()

    def restore(self, state: StateBytes, length: int) -> bool:
        """Put a state back."""
        return self._model.restore(state, length)

    def leave_room(self, room: bool) -> None:
        """The model does."""
        self._model.leave_room(room)

    def stop(self) -> None:
        """End the running evaluation."""
        self._model.stop()

    def resume(self) -> None:
        """Evaluate again."""
        self._model.resume()

    def close(self) -> None:
        """Free the model."""
        self._model.close()
