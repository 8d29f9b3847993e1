"""`voiceflow config path|check|edit|show`."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys

from voiceflow_daemon.errors import ConfigError, VoiceflowError

EXAMPLES = """\
examples:
  voiceflow config edit             open the settings; a save is live at once
  voiceflow config check            what is wrong with them, line by line
  voiceflow config show             every setting in force
  cat "$(voiceflow config path)"    the file itself
"""

OPENER = "xdg-open"
"""Returns at once, while the file is still being edited."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its parts."""
    config = commands.add_parser(
        "config",
        help="where the settings are; check, edit or show them",
        description="Where the settings are; check, edit or show them.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parts = config.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary, example, action in (
        ("path", "print the file's path", 'cat "$(voiceflow config path)"', _path),
        (
            "check",
            "list everything that is wrong with the file (ends with 4 when there is something)",
            "voiceflow config check && echo all good",
            _check,
        ),
        (
            "edit",
            "open the file in $VISUAL, $EDITOR or your desktop's editor, then check it",
            "EDITOR=nano voiceflow config edit",
            _edit,
        ),
        (
            "show",
            "print the settings in force; changed ones are marked",
            "voiceflow config show | grep changed",
            _show,
        ),
    ):
        part = parts.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"example: {example}",
        )
        part.set_defaults(func=action)


def _path(_options: argparse.Namespace) -> int:
    from voiceflow_daemon.storage.paths import user_paths

    print(user_paths().config_file)
    return 0


def _check(_options: argparse.Namespace) -> int:
    from voiceflow_daemon.daemon.checked_settings import load_checked
    from voiceflow_daemon.storage.paths import user_paths

    paths = user_paths()
    load_checked(paths.config_file)
    found = "is good" if paths.config_file.exists() else "does not exist yet: all defaults"
    print(f"{paths.config_file} {found}")
    return 0


def _edit(options: argparse.Namespace) -> int:
    from voiceflow_daemon.config.template import write_first
    from voiceflow_daemon.storage.paths import user_paths

    path = user_paths().config_file
    write_first(path)
    command = editor_command(dict(os.environ))
    try:
        ended = subprocess.run([*command, str(path)], check=False)
    except OSError as error:
        raise VoiceflowError(
            f"The editor {command[0]!r} cannot be started: {error.strerror}.", "Set $EDITOR to yours."
        ) from error
    if ended.returncode != 0:
        raise VoiceflowError(f"The editor {command[0]!r} ended with status {ended.returncode}.")
    if command[0] == OPENER:
        print(f"{path} is open; `voiceflow config check` says whether it is good.")
        return 0
    return _check(options)


def editor_command(environment: dict[str, str]) -> list[str]:
    """The user's editor; raises `VoiceflowError` when there is none."""
    for variable in ("VISUAL", "EDITOR"):
        if environment.get(variable, "").strip():
            return _words(variable, environment[variable])
    has_desktop = bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))
    for program in (*([OPENER] if has_desktop else []), "nano", "vi"):
        if shutil.which(program, path=environment.get("PATH")):
            return [program]
    raise VoiceflowError("No editor was found.", "Set $EDITOR to yours.")


def _words(variable: str, command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise VoiceflowError(
            f"${variable} is no command: {command}", "A quote in it is not closed."
        ) from error


def _show(_options: argparse.Namespace) -> int:
    from voiceflow_daemon.config.load import load_settings
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.config.template import render
    from voiceflow_daemon.storage.paths import user_paths

    try:
        settings = load_settings(user_paths().config_file)
    except ConfigError as error:
        print(f"voiceflow: {error}\nThese are the defaults:\n", file=sys.stderr)
        print(render(Settings()), end="")
        return error.exit_code
    print(render(settings), end="")
    return 0
