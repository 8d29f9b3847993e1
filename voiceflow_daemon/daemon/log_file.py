"""The rotating log of the daemon. Dictated words never reach it, unless the user asks for them."""

from __future__ import annotations

import logging
import os
import traceback
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from voiceflow_daemon.config.schema import LogSettings
from voiceflow_daemon.storage.paths import private_dir

SIZE_BYTES = 1_000_000
BACKUPS = 2
FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
ROOT = "voiceflow_daemon"

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _PrivateFileHandler(RotatingFileHandler):
    """Readable by the user alone, also after rotation."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")


class _WordlessFormatter(logging.Formatter):
    """Where an unexpected error came from and its kind, but not its message: that may quote what was said."""

    def format(self, record: logging.LogRecord) -> str:
        # The record may carry the text that another formatter made, message and all.
        record.exc_text = None
        return super().format(record)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - the base class's name
        kind, _, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__name__ if kind is not None else ""])


def open_log(path: Path, settings: LogSettings, *, to_terminal: bool) -> list[logging.Handler]:
    """Write the program's log to `path`; the caller closes the handlers by `close_log`."""
    private_dir(path.parent)
    handlers: list[logging.Handler] = [
        _PrivateFileHandler(path, maxBytes=SIZE_BYTES, backupCount=BACKUPS, encoding="utf-8")
    ]
    if to_terminal:
        handlers.append(logging.StreamHandler())
    formatter = logging.Formatter(FORMAT) if settings.show_text else _WordlessFormatter(FORMAT)
    for handler in handlers:
        handler.setFormatter(formatter)
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
