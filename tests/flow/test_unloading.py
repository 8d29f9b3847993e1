"""On a machine with little memory: the models are freed when nobody dictates, and loaded while one speaks."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest

from tests.fakes.language_model import FakeLanguageModel
from tests.flow.world import LIMIT_S, SETTINGS, World
from voiceflow_daemon.config.schema import HotkeySettings, ModelsSettings, Settings
from voiceflow_daemon.daemon import events
from voiceflow_daemon.desktop.tray import Activity
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.storage.journal import Orphan

AT_ONCE_MIN = 0.001
RESTING = SETTINGS.model_copy(update={"models": ModelsSettings(unload_after_min=AT_ONCE_MIN)})
UNLOADED = "Unloaded: the models load at the next dictation"


@pytest.fixture
def world(tmp_path: Path) -> World:
    """With a language model; not started yet."""
    made = World(tmp_path, settings=RESTING)
    made.language_model = FakeLanguageModel()
    return made


def models(world: World) -> str:
    return str(world.ask("status").data["models"])


def await_rest(world: World) -> None:
    """The models are freed, and the tray says so."""
    world.until(lambda: models(world) == "unloaded")
    world.until(lambda: world.view.status == UNLOADED)


def tiers(world: World) -> set[str]:
    return {prompt["tier"] for prompt in world.ask("status").data["prompts"]}


def with_speech_model(name: str, unload_after_min: float = AT_ONCE_MIN) -> Settings:
    speech = SETTINGS.speech.model_copy(update={"model": name})
    return SETTINGS.model_copy(
        update={"speech": speech, "models": ModelsSettings(unload_after_min=unload_after_min)}
    )


class Gate:
    """Holds whoever passes it until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.opened.wait(LIMIT_S)


def test_the_models_are_freed_when_nobody_dictates_and_loaded_for_the_next_text(world: World) -> None:
    with world:
        await_rest(world)
        assert world.transcriber.closed
        assert world.language_model is not None
        assert world.language_model.closed
        assert world.view.activity is Activity.IDLE
        assert tiers(world) == {"disk"}
        world.dictate()
        world.await_text("Hello world.")
        await_rest(world)
        world.dictate()
        world.await_text("Hello world.Hello world.")
        await_rest(world)
        assert len(world.loaded) == 3
        assert world.metrics.counter("rung_model") == 2
        assert world.metrics.counter("prefix_misses") == 4


def test_recording_begins_at_once_and_the_release_waits_for_the_models(world: World, tmp_path: Path) -> None:
    loading = Gate()
    with world:
        await_rest(world)
        world.before_load = loading
        world.dictate()
        assert loading.reached.wait(LIMIT_S)
        world.until(lambda: world.view.activity is Activity.WORKING)
        assert world.view.status == "Loading models …"
        assert models(world) == "loading"
        assert world.inserter.written == {}
        loading.opened.set()
        world.await_text("Hello world.")
        await_rest(world)
        assert list((tmp_path / "journal").iterdir()) == []
        assert "recovered" not in world.notes.topics()


def test_what_is_being_spoken_when_they_are_loaded_is_not_taken_for_a_lost_recording(world: World) -> None:
    with world:
        await_rest(world)
        world.key.press()
        world.until(lambda: models(world) == "loaded")
        world.speak()
        world.key.release()
        world.await_text("Hello world.")
        await_rest(world)
        assert "recovered" not in world.notes.topics()


def test_a_press_while_they_are_being_freed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    freeing, close = Gate(), world.transcriber.close

    def close_slowly() -> None:
        freeing()
        close()

    monkeypatch.setattr(world.transcriber, "close", close_slowly)
    with world:
        assert freeing.reached.wait(LIMIT_S)
        world.dictate()
        assert models(world) == "loading"
        freeing.opened.set()
        world.await_text("Hello world.")
        await_rest(world)
        assert len(world.loaded) == 2


def test_a_recording_that_is_cancelled_loads_them_once_and_they_are_freed_again(world: World) -> None:
    with world:
        await_rest(world)
        world.key.press()
        world.until(lambda: world.key.watches_cancel)
        world.key.press_escape()
        world.key.release()
        world.until(lambda: len(world.loaded) == 2)
        await_rest(world)
        assert world.inserter.written == {}
        assert len(world.loaded) == 2


