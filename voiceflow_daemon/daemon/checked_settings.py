"""The settings as the daemon wants them: also what only the rooms themselves can tell to be wrong."""

from __future__ import annotations

from pathlib import Path

from voiceflow_daemon.config.load import ConfigProblemsError, parse_settings, read_text
from voiceflow_daemon.config.problems import KeyLines, Problem, did_you_mean, dotted
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.desktop.paste_keys import parse_chord
from voiceflow_daemon.errors import ConfigError, DeliveryError, HotkeyError
from voiceflow_daemon.hotkey.keys import parse_hotkey
from voiceflow_daemon.llm.prompts import check_prompts

PASTE_KEYS = ("ctrl+v", "ctrl+shift+v", "shift+insert")
"""What programs paste with, for suggestions."""


def load_checked(path: Path) -> Settings:
    """The settings in the file at `path`; all defaults when there is no such file.

    Raises `ConfigProblemsError` with every problem of the file, of the spelling of its keys and of the
    prompt files that it names.
    """
    text = read_text(path)
    if text is None:
        return Settings()
    found: list[Problem] = []
    try:
        settings = parse_settings(text, str(path))
    except ConfigProblemsError as error:
        if error.rest is None:
            raise
        found, settings = [*error.problems], error.rest
    lines = KeyLines(text)
    found += _keys(settings, lines)
    found += _prompts(settings, path.parent, lines, {problem.key for problem in found})
    if found:
        raise ConfigProblemsError(str(path), found, settings)
    return settings


def _keys(settings: Settings, lines: KeyLines) -> list[Problem]:
    found = []
    try:
        parse_hotkey(settings.hotkey.key)
    except HotkeyError as error:
        found.append(Problem("hotkey.key", lines.of(["hotkey", "key"]), str(error)))
    spelled = settings.delivery.paste_keys
    try:
        parse_chord(spelled)
    except DeliveryError:
        message = f'"{spelled}" is no combination of keys such as "ctrl+v" or "shift+insert"'
        line = lines.of(["delivery", "paste_keys"])
        found.append(Problem("delivery.paste_keys", line, message + did_you_mean(spelled, PASTE_KEYS)))
    return found


def _prompts(settings: Settings, config_dir: Path, lines: KeyLines, told: set[str]) -> list[Problem]:
    """The contexts whose prompt file cannot be used, each at its own line."""
    found = []
    for name, context in settings.contexts.items():
        path = ["contexts", name]
        if not context.prompt_file or dotted(path) in told:
            continue
        try:
            check_prompts(Settings(contexts={name: context}), config_dir)
        except ConfigError as error:
            path.append("prompt_file")
            found.append(Problem(dotted(path), lines.of(path), str(error)))
    return found
