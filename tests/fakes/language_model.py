"""A language model without native code: bytes are tokens, and the answer is a function of the text."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence

import numpy as np

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError, StateBytes
from voiceflow_daemon.llm.plain_text import cut_markers

START, END, TAG = 256, 257, 258
MARKERS = {"<|start|>": START, "<|end|>": END, "<tag>": TAG}
"""The last is user-defined: it is found in any text, as llama.cpp does it."""

_NAMES = {token: marker.encode() for marker, token in MARKERS.items()}


def capitalised(transcript: str) -> str:
    """What the fake writes by default."""
    return transcript[:1].upper() + transcript[1:] + "."


class FakeLanguageModel:
    """A `LanguageModel`; `evaluated` has each call's tokens, `before_evaluation` runs at each call."""

    def __init__(
        self,
        answer: Callable[[str], str] = capitalised,
        *,
        context_tokens: int = 4096,
        goes_back: bool = True,
        cuts_restored: bool = True,
    ) -> None:
        """One that `cuts_restored` not behaves as a sliding window does."""
        self.answer = answer
        self.evaluated: list[tuple[int, ...]] = []
        self.before_evaluation: Callable[[], None] = lambda: None
        self.closed = False
        self.rooms: list[bool] = []
        """Whether it was to leave room to other programs, at each evaluation."""
        self._leaves_room = False
        self._context_tokens = context_tokens
        self._goes_back = goes_back
        self._cuts_restored = cuts_restored
        self._floor = 0
        self._sequence: list[int] = []
        self._stopped = threading.Event()

    @property
    def identity(self) -> str:
        return "fake"

    @property
    def state_identity(self) -> str:
        return hashlib.sha256(b"fake state").hexdigest()

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def render_chat(self, system: str, user: str, earlier: Sequence[tuple[str, str]] = ()) -> str:
        turns = "".join(
            f"{said}<|end|><|start|>assistant\n{written}<|end|><|start|>user\n" for said, written in earlier
        )
        return f"<|start|>system\n{system}<|end|><|start|>user\n{turns}{user}<|end|><|start|>assistant\n"

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        if special:
            return _ids(text, MARKERS)
        names = {token: marker for marker, token in MARKERS.items()}
        return cut_markers(text, lambda part: _ids(part, {"<tag>": TAG}), names.get)

    def piece(self, token: int) -> bytes:
        return bytes([token]) if token < 256 else b"<tag>" if token == TAG else b""

    def is_end(self, token: int) -> bool:
        return token == END

    @property
    def reads(self) -> str:
        """What stands in the sequence, markers and all."""
        sequence = tuple(self._sequence)
        return b"".join(_NAMES.get(token) or bytes([token]) for token in sequence).decode("utf-8", "replace")

    def length(self) -> int:
        return len(self._sequence)

    def truncate(self, length: int) -> None:
        if length < len(self._sequence):
            del self._sequence[length if self._goes_back and length >= self._floor else 0 :]
        self._floor = min(self._floor, len(self._sequence))

    def evaluate(self, tokens: Sequence[int]) -> int:
        return self._append(tokens, each=False)[-1]

    def evaluate_each(self, tokens: Sequence[int]) -> list[int]:
        return self._append(tokens, each=True)

    def _append(self, tokens: Sequence[int], *, each: bool) -> list[int]:
        assert tokens
        assert not self.closed
        self.before_evaluation()
        if self._stopped.is_set():
            if not self._goes_back:
                self._sequence = []
            raise EvaluationAbortedError
        if len(self._sequence) + len(tokens) > self._context_tokens:
            raise ContextOverflowError
        self.evaluated.append(tuple(tokens))
        self.rooms.append(self._leaves_room)
        self._sequence += tokens
        length = len(self._sequence)
        first = length - len(tokens) + 1 if each else length
        return [self._next(end) for end in range(first, length + 1)]

    def state(self) -> StateBytes:
        if not self._sequence:
            raise ModelError("An empty sequence has no state.")
        return np.array(self._sequence, "<i4").view(np.uint8)

    def restore(self, state: StateBytes, length: int) -> bool:
        self._sequence = []
        if state.size != 4 * length or not 0 < length <= self._context_tokens:
            return False
        sequence = state.view("<i4")
        if not ((sequence >= 0) & (sequence <= TAG)).all():
            return False
        self._sequence = sequence.tolist()
        self._floor = 0 if self._cuts_restored else length
        return True

    def leave_room(self, room: bool) -> None:
        self._leaves_room = room

    def stop(self) -> None:
        self._stopped.set()

    def wait_for_stop(self, limit_s: float) -> bool:
        """Block as a long evaluation does; whether `stop` was called."""
        return self._stopped.wait(limit_s)

    def resume(self) -> None:
        self._stopped.clear()

    def close(self) -> None:
        self.closed = True

    def _next(self, end: int) -> int:
        """What comes after the first `end` tokens."""
        read = self._sequence[:end]
        text = b"".join(b"\x00%d\x00" % t if t in (START, END) else self.piece(t) for t in read)
        if b"user\n" not in text or b"assistant\n" not in text:
            return END
        before, written = text.rsplit(b"assistant\n", 1)
        transcript = before.rsplit(b"user\n", 1)[1].split(b"\x00257\x00")[0].decode()
        answer = self.answer(transcript).encode()
        return answer[len(written)] if len(written) < len(answer) else END


def _ids(text: str, markers: dict[str, int]) -> list[int]:
    ids: list[int] = []
    while text:
        marker = next((marker for marker in markers if text.startswith(marker)), None)
        if marker is None:
            ids += text[0].encode("utf-8", "replace")
            text = text[1:]
        else:
            ids.append(markers[marker])
            text = text[len(marker) :]
    return ids
