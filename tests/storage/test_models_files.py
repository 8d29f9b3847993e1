from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voiceflow_daemon.errors import DownloadError
from voiceflow_daemon.storage.catalogue import ModelKind
from voiceflow_daemon.storage.model_files import choose_files, digest_matches


@dataclass(frozen=True)
class Named:
    name: str


def files(*names: str) -> list[Named]:
    return [Named(name) for name in names]


def chosen(wanted: str, *names: str) -> tuple[ModelKind, list[str]]:
    kind, found = choose_files("org/repo", files(*names), wanted)
    return kind, [file.name for file in found]


WHISPER = ("README.md", ".gitattributes", "config.json", "model.bin", "tokenizer.json", "vocabulary.txt")


def test_a_whisper_folder_is_taken_without_its_papers() -> None:
    assert chosen("", *WHISPER) == (
        ModelKind.SPEECH,
        ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"],
    )


def test_of_several_quantisations_the_usual_one_is_taken() -> None:
    found = chosen("", "README.md", "m-q2_k.gguf", "m-Q4_K_M.gguf", "m-q8_0.gguf")
    assert found == (ModelKind.LANGUAGE, ["m-Q4_K_M.gguf"])


def test_the_only_gguf_is_taken() -> None:
    assert chosen("", "model.gguf", "mmproj-model.gguf") == (ModelKind.LANGUAGE, ["model.gguf"])


def test_the_named_file_is_taken_wherever_it_lies() -> None:
    assert chosen("m-q8_0.gguf", "m-q4_k_m.gguf", "big/m-q8_0.gguf")[1] == ["big/m-q8_0.gguf"]


def test_a_split_model_is_taken_whole_and_begins_with_its_first_part() -> None:
    parts = [f"m-q4_k_m-0000{part}-of-00003.gguf" for part in (2, 3, 1)]
    assert chosen("", *parts, "m-q8_0.gguf")[1] == sorted(parts)
    assert chosen(sorted(parts)[0], *parts)[1] == sorted(parts)


def test_an_unclear_choice_lists_the_files() -> None:
    with pytest.raises(DownloadError, match="several") as raised:
        chosen("", "a-q5_0.gguf", "a-q8_0.gguf")
    assert "a-q5_0.gguf, a-q8_0.gguf" in raised.value.hint


def test_a_file_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(DownloadError, match=r"no file x\.gguf") as raised:
        chosen("x.gguf", "a-q5_0.gguf")
    assert "a-q5_0.gguf" in raised.value.hint


@pytest.mark.parametrize("names", [[], ["README.md"], ["model.safetensors"], ["model.bin", "config.json"]])
def test_another_kind_of_repository_is_refused(names: list[str]) -> None:
    with pytest.raises(DownloadError, match="neither"):
        chosen("", *names)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=5000), other=st.binary(max_size=5000))
def test_a_digest_fits_its_own_content_only(tmp_path: Path, content: bytes, other: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    for body, fits in ((content, True), (other, content == other)):
        sha256 = hashlib.sha256(body).hexdigest()
        git = hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()
        assert digest_matches(path, f"sha256:{sha256}") is fits
        assert digest_matches(path, f"git:{git}") is fits
