"""The rotating log of the daemon. Dictated words never reach it, unless the user asks for them."""

from __future__ import annotations

import logging
import os
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from voiceflow_daemon.config.schema import LogSettings
from voiceflow_daemon.storage.paths import private_dir

SIZE_BYTES = 1_000_000
BACKUPS = 2
FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
ROOT = "voiceflow_daemon"


class _PrivateFileHandler(RotatingFileHandler):
    """Readable by the user alone, also after rotation."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


def open_log(path: Path, settings: LogSettings, *, to_terminal: bool) -> list[logging.Handler]:
    """Write the program's log to `path`; the caller closes the handlers by `close_log`."""
    private_dir(path.parent)
    handlers: list[logging.Handler] = [
        _PrivateFileHandler(path, maxBytes=SIZE_BYTES, backupCount=BACKUPS, encoding="utf-8")
    ]
    if to_terminal:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(logging.Formatter(FORMAT))
        logging.getLogger().addHandler(handler)
    set_level(settings)
    return handlers


def set_level(settings: LogSettings) -> None:
    """How much the program logs; libraries say warnings and worse."""
    logging.getLogger(ROOT).setLevel(settings.level.upper())


def close_log(handlers: list[logging.Handler]) -> None:
    """Flush and close."""
    for handler in handlers:
        logging.getLogger().removeHandler(handler)
        handler.close()
