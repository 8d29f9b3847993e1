"""Fetches models, so that a cut-off download goes on and nothing half-fetched is ever taken for a model.

Files arrive in `NAME.partial` under names made of their digests, are checked, and get their own names;
when all are there, the manifest is written and the folder renamed.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from voiceflow_daemon.errors import DownloadError
from voiceflow_daemon.storage.catalogue import ModelKind
from voiceflow_daemon.storage.file_lock import try_lock
from voiceflow_daemon.storage.model_files import choose_files, digest_matches
from voiceflow_daemon.storage.models import (
    MANIFEST,
    PARTIAL,
    InstalledModel,
    find_installed,
    is_repository,
    read_manifest,
    reference,
    unknown_model,
)
from voiceflow_daemon.storage.paths import private_dir

if TYPE_CHECKING:
    from voiceflow_daemon.storage._hub import Listing, RemoteFile

_SPARE_BYTES = 200_000_000
"""Left free on the disk beside the model."""


@dataclass(frozen=True)
class DownloadProgress:
    """How far a model's download is; `file` is the one in work."""

    file: str
    done_bytes: int
    total_bytes: int


def download(
    name: str,
    models_dir: Path,
    progress: Callable[[DownloadProgress], None],
    endpoint: str | None = None,
) -> InstalledModel:
    """Fetch a model by catalogue name, "org/repo" or "org/repo:file.gguf", or return it when it is there.

    What arrived before an interruption, by Ctrl-C too, is used by the next call. `endpoint` is for
    another hub than `HF_ENDPOINT` or huggingface.co. Raises `DownloadError` or `ModelMissingError`.
    """
    repository, wanted = reference(name)
    if not is_repository(repository):
        raise unknown_model(name)
    if (present := find_installed(name, models_dir)) is not None:
        return present
    from voiceflow_daemon.storage._hub import list_files

    listing = list_files(repository, endpoint)
    kind, files = choose_files(repository, listing.files, wanted)
    folder = private_dir(models_dir) / _folder_name(repository, kind, files[0].name)
    partial = private_dir(folder.with_name(folder.name + PARTIAL))
    with _alone(partial, name):
        _check_space(partial, files)
        _Fetch(listing, files, partial, progress, endpoint).run()
        _write_manifest(partial, kind, listing, files)
        if folder.exists():
            # Not complete, or it would have been found above.
            shutil.rmtree(folder)
        partial.rename(folder)
    found = read_manifest(folder)
    if found is None:
        raise DownloadError(f"{folder} was changed while it was written.", "Run the same command again.")
    return found


class _Fetch:
    """Fetches one model's files into its partial folder."""

    def __init__(
        self,
        listing: Listing,
        files: list[RemoteFile],
        partial: Path,
        progress: Callable[[DownloadProgress], None],
        endpoint: str | None,
    ) -> None:
        self._listing = listing
        self._files = files
        self._partial = partial
        self._progress = progress
        self._endpoint = endpoint
        self._total_bytes = sum(file.size_bytes for file in files)
        self._before_bytes = 0

    def run(self) -> None:
        """Fetch what is missing; raises `DownloadError`."""
        for file in self._files:
            self._fetch(file)
            self._before_bytes += file.size_bytes

    def _fetch(self, file: RemoteFile) -> None:
        whole = self._partial / _local_name(file.name)
        if not whole.exists():
            arriving = _arriving(self._partial, file)
            self._append(file, arriving)
            if not digest_matches(arriving, file.digest):
                arriving.unlink()
                raise DownloadError(
                    f"{file.name} arrived damaged and was deleted.", "Run the same command again."
                )
            arriving.rename(whole)
        self._report(file, file.size_bytes)

    def _append(self, file: RemoteFile, arriving: Path) -> None:
        from voiceflow_daemon.storage._hub import RangeRefusedError, fetch

        fd = os.open(arriving, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "r+b") as out:
            have = out.seek(0, os.SEEK_END)
            self._report(file, have)
            watched = _Watched(out, lambda done: self._report(file, done))
            try:
                fetch(self._listing, file, watched, have, self._endpoint)
            except RangeRefusedError:
                arriving.unlink()
                raise
            out.flush()
            os.fsync(out.fileno())

    def _report(self, file: RemoteFile, done_bytes: int) -> None:
        self._progress(DownloadProgress(file.name, self._before_bytes + done_bytes, self._total_bytes))


class _Watched:
    """A file that tells how far it has grown."""

    def __init__(self, file: BinaryIO, grown: Callable[[int], None]) -> None:
        self._file = file
        self._grown = grown
        self.seek = file.seek
        self.tell = file.tell
        self.truncate = file.truncate

    def write(self, data: bytes) -> int:
        """Write and tell."""
        written = self._file.write(data)
        self._grown(self._file.tell())
        return written


def _folder_name(repository: str, kind: ModelKind, file: str) -> str:
    name = repository.replace("/", "--")
    return name if kind is ModelKind.SPEECH else f"{name}--{PurePosixPath(file).stem}"


def _local_name(remote: str) -> str:
    # The last part alone: a repository must not choose where on this machine its files go.
    return PurePosixPath(remote).name


def _arriving(partial: Path, file: RemoteFile) -> Path:
    """Named by the content, so that a repository's new revision never continues an old file."""
    return partial / f"{file.digest.replace(':', '-')}.arriving"


@contextmanager
def _alone(partial: Path, name: str) -> Iterator[None]:
    """Hold the partial folder's lock; raises `DownloadError` when another process does."""
    fd = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            try_lock(fd)
        except BlockingIOError as error:
            raise DownloadError(
                f"{name} is being downloaded already.", "Wait for the other download."
            ) from error
        yield
    finally:
        os.close(fd)


def _check_space(partial: Path, files: list[RemoteFile]) -> None:
    there = sum(file.stat().st_size for file in partial.iterdir() if file.is_file())
    needed = max(0, sum(file.size_bytes for file in files) - there) + _SPARE_BYTES
    free = shutil.disk_usage(partial).free
    if free < needed:
        raise DownloadError(
            f"The disk has {free / 1e9:.1f} GB free, and {needed / 1e9:.1f} GB are needed.",
            f"Free some space in {partial.parent} and run the same command again.",
        )


def _write_manifest(partial: Path, kind: ModelKind, listing: Listing, files: list[RemoteFile]) -> None:
    content = {
        "version": 1,
        "kind": kind.value,
        "repository": listing.repository,
        "revision": listing.revision,
        "files": [{**asdict(file), "name": _local_name(file.name)} for file in files],
    }
    (partial / MANIFEST).write_text(json.dumps(content, indent=1), encoding="utf-8")
