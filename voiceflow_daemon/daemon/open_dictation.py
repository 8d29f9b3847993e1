"""A dictation that has not ended, with what it has so far. Owned by the coordinator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.daemon.beginning import Beginning
from voiceflow_daemon.daemon.deliverer import Order
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.dictation import Dictation
from voiceflow_daemon.daemon.gaps import Gaps
from voiceflow_daemon.desktop.inserter import Delivery
from voiceflow_daemon.storage.history import HistoryRow
from voiceflow_daemon.storage.journal import RecordingHeader

KEY_PATIENCE_S = 5.0
"""A hotkey that is down for longer than a recording may last is held by something else than a speaker."""


class Kept(Protocol):
    """A recording, wherever it is kept."""

    def discard(self) -> None:
        """Delete it; raises OSError."""

    def release(self) -> None:
        """Leave it for a later start to find."""


class Found(Kept, Protocol):
    """A recording that was not heard when it was made."""

    @property
    def header(self) -> RecordingHeader:
        """When it was made, and for which context."""

    @property
    def is_begun(self) -> bool:
        """Whether the beginning of its text may stand at the cursor."""

    def read(self) -> NDArray[np.int16]:
        """The samples, shape (n,); raises OSError."""


@dataclass
class OpenDictation:
    """Its recording, what was made of it, and what of that is on its way to the cursor."""

    dictation: Dictation
    spool: Kept | None = None
    is_on_disk: bool = True
    """All of it, as far as anybody knows."""
    dictated: Dictated | None = None
    gaps: Gaps = field(default_factory=Gaps)
    duration_s: float = 0.0
    peak: float = 0.0
    orphan: Found | None = None
    beginning: Beginning = field(default_factory=Beginning)

    def order(self, text: str, *, is_last: bool) -> Order:
        """For its text, or the beginning of it."""
        settings = self.dictation.settings
        longest_s = settings.hotkey.max_recording_s + KEY_PATIENCE_S
        number, target = self.dictation.recording_id, self.dictation.target
        return Order(number, text, target, settings.delivery, is_last, longest_s)

    def history_row(self, dictated: Dictated, delivery: Delivery | None) -> HistoryRow:
        """What is remembered of it; without a `delivery` it is offered."""
        dictation = self.dictation
        return HistoryRow(
            context=dictation.context,
            application=dictation.target.application if dictation.target is not None else "",
            raw=dictated.raw,
            text=dictated.text,
            rung=str(dictated.rung),
            outcome=str(delivery.outcome) if delivery is not None else "offered",
            release_to_text_ms=dictation.release_to_text_ms if self.orphan is None else None,
            duration_s=self.duration_s,
        )
