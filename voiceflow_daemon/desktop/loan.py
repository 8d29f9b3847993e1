"""When a clipboard that was borrowed for a paste goes back to what it held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

LINGER_S = 0.1
"""After the receipt, a program may fetch more than once; it is done when it has been quiet this long."""

LINGER_LIMIT_S = 1.0
"""A program that never stops asking is not waited for any longer."""

RECEIPT_LIMIT_S = 1.5
"""How long a program has to read the text once the paste keys were sent."""


@dataclass(frozen=True)
class Content:
    """One target of a selection: the property's type and format (8, 16 or 32 bits) and its bytes."""

    type_name: str
    format: int
    data: bytes


Contents = Mapping[str, Content]
"""Target -> content. Empty: the selection has no owner."""


@dataclass
class Loan:
    """One borrowed clipboard. All times are monotonic seconds."""

    saved: dict[str, Contents] = field(default_factory=dict)
    """Selection -> what is to be given back."""
    windows: tuple[int, ...] = ()
    """Windows whose program is expected to read; empty before the paste keys."""
    was_read: bool = False
    _last_request: float = 0.0
    _ended: float | None = None
    _keys_may_be_under_way: bool = False

    def expect(self, windows: tuple[int, ...]) -> None:
        """The paste keys are about to be sent. What was read before is no receipt."""
        self.windows = windows
        self.was_read = False

    def requested(self, now: float, by_expected: bool) -> None:
        """The text was handed out."""
        self._last_request = now
        if by_expected and self.windows:
            self.was_read = True

    def end(self, now: float) -> None:
        """The delivery is over."""
        self._ended = now

    def borrower_gone(self, now: float) -> None:
        """The daemon died: if its keys may still be on their way, the target must not read older text."""
        if self._ended is None:
            self._ended = now
            self._keys_may_be_under_way = bool(self.windows) and not self.was_read

    @property
    def due(self) -> float | None:
        """When to give the clipboard back; None while the delivery goes on."""
        if self._ended is None:
            return None
        if self._keys_may_be_under_way and not self.was_read:
            return self._ended + RECEIPT_LIMIT_S
        if not self.was_read:
            return self._ended
        return max(self._ended, min(self._last_request + LINGER_S, self._ended + LINGER_LIMIT_S))
