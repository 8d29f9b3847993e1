"""Reads the config file into `Settings`."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import ValidationError

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ConfigError


def load_settings(path: Path) -> Settings:
    """The settings in the TOML file at `path`; all defaults when there is no such file.

    Raises `ConfigError` with every problem found.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{path}: {error}") from error
