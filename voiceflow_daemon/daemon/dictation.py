"""One dictation on its way from the key press to the cursor, and the time each stage took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.desktop.window import Window

Clock = Callable[[], float]

STAGES = ("grace", "tail", "wait", "queue", "guess", "transcribe", "format", "delivery")
"""From the physical release to the text at the cursor, in this order; together they are all of it.

"wait": for a transcription that went on and cannot be interrupted. "queue": for what was released before,
and for the end of a sentence that was being written. "guess": the rest of a guess that was right, where
the tail was over before it.
"""


@dataclass
class Dictation:
    """What a recording keeps from the moment its key went down: it ends with the settings it began with.

    Owned by the coordinator. Times are `time.monotonic` seconds.
    """

    recording_id: int
    context: str
    settings: Settings
    target: Window | None
    released_at: float = 0.0
    stages_ms: dict[str, float] = field(default_factory=dict)
    clock: Clock = time.monotonic
    _mark: float = 0.0

    def released(self, at: float) -> None:
        """The key physically went up at `at`; the grace has passed by now."""
        self.released_at = self._mark = at
        self.reached("grace")

    def reached(self, stage: str, inner_ms: dict[str, float] | None = None) -> None:
        """A stage has ended. `inner_ms` are parts of it that were timed by whoever did the work.

        A part may have begun before the stage; what is longer than the stage did.
        """
        now = self.clock()
        spent = (now - self._mark) * 1e3
        for name, milliseconds in (inner_ms or {}).items():
            self.stages_ms[name] = min(milliseconds, spent)
            spent -= self.stages_ms[name]
        self.stages_ms[stage] = spent
        self._mark = now

    @property
    def since_release_ms(self) -> float:
        """From the physical release until now."""
        return (self.clock() - self.released_at) * 1e3

    @property
    def release_to_text_ms(self) -> float:
        """From the physical release to the end of the last stage reached."""
        return (self._mark - self.released_at) * 1e3
