"""The stage machine of push-to-talk: a pure function from state and event to state and commands.

Recording and processing are independent: while earlier dictations are worked on (`in_work`), a
press starts the next recording at once. Times are seconds of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal


# ------------------------------------------------------------------------------------------ events
@dataclass(frozen=True)
class KeyPressed:
    """The hotkey went down (or auto-repeat says so again)."""


@dataclass(frozen=True)
class KeyReleased:
    """The hotkey went up, which is believed after the grace."""


@dataclass(frozen=True)
class OtherInput:
    """Another key or a mouse button went down while the hotkey is held."""


@dataclass(frozen=True)
class Cancelled:
    """Escape, `voiceflow cancel`."""


@dataclass(frozen=True)
class StartRequested:
    """`voiceflow press`."""


@dataclass(frozen=True)
class FinishRequested:
    """`voiceflow release`."""


@dataclass(frozen=True)
class ToggleRequested:
    """`voiceflow toggle`."""


@dataclass(frozen=True)
class PauseSet:
    """The tray's pause item; pausing ends a recording as a release would."""

    paused: bool


@dataclass(frozen=True)
class CaptureEnded:
    """The capture thread lost the microphone; what it had recorded is worked on all the same."""

    recording_id: int
    recorded: bool


@dataclass(frozen=True)
class WorkEnded:
    """A dictation was delivered, offered, or came to nothing."""

    recording_id: int


@dataclass(frozen=True)
class Tick:
    """The time of `next_deadline` has come."""


Event = (
    KeyPressed
    | KeyReleased
    | OtherInput
    | Cancelled
    | StartRequested
    | FinishRequested
    | ToggleRequested
    | PauseSet
    | CaptureEnded
    | WorkEnded
    | Tick
)


# ---------------------------------------------------------------------------------------- commands
@dataclass(frozen=True)
class StartCapture:
    """Open the microphone for a new recording."""

    recording_id: int


@dataclass(frozen=True)
class FinishCapture:
    """Record the tail and hand the recording to the worker."""

    recording_id: int


@dataclass(frozen=True)
class DropCapture:
    """Forget the recording."""

    recording_id: int
    cancelled: bool
    """True when the user cancelled, False when the key press did not count."""


Command = StartCapture | FinishCapture | DropCapture


# ------------------------------------------------------------------------------------------- state
@dataclass(frozen=True)
class HotkeyRules:
    """How presses are read; from the settings."""

    mode: Literal["hold", "toggle"] = "hold"
    single_modifier: bool = True
    min_hold_s: float = 0.2
    release_grace_s: float = 0.04
    max_recording_s: float = 300.0

    @property
    def presses_need_proof(self) -> bool:
        """Whether a press means something only once it was held alone for `min_hold_s`."""
        return self.single_modifier and self.min_hold_s > 0


@dataclass(frozen=True)
class Recording:
    """A recording being made."""

    recording_id: int
    started_at: float


class Role(Enum):
    """What the present press of the hotkey does."""

    MAY_START = "it started the recording, which is dropped unless the press is held long enough"
    MAY_STOP = "it ends the recording once it was held long enough"
    HOLDS = "the recording lasts as long as the press"
    SPENT = "it has done what it does; the rest of it means nothing"


@dataclass(frozen=True)
class Press:
    """The hotkey is down. `released_at` is set during the grace. Without a recording it is SPENT."""

    pressed_at: float
    role: Role
    released_at: float | None = None


@dataclass(frozen=True)
class Session:
    """Everything the coordinator knows about the user's intent."""

    recording: Recording | None = None
    press: Press | None = None
    in_work: tuple[int, ...] = ()
    next_id: int = 1
    paused: bool = False

    @property
    def recording_counts(self) -> bool:
        """Whether there is a recording that is worked on when it ends."""
        return self.recording is not None and not self.has_role(Role.MAY_START)

    def has_role(self, *roles: Role) -> bool:
        """Whether the hotkey is down in one of these roles."""
        return self.press is not None and self.press.role in roles


Step = tuple[Session, tuple[Command, ...]]


def next_deadline(session: Session, rules: HotkeyRules) -> float | None:
    """When `Tick` is due: the grace's end, the minimum hold, or the maximum length."""
    deadline = _next_deadline(session, rules)
    return None if deadline is None else deadline[0]


def step(session: Session, event: Event, now: float, rules: HotkeyRules) -> Step:
    """The next state and what to do.

    Deadlines that have passed are applied before the event, and again after it, so that the next
    deadline always lies ahead (a grace of zero ends at once).
    """
    session, overdue = _pass_deadlines(session, now, rules)
    session, commands = _apply(session, event, now, rules)
    session, immediate = _pass_deadlines(session, now, rules)
    return session, overdue + commands + immediate


def _apply(session: Session, event: Event, now: float, rules: HotkeyRules) -> Step:
    match event:
        case KeyPressed():
            return _pressed(session, now, rules)
        case KeyReleased() if session.press is not None and session.press.released_at is None:
            return replace(session, press=replace(session.press, released_at=now)), ()
        case OtherInput():
            return _other_input(session)
        case Cancelled():
            return _end(session, cancelled=True)
        case StartRequested():
            return _start_requested(session, now, rules)
        case FinishRequested():
            return _end(session)
        case ToggleRequested():
            return _start(session, now) if session.recording is None else _end(session)
        case PauseSet(paused):
            session, commands = _end(session) if paused else (session, ())
            return replace(session, paused=paused), commands
        case CaptureEnded(recording_id, recorded):
            return _capture_ended(session, recording_id, recorded), ()
        case WorkEnded(recording_id):
            return _without_work(session, recording_id), ()
        case _:
            return session, ()


