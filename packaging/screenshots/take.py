"""The README's screenshots: the real daemon on the virtual desktop of the tests, 1280x800.

    PYTHONPATH=. .venv/bin/python packaging/screenshots/take.py

Needs what `packaging/test` sets up. Overwrites the PNG files beside this script.
"""

from __future__ import annotations

from pathlib import Path

from tests.desktop.daemon import DICTATION_LIMIT_S, Daemon
from tests.desktop.rig import Editor, VirtualDesktop
from tests.desktop.test_tray import open_menus

HERE = Path(__file__).parent
TRAY_ICON = (1268, 15)
IN_THE_MENU = (1200, 100)
WHITE = (255, 255, 255)
COLOURS = 128


def main() -> None:
    with VirtualDesktop() as desktop:
        daemon = Daemon(desktop)
        daemon.start()
        try:
            editor = email(daemon)
            menu(desktop)
            desktop.windows.place(editor.window, 20, 500, 570, 240)
            other_window(daemon)
        finally:
            daemon.stop()


def email(daemon: Daemon) -> Editor:
    """A dictation in the context `email`: while it is spoken, and the text that comes of it."""
    daemon.command("context", "email")
    editor = daemon.desktop.open_editor("mail.txt")
    daemon.desktop.windows.place(editor.window, 350, 70, 570, 320)
    editor.focus()
    with daemon.desktop.hand.holding("Control_R"):
        daemon.say("email_meeting.wav")
        save(daemon.desktop, "recording", (1120, 0, 1280, 30))
    editor.await_text(lambda text: text.endswith("Julia"), DICTATION_LIMIT_S)
    daemon.await_status("the end of it", lambda status: status["in_work"] == 0)
    return editor


def menu(desktop: VirtualDesktop) -> None:
    """The tray's menu, opened by the mouse, beside the editor with the text."""
    desktop.mouse.click(*TRAY_ICON)
    desktop.until("the menu to be drawn", lambda: desktop.screen.picture().getpixel(IN_THE_MENU) == WHITE)
    save(desktop, "email-and-menu", (330, 0, 1280, 410))
    desktop.keyboard.tap("Escape")
    desktop.until("the menu to close", lambda: open_menus(desktop) == 0)


def other_window(daemon: Daemon) -> None:
    """The focus has moved while speaking: the text is on the clipboard, and a notification says so."""
    desktop = daemon.desktop
    meant = desktop.open_editor("meant.txt")
    desktop.windows.place(meant.window, 345, 60, 560, 220)
    other = desktop.open_editor("other.txt")
    desktop.windows.place(other.window, 700, 180, 560, 220)
    meant.focus()
    with desktop.hand.holding("Control_R"):
        daemon.say("note_short.wav")
        other.focus()
    desktop.until("the notification", lambda: desktop.notifications.shown_now() > 0, DICTATION_LIMIT_S)
    save(desktop, "focus-moved", (330, 0, 1280, 420))


def save(desktop: VirtualDesktop, name: str, box: tuple[int, int, int, int]) -> None:
    """Save a part of the screen as a small PNG."""
    desktop.screen.picture().crop(box).quantize(COLOURS).save(HERE / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
