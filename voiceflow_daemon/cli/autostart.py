"""`voiceflow autostart on|off`: start the daemon with the desktop."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

from voiceflow_daemon.errors import VoiceflowError

ENTRY = """\
[Desktop Entry]
Type=Application
Name=voiceflow
Comment=Voice dictation: hold a key, speak, let go
Exec={command} run
Icon=voiceflow
Terminal=false
X-GNOME-Autostart-enabled=true
"""
"""An autostart entry by the freedesktop.org specification; the command is that of this installation."""

_PLAIN = re.compile(r"[\w@%+=:,./-]+", re.ASCII)
"""Arguments that need no quotes."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    autostart = commands.add_parser(
        "autostart",
        help="start the daemon with your desktop, or not",
        description="Start the daemon with your desktop, or not. Without on or off: say how it is.",
        epilog="example: voiceflow autostart on",
    )
    autostart.add_argument("wanted", nargs="?", choices=("on", "off"))
    autostart.set_defaults(func=_autostart)


def _autostart(options: argparse.Namespace) -> int:
    entry = entry_file()
    try:
        if options.wanted == "on":
            entry.parent.mkdir(parents=True, exist_ok=True)
            entry.write_text(ENTRY.format(command=own_command()), encoding="utf-8")
        elif options.wanted == "off":
            entry.unlink(missing_ok=True)
    except OSError as error:
        raise VoiceflowError(f"{entry} cannot be changed: {error.strerror}.") from error
    print(f"autostart is on ({entry})" if entry.exists() else "autostart is off")
    return 0


def entry_file() -> Path:
    """Where desktops look for what to start."""
    import platformdirs

    return Path(platformdirs.user_config_path()) / "autostart" / "voiceflow.desktop"


def own_command() -> str:
    """The command that started us, as an `Exec` line wants it."""
    if Path(sys.argv[0]).name != "__main__.py":
        found = shutil.which(sys.argv[0]) or shutil.which("voiceflow")
        if found is not None:
            return quoted(str(Path(found).absolute()))
    return f"{quoted(sys.executable)} -m voiceflow_daemon"


def quoted(argument: str) -> str:
    """One argument of an `Exec` line, by the Desktop Entry Specification ("The Exec key").

    Quotes protect what is special to them; then, as in every value, each backslash is doubled. A
    percent sign would begin a field code.
    """
    if not _PLAIN.fullmatch(argument):
        protected = re.sub(r'(["`$\\])', r"\\\1", argument)
        argument = f'"{protected}"'.replace("\\", "\\\\")
    return argument.replace("%", "%%")
