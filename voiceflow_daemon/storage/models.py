"""Models on this machine: where a name leads to, and what is installed.

A model is a folder in `models_dir` with its files and a manifest. It is fetched into a folder beside
it, `NAME.partial`, and renamed when every file is whole (`download`).
"""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from voiceflow_daemon.errors import ModelMissingError
from voiceflow_daemon.storage.catalogue import CATALOGUE, DEMO, ModelKind, find

__all__ = [
    "InstalledModel",
    "ModelKind",
    "find_installed",
    "installed",
    "is_path",
    "is_repository",
    "read_manifest",
    "reference",
    "resolve",
    "unknown_model",
]

MANIFEST = "voiceflow-model.json"
PARTIAL = ".partial"
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True)
class InstalledModel:
    """A complete model in `models_dir`. `path` is what the recogniser or llama.cpp loads."""

    kind: ModelKind
    repository: str
    file: str
    path: Path
    size_bytes: int

    @property
    def name(self) -> str:
        """The catalogue's name, else what `voiceflow models use` takes."""
        for model in CATALOGUE:
            if (model.repository, model.file) == (self.repository, self.file):
                return model.name
        return f"{self.repository}:{self.file}" if self.file else self.repository


def resolve(kind: ModelKind, name: str, models_dir: Path, assets: Path) -> Path:
    """The folder (speech) or GGUF file (language) that `name` means; raises `ModelMissingError`.

    `name` is "demo", a catalogue name, a path, "org/repo" or "org/repo:file.gguf".
    """
    if name == DEMO:
        return assets / "demo" / ("speech" if kind is ModelKind.SPEECH else "formatter.gguf")
    model = find_installed(name, models_dir, kind)
    if model is not None:
        return model.path
    path = Path(name).expanduser()
    if is_path(name) and (path.is_dir() if kind is ModelKind.SPEECH else path.is_file()):
        return path
    raise _missing(kind, name)


def find_installed(name: str, models_dir: Path, kind: ModelKind | None = None) -> InstalledModel | None:
    """The installed model that a catalogue name or a repository id means; None when there is none."""
    repository, file = reference(name)
    for model in installed(models_dir):
        if model.repository == repository and file in {"", model.file} and kind in {None, model.kind}:
            return model
    return None


def installed(models_dir: Path) -> list[InstalledModel]:
    """All complete models, by folder. A folder whose files are not those of its manifest is left out."""
    if not models_dir.is_dir():
        return []
    folders = sorted(folder for folder in models_dir.iterdir() if folder.suffix != PARTIAL)
    return [model for folder in folders if (model := read_manifest(folder)) is not None]


def is_repository(name: str) -> bool:
    """Whether it is written like a repository's id."""
    return _REPOSITORY.fullmatch(name) is not None


def is_path(name: str) -> bool:
    """Whether it is written like a path; "small" is a model even beside a folder of that name."""
    return "/" in name or name.endswith(".gguf")


def reference(name: str) -> tuple[str, str]:
    """Repository and file that a name means; the name itself and "" when it is neither."""
    known = find(name)
    if known is not None:
        return known.repository, known.file
    repository, _, file = name.partition(":")
    return repository, PurePosixPath(file).name


def read_manifest(folder: Path) -> InstalledModel | None:
    """The model in a folder; None when there is no manifest or a file is missing or has another size."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        kind = ModelKind(content["kind"])
        sizes = {str(file["name"]): int(file["size_bytes"]) for file in content["files"]}
        repository = str(content["repository"])
        complete = all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not complete or not sizes:
        return None
    first = next(iter(sizes)) if kind is ModelKind.LANGUAGE else ""
    return InstalledModel(kind, repository, first, folder / first, sum(sizes.values()))


def _missing(kind: ModelKind, name: str) -> ModelMissingError:
    if find(name) or is_repository(reference(name)[0]):
        return ModelMissingError(
            f"The {kind} model {name} is not on this machine.",
            f"Get it with `voiceflow models download {name}`.",
        )
    if is_path(name):
        what = "folder" if kind is ModelKind.SPEECH else "GGUF file"
        return ModelMissingError(
            f"There is no {what} {name}.", "Check the path, or choose another model: `voiceflow models list`."
        )
    return unknown_model(name)


def unknown_model(name: str) -> ModelMissingError:
    """The error for a name that is no model's."""
    alike = difflib.get_close_matches(name.lower(), [model.name for model in CATALOGUE], n=1, cutoff=0.5)
    guess = f"Did you mean {alike[0]}? " if alike else ""
    return ModelMissingError(
        f'No model is called "{name}".', f"{guess}`voiceflow models list` shows them all."
    )
