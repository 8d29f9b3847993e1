"""One connection to the X server, through python-xlib, with types."""

from collections.abc import Sequence
from typing import Any, cast

from Xlib import XK, X, display, error
from Xlib.ext import xinput, xtest
from Xlib.protocol import event, rq

from tests.desktop.rig.waiting import until

# XInput 1 event types, counted from the extension's first event.
DEVICE_KEY_PRESS, DEVICE_KEY_RELEASE, DEVICE_BUTTON_PRESS, DEVICE_BUTTON_RELEASE = 1, 2, 3, 4


class DeviceFakeInput(rq.Request):  # type: ignore[misc]  # python-xlib has no types
    """XTEST's FakeInput as libXtst sends it for a device: the last byte names the device."""

    _request = rq.Struct(
        rq.Card8("opcode"),
        rq.Opcode(2),
        rq.RequestLength(),
        rq.Card8("event_type"),
        rq.Card8("detail"),
        rq.Pad(2),
        rq.Card32("time"),
        rq.Pad(23),
        rq.Card8("device_id"),
    )


class XConnection:
    """What the rig asks of the X server. Windows are plain ids."""

    def __init__(self, display_name: str) -> None:
        self._display = display.Display(display_name)
        self._root = self._display.screen().root
        self._pings = 0
        self._first_stranger: Any = None

    def close(self) -> None:
        self._display.close()

    def root_property(self, name: str) -> list[int]:
        return self.window_property(cast(int, self._root.id), name)

    def window_property(self, window: int, name: str) -> list[int]:
        """Numbers of a property in format 32; empty where it or the window does not exist."""
        try:
            found = self._window(window).get_full_property(self._atom(name), X.AnyPropertyType)
        except (error.BadWindow, error.BadDrawable):
            return []
        return [int(n) for n in found.value] if found is not None and found.format == 32 else []

    def window_text(self, window: int, name: str) -> str:
        """Text of a property; empty where it or the window does not exist."""
        try:
            found = self._window(window).get_full_property(self._atom(name), X.AnyPropertyType)
        except (error.BadWindow, error.BadDrawable):
            return ""
        if found is None or found.format != 8:
            return ""
        return found.value.decode(errors="replace") if isinstance(found.value, bytes) else str(found.value)

    def geometry(self, window: int) -> tuple[int, int, int, int]:
        """Left, top, width and height on the screen."""
        target = self._window(window)
        size = target.get_geometry()
        corner = self._root.translate_coords(target, 0, 0)
        return corner.x, corner.y, size.width, size.height

    def input_focus(self) -> int:
        """Window that has the keyboard; 0 for none."""
        focus = self._display.get_input_focus().focus
        return cast(int, getattr(focus, "id", focus))

    def top_level_of(self, window: int) -> int:
        """The window itself or that of its ancestors which the window manager manages; 0 for none."""
        managed = set(self.root_property("_NET_CLIENT_LIST"))
        while window and window not in managed:
            try:
                parent = self._window(window).query_tree().parent
            except error.BadWindow:
                return 0
            window = cast(int, getattr(parent, "id", 0))
        return window

    def ask_root(self, message: str, window: int, data: Sequence[int]) -> None:
        """Send the window manager a client message about `window`."""
        padded = [*data, 0, 0, 0, 0, 0][:5]
        note = event.ClientMessage(
            window=self._window(window), client_type=self._atom(message), data=(32, padded)
        )
        mask = X.SubstructureRedirectMask | X.SubstructureNotifyMask
        self._root.send_event(note, event_mask=mask)
        self._display.sync()

    def await_window_manager(self) -> None:
        """Wait until the window manager has handled all that was asked of it before."""
        stranger = self._new_stranger()
        try:
            self._ask_about_frame(stranger)
            until("the window manager to answer", lambda: self._is_told_frame(stranger))
        finally:
            stranger.destroy()
            self._display.sync()

    def window_manager_answers(self) -> bool:
        """Ask the window manager once more; true when it has answered.

        One that is still starting may lose what it is asked, so only an answer shows that it is up.
        """
        if self._first_stranger is None:
            self._first_stranger = self._new_stranger()
        self._ask_about_frame(self._first_stranger)
        return self._is_told_frame(self._first_stranger)

    def await_program_of(self, window: int) -> None:
        """Wait until the window's program has handled all that was sent to the window before.

        A program that does not answer pings is not waited for.
        """
        protocols, ping = self._atom("WM_PROTOCOLS"), self._atom("_NET_WM_PING")
        if ping not in self.window_property(window, "WM_PROTOCOLS"):
            return
        self._pings += 1
        target = self._window(window)
        note = event.ClientMessage(
            window=target, client_type=protocols, data=(32, [ping, self._pings, window, 0, 0])
        )
        self._root.change_attributes(event_mask=X.SubstructureNotifyMask)
        try:
            target.send_event(note)
            until(f"window {window:#x} to answer a ping", lambda: self._answered_ping(ping))
        finally:
            self._root.change_attributes(event_mask=X.NoEventMask)
            self._display.sync()

    def selection_owner(self, selection: str) -> int:
        owner = self._display.get_selection_owner(self._atom(selection))
        return cast(int, getattr(owner, "id", 0))

    def keycode(self, key: str) -> int:
        """Keycode of a keysym's name, such as `Control_R` or `F9`.

        Raises:
            ValueError: if there is no such key on the layout.
        """
        code = self._display.keysym_to_keycode(self.keysym(key))
        if not code:
            raise ValueError(f"no key {key!r} on this layout")
        return cast(int, code)

    def keysym(self, key: str) -> int:
        return cast(int, XK.string_to_keysym(key))

    def keysym_at(self, keycode: int, level: int) -> int:
        return cast(int, self._display.keycode_to_keysym(keycode, level))

    def keycodes_down(self) -> list[int]:
        keys = self._display.query_keymap()
        return [code for code in range(8, 256) if keys[code // 8] & 1 << code % 8]

    def device_id(self, name: str) -> int:
        """Id of the input device called `name`.

        Raises:
            LookupError: naming the devices that exist.
        """
        devices = self._display.xinput_query_device(xinput.AllDevices).devices
        names = {_text(d.name): int(d.deviceid) for d in devices}
        if name not in names:
            raise LookupError(f"no input device {name!r} among {sorted(names)}")
        return names[name]

    def device_event(self, device_id: int, kind: int, detail: int) -> None:
        """Let a device press or release a key or button, as its driver would report it."""
        first = self._display.query_extension("XInputExtension").first_event
        DeviceFakeInput(
            display=self._display.display,
            opcode=self._display.display.get_extension_major(xtest.extname),
            event_type=first + kind,
            detail=detail,
            time=0,
            device_id=device_id,
        )
        self._display.sync()

    def move_pointer(self, x: int, y: int) -> None:
        self._root.warp_pointer(x, y)
        self._display.sync()

    def _new_stranger(self) -> Any:
        """A window that no window manager manages; asked about its frame, it answers by a property."""
        return self._root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)

    def _ask_about_frame(self, stranger: Any) -> None:
        self.ask_root("_NET_REQUEST_FRAME_EXTENTS", stranger.id, [])

    def _is_told_frame(self, stranger: Any) -> bool:
        return bool(self.window_property(stranger.id, "_NET_FRAME_EXTENTS"))

    def _answered_ping(self, ping: int) -> bool:
        """Read the waiting events; true once the latest ping is among them, sent back to the root."""
        answered = False
        while self._display.pending_events():
            seen = self._display.next_event()
            if seen.type == X.ClientMessage and list(seen.data[1][:2]) == [ping, self._pings]:
                answered = True
        return answered

    def _atom(self, name: str) -> int:
        return cast(int, self._display.intern_atom(name))

    def _window(self, window: int) -> Any:
        return self._display.create_resource_object("window", window)


def _text(name: str | bytes) -> str:
    return (name.decode() if isinstance(name, bytes) else name).rstrip("\0")
