"""Reads the config file into `Settings`, or says everything that is wrong with it."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Sequence, Set
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from voiceflow_daemon.config import problems
from voiceflow_daemon.config.problems import KeyLines, Problem, did_you_mean, dotted
from voiceflow_daemon.config.schema import BUILT_IN_CONTEXTS, Settings
from voiceflow_daemon.errors import ConfigError

SIZE_LIMIT_BYTES = 1 << 20

HINT = "Mend the file (`voiceflow config edit`); `voiceflow config check` lists the problems again."


class ConfigProblemsError(ConfigError):
    """A `ConfigError` with each problem on its own, in the order of their lines.

    `rest` are the settings with defaults in place of what has no valid value, so that further checks
    can be made on them; None where nothing could be read at all.
    """

    def __init__(self, source: str, problems: Sequence[Problem], rest: Settings | None = None) -> None:
        found = sorted(problems, key=lambda problem: problem.line or 0)
        self.problems = tuple(found)
        self.rest = rest
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
    found: list[Problem] = []
    try:
        settings = Settings.model_validate(data, strict=True)
    except ValidationError as error:
        found = problems.from_validation(error.errors(), text)
        settings = _rest(data, error.errors())
    found += _contradictions(settings, text, {problem.key for problem in found})
    if found:
        raise ConfigProblemsError(source, found, settings)
    return settings


def _rest(data: dict[str, Any], errors: Sequence[ErrorDetails]) -> Settings:
    """The settings without the values that the errors are about."""
    for error in errors:
        table: Any = data
        for part, deeper in pairwise([*error["loc"], None]):
            if not isinstance(table.get(part), dict) or not isinstance(deeper, str) or deeper == "[key]":
                table.pop(part, None)
                break
            table = table[part]
    return Settings.model_validate(data, strict=True)


def _contradictions(settings: Settings, text: str, told: Set[str]) -> list[Problem]:
    """What no single field can tell; `told` are the keys whose values are refused already."""
    lines = KeyLines(text)
    found = []
    chosen = {"context", "contexts", dotted(["contexts", settings.context])}
    known = [*BUILT_IN_CONTEXTS, *(name for name in settings.contexts if name not in BUILT_IN_CONTEXTS)]
    if settings.context not in known and not chosen & told:
        message = f'there is no context "{settings.context}"; there are {", ".join(known)}'
        suggestion = did_you_mean(settings.context, known)
        found.append(Problem("context", lines.of(["context"]), message + suggestion))
    for name, context in settings.contexts.items():
        path = ["contexts", name]
        key, prompt = dotted(path), dotted([*path, "prompt"])
        if context.prompt and context.prompt_file:
            found.append(Problem(key, lines.of(path), "give prompt or prompt_file, not both"))
        elif context.prompt and not context.prompt.strip():
            found.append(Problem(prompt, lines.of([*path, "prompt"]), "it is blank; write instructions"))
        elif any(f"{other}.".startswith(f"{key}.") for other in told):
            continue  # perhaps its prompt is what is refused
        elif not (context.prompt or context.prompt_file) and name not in BUILT_IN_CONTEXTS:
            found.append(Problem(key, lines.of(path), "give it a prompt or a prompt_file"))
    return found
