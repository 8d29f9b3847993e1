"""Writes one setting into the config file and leaves everything else as its owner wrote it."""

from __future__ import annotations

import os
import re
import stat
import tempfile
import tomllib
from codecs import BOM_UTF8
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.toml_document import TOMLDocument

from voiceflow_daemon.config.load import parse_settings, read_text
from voiceflow_daemon.config.problems import dotted, split_key
from voiceflow_daemon.config.template import default_line, write_first
from voiceflow_daemon.errors import ConfigError

TRIES = 5
"""How often a write is begun again because the user saved the file meanwhile."""

BOM = "\ufeff"
"""Some editors put this before the text; it stays where it was."""

Value = str | int | float | bool | list[str]


def set_value(path: Path, dotted_key: str, value: Value) -> None:
    """Set `dotted_key` to `value`; comments, order and layout stay.

    The file is replaced at once, keeps its mode, and a symlink stays one. Raises `ConfigError` when
    the file is broken, would be broken by the value, cannot be written, or keeps changing.
    """
    try:
        write_first(path)
        target = Path(os.path.realpath(path))  # resolve() raises another error for links in a ring
        for _ in range(TRIES):
            before = read_text(target) or ""
            marked = _begins_with_mark(target)
            after = changed_text(before, dotted_key, value)
            if after == before:
                return
            parse_settings(after, str(path))
            if _replace(target, before, BOM * marked + after):
                return
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}.", "Check its owner and permissions."
        ) from error
    raise ConfigError(f"{path} keeps changing while {dotted_key} is written.", "Try again.")


def changed_text(text: str, dotted_key: str, value: Value) -> str:
    """The TOML text with one value changed and nothing else.

    Raises `ConfigError` when the text is no TOML, or is written in a way that cannot be kept.
    """
    path = split_key(dotted_key)
    try:
        wanted = _data_with(tomllib.loads(text), path, value)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{dotted_key} cannot be written, because the config file is broken: {error}.",
            "See `voiceflow config check`.",
        ) from error
    # Lines are found by their look, and one may stand inside a multi-line text or list: each
    # attempt is checked by what it says as a whole.
    for place in (_with_line, _as_it_is):
        try:
            changed = tomlkit.dumps(_with_value(tomlkit.parse(place(text, path)), path, value))
            if tomllib.loads(changed) == wanted:
                return changed
        except (TOMLKitError, TypeError, AttributeError, ValueError, RecursionError):
            continue
    raise ConfigError(
        f"{dotted_key} cannot be written without disturbing the config file.", "Set it there by hand."
    )


def _data_with(data: dict[str, Any], path: Sequence[str], value: Value) -> dict[str, Any]:
    table = data
    for name in path[:-1]:
        table = table.setdefault(name, {})
    table[path[-1]] = value
    return data


def _as_it_is(text: str, _path: Sequence[str]) -> str:
    return text


def _with_value(document: TOMLDocument, path: Sequence[str], value: Value) -> TOMLDocument:
    table: Any = document
    for name in path[:-1]:
        if name not in table:
            table.add(name, tomlkit.table())
        table = table[name]
    table[path[-1]] = value
    return document


def _with_line(text: str, path: Sequence[str]) -> str:
    """The text with a line for the key if it has none: where its commented default stands, else at the
    head of its table, else in a new table at the end.

    tomlkit would append behind the comments that introduce the next table.
    """
    *tables, key = path
    end_of_line = "\r\n" if "\r\n" in text else "\n"
    line = f"{dotted([key])} = 0"
    lines = text.split(end_of_line)
    start, end = _section(lines, tables)
    if start is None:
        while lines and not lines[-1].strip():
            lines.pop()
        return end_of_line.join([*lines, *[""][: len(lines)], f"[{dotted(tables)}]", line, ""])
    if any(re.match(rf"\s*{re.escape(dotted([key]))}\s*=", found) for found in lines[start:end]):
        return text
    place = start
    for index in range(start, end):
        if lines[index] == default_line(path):
            return end_of_line.join([*lines[:index], line, *lines[index + 1 :]])
        if re.match(rf"#\s*{re.escape(dotted([key]))}\s*=", lines[index]):
            place = index + 1
    return end_of_line.join([*lines[:place], line, *lines[place:]])


def _section(lines: list[str], tables: Sequence[str]) -> tuple[int | None, int]:
    """First line behind a table's header and the line of the next header; None without the table."""
    headers = [index for index, line in enumerate(lines) if re.match(r"\s*\[", line)]
    if not tables:
        return 0, min(headers, default=len(lines))
    for index in headers:
        header = re.match(r"\s*\[\s*([^\[\]]+?)\s*\]", lines[index])
        if header is not None and split_key(header[1]) == tuple(tables):
            return index + 1, min((other for other in headers if other > index), default=len(lines))
    return None, len(lines)


def _begins_with_mark(target: Path) -> bool:
    with target.open("rb") as file:
        return file.read(len(BOM_UTF8)) == BOM_UTF8


def _replace(target: Path, before: str, after: str) -> bool:
    """Replace the file unless it no longer holds `before`."""
    mode = stat.S_IMODE(target.stat().st_mode)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
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
