"""A real desktop on a virtual screen, for the tests that press keys and read windows."""

from tests.desktop.rig.clipboard import Clipboard
from tests.desktop.rig.editor import Editor
from tests.desktop.rig.keyboard import PhysicalKeyboard, PhysicalMouse, SyntheticKeyboard
from tests.desktop.rig.notifications import Notification, Notifications
from tests.desktop.rig.processes import ChildError, Processes
from tests.desktop.rig.screen import Screen
from tests.desktop.rig.session_bus import BusError, SessionBus
from tests.desktop.rig.sound import Microphone, Playing
from tests.desktop.rig.tray_menu import MenuEntry, Tray, TrayItem
from tests.desktop.rig.virtual_desktop import VirtualDesktop
from tests.desktop.rig.waiting import until
from tests.desktop.rig.windows import Window, Windows

__all__ = [
    "BusError",
    "ChildError",
    "Clipboard",
    "Editor",
    "MenuEntry",
    "Microphone",
    "Notification",
    "Notifications",
    "PhysicalKeyboard",
    "PhysicalMouse",
    "Playing",
    "Processes",
    "Screen",
    "SessionBus",
    "SyntheticKeyboard",
    "Tray",
    "TrayItem",
    "VirtualDesktop",
    "Window",
    "Windows",
    "until",
]
