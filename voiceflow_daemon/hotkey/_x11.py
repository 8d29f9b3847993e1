"""The hotkey on X11: raw events of XInput 2 say what hands do, passive grabs keep keys from leaking.

Not pynput, for what it lacks here (measured with 1.8.2): it reads keys by RECORD, which never
reports that a hand lets go of a key that a program has released meanwhile; it names keys by what
they write, so that Alt pressed, Shift pressed, Alt released is a release of some other key; it
gives no keycodes, by which our own keystrokes are known; and its thread ends only at the next key.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import select
import struct
import threading
from typing import Any

from Xlib import X, display, error
from Xlib.ext import ge, xinput

from voiceflow_daemon.errors import DisplayError, HotkeyError
from voiceflow_daemon.hotkey import _x11_keyboard as keyboard
from voiceflow_daemon.hotkey.echoes import EchoFilter
from voiceflow_daemon.hotkey.keys import MODIFIERS, Hotkey
from voiceflow_daemon.hotkey.listener import EmitHotkey, ListenerFailed
from voiceflow_daemon.hotkey.presses import HotkeyCodes, Pressed, PressTracker

log = logging.getLogger(__name__)

RAW_EVENTS_ANYWHERE = (2, 1)
"""The version of XInput from which raw events reach us while another program has grabbed the keyboard."""

_RAW_EVENTS = (
    xinput.RawKeyPressMask
    | xinput.RawKeyReleaseMask
    | xinput.RawButtonPressMask
    | xinput.RawButtonReleaseMask
)
_RAW_EVENT = struct.Struct("<HIIH")
"""Device, time, key or button, source device: how every raw event begins."""

_ANY_BUTTON_MASK = 0x1F00


class X11Listener:
    """A `HotkeyListener`. Its thread owns the connection `_display`; `is_down` has one of its own."""

    def __init__(self, hotkey: Hotkey, emit: EmitHotkey, echoes: EchoFilter) -> None:
        self._hotkey = hotkey
        self._emit = emit
        self._echoes = echoes
        self._commands: queue.SimpleQueue[bool | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="hotkey")
        self._display: Any = None
        self._mapping_changed = False
        self._keymap: Any = None
        self._keymap_lock = threading.Lock()
        self._wake_lock = threading.Lock()
        self._wake_fds: tuple[int, int] | None = None

    def start(self) -> None:
        """Begin; raises `DisplayError`, or `HotkeyError` when the key is not there or not free."""
        with contextlib.ExitStack() as undo:
            self._display = open_display()
            undo.callback(_close, self._display)
            self._keymap = open_display()
            undo.callback(_close, self._keymap)
            self._prepare()
            undo.pop_all()
        self._wake_fds = os.pipe()
        self._thread.start()

    def stop(self) -> None:
        """Give the key back and end the thread. Not to be called on the listener's own thread."""
        self._order(None)
        if self._thread.ident is not None:
            self._thread.join()
        with self._wake_lock:
            fds, self._wake_fds = self._wake_fds or (), None
            for fd in fds:
                os.close(fd)
        with self._keymap_lock:
            keymap, self._keymap = self._keymap, None
            _close(keymap)

    def watch_cancel(self, watch: bool) -> None:
        """Take Escape from all programs, or give it back; done by the listener's thread."""
        self._order(watch)

    def is_down(self) -> bool:
        """Whether a key of the hotkey, or of its modifiers, is down by what the X server says."""
        with self._keymap_lock:
            if self._keymap is None:
                return False
            try:
                return not self._all_keycodes.isdisjoint(_keycodes_down(self._keymap))
            except (error.ConnectionClosedError, OSError):
                return False

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def _order(self, command: bool | None) -> None:
        self._commands.put(command)
        with self._wake_lock:
            if self._wake_fds is not None:
                os.write(self._wake_fds[1], b"!")

    # ------------------------------------------------------------ before the thread, then on it
    def _prepare(self) -> None:
        _agree_on_xinput(self._display)
        devices = self._display.xinput_query_device(xinput.AllDevices).devices
        self._xtest_devices = {device.deviceid for device in devices if "XTEST" in _text(device.name)}
        codes = self._find_keys()
        observed = self._hotkey.single_modifier
        self._tracker = PressTracker(codes, observed=observed, emit=self._emit, look=self._look)
        if not observed and not keyboard.grab(self._display, codes.key, self._key_masks()):
            raise HotkeyError(
                f'Another program already holds the hotkey "{self._hotkey}".',
                "Free it there (often the desktop's keyboard settings), or set another in [hotkey] key.",
            )
        self._display.screen().root.xinput_select_events([(xinput.AllDevices, _RAW_EVENTS)])
        self._display.sync()

    def _find_keys(self) -> HotkeyCodes:
        key = keyboard.hotkey_keycodes(self._display, self._hotkey)
        self._all_keycodes = key | keyboard.modifier_keycodes(self._display, self._hotkey.modifiers)
        return HotkeyCodes(key, keyboard.keycodes_of(self._display, "escape"))

    def _key_masks(self) -> list[int]:
        wanted = sum(keyboard.modifier_mask(self._display, name) for name in self._hotkey.modifiers)
        return [wanted | locks for locks in keyboard.lock_masks(self._display)]

    # ------------------------------------------------------------------------------- the thread
    def _run(self) -> None:
        reason = ""
        try:
            while self._obey_commands():
                # Answers to requests bring events too, so the queue is looked at before the socket.
                if self._display.pending_events():
                    self._handle(self._display.next_event())
                elif self._mapping_changed:
                    self._mapping_changed = False
                    self._follow_mapping()
                else:
                    self._await_input()
            self._let_go()
        except (error.ConnectionClosedError, OSError):
            reason = "The connection to the display was lost."
        except Exception:
            log.exception("the hotkey's thread failed")
            reason = "The hotkey's thread failed; the log says how."
        _close(self._display)
        if reason:
            self._emit(ListenerFailed(reason))

    def _await_input(self) -> None:
        """Wait for events or commands."""
        assert self._wake_fds is not None
        readable, _, _ = select.select([self._display.fileno(), self._wake_fds[0]], [], [])
        if self._wake_fds[0] in readable:
            os.read(self._wake_fds[0], 1024)

    def _obey_commands(self) -> bool:
        """Carry out what other threads ordered; false when it is time to end."""
        while not self._commands.empty():
            command = self._commands.get()
            if command is None:
                return False
            if command != self._tracker.watches_cancel:
                self._tracker.watches_cancel = command
                self._take_cancel() if command else self._give_cancel_back()
        return True

    def _handle(self, event: Any) -> None:
        if event.type == ge.GenericEventCode:
            device, _, detail, source = _RAW_EVENT.unpack_from(bytes(event.data))
            # Each comes from its own device and again from the master device. While a grab of ours
            # holds, the master's do not come, so they cannot be the ones to go by.
            if device == source:
                self._raw(event.evtype, detail, source)
        elif event.type == X.KeyPress:
            self._tracker.grab_activated(event.detail)
        elif event.type == X.MappingNotify and event.request != X.MappingPointer:
            self._display.refresh_keyboard_mapping(event)
            self._mapping_changed = True

    def _raw(self, kind: int, detail: int, source: int) -> None:
        tracker = self._tracker
        is_key = kind in (xinput.RawKeyPress, xinput.RawKeyRelease)
        if (
            is_key
            and source in self._xtest_devices
            and self._echoes.takes(detail, kind == xinput.RawKeyPress)
        ):
            return
        match kind:
            case xinput.RawKeyPress:
                tracker.key_pressed(source, detail)
            case xinput.RawKeyRelease:
                tracker.key_released(source, detail)
            case xinput.RawButtonPress:
                tracker.button_pressed(source, detail)
            case xinput.RawButtonRelease:
                tracker.button_released(source, detail)

    def _look(self) -> Pressed:
        buttons = self._display.screen().root.query_pointer().mask & _ANY_BUTTON_MASK
        return Pressed(_keycodes_down(self._display), bool(buttons))

    # --------------------------------------------------------------------------------- the grabs
    def _take_cancel(self) -> None:
        """Grab Escape with any modifiers, or with as many as other programs leave."""
        codes = self._tracker.codes.cancel
        if keyboard.grab(self._display, codes, [X.AnyModifier]):
            return
        locks = keyboard.lock_masks(self._display)
        held = [0] + [keyboard.modifier_mask(self._display, name) for name in MODIFIERS]
        taken = [keyboard.grab(self._display, codes, [mask | lock for lock in locks]) for mask in held]
        if not all(taken):
            log.info("another program holds Escape with some modifiers: there it cancels, but is not taken")

    def _let_go(self) -> None:
        """Give all keys back now: closing the connection would do so only when the server notices."""
        keyboard.ungrab(self._display, self._tracker.codes.key | self._tracker.codes.cancel)

    def _give_cancel_back(self) -> None:
        keyboard.ungrab(self._display, self._tracker.codes.cancel)

    def _follow_mapping(self) -> None:
        """Another layout was set (or another keyboard is typed on, mostly with the same one)."""
        before = self._tracker.codes
        try:
            codes = self._find_keys()
        except HotkeyError as problem:
            log.warning("%s", problem)
            return
        if codes == before:
            return
        self._tracker.codes = codes
        keyboard.ungrab(self._display, before.key | before.cancel)
        observed = self._hotkey.single_modifier
        if not observed and not keyboard.grab(self._display, codes.key, self._key_masks()):
            log.warning("another program holds the hotkey on the new keyboard layout")
        if self._tracker.watches_cancel:
            self._take_cancel()


