"""The checks of `voiceflow doctor`: each looks at one thing and returns a `Finding`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceflow_daemon import __version__
from voiceflow_daemon.cli.doctor import Check, Finding, Mark, ok
from voiceflow_daemon.cli.tray_check import TRAY_LIMIT_S, tray
from voiceflow_daemon.errors import ConfigError, DaemonNotRunningError, DisplayError, VoiceflowError

if TYPE_CHECKING:
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.storage.paths import Paths

LEAST_FREE_BYTES = 500_000_000
"""Hours of recordings and the log; models say their own size when they are fetched."""

KERNELS_LIMIT_S = 250.0
"""Two probes of two minutes each, at worst; a kept verdict answers at once."""


def all_checks(paths: Paths) -> list[Check]:
    """In the order in which they are shown."""
    from voiceflow_daemon.config.schema import Settings

    # Settings and the daemon's status are asked for once.
    settings = cache(lambda: good_settings(paths))
    daemon = cache(lambda: daemon_status(paths.socket_file))
    return [
        Check("program", program),
        Check("config", lambda: config(paths)),
        Check("daemon", lambda: running_daemon(daemon(), (settings() or Settings()).hotkey.key)),
        Check("speech model", lambda: by_settings(settings(), lambda good: speech_model(good, paths))),
        Check("language model", lambda: by_settings(settings(), lambda good: language_model(good, paths))),
        Check("session", lambda: session(dict(os.environ))),
        Check("hotkey", lambda: by_settings(settings(), lambda good: hotkey(good, daemon()))),
        Check("text delivery", delivery),
        Check("tray", tray, TRAY_LIMIT_S + 5),
        Check("notifications", notifications),
        Check("microphone", lambda: by_settings(settings(), microphone)),
        Check("recordings", lambda: recordings(paths.journal_dir, daemon())),
        Check("log", lambda: log_file(paths.log_file)),
        Check("disk", lambda: disk((paths.state_dir, paths.data_dir))),
        Check(
            "llama.cpp", lambda: by_settings(settings(), lambda good: kernels(good, paths)), KERNELS_LIMIT_S
        ),
    ]


def good_settings(paths: Paths) -> Settings | None:
    """None for a bad file, which is the config check's finding."""
    from voiceflow_daemon.daemon.checked_settings import load_checked

    try:
        return load_checked(paths.config_file)
    except ConfigError:
        return None


def by_settings(settings: Settings | None, look: Callable[[Settings], Finding]) -> Finding:
    """What is chosen is known only from a good config: what defaults would give is not told as if it were."""
    if settings is None:
        return Finding(Mark.WARN, "Not looked at: mend the config first.", "`voiceflow config check`")
    return look(settings)


def daemon_status(socket_file: Path) -> dict[str, Any] | None:
    """What the running daemon says of itself; None when none runs. Raises `VoiceflowError`."""
    from voiceflow_daemon.daemon.control_client import ask
    from voiceflow_daemon.daemon.control_protocol import Request

    try:
        reply = ask(socket_file, Request("status"))
    except DaemonNotRunningError:
        return None
    if not reply.ok:
        raise VoiceflowError(reply.message, reply.hint)
    return reply.data


def program() -> Finding:
    """Version and Python."""
    return ok(f"voiceflow {__version__}, Python {platform.python_version()} ({sys.executable})")


def config(paths: Paths) -> Finding:
    """Every problem of the config file and its prompts."""
    from voiceflow_daemon.daemon.checked_settings import load_checked

    load_checked(paths.config_file)
    if not paths.config_file.exists():
        return ok(f"{paths.config_file} does not exist yet: all defaults")
    return ok(f"{paths.config_file} is good")


def running_daemon(status: dict[str, Any] | None, key: str) -> Finding:
    """Whether it runs, and what it complains of."""
    if status is None:
        return Finding(Mark.WARN, "No daemon is running.", f"`voiceflow run`, then hold {key} and speak.")
    problems = [f"{topic}: {problem}" for topic, problem in status["problems"].items()]
    if problems:
        return Finding(Mark.WARN, "\n".join(["The daemon is running, but", *problems]), "See the log.")
    return ok(f"The daemon is running: {status['status']}")


def speech_model(settings: Settings, paths: Paths) -> Finding:
    """Without one nothing can be dictated."""
    from voiceflow_daemon.storage.models import ModelKind

    if not settings.speech.model:
        return Finding(
            Mark.FAIL, "None is chosen, so nothing can be recognised.", "`voiceflow models download`"
        )
    return _model(ModelKind.SPEECH, settings.speech.model, paths)


def language_model(settings: Settings, paths: Paths) -> Finding:
    """Without one, rules format the texts."""
    from voiceflow_daemon.storage.models import ModelKind

    if not settings.llm.model:
        return Finding(
            Mark.WARN, "None is chosen: texts are formatted by rules.", "`voiceflow models download`"
        )
    return _model(ModelKind.LANGUAGE, settings.llm.model, paths)


def _model(kind: Any, name: str, paths: Paths) -> Finding:
    from voiceflow_daemon.storage.catalogue import DEMO
    from voiceflow_daemon.storage.models import resolve
    from voiceflow_daemon.storage.paths import assets_dir

    path = resolve(kind, name, paths.models_dir, assets_dir())
    if name == DEMO:
        return Finding(
            Mark.WARN, "The demo model knows only the sample voice.", "`voiceflow models download`"
        )
    return ok(f"{name} ({path})")


