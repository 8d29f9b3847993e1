"""The tray's download, from a hub on the loopback into a user's own folders."""

from __future__ import annotations

import os
import queue
import threading
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.storage.hub_server import Behaviour, HubServer
from voiceflow_daemon.daemon import downloads as downloads_module
from voiceflow_daemon.daemon.downloads import DownloadEnded, DownloadProgressed, Downloads
from voiceflow_daemon.errors import ConfigError, DownloadError
from voiceflow_daemon.storage.models import installed
from voiceflow_daemon.storage.paths import Paths

LIMIT_S = 60.0
# The hub's library hands on 10 MB at a time, so a resume can be seen only beyond that.
WEIGHTS = os.urandom(24_000_000)
WHISPER = {"config.json": b"{}", "model.bin": WEIGHTS, "tokenizer.json": b"{}", "vocabulary.txt": b"a\n"}
SPEECH = "Systran/faster-whisper-base.en"
LANGUAGE = "Qwen/Qwen2.5-0.5B-Instruct-GGUF"
GGUF = "qwen2.5-0.5b-instruct-q4_k_m.gguf"
FOUR_GB = 4_000_000_000
"""Memory for which exactly that pair is recommended."""

Event = DownloadProgressed | DownloadEnded


class Bench:
    """A user's folders, the hub and what the downloads say."""

    def __init__(self, hub: HubServer, home: Path) -> None:
        self.hub = hub
        self.paths = Paths(*(home / name for name in ("config", "data", "cache", "state", "runtime")))
        self.lines: list[str] = []
        self._events: queue.Queue[Event] = queue.Queue()
        self._opened: list[Downloads] = []

    def open(self, on_event: Callable[[Event], None] | None = None) -> Downloads:
        def emit(event: Event) -> None:
            self._events.put(event)
            if on_event is not None:
                on_event(event)

        self._opened.append(Downloads(self.paths, emit, self.hub.url))
        return self._opened[-1]

    def ended(self) -> DownloadEnded:
        """Wait for the end; the progress lines until there are in `lines`."""
        while True:
            event = self._events.get(timeout=LIMIT_S)
            if isinstance(event, DownloadEnded):
                return event
            self.lines.append(event.line)

    def said_nothing_more(self) -> bool:
        return self._events.empty()

    def configured(self) -> dict[str, str]:
        """Model by table of the config file; empty without a file."""
        if not self.paths.config_file.exists():
            return {}
        tables = tomllib.loads(self.paths.config_file.read_text())
        return {name: tables[name]["model"] for name in ("speech", "llm") if "model" in tables.get(name, {})}

    def installed(self) -> set[str]:
        return {model.name for model in installed(self.paths.models_dir)}

    def arrived_bytes(self) -> int:
        """What is here of files that are not whole."""
        return sum(file.stat().st_size for file in self.paths.models_dir.glob("*.partial/*.arriving"))

    def stop_all(self) -> None:
        for opened in self._opened:
            opened.stop()


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer({SPEECH: WHISPER, LANGUAGE: {GGUF: b"GGUF" * 100}}) as server:
        yield server


