"""A whole desktop without a screen, private to one test."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.desktop.rig.clipboard import Clipboard
from tests.desktop.rig.display_server import start_window_manager, start_x_server
from tests.desktop.rig.editor import Editor
from tests.desktop.rig.keyboard import PhysicalKeyboard, PhysicalMouse, SyntheticKeyboard
from tests.desktop.rig.notifications import Notifications, start_notification_service
from tests.desktop.rig.panel import ACTIVATED_SERVICE, start_panel
from tests.desktop.rig.processes import Processes
from tests.desktop.rig.screen import Screen
from tests.desktop.rig.session_bus import start_session_bus
from tests.desktop.rig.sound import Microphone, start_sound_server
from tests.desktop.rig.tray_menu import Tray
from tests.desktop.rig.waiting import until
from tests.desktop.rig.windows import Window, Windows
from tests.desktop.rig.x_connection import XConnection

T = TypeVar("T")

KEPT_VARIABLES = ("TERM", "TZ", "VIRTUAL_ENV")


class VirtualDesktop:
    """X server, session bus and window manager, with panel, notifications and sound where wanted.

    A context manager: brought up in reading order, torn down in reverse. Several may be up at once.
    """

    def __init__(self, *, panel: bool = True, notifications: bool = True, sound: bool = True) -> None:
        self._wants_panel = panel
        self._wants_notifications = notifications
        self._wants_sound = sound
        self._teardown = ExitStack()
        self.bring_up_s: dict[str, float] = {}

    def __enter__(self) -> Self:
        with ExitStack() as teardown:
            self._bring_up(teardown)
            self._teardown = teardown.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._teardown.close()

    def _bring_up(self, teardown: ExitStack) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vf-desktop-"))
        teardown.callback(shutil.rmtree, self.folder)
        self._env = _private_environment(self.folder)
        self.processes = Processes(self.folder, self._env)
        teardown.callback(self.processes.stop_all)
        with self._timed("x server"):
            self._env["DISPLAY"] = start_x_server(self.processes)
            self.x = XConnection(self._env["DISPLAY"])
            teardown.callback(self.x.close)
        with self._timed("session bus"):
            services = [ACTIVATED_SERVICE] if self._wants_panel else []
            address = self._env["DBUS_SESSION_BUS_ADDRESS"]
            self.bus = start_session_bus(self.processes, self.folder, address, services)
            teardown.callback(self.bus.close)
        with self._timed("window manager"):
            start_window_manager(self.processes, self.x, self.config_dir)
        if self._wants_panel:
            with self._timed("panel"):
                start_panel(self.processes, self.bus, self.config_dir)
        if self._wants_notifications:
            with self._timed("notifications"):
                start_notification_service(self.processes, self.bus)
        if self._wants_sound:
            with self._timed("sound"):
                start_sound_server(self.processes, self.runtime_dir / "pulse/native", self.folder)
                self.microphone = Microphone(self.processes)

    # --- places and children

    @property
    def env(self) -> dict[str, str]:
        """The environment of a program on this desktop."""
        return dict(self._env)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def config_dir(self) -> Path:
        return Path(self._env["XDG_CONFIG_HOME"])

    @property
    def data_dir(self) -> Path:
        return Path(self._env["XDG_DATA_HOME"])

    @property
    def state_dir(self) -> Path:
        return Path(self._env["XDG_STATE_HOME"])

    @property
    def runtime_dir(self) -> Path:
        return Path(self._env["XDG_RUNTIME_DIR"])

    def spawn(
        self, name: str, *argv: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program in the background; `log(name)` is what it said. `env` adds to the desktop's."""
        return self.processes.spawn(name, *argv, env=env)

    def run(
        self, *argv: str | Path, stdin: bytes = b"", limit_s: float = 20.0, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a program to its end; a status other than 0 raises ChildError unless `check` is false."""
        return self.processes.run(*argv, stdin=stdin, limit_s=limit_s, check=check)

    def await_ready(
        self, name: str, child: subprocess.Popen[bytes], ready: Callable[[], T], limit_s: float = 10.0
    ) -> T:
        """Wait for a spawned program; ChildError holds the tail of its log."""
        return self.processes.await_ready(name, child, ready, limit_s)

    def log(self, name: str) -> str:
        return self.processes.log(name)

    # --- hands

    @cached_property
    def keyboard(self) -> SyntheticKeyboard:
        return SyntheticKeyboard(self.processes)

    @cached_property
    def hand(self) -> PhysicalKeyboard:
        return PhysicalKeyboard(self.x)

    @cached_property
    def mouse(self) -> PhysicalMouse:
        return PhysicalMouse(self.x)

    # --- eyes

    @cached_property
    def windows(self) -> Windows:
        return Windows(self.x)

    @cached_property
    def screen(self) -> Screen:
        return Screen(self._env["DISPLAY"])

    @cached_property
    def clipboard(self) -> Clipboard:
        return Clipboard(self.processes, self.x, self.folder)

    @cached_property
    def tray(self) -> Tray:
        return Tray(self.bus)

    @cached_property
    def notifications(self) -> Notifications:
        return Notifications(self.processes)

    # --- windows

    def open_editor(self, name: str = "note.txt", text: str = "") -> Editor:
        """Open a text editor on a new file `name` that holds `text`, and give it the focus."""
        return Editor(self.processes, self.windows, self.home / "documents" / name, text)

    def active_window(self) -> Window | None:
        return self.windows.active()

    def focus(self, window: int | Window | Editor) -> None:
        """Give a window the focus and wait until it has it."""
        self.windows.focus(window.window if isinstance(window, Editor) else _id_of(window))

    def until(self, awaited: str, condition: Callable[[], T], limit_s: float = 10.0) -> T:
        """Wait for a condition; TimeoutError names what was awaited."""
        return until(awaited, condition, limit_s)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.bring_up_s[part] = time.monotonic() - began


def _id_of(window: int | Window) -> int:
    return window.id if isinstance(window, Window) else window


def _private_environment(folder: Path) -> dict[str, str]:
    """Environment in which every path is the desktop's own; makes those folders."""
    home, runtime = folder / "home", folder / "runtime"
    folders = {
        "HOME": home,
        "TMPDIR": folder / "tmp",
        "XDG_RUNTIME_DIR": runtime,
        "XDG_CONFIG_HOME": home / ".config",
        "XDG_CACHE_HOME": home / ".cache",
        "XDG_DATA_HOME": home / ".local/share",
        "XDG_STATE_HOME": home / ".local/state",
    }
    for place in folders.values():
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs = Path(sys.executable).parent
    return {
        **{name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ},
        **{name: str(place) for name, place in folders.items()},
        "PATH": f"{programs}:{os.environ['PATH']}",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "XDG_SESSION_TYPE": "x11",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder / 'bus'}",
        "PULSE_SERVER": f"unix:{runtime / 'pulse/native'}",
        "PULSE_RUNTIME_PATH": str(runtime / "pulse"),
        # GTK: X11 alone, settings in memory, neither accessibility bus nor virtual file systems.
        "GDK_BACKEND": "x11",
        "GSETTINGS_BACKEND": "memory",
        "GIO_USE_VFS": "local",
        "GTK_USE_PORTAL": "0",
        "NO_AT_BRIDGE": "1",
        "LIBGL_ALWAYS_SOFTWARE": "1",
    }
