"""What the engine needs of a language model, and nothing that is llama.cpp's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol


class EvaluationAbortedError(Exception):
    """The abort check said stop while tokens were being evaluated; the sequence was put back."""


class LanguageModel(Protocol):
    """A loaded model with one sequence of evaluated tokens. Used by one thread."""

    @property
    def identity(self) -> str:
        """Differs whenever the weights, the vocabulary or the chat template differ."""

    @property
    def context_tokens(self) -> int:
        """How many tokens the sequence can hold."""

    def render_chat(self, system: str, user: str) -> str:
        """The whole prompt, generation prompt included, by the model's own chat template."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids; template markers become control tokens only with `special`."""

    def piece(self, token: int) -> bytes:
        """The bytes of one token; may end inside a UTF-8 character."""

    def is_end(self, token: int) -> bool:
        """Whether the token ends the model's turn."""

    def length(self) -> int:
        """How many tokens the sequence holds."""

    def truncate(self, length: int) -> None:
        """Keep the first `length` tokens; a model that cannot keeps none (check `length`)."""

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Append tokens to the sequence and return the likeliest next one.

        Raises `EvaluationAbortedError` when the abort check fired, `ModelError` when it fails.
        """

    def set_abort_check(self, check: Callable[[], bool] | None) -> None:
        """Ask `check` between graph nodes; True stops the evaluation."""

    def close(self) -> None:
        """Free the native memory; nothing may be called after it."""
