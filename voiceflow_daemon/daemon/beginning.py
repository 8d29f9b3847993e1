"""The beginning of a dictation's text, which may be delivered before the rest is written."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from voiceflow_daemon.daemon.dictation import Dictation
from voiceflow_daemon.storage.journal import Journal, JournalEntry

log = logging.getLogger(__name__)


@dataclass
class Beginning:
    """What is fixed of one dictation's text, and how much of that was ordered. Owned by the coordinator."""

    fixed: str = ""
    """Nothing that follows can change it; empty again when the models change, for they may hear otherwise."""
    ordered: str = ""
    stands: bool = False
    """Whether any of it is at the cursor."""
    recording: JournalEntry | None = None
    """None where it has no file. It has one, if ever, before anything in it is heard, let alone fixed."""

    def record(self, journal: Journal, context: str, sample_rate_hz: int) -> JournalEntry:
        """Begin the recording in the journal; by the capture thread. Raises OSError."""
        self.recording = journal.begin(context, sample_rate_hz)
        return self.recording

    def take(self, dictation: Dictation) -> str:
        """The text so far that is to be ordered now; empty for nothing.

        While the key is held nothing can be delivered. Before anything is, the recording is marked, so that
        whoever recovers it does not say that it was never delivered; one that cannot be waits for its end.
        """
        delivery = dictation.settings.delivery
        if not delivery.by_sentence or delivery.method == "copy" or dictation.target is None:
            return ""
        grew = self.fixed.startswith(self.ordered) and len(self.fixed) > len(self.ordered)
        if not dictation.released_at or not grew or not (self.ordered or self._mark()):
            return ""
        self.ordered = self.fixed
        return self.ordered

    def _mark(self) -> bool:
        try:
            if self.recording is not None:
                self.recording.mark_begun()
        except OSError as error:
            log.warning("a text is delivered all at once, for its recording cannot be marked: %s", error)
            return False
        return True
