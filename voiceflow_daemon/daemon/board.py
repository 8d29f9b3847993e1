"""What the user is told: activity, status line, problems, last texts. Pure; the coordinator owns one."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.session import Session
from voiceflow_daemon.desktop.tray import Activity, TrayView
from voiceflow_daemon.llm.kv_cache import PromptEntry
from voiceflow_daemon.metrics import Metrics

LAST_TEXTS = 5

ON_REQUEST = 0
"""Order id of a text that the user asked for again and that no recording depends on."""

DEMO = "demo"


@dataclass(frozen=True)
class LastText:
    """A finished text. One that was `recovered` from the journal is pasted only when asked for.

    `text_id` is its order's id when it is asked for again: `ON_REQUEST`, or what its recording is
    known by, which is deleted once the text was handed out.
    """

    raw: str
    text: str
    context: str
    text_id: int = ON_REQUEST

    @property
    def recovered(self) -> bool:
        """Whether it was found in the journal."""
        return self.text_id != ON_REQUEST


@dataclass
class Board:
    """`problems` by topic (config, hotkey, models, prompts): what stands in the way right now.

    `preparing`: which of how many prompts is being prepared, counted from 1. `unloaded`: the models were
    freed for want of dictations, and are loaded at the next one. Recordings that could not be heard wait in
    the journal, or where that is not possible in memory.
    """

    contexts: tuple[str, ...] = ()
    microphones: tuple[str, ...] = ()
    last: deque[LastText] = field(default_factory=lambda: deque(maxlen=LAST_TEXTS))
    problems: dict[str, str] = field(default_factory=dict)
    loading: bool = False
    preparing: tuple[int, int] | None = None
    downloading: str = ""
    models_missing: bool = False
    download_failed: bool = False
    load_failed: bool = False
    unloaded: bool = False
    waiting_recordings: int = 0
    waiting_in_memory: int = 0
    release_to_text_ms: float | None = None
    stages_ms: dict[str, float] = field(default_factory=dict)

    @property
    def models(self) -> str:
        """What has become of the models, in one word for programs."""
        if self.models_missing:
            return "missing"
        if self.loading:
            return "loading"
        if self.load_failed:
            return "failed"
        return "unloaded" if self.unloaded else "loaded"

    def activity(self, session: Session) -> Activity:
        """The icon: what matters most to the user comes first."""
        if session.recording is not None:
            return Activity.RECORDING
        if session.paused:
            return Activity.PAUSED
        if session.in_work:
            return Activity.WORKING
        return Activity.ERROR if self.problems or self.models_missing else Activity.IDLE

    def status_line(self, session: Session) -> str:
        """One line for the menu."""
        if session.paused:
            return "Paused"
        if self.downloading:
            return self.downloading
        if self.problems:
            return next(iter(self.problems.values()))
        if self.models_missing:
            return "No speech model yet: choose Download models"
        if self.loading:
            return "Loading models …"
        if self.unloaded:
            return "Unloaded: the models load at the next dictation"
        if self.preparing:
            return "Preparing prompts {} of {} …".format(*self.preparing)
        if self.release_to_text_ms is None:
            return "Ready"
        return f"Ready, last text after {self.release_to_text_ms / 1000:.2f} s"

    def tray_view(self, session: Session, settings: Settings) -> TrayView:
        """What the tray shows now."""
        demo = uses_demo_models(settings)
        status = self.status_line(session)
        return TrayView(
            activity=self.activity(session),
            status=f"DEMO models · {status}" if demo else status,
            contexts=self.contexts,
            context=settings.context,
            microphones=self.microphones,
            microphone=settings.audio.microphone,
            last_texts=tuple(entry.text for entry in self.last),
            paused=session.paused,
            offers_download=self.models_missing or self.download_failed,
            demo=demo,
        )

    def status(
        self,
        session: Session,
        settings: Settings,
        metrics: Metrics,
        prompts: tuple[PromptEntry, ...] = (),
        prompt_disk_problem: str = "",
    ) -> dict[str, Any]:
        """For `voiceflow status --json`. No dictated words."""
        return {
            "activity": str(self.activity(session)),
            "status": self.status_line(session),
            "context": settings.context,
            "contexts": list(self.contexts),
            "hotkey": settings.hotkey.key,
            "hotkey_mode": settings.hotkey.mode,
            "speech_model": settings.speech.model,
            "language_model": settings.llm.model,
            "models": self.models,
            "demo": uses_demo_models(settings),
            "in_work": len(session.in_work),
            "waiting_recordings": self.waiting_recordings + self.waiting_in_memory,
            "problems": dict(self.problems),
            "prompts": [asdict(entry) for entry in of_each_context(self.contexts, prompts)],
            "prompt_disk_problem": prompt_disk_problem,
            "release_to_text_ms": self.release_to_text_ms,
            "stages_ms": dict(self.stages_ms),
            "counters": metrics.counters(),
            "timings_ms": {name: vars(timing) for name, timing in metrics.timings().items()},
        }


def of_each_context(contexts: tuple[str, ...], known: tuple[PromptEntry, ...]) -> list[PromptEntry]:
    """The entries in the menu's order, one for each context, also where nothing is prepared yet."""
    entries = {entry.context: entry for entry in known}
    return [entries.get(name, PromptEntry(name, "none", 0, 0, None, 0)) for name in contexts]


def uses_demo_models(settings: Settings) -> bool:
    """Whether a demo model is in use, which the user is then told everywhere."""
    return DEMO in (settings.speech.model, settings.llm.model)