@pytest.fixture
def bench(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(downloads_module, "total_memory_bytes", lambda: FOUR_GB)
    monkeypatch.setattr(downloads_module, "REPORT_INTERVAL_S", 0.0)
    made = Bench(hub, tmp_path)
    yield made
    made.stop_all()


def test_both_models_arrive_and_are_named_in_the_config(bench: Bench) -> None:
    bench.open().start(("en",))
    assert bench.ended() == DownloadEnded(None)
    assert bench.configured() == {"speech": "base.en", "llm": "qwen2.5-0.5b-instruct"}
    assert bench.installed() == {"base.en", "qwen2.5-0.5b-instruct"}


def test_the_progress_is_a_line_for_the_user_with_growing_percents(bench: Bench) -> None:
    bench.open().start(("en",))
    bench.ended()
    speech = [line for line in bench.lines if line.startswith("Downloading base.en: ")]
    language = [line for line in bench.lines if line.startswith("Downloading qwen2.5-0.5b-instruct: ")]
    assert bench.lines == speech + language
    percents = [int(line.removesuffix(" %").rpartition(" ")[2]) for line in speech]
    assert percents == sorted(percents)
    assert percents[0] == 0
    assert percents[-1] == 100
    assert any(0 < percent < 100 for percent in percents)


def test_a_line_comes_only_so_often(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads_module, "REPORT_INTERVAL_S", 1e9)
    bench.open().start(("en",))
    bench.ended()
    assert bench.lines == ["Downloading base.en: 0 %"]


def test_each_model_is_in_use_as_soon_as_it_is_there(bench: Bench) -> None:
    del bench.hub.repositories[LANGUAGE]
    bench.open().start(("en",))
    error = bench.ended().error
    assert isinstance(error, DownloadError)
    assert LANGUAGE in error.message
    assert bench.configured() == {"speech": "base.en"}
    assert bench.installed() == {"base.en"}


def test_other_settings_are_left_as_they_are(bench: Bench) -> None:
    bench.paths.config_dir.mkdir()
    bench.paths.config_file.write_text('# mine\ncontext = "email"\n')
    bench.open().start(("en",))
    assert bench.ended() == DownloadEnded(None)
    assert bench.paths.config_file.read_text().startswith('# mine\ncontext = "email"\n')
    assert set(bench.configured()) == {"speech", "llm"}


def test_a_second_start_meanwhile_does_nothing(bench: Bench) -> None:
    again: list[Event] = []

    def start_again(event: Event) -> None:
        if isinstance(event, DownloadProgressed):
            opened.start(("en",))
            again.append(event)

    opened = bench.open(start_again)
    opened.start(("en",))
    assert bench.ended() == DownloadEnded(None)
    bench.stop_all()
    assert again
    assert bench.said_nothing_more()
    assert bench.hub.ranges("model.bin") == [None]


def test_a_start_after_the_end_finds_all_there(bench: Bench) -> None:
    opened = bench.open()
    opened.start(("en",))
    bench.ended()
    bench.stop_all()
    asked = len(bench.hub.requests)
    bench.open().start(("en",))
    assert bench.ended() == DownloadEnded(None)
    assert len(bench.hub.requests) == asked


def test_a_stop_halfway_ends_it_and_the_next_start_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    halfway, stopped = threading.Event(), threading.Event()

    def wait_halfway(event: Event) -> None:
        if isinstance(event, DownloadProgressed) and bench.arrived_bytes() > 10_000_000:
            halfway.set()
            stopped.wait(LIMIT_S)

    opened = bench.open(wait_halfway)
    opened.start(("en",))
    assert halfway.wait(LIMIT_S)
    monkeypatch.setattr(downloads_module, "STOP_LIMIT_S", 0.01)
    opened.stop()
    stopped.set()
    monkeypatch.setattr(downloads_module, "STOP_LIMIT_S", LIMIT_S)
    opened.stop()
    assert bench.installed() == set()
    assert bench.configured() == {}
    arrived = bench.arrived_bytes()
    assert 10_000_000 < arrived < len(WEIGHTS)

    bench.hub.requests.clear()
    opened.start(("en",))
    assert bench.ended() == DownloadEnded(None)
    assert bench.hub.ranges("model.bin") == [f"bytes={arrived}-"]
    assert bench.installed() == {"base.en", "qwen2.5-0.5b-instruct"}


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [
        (Behaviour(cut_after_bytes=15_000_000), "503"),
        (Behaviour(info_status=429), "429"),
        (Behaviour(file_status=403), "403"),
    ],
)
def test_what_goes_wrong_is_told_and_the_next_start_goes_on(
    bench: Bench, behaviour: Behaviour, says: str
) -> None:
    bench.hub.behaviour = behaviour
    opened = bench.open()
    opened.start(("en",))
    error = bench.ended().error
    assert isinstance(error, DownloadError)
    assert says in error.message
    assert error.hint
    assert bench.configured() == {}
    arrived = bench.arrived_bytes()
    bench.stop_all()
    bench.hub.behaviour = Behaviour()
    bench.hub.requests.clear()
    opened.start(("en",))
    assert bench.ended() == DownloadEnded(None)
    assert bench.hub.ranges("model.bin") == [f"bytes={arrived}-" if arrived else None]
    assert (arrived > 10_000_000) == (behaviour.cut_after_bytes is not None)


def test_a_broken_config_is_told_and_the_model_stays(bench: Bench) -> None:
    bench.paths.config_dir.mkdir()
    bench.paths.config_file.write_text("[speech\n")
    bench.open().start(("en",))
    assert isinstance(bench.ended().error, ConfigError)
    assert bench.installed() == {"base.en"}
    assert bench.paths.config_file.read_text() == "[speech\n"