def kernels(settings: Settings, paths: Paths) -> Finding:
    """Whether llama.cpp's fast kernels work here; the demo model serves where none is chosen."""
    from voiceflow_daemon.llm.probe import kernels_for
    from voiceflow_daemon.storage.models import ModelKind, resolve
    from voiceflow_daemon.storage.paths import assets_dir

    name = settings.llm.model or "demo"
    model = resolve(ModelKind.LANGUAGE, name, paths.models_dir, assets_dir())
    choice = kernels_for(model, settings.llm, paths.cache_dir)
    if choice.repacked:
        return ok(choice.reason or "The fast CPU kernels work (tried in a process of their own).")
    return Finding(Mark.WARN, choice.reason)


def session(environment: dict[str, str]) -> Finding:
    """Which kind of desktop this is."""
    display, wayland = environment.get("DISPLAY", ""), environment.get("WAYLAND_DISPLAY", "")
    desktop = environment.get("XDG_CURRENT_DESKTOP", "") or "unknown desktop"
    if wayland or environment.get("XDG_SESSION_TYPE") == "wayland":
        return Finding(
            Mark.WARN,
            f"Wayland ({desktop}): the hotkey is heard only while an X11 program has the focus.",
            "Choose an Xorg session at login, or bind `voiceflow press` and `voiceflow release` to a key.",
        )
    if not display:
        return Finding(
            Mark.FAIL,
            "There is no display: DISPLAY is not set.",
            "Run it in a desktop session; `voiceflow demo` and `voiceflow transcribe` work without one.",
        )
    return ok(f"X11 ({desktop}, DISPLAY={display})")


def hotkey(settings: Settings, status: dict[str, Any] | None) -> Finding:
    """Whether the key can be had; a running daemon has it and is asked instead."""
    from voiceflow_daemon.hotkey.echoes import EchoFilter
    from voiceflow_daemon.hotkey.keys import parse_hotkey
    from voiceflow_daemon.hotkey.select import open_listener

    key = parse_hotkey(settings.hotkey.key)
    if status is not None:
        if problem := status["problems"].get("hotkey"):
            return Finding(Mark.FAIL, problem, "Choose another key: `voiceflow config edit`.")
        return ok(f"{key} ({settings.hotkey.mode}), watched by the daemon")
    listener = open_listener(settings.hotkey, lambda _event: None, EchoFilter())
    listener.start()
    listener.stop()
    return ok(f"{key} ({settings.hotkey.mode}) can be had")


def delivery() -> Finding:
    """How texts get into windows."""
    from voiceflow_daemon.desktop.select import open_clipboard

    name = type(open_clipboard()).__name__
    if name.startswith("X11"):
        return ok("Texts are pasted, and the clipboard is given back (X11).")
    return Finding(
        Mark.WARN,
        "Texts are only copied: this desktop lets no program paste.",
        "Choose an Xorg session at login.",
    )


def notifications() -> Finding:
    """Whether anything can be shown; nothing is."""
    from voiceflow_daemon.desktop.notify import notification_service

    try:
        return ok(f"{notification_service()} shows them.")
    except DisplayError as error:
        return Finding(Mark.WARN, error.message, error.hint)


def microphone(settings: Settings) -> Finding:
    """The microphones there are, and whether the chosen one is among them."""
    from voiceflow_daemon import audio

    source = audio.select()
    absence = getattr(source, "message", "")
    if absence:
        return Finding(Mark.FAIL, absence, getattr(source, "hint", ""))
    found = source.microphones()
    if not found:
        return Finding(
            Mark.FAIL, "No microphone was found.", "Plug one in; see your desktop's sound settings."
        )
    names = "\n".join(f"{'*' if each.is_default else ' '} {each.description}" for each in found)
    wanted = settings.audio.microphone
    if wanted and wanted not in {each.description for each in found}:
        text = f"{wanted} is not there, so the default is used. There are:\n{names}"
        return Finding(Mark.WARN, text, "Plug it in, or choose another in the tray.")
    return ok(f"{wanted or 'the default'} of:\n{names}")


def recordings(journal_dir: Path, status: dict[str, Any] | None) -> Finding:
    """Recordings that wait; only counted, for adopting them would take them from a daemon."""
    from voiceflow_daemon.storage.journal import DAMAGED, SUFFIX

    if not journal_dir.is_dir():
        return ok(f"None waits ({journal_dir})")
    names = [path.name for path in journal_dir.iterdir()]
    damaged = sum(name.endswith(DAMAGED) for name in names)
    waiting = sum(name.endswith(SUFFIX) for name in names)
    if damaged:
        return Finding(
            Mark.WARN,
            f"{damaged} cannot be read any more; kept in {journal_dir}",
            "Delete what you do not need.",
        )
    if waiting and status is None:
        return Finding(
            Mark.WARN, f"{waiting} wait in {journal_dir}", "`voiceflow run` transcribes and offers them."
        )
    return ok(f"{waiting or 'None'} in work or waiting ({journal_dir})")


def log_file(path: Path) -> Finding:
    """Where to look."""
    return ok(f"{path}{'' if path.exists() else ' (none yet)'}")


def disk(folders: tuple[Path, ...]) -> Finding:
    """Room for recordings where they are kept."""
    found = []
    for folder in folders:
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(existing).free
        found.append(f"{free / 1e9:.1f} GB free for {folder}")
        if free < LEAST_FREE_BYTES:
            return Finding(Mark.WARN, found[-1], "Make room: a full disk loses recordings.")
    return ok("\n".join(found))
