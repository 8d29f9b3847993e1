"""What the engine needs of a language model, and nothing that is llama.cpp's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

StateBytes = NDArray[np.uint8]
"""A sequence's evaluated state as the model wrote it, shape (bytes,); never changed in place."""


class EvaluationAbortedError(Exception):
    """`stop` was called; the sequence is as it was before, or empty where the model cannot go back."""


class ContextOverflowError(Exception):
    """The tokens do not fit into the model's context window; the sequence is as it was before."""


class LanguageModel(Protocol):
    """A loaded model with one sequence of evaluated tokens.

    One thread uses it; `stop` and `leave_room` alone may be called from any other.
    """

    @property
    def identity(self) -> str:
        """Differs whenever the weights, the vocabulary or the chat template differ."""

    @property
    def state_identity(self) -> str:
        """Differs whenever the same tokens could leave another state behind, or one that does not fit.

        64 hex digits. Beside `identity`: the build of the native library, kernels, CPU, devices,
        threads, environment variables that switch them, and the layout of the KV cache.
        """

    @property
    def context_tokens(self) -> int:
        """How many tokens the sequence can hold."""

    def render_chat(self, system: str, user: str, earlier: Sequence[tuple[str, str]] = ()) -> str:
        """The whole prompt, generation prompt included, by the model's own chat template.

        `earlier` are turns before: what the user wrote, and what was answered. May raise `ModelError`.
        """

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
        """Keep the first `length` tokens; a model that cannot keeps none (ask `length`).

        Recurrent and hybrid models never can; those with a sliding window cannot go back into tokens
        that were evaluated into the empty sequence, or restored, and are more than the window.
        """

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Append at least one token to the sequence and return the likeliest next one.

        Raises `EvaluationAbortedError` after `stop`, `ContextOverflowError` when there is no room,
        `ModelError` when the model fails. After each of them the sequence is as before, or empty:
        ask `length`.
        """

    def evaluate_each(self, tokens: Sequence[int]) -> list[int]:
        """Append at least one token and return the likeliest next one after each; raises as `evaluate`.

        For a few tokens: it costs more than `evaluate`, by the results of all but the last.
        """

    def state(self) -> StateBytes:
        """A copy of the state of at least one token; `ModelError` when the model does not give it."""

    def restore(self, state: StateBytes, length: int) -> bool:
        """Make the sequence the `length` tokens whose `state` this is.

        False, and an empty sequence that works as a fresh one, when the model does not take it. Only
        for bytes that came from `state` of a model with the same `state_identity`: native code checks
        their sizes, not their content. May raise `ModelError` where `evaluate` would, too.
        """

    def leave_room(self, room: bool) -> None:
        """From the next batch on leave a core or more to other programs, or use all; any thread.

        By fewer threads results may round otherwise, so what goes into the empty sequence, a prefix, is
        always evaluated by all of them: its state must be the same one, bit for bit.
        """

    def stop(self) -> None:
        """End the running evaluation soon, and refuse further ones until `resume`; any thread."""

    def resume(self) -> None:
        """Evaluate again after `stop`."""

    def close(self) -> None:
        """Free the native memory; nothing but `close` may be called after it."""
