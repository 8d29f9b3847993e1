"""Downloads from a hub on the loopback, over real HTTP."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.hub_server import HubServer
from voiceflow_daemon.errors import DownloadError, ModelMissingError
from voiceflow_daemon.storage import download as download_module
from voiceflow_daemon.storage.catalogue import ModelKind
from voiceflow_daemon.storage.download import DownloadProgress, download
from voiceflow_daemon.storage.models import InstalledModel, installed, resolve
from voiceflow_daemon.storage.paths import assets_dir

BASE = "Systran/faster-whisper-base.en"
# The hub's library hands on 10 MB at a time, so a resume can be seen only beyond that.
WEIGHTS = os.urandom(24_000_000)
WHISPER = {
    "README.md": b"not wanted",
    "config.json": b'{"a": 1}',
    "model.bin": WEIGHTS,
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
}
GGUF = "Qwen/Qwen2.5-0.5B-Instruct-GGUF"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    gguf = {"qwen2.5-0.5b-instruct-q4_k_m.gguf": b"GGUF" * 100, "qwen2.5-0.5b-instruct-q8_0.gguf": b"GGUF8"}
    with HubServer({BASE: WHISPER, GGUF: gguf}) as server:
        yield server


class Downloads:
    """Downloads into one folder and keeps the progress."""

    def __init__(self, hub: HubServer, models_dir: Path) -> None:
        self.hub = hub
        self.models_dir = models_dir
        self.progress: list[DownloadProgress] = []

    def get(self, name: str = "base.en") -> InstalledModel:
        self.progress.clear()
        return download(name, self.models_dir, self.progress.append, self.hub.url)

    def partial_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.models_dir.glob("*.partial/*"))


@pytest.fixture
def downloads(hub: HubServer, tmp_path: Path) -> Downloads:
    return Downloads(hub, tmp_path / "models")


def test_a_speech_model_arrives_whole_without_its_papers(downloads: Downloads) -> None:
    model = downloads.get()
    assert model.kind is ModelKind.SPEECH
    assert model.name == "base.en"
    names = {file.name: file.read_bytes() for file in model.path.iterdir()}
    names.pop("voiceflow-model.json")
    assert names == {name: content for name, content in WHISPER.items() if name != "README.md"}
    assert resolve(ModelKind.SPEECH, "base.en", downloads.models_dir, assets_dir()) == model.path
    assert installed(downloads.models_dir) == [model]
    assert not list(downloads.models_dir.glob("*.partial"))


def test_a_language_model_is_one_file(downloads: Downloads) -> None:
    model = downloads.get("qwen2.5-0.5b-instruct")
    assert model.path.read_bytes() == b"GGUF" * 100
    assert model.name == "qwen2.5-0.5b-instruct"


def test_a_file_of_any_repository_can_be_named(downloads: Downloads) -> None:
    model = downloads.get(f"{GGUF}:qwen2.5-0.5b-instruct-q8_0.gguf")
    assert model.path.read_bytes() == b"GGUF8"
    assert model.name == f"{GGUF}:qwen2.5-0.5b-instruct-q8_0.gguf"
    both = downloads.get("qwen2.5-0.5b-instruct")
    assert both.path != model.path
    assert len(installed(downloads.models_dir)) == 2


def test_progress_grows_to_the_whole(downloads: Downloads) -> None:
    downloads.get()
    done = [step.done_bytes for step in downloads.progress]
    totals = {step.total_bytes for step in downloads.progress}
    assert done == sorted(done)
    assert totals == {done[-1]} == {sum(len(body) for name, body in WHISPER.items() if name != "README.md")}
    assert len({step.done_bytes for step in downloads.progress if step.file == "model.bin"}) >= 3


def test_what_is_there_is_not_fetched_again(downloads: Downloads) -> None:
    model = downloads.get()
    asked = len(downloads.hub.requests)
    assert downloads.get() == model
    assert len(downloads.hub.requests) == asked


def test_files_and_folders_are_the_users_alone(downloads: Downloads) -> None:
    model = downloads.get()
    assert stat.S_IMODE(downloads.models_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(model.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((model.path / "model.bin").stat().st_mode) == 0o600


def test_a_cut_off_download_goes_on_where_it_ended(downloads: Downloads) -> None:
    downloads.hub.behaviour.cut_after_bytes = 15_000_000
    with pytest.raises(DownloadError) as raised:
        downloads.get()
    assert "kept" in raised.value.hint
    assert installed(downloads.models_dir) == []
    have = downloads.partial_bytes()
    assert 10_000_000 <= have < 16_000_000

    downloads.hub.behaviour.cut_after_bytes = None
    downloads.hub.behaviour.file_status = None
    downloads.hub.requests.clear()
    model = downloads.get()
    weights_here = have - len(WHISPER["config.json"])
    assert downloads.hub.ranges("model.bin") == [f"bytes={weights_here}-"]
    assert downloads.hub.ranges("config.json") == []
    # A compressed answer could not be resumed.
    assert downloads.hub.requests[-1].accepts == "identity"
    assert downloads.progress[1].done_bytes >= weights_here
    assert (model.path / "model.bin").read_bytes() == WEIGHTS


def test_a_cut_connection_is_taken_up_again_at_once(downloads: Downloads) -> None:
    class OnceCut(type(downloads.hub.behaviour)):  # type: ignore[misc]
        """Cuts one body; its 503 is forgotten."""

        def __setattr__(self, name: str, value: object) -> None:
            if name == "file_status" and value == 503:
                self.cut_after_bytes = None
                return
            super().__setattr__(name, value)

    downloads.hub.behaviour = OnceCut(cut_after_bytes=15_000_000)
    model = downloads.get()
    assert (model.path / "model.bin").read_bytes() == WEIGHTS
    first, second = downloads.hub.ranges("model.bin")
    assert first is None
    assert second is not None


def test_a_server_that_ignores_the_range_still_gives_the_right_file(downloads: Downloads) -> None:
    downloads.hub.behaviour.cut_after_bytes = 15_000_000
    with pytest.raises(DownloadError):
        downloads.get()
    downloads.hub.behaviour.cut_after_bytes = None
    downloads.hub.behaviour.file_status = None
    downloads.hub.behaviour.ignore_range = True
    assert (downloads.get().path / "model.bin").read_bytes() == WEIGHTS


def test_a_new_revision_does_not_continue_an_old_file(downloads: Downloads) -> None:
    downloads.hub.behaviour.cut_after_bytes = 15_000_000
    with pytest.raises(DownloadError):
        downloads.get()
    downloads.hub.behaviour.cut_after_bytes = None
    downloads.hub.behaviour.file_status = None
    newer = os.urandom(12_000_000)
    downloads.hub.repositories[BASE] = {**WHISPER, "model.bin": newer}
    downloads.hub.requests.clear()
    assert (downloads.get().path / "model.bin").read_bytes() == newer
    assert downloads.hub.ranges("model.bin") == [None]


def test_damaged_files_are_thrown_away(downloads: Downloads) -> None:
    downloads.hub.behaviour.corrupt = True
    with pytest.raises(DownloadError, match="damaged"):
        downloads.get()
    assert installed(downloads.models_dir) == []
    assert downloads.partial_bytes() == 0
    downloads.hub.behaviour.corrupt = False
    assert (downloads.get().path / "model.bin").read_bytes() == WEIGHTS


def test_a_leftover_that_is_longer_than_the_file_is_thrown_away(downloads: Downloads) -> None:
    downloads.hub.behaviour.cut_after_bytes = 15_000_000
    with pytest.raises(DownloadError):
        downloads.get()
    [arriving] = downloads.models_dir.glob("*.partial/sha256-*")
    with arriving.open("ab") as file:
        file.truncate(len(WEIGHTS) + 5)
    downloads.hub.behaviour.cut_after_bytes = None
    downloads.hub.behaviour.file_status = None
    with pytest.raises(DownloadError, match="does not fit"):
        downloads.get()
    assert (downloads.get().path / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("status", "code", "says", "hint"),
    [
        (404, "RepoNotFound", "no repository", "Check the name"),
        (401, None, "no repository", "hf auth login"),
        (403, None, "refuses access", "hf auth login"),
        (403, "GatedRepo", "accept its terms", "hf auth login"),
        (500, None, r"problem of its own \(500\)", "later"),
    ],
)
def test_a_refusal_for_the_repository_says_what_to_do(
    downloads: Downloads, status: int, code: str | None, says: str, hint: str
) -> None:
    downloads.hub.behaviour.info_status = status
    downloads.hub.behaviour.error_code = code
    with pytest.raises(DownloadError, match=says) as raised:
        downloads.get()
    assert hint in raised.value.hint
    assert raised.value.exit_code == 7


@pytest.mark.parametrize(
    ("status", "code", "says"),
    [(404, "EntryNotFound", "not on the hub"), (403, None, "refuses"), (500, None, r"\(500\)")],
)
def test_a_refusal_for_a_file_says_what_to_do(
    downloads: Downloads, status: int, code: str | None, says: str
) -> None:
    downloads.hub.behaviour.file_status = status
    downloads.hub.behaviour.error_code = code
    with pytest.raises(DownloadError, match=says) as raised:
        downloads.get()
    assert raised.value.hint
    assert installed(downloads.models_dir) == []


def test_a_repository_that_does_not_exist_is_named(downloads: Downloads) -> None:
    with pytest.raises(DownloadError, match="no repository some/thing"):
        downloads.get("some/thing")


def test_without_a_network_the_hint_says_what_still_works(tmp_path: Path) -> None:
    with HubServer() as gone:
        nowhere = gone.url
    with pytest.raises(DownloadError, match="No connection") as raised:
        download("base.en", tmp_path, lambda _step: None, nowhere)
    assert "voiceflow models use PATH" in raised.value.hint


def test_names_that_are_no_models_are_refused_before_any_request(downloads: Downloads) -> None:
    with pytest.raises(ModelMissingError, match="No model is called"):
        downloads.get("smal.en")
    assert downloads.hub.requests == []


def test_a_disk_without_room_is_noticed_before_the_download(
    downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(100, 100, 1_000_000))
    with pytest.raises(DownloadError, match="GB are needed"):
        downloads.get()
    assert downloads.hub.ranges("model.bin") == []


def test_a_disk_that_fills_up_is_named_and_nothing_is_lost(
    downloads: Downloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = download_module._Watched.write

    def full(self: download_module._Watched, data: bytes) -> int:
        if self.tell() > 9_000_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(self, data)

    with monkeypatch.context() as patched:
        patched.setattr(download_module._Watched, "write", full)
        with pytest.raises(DownloadError, match="disk is full"):
            downloads.get()
    downloads.hub.requests.clear()
    assert (downloads.get().path / "model.bin").read_bytes() == WEIGHTS
    assert downloads.hub.ranges("model.bin") != [None]


def test_two_downloads_of_one_model_do_not_meet(downloads: Downloads) -> None:
    inner: list[str] = []

    def start_another(_step: DownloadProgress) -> None:
        if not inner:
            with pytest.raises(DownloadError) as raised:
                download("base.en", downloads.models_dir, lambda _other: None, downloads.hub.url)
            inner.append(raised.value.message)

    download("base.en", downloads.models_dir, start_another, downloads.hub.url)
    assert inner == ["base.en is being downloaded already."]


def test_a_repository_cannot_choose_where_its_files_go(downloads: Downloads) -> None:
    downloads.hub.repositories["odd/repo"] = {"sub/folder/m-q4_k_m.gguf": b"GGUF"}
    model = downloads.get("odd/repo")
    assert model.path.parent.parent == downloads.models_dir
    assert model.path.read_bytes() == b"GGUF"


def test_a_repository_cannot_reach_out_of_its_folder(downloads: Downloads, tmp_path: Path) -> None:
    downloads.hub.repositories["bad/repo"] = {"../../escaped-q4_k_m.gguf": b"GGUF"}
    with pytest.raises(DownloadError):
        downloads.get("bad/repo")
    assert not list(tmp_path.rglob("escaped*"))


def test_an_interrupted_download_by_ctrl_c_keeps_what_has_arrived(downloads: Downloads) -> None:
    def interrupt(step: DownloadProgress) -> None:
        if step.done_bytes > 10_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download("base.en", downloads.models_dir, interrupt, downloads.hub.url)
    assert downloads.partial_bytes() > 10_000_000
    assert installed(downloads.models_dir) == []
    downloads.hub.requests.clear()
    assert (downloads.get().path / "model.bin").read_bytes() == WEIGHTS
    assert downloads.hub.ranges("model.bin") != [None]
