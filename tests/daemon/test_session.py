"""The stage machine: single decisions as little scripts, then any sequence against a model of the world."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from voiceflow_daemon.daemon.session import (
    Cancelled,
    CaptureEnded,
    Command,
    DropCapture,
    Event,
    FinishCapture,
    FinishRequested,
    HotkeyRules,
    KeyPressed,
    KeyReleased,
    OtherInput,
    PauseSet,
    Session,
    StartCapture,
    StartRequested,
    Tick,
    ToggleRequested,
    WorkEnded,
    next_deadline,
    step,
)

MODIFIER = HotkeyRules()
KEY = HotkeyRules(single_modifier=False)
MODIFIER_TOGGLES = HotkeyRules(mode="toggle")
KEY_TOGGLES = HotkeyRules(mode="toggle", single_modifier=False)
ALL_RULES = (MODIFIER, KEY, MODIFIER_TOGGLES, KEY_TOGGLES)

START, FINISH = StartCapture(1), FinishCapture(1)
TAPPED, CANCELLED = DropCapture(1, cancelled=False), DropCapture(1, cancelled=True)

Script = Sequence[tuple[float, Event]]


def play(rules: HotkeyRules, script: Script, session: Session | None = None) -> tuple[Session, list[Command]]:
    """Send the events at their times (seconds); the session after them and every command."""
    session, seen = session or Session(), list[Command]()
    for now, event in script:
        session, commands = step(session, event, now, rules)
        seen += commands
    return session, seen


@pytest.mark.parametrize("rules", [MODIFIER, KEY])
def test_holding_records_until_the_grace_after_the_release(rules: HotkeyRules) -> None:
    session, commands = play(rules, [(0, KeyPressed()), (2, KeyReleased())])
    assert commands == [START]
    assert next_deadline(session, rules) == 2 + rules.release_grace_s

    session, commands = play(rules, [(2.04, Tick())], session)
    assert commands == [FINISH]
    assert session.in_work == (1,)


def test_recording_starts_at_the_press_even_where_it_may_yet_be_a_tap() -> None:
    assert play(MODIFIER, [(0, KeyPressed())])[1] == [START]


@pytest.mark.parametrize(
    ("released_at", "end"),
    [(0.05, TAPPED), (0.199, TAPPED), (0.2, FINISH), (0.25, FINISH)],
)
def test_hold_is_measured_from_press_to_release_without_the_grace(released_at: float, end: Command) -> None:
    assert play(MODIFIER, [(0, KeyPressed()), (released_at, KeyReleased()), (1, Tick())])[1] == [START, end]


def test_ordinary_key_counts_however_short() -> None:
    assert play(KEY, [(0, KeyPressed()), (0.01, KeyReleased()), (1, Tick())])[1] == [START, FINISH]


@pytest.mark.parametrize("rules", ALL_RULES)
def test_release_and_press_pairs_of_auto_repeat_are_absorbed(rules: HotkeyRules) -> None:
    pairs: list[tuple[float, Event]] = []
    for n in range(20):
        pairs += [(0.7 + 0.04 * n, KeyReleased()), (0.701 + 0.04 * n, KeyPressed())]
    session, commands = play(rules, [(0, KeyPressed()), *pairs])
    assert commands == [START]
    assert session.recording is not None


def test_chord_before_it_counts_drops_and_spends_the_press() -> None:
    script: Script = [(0, KeyPressed()), (0.1, OtherInput()), (0.5, KeyReleased()), (1, KeyPressed())]
    assert play(MODIFIER, script)[1] == [START, TAPPED, StartCapture(2)]


def test_other_input_after_it_counts_loses_nothing() -> None:
    script: Script = [(0, KeyPressed()), (0.3, OtherInput()), (1, KeyReleased()), (2, Tick())]
    assert play(MODIFIER, script)[1] == [START, FINISH]


def test_other_input_means_nothing_to_an_ordinary_key() -> None:
    script: Script = [(0, KeyPressed()), (0.1, OtherInput()), (1, KeyReleased()), (2, Tick())]
    assert play(KEY, script)[1] == [START, FINISH]


def test_ordinary_key_toggles_by_the_press() -> None:
    script: Script = [(0, KeyPressed()), (0.1, KeyReleased()), (3, KeyPressed()), (3.1, KeyReleased())]
    assert play(KEY_TOGGLES, script)[1] == [START, FINISH]


def test_single_modifier_toggles_when_held_alone() -> None:
    start: Script = [(0, KeyPressed()), (0.3, KeyReleased()), (1, Tick())]
    session, commands = play(MODIFIER_TOGGLES, start)
    assert commands == [START]
    tap_and_chord: Script = [
        *((2, KeyPressed()), (2.1, KeyReleased()), (2.5, Tick())),
        *((3, KeyPressed()), (3.1, OtherInput()), (4, KeyReleased()), (4.5, Tick())),
    ]
    session, commands = play(MODIFIER_TOGGLES, tap_and_chord, session)
    assert commands == []
    assert session.recording is not None
    assert play(MODIFIER_TOGGLES, [(5, KeyPressed()), (5.2, Tick())], session)[1] == [FINISH]


def test_tap_in_toggle_mode_is_dropped() -> None:
    assert play(MODIFIER_TOGGLES, [(0, KeyPressed()), (0.1, KeyReleased()), (1, Tick())])[1] == [
        START,
        TAPPED,
    ]


@pytest.mark.parametrize("rules", ALL_RULES)
def test_cancel_drops_and_spends_the_press(rules: HotkeyRules) -> None:
    script: Script = [
        (0, KeyPressed()),
        (1, Cancelled()),
        (1.5, KeyPressed()),
        (2, KeyReleased()),
        (3, Tick()),
    ]
    assert play(rules, script)[1] == [START, CANCELLED]


@pytest.mark.parametrize("rules", [MODIFIER, KEY])
def test_release_never_seen_ends_at_the_maximum(rules: HotkeyRules) -> None:
    session, commands = play(rules, [(0, KeyPressed()), (300, Tick())])
    assert commands == [START, FINISH]
    session, commands = play(rules, [(301, KeyPressed()), (302, KeyReleased()), (303, Tick())], session)
    assert commands == [], "the rest of the press is spent"
    assert play(rules, [(304, KeyPressed())], session)[1] == [StartCapture(2)]


def test_pause_ends_like_a_release_and_blocks_new_recordings() -> None:
    script: Script = [
        *((0, KeyPressed()), (1, PauseSet(paused=True)), (2, KeyReleased())),
        *((3, KeyPressed()), (3.5, StartRequested()), (4, ToggleRequested()), (5, KeyReleased())),
    ]
    session, commands = play(MODIFIER, script)
    assert commands == [START, FINISH]
    resumed: Script = [(6, PauseSet(paused=False)), (7, KeyPressed())]
    assert play(MODIFIER, resumed, session)[1] == [StartCapture(2)]


def test_pausing_while_the_press_may_be_a_tap_drops() -> None:
    assert play(MODIFIER, [(0, KeyPressed()), (0.1, PauseSet(paused=True))])[1] == [START, TAPPED]


@pytest.mark.parametrize("rules", ALL_RULES)
def test_control_requests_start_and_end(rules: HotkeyRules) -> None:
    script: Script = [
        *((0, StartRequested()), (1, StartRequested()), (2, FinishRequested()), (3, FinishRequested())),
        *((4, ToggleRequested()), (5, ToggleRequested())),
    ]
    assert play(rules, script)[1] == [START, FINISH, StartCapture(2), FinishCapture(2)]


@pytest.mark.parametrize("rules", ALL_RULES)
def test_key_ends_what_a_request_began(rules: HotkeyRules) -> None:
    script: Script = [(0, StartRequested()), (0, KeyPressed()), (1, KeyReleased()), (2, Tick())]
    assert play(rules, script)[1] == [START, FINISH]


def test_start_request_makes_a_press_count() -> None:
    script: Script = [(0, KeyPressed()), (0.05, StartRequested()), (0.1, KeyReleased()), (1, Tick())]
    assert play(MODIFIER, script)[1] == [START, FINISH]
    session, commands = play(MODIFIER_TOGGLES, script)
    assert commands == [START]
    assert session.recording is not None


def test_press_while_earlier_dictations_are_worked_on_records_at_once() -> None:
    script: Script = [
        (0, KeyPressed()),
        (1, KeyReleased()),
        (1.1, KeyPressed()),
        (2, KeyReleased()),
        (3, Tick()),
    ]
    session, commands = play(MODIFIER, script)
    assert commands == [START, FINISH, StartCapture(2), FinishCapture(2)]
    assert session.in_work == (1, 2)
    assert play(MODIFIER, [(4, WorkEnded(1)), (4, WorkEnded(2))], session)[0].in_work == ()


@pytest.mark.parametrize(("recorded", "in_work"), [(True, (1,)), (False, ())])
def test_microphone_lost_while_recording(recorded: bool, in_work: tuple[int, ...]) -> None:
    script: Script = [(0, KeyPressed()), (1, CaptureEnded(1, recorded)), (2, KeyReleased()), (3, Tick())]
    session, commands = play(MODIFIER, script)
    assert commands == [START]
    assert session.in_work == in_work


def test_microphone_lost_during_the_tail() -> None:
    script: Script = [
        (0, KeyPressed()),
        (1, KeyReleased()),
        (1.1, Tick()),
        (1.11, CaptureEnded(1, recorded=False)),
    ]
    session, commands = play(MODIFIER, script)
    assert commands == [START, FINISH]
    assert session.in_work == ()


def test_tick_long_after_several_deadlines_applies_them_in_order() -> None:
    assert play(MODIFIER, [(0, KeyPressed()), (0.25, KeyReleased()), (999, Tick())])[1] == [START, FINISH]
    assert play(MODIFIER, [(0, KeyPressed()), (999, KeyReleased())])[1] == [START, FINISH]


ROUNDING_S = 1e-9
TIMES_S = st.sampled_from([0.0, 0.001, 0.03, 0.04, 0.1, 0.2, 0.21, 1.0, 5.0, 20.0])
RULES = st.builds(
    HotkeyRules,
    mode=st.sampled_from(["hold", "toggle"]),
    single_modifier=st.booleans(),
    min_hold_s=st.sampled_from([0.0, 0.2]),
    release_grace_s=st.sampled_from([0.0, 0.04]),
    max_recording_s=st.sampled_from([3.0, 30.0]),
)


class World(RuleBasedStateMachine):
    """The hand, the microphone, the worker and the clock around the machine, and what they have seen.

    Times are counted in whole milliseconds, so that sums of them can be equal.
    """

    @initialize(rules=RULES)
    def begin(self, rules: HotkeyRules) -> None:
        self.hotkey_rules = rules
        self.session = Session()
        self.now_ms = 0
        self.key_down = False
        self.microphone: int | None = None
        self.may_be_tap = False
        self.opened_ms = 0
        self.started: list[int] = []
        self.ended: list[int] = []
        self.working: set[int] = set()
        self.alone_since_ms: int | None = None
        self.disturbed = False

    def send(self, event: Event) -> list[Command]:
        """One event, with all that must hold of its consequences."""
        self.session, commands = step(self.session, event, self.now_ms / 1000, self.hotkey_rules)
        for command in commands:
            self.obey(command, event)
        due = next_deadline(self.session, self.hotkey_rules)
        assert due is None or due > self.now_ms / 1000, "a deadline in the past would spin the coordinator"
        return list(commands)

    def obey(self, command: Command, event: Event) -> None:
        if isinstance(command, StartCapture):
            assert self.microphone is None, "two recordings at once"
            assert not self.session.paused
            assert command.recording_id not in self.started
            self.microphone, self.opened_ms = command.recording_id, self.now_ms
            self.started.append(command.recording_id)
            self.may_be_tap = isinstance(event, KeyPressed) and self.hotkey_rules.presses_need_proof
            return
        assert command.recording_id == self.microphone
        self.ended.append(command.recording_id)
        self.microphone = None
        if isinstance(command, FinishCapture):
            self.working.add(command.recording_id)
            assert not self.may_be_tap or self.held_long_enough
        else:
            assert command.cancelled == isinstance(event, Cancelled) or not command.cancelled
            if not command.cancelled:
                self.check_nothing_spoken_is_dropped()

    def check_nothing_spoken_is_dropped(self) -> None:
        assert self.hotkey_rules.single_modifier
        assert self.alone_since_ms is not None, "only a press of the key is ever dropped silently"
        assert self.was_too_short or self.disturbed

    @property
    def was_too_short(self) -> bool:
        return self.held_alone_s < self.hotkey_rules.min_hold_s + ROUNDING_S

    @property
    def held_long_enough(self) -> bool:
        return self.held_alone_s >= self.hotkey_rules.min_hold_s - ROUNDING_S

    @property
    def held_alone_s(self) -> float:
        assert self.alone_since_ms is not None
        return ((self.now_ms if self.key_down else self.released_ms) - self.alone_since_ms) / 1000

    @rule(passed=TIMES_S, ticks=st.lists(TIMES_S, max_size=3))
    def time_passes(self, passed: float, ticks: list[float]) -> None:
        """With the tick in time, late, never, or more often than asked for."""
        end_ms = self.now_ms + round(passed * 1000)
        for tick in sorted(ticks):
            self.now_ms = min(end_ms, self.now_ms + round(tick * 1000))
            self.send(Tick())
        self.now_ms = end_ms

    @rule()
    def tick_comes_just_in_time(self) -> None:
        due = next_deadline(self.session, self.hotkey_rules)
        if due is not None:
            self.now_ms = max(self.now_ms, round(due * 1000))
            self.send(Tick())

    @rule()
    def press(self) -> None:
        """Also while the key is down: auto-repeat."""
        absorbed = self.session.press is not None and not self.grace_is_over
        if not self.key_down and not absorbed:
            self.alone_since_ms, self.disturbed = self.now_ms, False
        self.key_down = True
        self.send(KeyPressed())

    @property
    def grace_is_over(self) -> bool:
        released = self.session.press.released_at if self.session.press else None
        return released is not None and released + self.hotkey_rules.release_grace_s <= self.now_ms / 1000

    @rule()
    def release(self) -> None:
        if self.key_down:
            self.released_ms = self.now_ms
        self.key_down = False
        self.send(KeyReleased())

    @rule()
    def other_key(self) -> None:
        self.send(Tick())
        is_chord = self.microphone is not None and self.may_be_tap and not self.held_long_enough
        self.disturb(OtherInput())
        assert not (is_chord and self.microphone)

    @rule()
    def cancel(self) -> None:
        self.send(Cancelled())
        assert self.microphone is None

    @rule(event=st.sampled_from([FinishRequested(), ToggleRequested(), PauseSet(paused=True)]))
    def request(self, event: Event) -> None:
        self.disturb(event)

    @rule()
    def start_request(self) -> None:
        """What is being recorded counts from now on."""
        self.may_be_tap = False
        self.send(StartRequested())

    @rule()
    def resume(self) -> None:
        self.send(PauseSet(paused=False))

    def disturb(self, event: Event) -> None:
        """What ends a press that has not proved itself. Before its time only, else it changes nothing."""
        self.send(Tick())
        if self.alone_since_ms is not None and self.was_too_short:
            self.disturbed = True
        self.send(event)

    @rule(recorded=st.booleans())
    @precondition(lambda self: self.microphone is not None)
    def microphone_is_lost(self, recorded: bool) -> None:
        self.send(Tick())
        if self.microphone is None:
            return
        lost, self.microphone = self.microphone, None
        self.ended.append(lost)
        self.send(CaptureEnded(lost, recorded))
        if recorded:
            self.working.add(lost)

    @rule(data=st.data(), event=st.sampled_from(["delivered", "nothing recorded"]))
    def work_ends(self, data: st.DataObject, event: str) -> None:
        """Also twice, or of a recording that never was."""
        recording_id = data.draw(st.sampled_from([*sorted(self.working), 99]))
        self.working.discard(recording_id)
        self.send(
            WorkEnded(recording_id) if event == "delivered" else CaptureEnded(recording_id, recorded=False)
        )

    @invariant()
    def books_agree(self) -> None:
        if not hasattr(self, "session"):
            return
        recording = self.session.recording
        assert (recording.recording_id if recording else None) == self.microphone
        assert sorted([*self.ended, *([self.microphone] if self.microphone else [])]) == self.started
        assert set(self.session.in_work) == self.working
        assert len(self.session.in_work) == len(self.working)

    def teardown(self) -> None:
        """Whatever happened: with all keys up it is quiet, and the next press records."""
        if not hasattr(self, "session"):
            return
        if self.key_down:
            self.released_ms = self.now_ms
        self.key_down = False
        self.send(KeyReleased())
        for _ in range(20):
            if (due := next_deadline(self.session, self.hotkey_rules)) is None:
                break
            self.now_ms = max(self.now_ms, round(due * 1000) + 1)
            self.send(Tick())
        assert next_deadline(self.session, self.hotkey_rules) is None
        assert self.microphone is None
        assert self.session.press is None
        self.send(PauseSet(paused=False))
        self.alone_since_ms, self.disturbed, self.key_down = self.now_ms, False, True
        assert self.send(KeyPressed()) == [StartCapture(len(self.started))]


TestWorld = World.TestCase
TestWorld.settings = hypothesis_settings(max_examples=150, stateful_step_count=40, deadline=None)
