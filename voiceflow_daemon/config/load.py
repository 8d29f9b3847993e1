"""Reads the config file into `Settings`, or says everything that is wrong with it."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

from pydantic import ValidationError

from voiceflow_daemon.config import problems
from voiceflow_daemon.config.problems import KeyLines, Problem, did_you_mean, dotted
from voiceflow_daemon.config.schema import BUILT_IN_CONTEXTS, Settings
from voiceflow_daemon.errors import ConfigError

SIZE_LIMIT_BYTES = 1 << 20

HINT = "Mend the file (`voiceflow config edit`); `voiceflow config check` lists the problems again."


class ConfigProblemsError(ConfigError):
    """A `ConfigError` with each problem on its own."""

    def __init__(self, source: str, found: list[Problem]) -> None:
        self.problems = tuple(found)
        lines = "\n".join(f"  {problem}" for problem in found)
        count = "a problem" if len(found) == 1 else f"{len(found)} problems"
        super().__init__(f"{source} has {count}:\n{lines}", HINT)

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"


def load_settings(path: Path) -> Settings:
    """The settings in the TOML file at `path`; all defaults when there is no such file.

    Raises `ConfigProblemsError` with every problem found.
    """
    text = read_text(path)
    return Settings() if text is None else parse_settings(text, str(path))


def read_text(path: Path) -> str | None:
    """The file's text; None when there is no file. Raises `ConfigProblemsError` when it cannot be read."""

    def unreadable(why: str) -> ConfigProblemsError:
        return ConfigProblemsError(str(path), [Problem("", None, why)])

    try:
        data = _read_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(f"it cannot be read ({error.strerror or error})") from error
    if data is None:
        raise unreadable("it is no file but a pipe")
    if len(data) > SIZE_LIMIT_BYTES:
        raise unreadable("it is no config file: larger than 1 MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problem = Problem("", line, "it is not UTF-8; save it in that encoding")
        raise ConfigProblemsError(str(path), [problem]) from error


def _read_bytes(path: Path) -> bytes | None:
    """At most one byte more than allowed; None from a pipe, which must neither block nor grow for ever."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            return None
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(SIZE_LIMIT_BYTES + 1)
    finally:
        os.close(descriptor)


def parse_settings(text: str, source: str) -> Settings:
    """Settings from TOML text; `source` names it in errors. Raises `ConfigProblemsError`."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigProblemsError(source, [problems.from_syntax(str(error))]) from error
    except ValueError as error:
        # Python refuses to read a number of thousands of digits.
        raise ConfigProblemsError(source, [Problem("", None, "a number is far too long")]) from error
    except RecursionError as error:
        raise ConfigProblemsError(source, [Problem("", None, "it is nested too deeply")]) from error
    try:
        settings = Settings.model_validate(data, strict=True)
    except ValidationError as error:
        raise ConfigProblemsError(source, problems.from_validation(error.errors(), text)) from error
    if found := _contradictions(settings, text):
        raise ConfigProblemsError(source, found)
    return settings


def _contradictions(settings: Settings, text: str) -> list[Problem]:
    """What no single field can tell."""
    lines = KeyLines(text)
    found = []
    known = [*BUILT_IN_CONTEXTS, *(name for name in settings.contexts if name not in BUILT_IN_CONTEXTS)]
    if settings.context not in known:
        message = f'there is no context "{settings.context}"; there are {", ".join(known)}'
        suggestion = did_you_mean(settings.context, known)
        found.append(Problem("context", lines.of(["context"]), message + suggestion))
    for name, context in settings.contexts.items():
        path = ["contexts", name]
        if context.prompt and context.prompt_file:
            found.append(Problem(dotted(path), lines.of(path), "give prompt or prompt_file, not both"))
        elif not (context.prompt or context.prompt_file) and name not in BUILT_IN_CONTEXTS:
            found.append(Problem(dotted(path), lines.of(path), "give it a prompt or a prompt_file"))
    return sorted(found, key=lambda problem: problem.line or 0)
