"""The config file as text: the one that the first run writes, and any settings written out."""

from __future__ import annotations

import os
import tempfile
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import BaseModel

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ConfigError

WIDTH = 96

HEAD = """\
#: voiceflow: settings. Saving this file is enough, the daemon takes the changes at once.
#: A line that begins with "# " and a setting shows the default; remove the "# " to change it.
"""

OWN_CONTEXT = """\
#: Contexts of your own (they appear in the tray's menu), or your own prompt for a built-in one:
# [contexts.minutes]
# prompt = \"\"\"
# You turn raw dictation into minutes of a meeting: short sentences, past tense.
# Reply with the finished text and nothing else.\"\"\"
#
# [contexts.letter]
# prompt_file = "letter.txt"
"""


def first_file() -> str:
    """Every setting with its explanation and its default, commented out; `context` is active."""
    lines = [HEAD]
    for name, field in Settings.model_fields.items():
        if name == "context":
            lines += [*_comment(field.description), 'context = "default"', ""]
        elif not isinstance(field.default, BaseModel) and field.default_factory is None:
            lines += _setting(name, field.default, field.description)
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, BaseModel):
            lines += _table(name, field.default)
    return "\n".join([*lines, OWN_CONTEXT])


def _table(name: str, defaults: BaseModel) -> list[str]:
    lines = [*_comment(defaults.__doc__), f"[{name}]"]
    for key, field in type(defaults).model_fields.items():
        lines += _setting(key, field.default, field.description)
    return [*lines[:-1], "", ""]


def _setting(key: str, default: Any, description: str | None) -> list[str]:
    return [*_comment(description), f"# {key} = {_value(default)}", ""]


def _comment(text: str | None) -> list[str]:
    return [f"#: {line}" for line in textwrap.wrap(text or "", WIDTH)]


def _value(value: Any) -> str:
    text: str = tomlkit.item(value).as_string()
    return text


def default_line(path: Sequence[str]) -> str | None:
    """How the first file shows the default of a setting; None for a key that is not in it."""
    *tables, key = path
    model: Any = Settings
    for name in tables:
        field = model.model_fields.get(name)
        if field is None or not isinstance(field.default, BaseModel):
            return None
        model = type(field.default)
    field = model.model_fields.get(key)
    return None if field is None or field.default_factory else f"# {key} = {_value(field.default)}"


def write_first(path: Path) -> bool:
    """Write the first file where there is none; returns whether it did.

    Raises `ConfigError` when the folder refuses it. The file appears whole or not at all.
    """
    if os.path.lexists(path):
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _write_whole(path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Check its folder's owner and permissions.",
        ) from error


def _write_whole(path: Path) -> bool:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(first_file())
        try:
            # A link fails where a file has appeared meanwhile; a rename would overwrite it.
            os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError:
            # Not every file system knows links.
            Path(temporary).rename(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return True


def render(settings: Settings) -> str:
    """The settings in force as TOML; those that differ from the default are marked."""
    document = tomlkit.document()
    for name, value in settings:
        if not isinstance(value, BaseModel | dict):
            document.add(name, _marked(value, Settings.model_fields[name].default))
    for name, value in settings:
        if isinstance(value, BaseModel):
            document.add(name, _filled_table(value))
    if settings.contexts:
        contexts = tomlkit.table(is_super_table=True)
        for name, context in settings.contexts.items():
            contexts.add(name, _filled_table(context))
        document.add("contexts", contexts)
    return tomlkit.dumps(document)


def _filled_table(values: BaseModel) -> Any:
    table = tomlkit.table()
    for name, value in values:
        table.add(name, _marked(value, type(values).model_fields[name].default))
    return table


def _marked(value: Any, default: Any) -> Any:
    item = tomlkit.item(value)
    if value != default:
        item.comment("changed")
    return item
