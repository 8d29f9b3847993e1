"""The tray's Download models: fetches the pair that fits this machine and puts it to use."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from voiceflow_daemon.config.edit import set_value
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage.catalogue import CatalogueModel, recommended
from voiceflow_daemon.storage.download import DownloadProgress, download
from voiceflow_daemon.storage.paths import Paths

log = logging.getLogger(__name__)

REPORT_INTERVAL_S = 1.0
STOP_LIMIT_S = 2.0


@dataclass(frozen=True)
class DownloadProgressed:
    """One line for the user."""

    line: str


@dataclass(frozen=True)
class DownloadEnded:
    """The models are there and named in the config; or `error` says why not (what came is kept)."""

    error: VoiceflowError | None


class _StoppedError(Exception):
    """The daemon ends: raised out of the download's progress report."""


class Downloads:
    """At most one download at a time, on a thread of its own."""

    def __init__(
        self,
        paths: Paths,
        emit: Callable[[DownloadProgressed | DownloadEnded], None],
        endpoint: str | None = None,
    ) -> None:
        """`endpoint` is for another hub than the usual one."""
        self._paths = paths
        self._emit = emit
        self._endpoint = endpoint
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._reported_at = -math.inf

    def start(self, languages: tuple[str, ...]) -> None:
        """Begin, unless one is running."""
        if self._thread is None or not self._thread.is_alive():
            self._stopping.clear()
            # A daemon thread: a stalled connection must not hold up the end of the program.
            self._thread = threading.Thread(target=self._run, args=(languages,), name="download", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End a running download; the next one resumes it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(STOP_LIMIT_S)

    def _run(self, languages: tuple[str, ...]) -> None:
        choice = recommended(total_memory_bytes(), languages)
        try:
            for key, model in (("speech.model", choice.speech), ("llm.model", choice.language)):
                download(model.name, self._paths.models_dir, self._reporting(model), self._endpoint)
                set_value(self._paths.config_file, key, model.name)
        except _StoppedError:
            return
        except VoiceflowError as error:
            self._emit(DownloadEnded(error))
        except Exception as error:
            log.exception("the download failed")
            self._emit(DownloadEnded(VoiceflowError(f"The download failed ({type(error).__name__}).")))
        else:
            self._emit(DownloadEnded(None))

    def _reporting(self, model: CatalogueModel) -> Callable[[DownloadProgress], None]:
        def report(progress: DownloadProgress) -> None:
            if self._stopping.is_set():
                raise _StoppedError
            if time.monotonic() - self._reported_at >= REPORT_INTERVAL_S:
                self._reported_at = time.monotonic()
                percent = 100 * progress.done_bytes // max(1, progress.total_bytes)
                self._emit(DownloadProgressed(f"Downloading {model.name}: {percent} %"))

        return report


def total_memory_bytes() -> int:
    """The machine's physical memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
