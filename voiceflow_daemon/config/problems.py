"""Turns what pydantic and tomllib say about a config file into sentences for its owner."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from voiceflow_daemon.config.schema import Settings

_EXPECTED = {
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text in quotes",
    "list_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table",
}


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
    problems = []
    for error in errors:
        path = tuple(str(part) for part in error["loc"] if part != "[key]")
        key = ".".join(path)
        problems.append(Problem(key, line_of(text, path), _sentence(error, path)))
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
        return f"{_shown(given)} is not spelled as this setting wants it"
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


def line_of(text: str, path: Sequence[str]) -> int | None:
    """The line, from 1, where a key or its table stands; of the longest part of `path` that is found.

    Reads headers and bare or quoted keys, which is how people write config files; a key inside an
    inline table or a multi-line text is found at the line of its parent.
    """
    best: tuple[int, int] | None = None
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\[?([^\[\]]+)\]\]?\s*(#.*)?$", line)
        if header is not None:
            table = here = _dotted(header[1])
        else:
            assigned = re.match(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*'|\s*\.\s*)+)\s*=""", line)
            if assigned is None:
                continue
            here = (*table, *_dotted(assigned[1]))
        if here == tuple(path[: len(here)]) and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best is not None else None


def _dotted(key: str) -> tuple[str, ...]:
    parts = re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", key)
    return tuple(part.strip("\"'") for part in parts)
