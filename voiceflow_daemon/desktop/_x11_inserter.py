"""Delivers text on X11: by the clipboard and the program's paste keys, or key by key."""

from __future__ import annotations

from dataclasses import replace

from Xlib.ext import xtest

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop._x11_connection import DISCONNECTED, open_display
from voiceflow_daemon.desktop._x11_keeper_link import KeeperLink
from voiceflow_daemon.desktop._x11_keyboard import Announce, X11Keyboard
from voiceflow_daemon.desktop._x11_typing import X11Typist
from voiceflow_daemon.desktop._x11_window import X11ActiveWindow
from voiceflow_daemon.desktop.inserter import Delivery, Outcome
from voiceflow_daemon.desktop.keeper_messages import (
    CLIPBOARD,
    PRIMARY,
    Answer,
    AwaitRead,
    Expect,
    GiveBack,
    Lend,
)
from voiceflow_daemon.desktop.keystrokes import untypable
from voiceflow_daemon.desktop.loan import RECEIPT_LIMIT_S
from voiceflow_daemon.desktop.paste_keys import is_terminal, paste_keys
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import DeliveryError, DisplayError

_MOVED = "another window has the focus now"


class X11Inserter:
    """The `Inserter` of an X11 desktop."""

    def __init__(self, announce: Announce = lambda _keycode, _pressed: None) -> None:
        """`announce` hears of each key event before it is sent. Raises `DisplayError`."""
        self._display = open_display()
        if not self._display.has_extension(xtest.extname):
            self._display.close()
            raise DisplayError("This X server has no XTEST extension, so no keys can be sent.")
        self._active = X11ActiveWindow()
        self._keyboard = X11Keyboard(self._display, announce)
        self._typist = X11Typist(self._display, self._keyboard, self._active)
        self._keeper = KeeperLink()
        self._keeper.warm_up()

    def deliver(
        self, text: str, target: Window | None, settings: DeliverySettings, so_far: str = ""
    ) -> Delivery:
        """Put `text` at the cursor of `target`, or on the clipboard when that cannot be proved.

        `so_far` is a longer text that `text` is the last piece of: the clipboard is left with it, where
        it is not given back. Raises `DeliveryError` when not even the clipboard took it.
        """
        try:
            return self._deliver(text, target, settings, so_far or text)
        except DISCONNECTED as error:
            raise DeliveryError("The X server has gone.", "The text is in the history.") from error

    def close(self) -> None:
        """Let go of the desktop. The keeper stays while something of its own is on the clipboard."""
        self._keeper.close()
        try:
            self._typist.close()
            self._active.close()
            self._display.close()
        except DISCONNECTED:
            return

    def _deliver(self, text: str, target: Window | None, settings: DeliverySettings, so_far: str) -> Delivery:
        if settings.method == "copy":
            self._keeper.put(text)
            return Delivery(Outcome.COPIED)
        if target is None:
            return self._keep(text, "no window had the focus when the key was pressed")
        if not self._active.has_keyboard(target):
            return self._keep(text, _MOVED)
        try:
            if settings.method == "type":
                return self._type(text, target)
            return self._paste(text, target, settings, so_far)
        except DeliveryError as error:
            return self._keep(text, error.message)

    # --- paste

    def _paste(self, text: str, target: Window, settings: DeliverySettings, so_far: str) -> Delivery:
        keys = paste_keys(target.application, settings.paste_keys)
        selections = (CLIPBOARD, PRIMARY) if keys.from_primary else (CLIPBOARD,)
        afterwards = None if settings.restore_clipboard else so_far
        if self._keeper.ask(Lend(text, selections, afterwards)) is not Answer.DONE:
            return self._type_instead(text, target)
        over = False
        try:
            self._keyboard.release_modifiers()
            self._keeper.ask(Expect((target.window_id, self._active.keyboard_target())))
            # As late as possible: between this answer and the keys lies nothing but our own code.
            there = self._active.has_keyboard(target)
            if there:
                self._keyboard.press(keys.chord)
            read = there and self._keeper.ask(AwaitRead(RECEIPT_LIMIT_S)) is Answer.READ
            if read:
                self._keeper.ask(GiveBack())
            over = True
        finally:
            if not over:
                self._keeper.close()  # which makes it give the clipboard back
        if read:
            return Delivery(Outcome.PASTED)
        return self._keep(text, "the program did not take the text" if there else _MOVED)

    # --- type

    def _type(self, text: str, target: Window) -> Delivery:
        if untypable(text):
            return self._keep(text, "the text has characters that no key stands for")
        if "\n" in text and is_terminal(target.application):
            return self._keep(text, "a typed line break would run a command in this terminal")
        try:
            rest = self._typist.type(text, target)
        except ValueError:
            return self._keep(text, "the keyboard has no free key for a character of the text")
        if rest == text:
            return self._keep(text, _MOVED)
        if rest:
            kept = self._keep(rest, "another window got the focus while typing; this is the rest")
            return replace(kept, inserted=len(text) - len(rest))
        return Delivery(Outcome.TYPED)

    def _type_instead(self, text: str, target: Window) -> Delivery:
        """The clipboard's owner does not hand out its content, so leave it alone and type."""
        if "\n" in text:
            # The user did not choose typing: a line break may send a half-written message.
            return self._keep(
                text, "the clipboard is blocked by another program, and typing could send the text"
            )
        return self._type(text, target)

    def _keep(self, text: str, reason: str) -> Delivery:
        self._keeper.put(text)
        return Delivery(Outcome.KEPT, reason)
