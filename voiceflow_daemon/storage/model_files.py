"""Which files of a repository make a model, and whether files are what they should be."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

from voiceflow_daemon.errors import DownloadError
from voiceflow_daemon.storage.catalogue import ModelKind

_SPEECH_FILES = re.compile(r"(config|preprocessor_config|tokenizer)\.json|model\.bin|vocabulary\.\w+")
_SPEECH_NEEDS = frozenset({"config.json", "model.bin", "tokenizer.json"})
_PART_OF = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")
_PREFERRED = "q4_k_m"
_CHUNK_BYTES = 1 << 20


class Named(Protocol):
    """A file of a repository."""

    @property
    def name(self) -> str:
        """Its path in the repository."""


F = TypeVar("F", bound=Named)


def kind_of(files: Iterable[Named]) -> ModelKind | None:
    """What the repository's files are a model for; None when they are none of ours."""
    names = {file.name for file in files}
    if names >= _SPEECH_NEEDS:
        return ModelKind.SPEECH
    return ModelKind.LANGUAGE if any(name.lower().endswith(".gguf") for name in names) else None


def choose_files(repository: str, files: Sequence[F], wanted: str) -> tuple[ModelKind, list[F]]:
    """The files to fetch, the one to load first; raises `DownloadError` when there is no such model.

    `wanted` is a GGUF file's name or empty.
    """
    kind = kind_of(files)
    if wanted or kind is ModelKind.LANGUAGE:
        return ModelKind.LANGUAGE, _gguf_files(repository, files, wanted)
    if kind is None:
        raise DownloadError(
            f"{repository} holds neither a GGUF model nor a Whisper model in CTranslate2 form.",
            "`voiceflow models list` shows models that work.",
        )
    return kind, [file for file in files if _SPEECH_FILES.fullmatch(file.name)]


def _gguf_files(repository: str, files: Sequence[F], wanted: str) -> list[F]:
    models = [file for file in files if _is_language_model(file.name)]
    if wanted:
        found = [file for file in models if wanted in {file.name, PurePosixPath(file.name).name}]
    else:
        found = [file for file in models if _PREFERRED in file.name.lower()] or models
    firsts = [file for file in found if (part := _PART_OF.search(file.name)) is None or part[1] == "00001"]
    if len(firsts) != 1:
        raise _unclear(repository, wanted, [file.name for file in models])
    part = _PART_OF.search(firsts[0].name)
    if part is None:
        return firsts
    stem = firsts[0].name[: part.start()]
    return sorted((file for file in models if file.name.startswith(stem)), key=lambda file: file.name)


def _is_language_model(name: str) -> bool:
    # "mmproj" files are the eyes of models that see; they are no language model.
    return name.lower().endswith(".gguf") and "mmproj" not in name.lower()


def _unclear(repository: str, wanted: str, names: Sequence[str]) -> DownloadError:
    listed = ", ".join(sorted(names)[:12]) or "none"
    if wanted:
        return DownloadError(f"{repository} has no file {wanted}.", f"Its GGUF files: {listed}.")
    return DownloadError(
        f"{repository} has several GGUF files.",
        f"Name one: `voiceflow models download {repository}:FILE`. Its files: {listed}.",
    )


def digest_matches(path: Path, digest: str) -> bool:
    """Whether the file has the digest: "sha256:HEX", or "git:HEX" (SHA-1 of git's blob)."""
    method, _, expected = digest.partition(":")
    if method == "sha256":
        hashed = hashlib.sha256()
    else:
        # Git's own name for a file's content; integrity, not security, is what it is used for.
        hashed = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            hashed.update(chunk)
    return hashed.hexdigest() == expected
