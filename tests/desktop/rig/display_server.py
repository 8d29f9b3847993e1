"""Xvfb and the window manager."""

import os
from pathlib import Path

from tests.desktop.rig.processes import Processes
from tests.desktop.rig.x_connection import XConnection

SCREEN = "1280x800x24"


def start_x_server(processes: Processes) -> str:
    """Start Xvfb on the first free display and return that display's name, such as `:1`."""
    chosen, tell = os.pipe()
    os.set_blocking(chosen, False)
    try:
        server = processes.spawn(
            "xvfb",
            *("Xvfb", "-displayfd", str(tell), "-screen", "0", SCREEN),
            *("-nolisten", "tcp", "-noreset", "-ac"),
            pass_fds=[tell],
        )
        number = b""

        def told() -> bool:
            nonlocal number
            try:
                number += os.read(chosen, 16)
            except BlockingIOError:
                return False
            return number.endswith(b"\n")

        processes.await_ready("xvfb", server, told)
    finally:
        os.close(tell)
        os.close(chosen)
    return f":{number.decode().strip()}"


def start_window_manager(processes: Processes, x: XConnection, config_dir: Path) -> None:
    """Start openbox with no key bindings: every key belongs to the tests. A click gives the focus."""
    config = config_dir / "openbox-rig.xml"
    config.write_text(OPENBOX_CONFIG)
    wm = processes.spawn("openbox", "openbox", "--sm-disable", "--config-file", config)
    processes.await_ready("openbox", wm, x.window_manager_answers)


OPENBOX_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<openbox_config xmlns="http://openbox.org/3.4/rc">
  <focus><focusNew>yes</focusNew><followMouse>no</followMouse></focus>
  <placement><policy>Smart</policy></placement>
  <desktops><number>1</number></desktops>
  <keyboard/>
  <mouse>
    <context name="Client">
      <mousebind button="Left" action="Press"><action name="Focus"/><action name="Raise"/></mousebind>
    </context>
  </mouse>
</openbox_config>
"""