def open_display() -> Any:
    """A connection to the X server; raises `DisplayError`."""
    try:
        return display.Display()
    except (
        error.DisplayError,
        error.XauthError,
        error.XNoAuthError,
        error.ConnectionClosedError,
        OSError,
    ) as e:
        raise DisplayError(f"The display cannot be opened: {e}.", "Start voiceflow in your desktop.") from e


def offers_raw_events() -> bool:
    """Whether the X server says what hands do; raises `DisplayError`."""
    connection = open_display()
    try:
        return _agree_on_xinput(connection) >= RAW_EVENTS_ANYWHERE
    finally:
        _close(connection)


def _agree_on_xinput(connection: Any) -> tuple[int, int]:
    """Tell the server the version of XInput that we speak; returns the server's, (0, 0) for none."""
    if connection.query_extension(xinput.extname) is None:
        return 0, 0
    # python-xlib's own request asks for 2.0, with which raw events stop during grabs.
    agreed = xinput.XIQueryVersion(
        display=connection.display,
        opcode=connection.display.get_extension_major(xinput.extname),
        major_version=2,
        minor_version=2,
    )
    return agreed.major_version, agreed.minor_version


def _keycodes_down(connection: Any) -> frozenset[int]:
    bits = connection.query_keymap()
    return frozenset(code for code in range(8, 256) if bits[code // 8] & 1 << code % 8)


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name


def _close(connection: Any) -> None:
    """Close a connection that may be dead already."""
    if connection is not None:
        with contextlib.suppress(error.ConnectionClosedError, OSError):
            connection.close()