def test_a_tap_loads_them_once_and_they_are_freed_again(world: World) -> None:
    world.settings = RESTING.model_copy(
        update={"hotkey": HotkeySettings(key="ctrl_r", min_hold_ms=2000, release_grace_ms=0)}
    )
    with world:
        await_rest(world)
        world.key.press()
        world.key.press_other()
        world.key.release()
        world.until(lambda: len(world.loaded) == 2)
        await_rest(world)
        assert world.inserter.written == {}
        assert len(world.loaded) == 2


def test_new_settings_are_taken_at_the_next_dictation(world: World) -> None:
    with world:
        await_rest(world)
        other = with_speech_model("another")
        world.incoming.emit(events.SettingsLoaded(other))
        world.until(lambda: world.ask("status").data["speech_model"] == "another")
        assert models(world) == "unloaded"
        assert len(world.loaded) == 1
        world.dictate()
        world.await_text("Hello world.")
        assert world.loaded[1:] == [other]


def test_settings_that_let_none_rest_load_them_at_once(world: World) -> None:
    with world:
        await_rest(world)
        world.incoming.emit(events.SettingsLoaded(SETTINGS))
        world.until(lambda: models(world) == "loaded")
        assert world.loaded == [RESTING, SETTINGS]


def test_settings_without_a_model_are_told_at_once(world: World) -> None:
    with world:
        await_rest(world)
        world.incoming.emit(events.SettingsLoaded(with_speech_model("")))
        world.until(lambda: models(world) == "missing")
        assert world.view.offers_download
        world.incoming.emit(events.SettingsLoaded(with_speech_model("another", unload_after_min=0.0)))
        world.until(lambda: models(world) == "loaded")


def test_what_the_user_asks_for_in_between_loads_nothing(world: World) -> None:
    with world:
        await_rest(world)
        assert tiers(world) == {"disk"}
        assert world.ask("context", "email").data["context"] == "email"
        world.incoming.emit(events.ReloadWanted())
        assert world.ask("invalidate").ok
        assert tiers(world) == {"none"}
        assert world.disk.entries == {}
        await_rest(world)
        assert len(world.loaded) == 1
        assert world.ask("context", "email").ok
        world.dictate()
        world.await_text("Hello world.")
        await_rest(world)
        assert world.metrics.counter("rung_model") == 1
        assert tiers(world) == {"disk"}
        assert len(world.disk.entries) == 4


def test_a_load_that_fails_costs_no_speech_and_the_next_dictation_tries_again(
    world: World, tmp_path: Path
) -> None:
    with world:
        await_rest(world)
        world.load_error = ModelError("There is too little memory.", "Close a program.")
        world.dictate()
        world.until(lambda: world.ask("status").data["waiting_recordings"] == 1)
        assert models(world) == "failed"
        assert world.view.activity is Activity.ERROR
        assert any("too little memory" in title for _, title, _ in world.notes.shown)
        world.load_error = None
        world.dictate()
        world.await_text("Hello world.")
        world.until(lambda: world.view.last_texts == ("Hello world.", "Hello world."))
        await_rest(world)
        assert "recovered" in world.notes.topics()
        assert list((tmp_path / "journal").iterdir()) == []


def test_a_recording_that_is_found_late_loads_them(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with World(tmp_path) as earlier:
        earlier.key.press()
        earlier.speak()
        earlier.until(partial(earlier.has_recorded, 1))
    looking, look = Gate(), world.journal.orphans

    def look_slowly() -> list[Orphan]:
        looking()
        return list(look())

    monkeypatch.setattr(world.journal, "orphans", look_slowly)
    with world:
        await_rest(world)
        looking.opened.set()
        world.until(lambda: world.view.last_texts == ("Hello world.",))
        await_rest(world)
        assert world.ask("last").data["recovered"]
        assert len(world.loaded) == 2


def test_by_default_they_stay(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.until(lambda: models(world) == "loaded")
        world.incoming.emit(events.SettingsLoaded(RESTING))
        await_rest(world)
        world.incoming.emit(events.SettingsLoaded(SETTINGS))
        world.dictate()
        world.await_text("Hello world.")
        assert models(world) == "loaded"
        assert world.loaded == [SETTINGS, SETTINGS]
