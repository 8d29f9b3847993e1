from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voiceflow_daemon.errors import ModelMissingError
from voiceflow_daemon.storage.catalogue import CATALOGUE, ModelKind
from voiceflow_daemon.storage.models import MANIFEST, find_installed, installed, resolve
from voiceflow_daemon.storage.paths import assets_dir

ASSETS = assets_dir()


def install(models_dir: Path, kind: ModelKind, repository: str, files: dict[str, bytes]) -> Path:
    """A complete model as a download leaves it."""
    folder = models_dir / f"{repository.replace('/', '--')}--{next(iter(files))}"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    manifest = {
        "version": 1,
        "kind": kind.value,
        "repository": repository,
        "revision": "abc",
        "files": [{"name": name, "size_bytes": len(content)} for name, content in files.items()],
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def test_demo_is_what_comes_with_the_program(tmp_path: Path) -> None:
    assert (resolve(ModelKind.SPEECH, "demo", tmp_path, ASSETS) / "model.bin").is_file()
    assert resolve(ModelKind.LANGUAGE, "demo", tmp_path, ASSETS).read_bytes()[:4] == b"GGUF"


@pytest.mark.parametrize("model", CATALOGUE, ids=lambda model: model.name)
def test_a_model_that_is_not_there_says_how_to_get_it(tmp_path: Path, model: Any) -> None:
    with pytest.raises(ModelMissingError) as raised:
        resolve(model.kind, model.name, tmp_path, ASSETS)
    assert raised.value.hint == f"Get it with `voiceflow models download {model.name}`."


def test_a_repository_that_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError) as raised:
        resolve(ModelKind.LANGUAGE, "some/Model-GGUF:x.gguf", tmp_path, ASSETS)
    assert "`voiceflow models download some/Model-GGUF:x.gguf`" in raised.value.hint


def test_an_installed_model_is_found_by_each_of_its_names(tmp_path: Path) -> None:
    file = "qwen2.5-0.5b-instruct-q4_k_m.gguf"
    folder = install(tmp_path, ModelKind.LANGUAGE, "Qwen/Qwen2.5-0.5B-Instruct-GGUF", {file: b"GGUF"})
    for name in (
        "qwen2.5-0.5b-instruct",
        "Qwen2.5-0.5B-Instruct",
        "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        f"Qwen/Qwen2.5-0.5B-Instruct-GGUF:{file}",
        str(folder / file),
    ):
        assert resolve(ModelKind.LANGUAGE, name, tmp_path, ASSETS) == folder / file


def test_a_speech_model_is_its_folder(tmp_path: Path) -> None:
    folder = install(
        tmp_path,
        ModelKind.SPEECH,
        "Systran/faster-whisper-base.en",
        {"config.json": b"{}", "model.bin": b"x"},
    )
    assert resolve(ModelKind.SPEECH, "base.en", tmp_path, ASSETS) == folder


def test_a_model_of_the_other_kind_is_not_taken(tmp_path: Path) -> None:
    install(tmp_path, ModelKind.SPEECH, "org/both", {"model.bin": b"x"})
    assert find_installed("org/both", tmp_path, ModelKind.LANGUAGE) is None
    assert find_installed("org/both", tmp_path) is not None


def test_local_paths_are_taken_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    (tmp_path / "whisper").mkdir()
    nowhere = tmp_path / "none"
    assert resolve(ModelKind.LANGUAGE, str(tmp_path / "own.gguf"), nowhere, ASSETS) == tmp_path / "own.gguf"
    assert resolve(ModelKind.LANGUAGE, "~/own.gguf", nowhere, ASSETS) == tmp_path / "own.gguf"
    assert resolve(ModelKind.SPEECH, "~/whisper", nowhere, ASSETS) == tmp_path / "whisper"


@pytest.mark.parametrize(
    ("kind", "name", "what"),
    [(ModelKind.SPEECH, "own.gguf", "folder"), (ModelKind.LANGUAGE, "whisper", "GGUF file")],
)
def test_a_path_of_the_wrong_kind_is_refused(tmp_path: Path, kind: ModelKind, name: str, what: str) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    (tmp_path / "whisper").mkdir()
    with pytest.raises(ModelMissingError, match=f"no {what}"):
        resolve(kind, str(tmp_path / name), tmp_path, ASSETS)


def test_a_folder_that_happens_to_have_a_models_name_is_not_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelMissingError):
        resolve(ModelKind.SPEECH, "small", tmp_path / "models", ASSETS)


@pytest.mark.parametrize("name", ["", "base-en", "qwen3-4b"])
def test_an_unknown_name_gets_a_guess(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelMissingError, match="No model is called") as raised:
        resolve(ModelKind.SPEECH, name, tmp_path, ASSETS)
    assert "voiceflow models list" in raised.value.hint
    assert not name or "Did you mean" in raised.value.hint


def test_nothing_is_installed_where_there_is_no_folder(tmp_path: Path) -> None:
    assert installed(tmp_path / "models") == []


def test_half_a_download_is_not_installed(tmp_path: Path) -> None:
    folder = install(tmp_path, ModelKind.SPEECH, "org/repo", {"model.bin": b"12345"})
    assert len(installed(tmp_path)) == 1
    folder.rename(folder.with_name(folder.name + ".partial"))
    assert installed(tmp_path) == []


@pytest.mark.parametrize(
    "damage", ["missing file", "shorter file", "no manifest", "cut manifest", "foreign json"]
)
def test_a_damaged_folder_is_not_installed(tmp_path: Path, damage: str) -> None:
    folder = install(tmp_path, ModelKind.SPEECH, "org/repo", {"model.bin": b"12345"})
    manifest = folder / MANIFEST
    match damage:
        case "missing file":
            (folder / "model.bin").unlink()
        case "shorter file":
            (folder / "model.bin").write_bytes(b"123")
        case "no manifest":
            manifest.unlink()
        case "cut manifest":
            manifest.write_text(manifest.read_text()[:40])
        case "foreign json":
            manifest.write_text("[1, 2]")
    assert installed(tmp_path) == []


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "files", "repository", "name", "size_bytes"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=json_values)
def test_no_manifest_whatever_it_holds_raises(tmp_path: Path, content: Any) -> None:
    folder = tmp_path / "any"
    folder.mkdir(exist_ok=True)
    (folder / MANIFEST).write_text(json.dumps(content))
    assert all(model.path.exists() for model in installed(tmp_path))
