"""The stage machine of push-to-talk: a pure function from state and event to state and commands.

Recording and processing are independent: while earlier dictations are worked on (`in_work`), a
press starts the next recording at once. Times are seconds of one monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Recording:
    """A recording being made. `counts` is False while a single modifier may still be a tap or a chord.

    `held` tells a recording that ends with its key's release from one that goes on without the key.
    """

    recording_id: int
    started_at: float
    counts: bool
    held: bool


@dataclass(frozen=True)
class Press:
    """The hotkey is down. `released_at` is set during the grace.

    `spent` presses have done what they do (ended a toggled recording, were cancelled, were part of
    a chord): the rest of the press means nothing.
    """

    pressed_at: float
    spent: bool
    released_at: float | None = None


@dataclass(frozen=True)
class Session:
    """Everything the coordinator knows about the user's intent."""

    recording: Recording | None = None
    press: Press | None = None
    in_work: tuple[int, ...] = ()
    next_id: int = 1
    paused: bool = False


Step = tuple[Session, tuple[Command, ...]]


def next_deadline(session: Session, rules: HotkeyRules) -> float | None:
    """When `Tick` is due: the grace's end, the minimum hold, or the maximum length."""
    due: list[float] = []
    recording, press = session.recording, session.press
    if press is not None and press.released_at is not None:
        due.append(press.released_at + rules.release_grace_s)
    elif press is not None and not press.spent and _awaits_hold(session, rules):
        due.append(press.pressed_at + rules.min_hold_s)
    if recording is not None:
        due.append(recording.started_at + rules.max_recording_s)
    return min(due, default=None)


def step(session: Session, event: Event, now: float, rules: HotkeyRules) -> Step:
    """The next state and what to do. Deadlines that have passed are applied before the event."""
    session, commands = _pass_deadlines(session, now, rules)
    session, more = _apply(session, event, now, rules)
    return session, commands + more


def _apply(session: Session, event: Event, now: float, rules: HotkeyRules) -> Step:
    match event:
        case KeyPressed():
            return _pressed(session, now, rules)
        case KeyReleased() if session.press is not None and session.press.released_at is None:
            return replace(session, press=replace(session.press, released_at=now)), ()
        case OtherInput():
            return _other_input(session, rules)
        case Cancelled():
            return _spend(_end(session, drop=True, cancelled=True))
        case StartRequested():
            return _start(session, now, counts=True, held=False)
        case FinishRequested():
            return _spend(_end(session))
        case ToggleRequested():
            started = session.recording is None
            return _start(session, now, counts=True, held=False) if started else _spend(_end(session))
        case PauseSet(paused):
            session, commands = _spend(_end(session)) if paused else (session, ())
            return replace(session, paused=paused), commands
        case CaptureEnded(recording_id, recorded):
            return _capture_ended(session, recording_id, recorded)
        case WorkEnded(recording_id):
            return replace(session, in_work=tuple(i for i in session.in_work if i != recording_id)), ()
        case _:
            return session, ()


def _pass_deadlines(session: Session, now: float, rules: HotkeyRules) -> Step:
    """Apply, in the order of their times, the deadlines that lie behind."""
    commands: tuple[Command, ...] = ()
    while (due := next_deadline(session, rules)) is not None and due <= now:
        session, more = _deadline(session, due, rules)
        commands += more
    return session, commands


def _deadline(session: Session, due: float, rules: HotkeyRules) -> Step:
    recording, press = session.recording, session.press
    if recording is not None and due >= recording.started_at + rules.max_recording_s:
        return _spend(_end(session))
    if press is not None and press.released_at is not None:
        return _released(session)
    return _held_long_enough(session)


# ------------------------------------------------------------------------------------ the hotkey
def _pressed(session: Session, now: float, rules: HotkeyRules) -> Step:
    press = session.press
    if press is not None:
        # Auto-repeat: the key never went up.
        return replace(session, press=replace(press, released_at=None)), ()
    session = replace(session, press=Press(now, spent=False))
    if session.recording is None:
        counts = not (rules.single_modifier and rules.min_hold_s > 0)
        session, commands = _start(session, now, counts=counts, held=rules.mode == "hold")
        return session, commands
    if rules.single_modifier and rules.min_hold_s > 0:
        return session, ()
    return _spend(_end(session))


def _awaits_hold(session: Session, rules: HotkeyRules) -> bool:
    """Whether the present press still has to prove itself by being held."""
    recording = session.recording
    if recording is None or not rules.single_modifier:
        return False
    began_with_this_press = session.press is not None and recording.started_at >= session.press.pressed_at
    return not recording.counts or not began_with_this_press


def _held_long_enough(session: Session) -> Step:
    recording = session.recording
    if recording is None:
        return session, ()
    if not recording.counts:
        session = replace(session, recording=replace(recording, counts=True))
        return (session, ()) if recording.held else _spend((session, ()))
    return _spend(_end(session))


def _released(session: Session) -> Step:
    recording, press = session.recording, session.press
    session = replace(session, press=None)
    if press is None or press.spent or recording is None:
        return session, ()
    if not recording.counts:
        return _end(session, drop=True)
    return _end(session) if recording.held else (session, ())


def _other_input(session: Session, rules: HotkeyRules) -> Step:
    """The modifier is part of a chord: its press means nothing to us, unless it already counts."""
    recording, press = session.recording, session.press
    if press is None or not rules.single_modifier:
        return session, ()
    if recording is not None and not recording.counts:
        return _spend(_end(session, drop=True))
    if recording is not None and recording.held:
        return session, ()
    return _spend((session, ()))


# ---------------------------------------------------------------------------------- the recording
def _start(session: Session, now: float, *, counts: bool, held: bool) -> Step:
    if session.recording is not None or session.paused:
        return _spend((session, ()))
    recording = Recording(session.next_id, now, counts=counts, held=held)
    session = replace(session, recording=recording, next_id=session.next_id + 1)
    return session, (StartCapture(recording.recording_id),)


def _end(session: Session, *, drop: bool = False, cancelled: bool = False) -> Step:
    recording = session.recording
    if recording is None:
        return session, ()
    session = replace(session, recording=None)
    if drop or not recording.counts:
        return session, (DropCapture(recording.recording_id, cancelled),)
    session = replace(session, in_work=(*session.in_work, recording.recording_id))
    return session, (FinishCapture(recording.recording_id),)


def _spend(step_so_far: Step) -> Step:
    """The rest of the present press means nothing."""
    session, commands = step_so_far
    if session.press is not None:
        session = replace(session, press=replace(session.press, spent=True))
    return session, commands


def _capture_ended(session: Session, recording_id: int, recorded: bool) -> Step:
    recording = session.recording
    if recording is not None and recording.recording_id == recording_id:
        session, _ = _spend((replace(session, recording=None), ()))
        if recorded:
            session = replace(session, in_work=(*session.in_work, recording_id))
    elif not recorded:
        session = replace(session, in_work=tuple(i for i in session.in_work if i != recording_id))
    return session, ()
