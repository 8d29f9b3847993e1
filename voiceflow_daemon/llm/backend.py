"""What the engine needs of a language model, and nothing that is llama.cpp's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class EvaluationAbortedError(Exception):
    """`stop` was called while tokens were being evaluated; the sequence is as it was before."""


class ContextOverflowError(Exception):
    """The tokens do not fit into the model's context window; the sequence is as it was before."""


class LanguageModel(Protocol):
    """A loaded model with one sequence of evaluated tokens.

    One thread uses it; `stop` alone may be called from any other.
    """

    @property
    def identity(self) -> str:
        """Differs whenever the weights, the vocabulary or the chat template differ."""

    @property
    def context_tokens(self) -> int:
        """How many tokens the sequence can hold."""

    def render_chat(self, system: str, user: str) -> str:
        """The whole prompt, generation prompt included, by the model's own chat template."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids; may raise `ModelError`.

        With `special`, template markers in the text become their control tokens: for our own
        prompts. Without, nothing in the text can become a control or user-defined token, whatever
        was dictated.
        """

    def piece(self, token: int) -> bytes:
        """The bytes of one token; may end inside a UTF-8 character; empty for a control token."""

    def is_end(self, token: int) -> bool:
        """Whether the token ends the model's turn."""

    def length(self) -> int:
        """How many tokens the sequence holds."""

    def truncate(self, length: int) -> None:
        """Keep the first `length` tokens; a model that cannot keeps none (ask `length`)."""

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Append at least one token to the sequence and return the likeliest next one.

        Raises `EvaluationAbortedError` after `stop`, `ContextOverflowError` when there is no room,
        `ModelError` when the model fails. After each of them the sequence is as before, or empty
        where the model cannot go back.
        """

    def stop(self) -> None:
        """End the running evaluation soon, and refuse further ones until `resume`; any thread."""

    def resume(self) -> None:
        """Evaluate again after `stop`."""

    def close(self) -> None:
        """Free the native memory; nothing but `close` may be called after it."""
