"""Turns what pydantic and tomllib say about a config file into sentences for its owner."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import tomlkit
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from voiceflow_daemon.config.schema import CONTEXT_NAME_PATTERN, LANGUAGE_CODE_PATTERN, Settings

_SPELLINGS = {
    LANGUAGE_CODE_PATTERN: 'a language code such as "en" or "de"',
    CONTEXT_NAME_PATTERN: "up to 40 plain letters, digits, spaces and _.-",
}

_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text in quotes",
    "list_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "finite_number": "a finite number",
}

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
# Parts are separated by dots here, or a long word without a "=" would take for ever to be refused.
_KEY = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_DOTTED = rf"{_KEY}(?:\s*\.\s*{_KEY})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?$")
_ASSIGNED = re.compile(rf"\s*({_DOTTED})\s*=")
_TEXT_OR_COMMENT = re.compile(r"""#|"{3}|'{3}|"(?:\\.|[^"\\])*"|'[^']*'""")
_ENDS = {'"""': re.compile(r'(?:\\.|[^\\])*?"""'), "'''": re.compile("[^\x00]*?'''")}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `key` is dotted, `line` counts from 1 (None when it cannot be told)."""

    key: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line is not None else ""
        return f"{where}{self.key}: {self.message}" if self.key else f"{where}{self.message}"


def from_validation(errors: Sequence[ErrorDetails], text: str) -> list[Problem]:
    """Problems in the order of their lines."""
    lines = KeyLines(text)
    problems = []
    for error in errors:
        path = tuple(part for part in error["loc"] if isinstance(part, str) and part != "[key]")
        problems.append(Problem(dotted(path), lines.of(path), _sentence(error, path)))
    return sorted(problems, key=lambda problem: problem.line or 0)


def from_syntax(message: str) -> Problem:
    """tomllib says "... (at line 3, column 5)"."""
    found = re.search(r"\s*\(at line (\d+), column \d+\)", message)
    if found is None:
        return Problem("", None, message)
    return Problem("", int(found[1]), message.replace(found[0], ""))


def _sentence(error: ErrorDetails, path: tuple[str, ...]) -> str:
    kind, given, limits = error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return "there is no such setting" + did_you_mean(path[-1], _siblings(path))
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, found {_shown(given)}"
    if kind == "literal_error":
        choices = [str(choice) for choice in _choices(path)]
        return f"expected one of {', '.join(choices)}; found {_shown(given)}" + did_you_mean(
            str(given), choices
        )
    bounds = {
        "greater_than": "more than {gt}",
        "greater_than_equal": "at least {ge}",
        "less_than": "less than {lt}",
        "less_than_equal": "at most {le}",
        "string_too_short": "at least {min_length} character(s)",
        "string_too_long": "at most {max_length} characters",
        "too_short": "at least {min_length} entry",
        "too_long": "at most {max_length} entries",
    }
    if kind in bounds:
        return f"expected {bounds[kind].format(**limits)}, found {_shown(given)}"
    if kind == "string_pattern_mismatch":
        return f"expected {_SPELLINGS.get(limits['pattern'], limits['pattern'])}, found {_shown(given)}"
    return error["msg"].removeprefix("Value error, ")


def _shown(value: Any) -> str:
    text = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    text = text or (f'"{value}"' if isinstance(value, str) else str(value))
    return text if len(text) <= 60 else text[:57] + "…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion to append to a message, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _model_at(path: Sequence[str]) -> type[BaseModel] | None:
    """The table's model at a dotted path; the name of a context stands for any."""
    model: type[BaseModel] = Settings
    parts = list(path)
    while parts:
        field = model.model_fields.get(parts.pop(0))
        if field is None:
            return None
        inner = field.annotation
        if get_args(inner) and issubclass(get_args(inner)[-1], BaseModel):
            inner = get_args(inner)[-1]
            if not parts:
                return None
            parts.pop(0)
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return None
        model = inner
    return model


def _siblings(path: tuple[str, ...]) -> list[str]:
    model = _model_at(path[:-1])
    return list(model.model_fields) if model is not None else []


def _choices(path: tuple[str, ...]) -> tuple[Any, ...]:
    model = _model_at(path[:-1])
    return get_args(model.model_fields[path[-1]].annotation) if model is not None else ()


class KeyLines:
    """Where the keys and tables of a TOML text stand.

    Reads headers and bare or quoted keys, which is how people write config files; a key inside an
    inline table is found at the line of its parent. Lines inside multi-line texts are no keys.
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, ...], int] = {}
        table: tuple[str, ...] = ()
        for number, line in _lines_outside_texts(text):
            header = _HEADER.match(line)
            if header is not None:
                table = here = split_key(header[1])
            else:
                assigned = _ASSIGNED.match(line)
                if assigned is None:
                    continue
                here = (*table, *split_key(assigned[1]))
            self._lines.setdefault(here, number)

    def of(self, path: Sequence[str]) -> int | None:
        """The line, from 1, of the longest part of `path` that is found."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(tuple(path[:length]))
            if line is not None:
                return line
        return None


def _lines_outside_texts(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, except those that begin inside a multi-line text."""
    closing = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if not closing:
            yield number, line
        closing = _open_text(line, closing)


def _open_text(line: str, closing: str) -> str:
    """The triple quote that is still open behind `line`, where `closing` was open before it; or ""."""
    position = 0
    while True:
        if closing:
            end = _ENDS[closing].match(line, position)
            if end is None:
                return closing
            position = end.end()
        found = _TEXT_OR_COMMENT.search(line, position)
        if found is None or found[0].startswith("#"):
            return ""
        position = found.end()
        closing = found[0] if found[0] in _ENDS else ""


def dotted(path: Sequence[str]) -> str:
    """The key as TOML spells it: parts that need quotes have them."""
    return ".".join(part if _BARE.fullmatch(part) else tomlkit.string(part).as_string() for part in path)


def split_key(key: str) -> tuple[str, ...]:
    """The parts of a dotted key whose parts may be quoted."""
    return tuple(part.strip("\"'") for part in _PART.findall(key))