# --------------------------------------------------------------------------------- the deadlines
def _next_deadline(
    session: Session, rules: HotkeyRules
) -> tuple[float, Callable[[Session, HotkeyRules], Step]] | None:
    """The earliest deadline and what happens then; of equal ones, the first in this order."""
    recording, press = session.recording, session.press
    deadlines: list[tuple[float, Callable[[Session, HotkeyRules], Step]]] = []
    if press is not None and press.released_at is not None:
        deadlines.append((press.released_at + rules.release_grace_s, _released))
    elif press is not None and press.role in (Role.MAY_START, Role.MAY_STOP):
        deadlines.append((press.pressed_at + rules.min_hold_s, _proven))
    if recording is not None:
        deadlines.append((recording.started_at + rules.max_recording_s, _too_long))
    return min(deadlines, key=lambda deadline: deadline[0], default=None)


def _pass_deadlines(session: Session, now: float, rules: HotkeyRules) -> Step:
    """Apply, in the order of their times, the deadlines that lie behind. Each one clears itself."""
    commands: tuple[Command, ...] = ()
    while (deadline := _next_deadline(session, rules)) is not None and deadline[0] <= now:
        session, more = deadline[1](session, rules)
        commands += more
    return session, commands


def _released(session: Session, _rules: HotkeyRules) -> Step:
    """The grace is over: the release was real."""
    ends_with_key = session.has_role(Role.MAY_START, Role.HOLDS)
    session, commands = _end(session) if ends_with_key else (session, ())
    return replace(session, press=None), commands


def _proven(session: Session, rules: HotkeyRules) -> Step:
    """The single modifier was held alone for long enough."""
    if session.has_role(Role.MAY_STOP):
        return _end(session)
    return _with_role(session, _role_of_counting_press(rules)), ()


def _too_long(session: Session, _rules: HotkeyRules) -> Step:
    return _end(session)


# ------------------------------------------------------------------------------------ the hotkey
def _pressed(session: Session, now: float, rules: HotkeyRules) -> Step:
    if session.press is not None:
        # Auto-repeat: the key never went up.
        return replace(session, press=replace(session.press, released_at=None)), ()
    was_recording = session.recording is not None
    session = replace(session, press=Press(now, Role.SPENT))
    if was_recording:
        return (_with_role(session, Role.MAY_STOP), ()) if rules.presses_need_proof else _end(session)
    session, commands = _start(session, now)
    if session.recording is None:
        return session, commands
    role = Role.MAY_START if rules.presses_need_proof else _role_of_counting_press(rules)
    return _with_role(session, role), commands


def _other_input(session: Session) -> Step:
    """The modifier is part of a chord: its press means nothing to us, unless it already counts."""
    if session.has_role(Role.MAY_START):
        return _end(session)
    if session.has_role(Role.MAY_STOP):
        return _with_role(session, Role.SPENT), ()
    return session, ()


def _role_of_counting_press(rules: HotkeyRules) -> Role:
    return Role.HOLDS if rules.mode == "hold" else Role.SPENT


def _with_role(session: Session, role: Role) -> Session:
    assert session.press is not None
    return replace(session, press=replace(session.press, role=role))


# ---------------------------------------------------------------------------------- the recording
def _start_requested(session: Session, now: float, rules: HotkeyRules) -> Step:
    """Start, or let the recording count that a press has just begun."""
    if session.has_role(Role.MAY_START):
        return _with_role(session, _role_of_counting_press(rules)), ()
    return _start(session, now) if session.recording is None else (session, ())


def _start(session: Session, now: float) -> Step:
    if session.paused:
        return session, ()
    recording = Recording(session.next_id, now)
    session = replace(session, recording=recording, next_id=session.next_id + 1)
    return session, (StartCapture(recording.recording_id),)


def _end(session: Session, *, cancelled: bool = False) -> Step:
    """End the recording, if there is one: to be worked on if it counts and was not cancelled."""
    recording, counts = session.recording, session.recording_counts
    session = _without_recording(session)
    if recording is None:
        return session, ()
    if cancelled or not counts:
        return session, (DropCapture(recording.recording_id, cancelled),)
    session = replace(session, in_work=(*session.in_work, recording.recording_id))
    return session, (FinishCapture(recording.recording_id),)


def _capture_ended(session: Session, recording_id: int, recorded: bool) -> Session:
    if session.recording is None or session.recording.recording_id != recording_id:
        return session if recorded else _without_work(session, recording_id)
    session = _without_recording(session)
    return replace(session, in_work=(*session.in_work, recording_id)) if recorded else session


def _without_recording(session: Session) -> Session:
    """No recording, and the rest of the present press means nothing."""
    if session.press is not None:
        session = _with_role(session, Role.SPENT)
    return replace(session, recording=None)


def _without_work(session: Session, recording_id: int) -> Session:
    return replace(session, in_work=tuple(i for i in session.in_work if i != recording_id))
