"""Writes one setting into the config file and leaves everything else as its owner wrote it."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.toml_document import TOMLDocument

from voiceflow_daemon.config.load import parse_settings, read_text
from voiceflow_daemon.config.template import write_first
from voiceflow_daemon.errors import ConfigError

TRIES = 5
"""How often a write is begun again because the user saved the file meanwhile."""

Value = str | int | float | bool | list[str]


def set_value(path: Path, dotted_key: str, value: Value) -> None:
    """Set `dotted_key` to `value`; comments, order and layout stay.

    The file is replaced at once, keeps its mode, and a symlink stays one. Raises `ConfigError` when
    the file is broken, would be broken by the value, cannot be written, or keeps changing.
    """
    try:
        write_first(path)
        target = path.resolve()
        for _ in range(TRIES):
            before = read_text(target) or ""
            after = changed_text(before, dotted_key, value)
            if after == before:
                return
            parse_settings(after, str(path))
            if _replace(target, before, after):
                return
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}.", "Check its owner and permissions."
        ) from error
    raise ConfigError(f"{path} keeps changing while {dotted_key} is written.", "Try again.")


def changed_text(text: str, dotted_key: str, value: Value) -> str:
    """The TOML text with one value changed. Raises `ConfigError` when the text is no TOML."""
    path = dotted_key.split(".")
    try:
        wanted = _with_value(tomlkit.parse(text), path, value)
        placed = _with_value(tomlkit.parse(_with_line(text, path)), path, value)
        # Lines are found by their look: one inside a multi-line text would be changed with it.
        same = placed.unwrap() == wanted.unwrap()
        return tomlkit.dumps(placed if same else wanted)
    except (TOMLKitError, TypeError, AttributeError, ValueError) as error:
        raise ConfigError(
            f"{dotted_key} cannot be written, because the config file is broken: {error}.",
            "See `voiceflow config check`.",
        ) from error


def _with_value(document: TOMLDocument, path: list[str], value: Value) -> TOMLDocument:
    table: Any = document
    for name in path[:-1]:
        if name not in table:
            table.add(name, tomlkit.table())
        table = table[name]
    table[path[-1]] = value
    return document


def _with_line(text: str, path: list[str]) -> str:
    """The text with a line for the key if it has none: where its commented default stands, else at the
    head of its table, else in a new table at the end.

    tomlkit would append behind the comments that introduce the next table.
    """
    *tables, key = path
    lines = text.split("\n")
    start, end = _section(lines, tables)
    if start is not None and any(re.match(rf"\s*{re.escape(key)}\s*=", line) for line in lines[start:end]):
        return text
    if start is None:
        return "\n".join([*lines, f"[{'.'.join(tables)}]", f"{key} = 0", ""])
    for index in range(start, end):
        if re.match(rf"#\s*{re.escape(key)}\s*=", lines[index]):
            lines[index] = f"{key} = 0"
            return "\n".join(lines)
    return "\n".join([*lines[:start], f"{key} = 0", *lines[start:]])


def _section(lines: list[str], tables: list[str]) -> tuple[int | None, int]:
    """First line behind a table's header and the line of the next header; None without the table."""
    headers = [index for index, line in enumerate(lines) if re.match(r"\s*\[", line)]
    if not tables:
        return 0, min(headers, default=len(lines))
    for index in headers:
        if re.match(rf"\s*\[\s*{re.escape('.'.join(tables))}\s*\]", lines[index]):
            return index + 1, min((other for other in headers if other > index), default=len(lines))
    return None, len(lines)


def _replace(target: Path, before: str, after: str) -> bool:
    """Replace the file unless it no longer holds `before`."""
    mode = stat.S_IMODE(target.stat().st_mode)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(after)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        if (read_text(target) or "") != before:
            return False
        Path(temporary).replace(target)
        return True
    finally:
        Path(temporary).unlink(missing_ok=True)
