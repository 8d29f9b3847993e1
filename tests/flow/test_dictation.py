"""Dictations as little scripts: the user does this, and that stands there."""

import threading
from functools import partial
from pathlib import Path
from typing import NoReturn

import pytest

from tests.fakes.audio_source import FakeStream
from tests.flow.world import BROWSER, EDITOR, SETTINGS, World
from voiceflow_daemon.audio.line import CaptureLimits
from voiceflow_daemon.audio.source import OnBlock
from voiceflow_daemon.config.schema import AudioSettings, DeliverySettings, HistorySettings, LogSettings
from voiceflow_daemon.daemon import events
from voiceflow_daemon.desktop.tray import Activity
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import ConfigError, MicrophoneError, ModelError
from voiceflow_daemon.storage.history import HistoryRow


def test_speech_becomes_text_at_the_cursor(tmp_path: Path) -> None:
    with World(tmp_path, ["um hello world"]) as world:
        world.dictate()
        world.await_text("Hello world.")
        world.await_quiet()
        assert world.view.last_texts == ("Hello world.",)
        assert world.view.status.startswith("Ready, last text after")
        assert list((tmp_path / "journal").iterdir()) == []
        row = world.history.latest()
        world.until(lambda: world.history.latest() is not None)
        row = world.history.latest()
        assert row is not None
        assert (row.raw, row.text, row.application, row.outcome) == (
            "um hello world",
            "Hello world.",
            "Editor",
            "pasted",
        )


def test_the_history_forgets_while_the_daemon_runs(tmp_path: Path) -> None:
    with World(tmp_path, ["um hello world"]) as world:
        world.history.add(HistoryRow("email", "", "old", "Old.", "rules", "pasted", None, 1.0, when=0.0))
        world.dictate()
        world.until(lambda: [row.text for row in world.history.recent(9)] == ["Hello world."])


@pytest.mark.parametrize("shown", [False, True])
def test_words_are_in_the_log_only_when_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, shown: bool
) -> None:
    caplog.set_level("DEBUG")
    settings = SETTINGS.model_copy(update={"log": LogSettings(level="debug", show_text=shown)})
    with World(tmp_path, ["canary in the mine"], settings=settings) as world:
        world.dictate()
        world.await_text("Canary in the mine.")
    assert ("canary" in caplog.text.lower()) == shown


def test_texts_arrive_in_the_order_of_speaking(tmp_path: Path) -> None:
    with World(tmp_path, ["one moment", "two moments", "three moments"]) as world:
        for _ in range(3):
            world.dictate()
        world.await_text("One moment.2 moments.3 moments.")


def test_another_window_gets_nothing(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        world.inserter.focused = BROWSER
        world.key.release()
        world.until(lambda: bool(world.inserter.clipboard))
        world.await_quiet()
        assert world.inserter.written == {}
        assert "delivery" in world.notes.topics()
        assert world.view.last_texts == ("Hello world.",)


def test_the_window_is_that_of_the_key_press(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        world.focus.window = BROWSER
        world.key.release()
        world.await_text("Hello world.", EDITOR)


def test_a_desktop_that_fails_at_the_press_costs_no_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Window:
        raise OSError("the connection is closed")

    with World(tmp_path) as world:
        monkeypatch.setattr(world.focus, "sample", gone)
        world.dictate()
        world.until(lambda: world.view.last_texts == ("Hello world.",))
        world.await_quiet()


def test_nothing_is_delivered_while_the_key_is_down(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        assert world.ask("release").ok
        world.until(lambda: world.metrics.counter("rung_rules") == 1)
        assert world.ask("status").data["in_work"] == 1
        assert world.inserter.written == {}
        world.key.release()
        world.await_text("Hello world.")


def test_silence_is_told_and_a_muted_microphone_named(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.dictate(level=0.0)
        world.until(lambda: "heard" in world.notes.topics())
        assert "muted" in world.notes.shown[-1][2]
        world.dictate(level=0.001)
        world.until(lambda: world.notes.topics().count("heard") == 2)
        assert "Nobody spoke" in world.notes.shown[-1][2]
        assert world.inserter.written == {}
        assert list((tmp_path / "journal").iterdir()) == []


def test_a_microphone_that_sends_nothing_is_not_called_muted(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.until(lambda: bool(world.source.open_streams()))
        world.key.release()
        world.until(lambda: "heard" in world.notes.topics())
        assert "not sent any sound" in world.notes.shown[-1][2]
        world.await_quiet()


def test_a_microphone_that_does_not_open_is_told_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.capture_limits = CaptureLimits(open_s=1.0)
    answers, opens = threading.Event(), world.source.open

    def open_late(microphone: str, on_block: OnBlock) -> FakeStream:
        answers.wait()
        return opens(microphone, on_block)

    world.source.open = open_late  # type: ignore[method-assign]
    with world:
        world.key.press()
        world.until(lambda: world.notes.topics() == ["microphone"])
        world.until(lambda: world.view.activity is Activity.IDLE)
        assert "does not answer" in world.notes.shown[0][1]
        world.key.release()
        world.key.press()
        world.key.release()
        world.until(lambda: world.notes.topics() == ["microphone"] * 2)
        world.await_quiet()
        answers.set()
        world.source.open = opens  # type: ignore[method-assign]
        world.dictate()
        world.await_text("Hello world.")
        assert world.notes.topics() == ["microphone"] * 2


def test_no_microphone_is_told_and_the_next_press_tries_again(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.source.refusal = MicrophoneError("There is no microphone.", "Plug one in.")
        world.key.press()
        world.until(lambda: "microphone" in world.notes.topics())
        world.key.release()
        world.source.refusal = None
        world.dictate()
        world.await_text("Hello world.")


def test_escape_forgets(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        world.until(lambda: world.key.watches_cancel)
        world.key.press_escape()
        world.until(lambda: world.view.activity is Activity.IDLE)
        world.key.release()
        world.until(lambda: not world.key.watches_cancel)
        world.dictate()
        world.await_text("Hello world.")
        world.until(lambda: list((tmp_path / "journal").iterdir()) == [])


def test_pause_ends_the_recording_and_blocks_the_next(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        world.incoming.emit(events.PauseChosen(True))
        world.until(lambda: world.view.paused)
        world.key.release()
        world.await_text("Hello world.")
        world.key.press()
        world.key.release()
        world.await_quiet()
        assert len(world.source.streams) == 1
        world.incoming.emit(events.PauseChosen(False))
        world.until(lambda: not world.view.paused)
        world.dictate()
        world.await_text("Hello world.Hello world.")


def test_without_a_model_nothing_is_recorded(tmp_path: Path) -> None:
    speech = SETTINGS.speech.model_copy(update={"model": ""})
    with World(tmp_path, settings=SETTINGS.model_copy(update={"speech": speech})) as world:
        world.key.press()
        world.key.release()
        world.until(lambda: world.notes.topics().count("models") == 2)
        assert world.view.offers_download
        assert world.source.streams == []
        assert world.ask("press").exit_code == 6
        world.incoming.emit(events.DownloadWanted())
        world.until(lambda: world.downloads == [("en",)])


def test_a_model_that_cannot_be_loaded_costs_no_speech(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.load_error = ModelError("The speech model is damaged.", "Download it again.")
    with world:
        world.until(lambda: world.view.activity is Activity.ERROR)
        world.dictate()
        world.until(lambda: world.ask("status").data["waiting_recordings"] == 1)
        world.load_error = None
        repaired = world.settings.speech.model_copy(update={"model": "another"})
        world.incoming.emit(events.SettingsLoaded(world.settings.model_copy(update={"speech": repaired})))
        world.until(lambda: world.view.last_texts == ("Hello world.",))
        assert "recovered" in world.notes.topics()
        assert world.inserter.written == {}
        world.until(lambda: list((tmp_path / "journal").iterdir()) == [])


@pytest.mark.parametrize("keeps_history", [True, False])
def test_what_neither_model_nor_disk_take_is_kept_in_memory(tmp_path: Path, keeps_history: bool) -> None:
    settings = SETTINGS.model_copy(update={"history": HistorySettings(enabled=keeps_history)})
    world = World(tmp_path, settings=settings)
    world.load_error = ModelError("The speech model is damaged.", "Download it again.")
    (tmp_path / "journal").write_text("in the way")
    with world:
        for count in (1, 2):
            world.dictate()
            world.until(lambda count=count: world.ask("status").data["waiting_recordings"] == count)  # type: ignore[misc]
        assert not any(title.startswith("Your recording is kept") for _, title, _ in world.notes.shown)
        assert "lost" in world.notes.shown[-1][2]
        world.load_error = None
        world.ask("reload")
        world.until(lambda: world.view.last_texts == ("Hello world.",) * 2)
        assert world.inserter.written == {}
        assert world.ask("status").data["waiting_recordings"] == 0
        assert world.ask("last", "copy").ok
        world.until(lambda: world.inserter.clipboard == "Hello world.")


def test_without_a_language_model_only_a_wish_or_other_models_load_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.load_warnings = ("Texts are formatted by rules only.",)
    with world:
        world.until(lambda: "models" in world.notes.topics())
        for name in ("slack", "default"):
            chosen = world.settings.model_copy(update={"context": name})
            world.incoming.emit(events.SettingsLoaded(chosen))
        world.dictate()
        world.await_text("Hello world.")
        assert len(world.loaded) == 1
        world.ask("reload")
        world.until(lambda: len(world.loaded) == 2)
        world.load_warnings = ()
        world.incoming.emit(events.ReloadWanted())
        world.until(lambda: len(world.loaded) == 3)
        world.until(lambda: world.ask("status").data["problems"] == {})


def test_what_is_in_work_at_the_end_is_offered_at_the_next_start(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        world.until(partial(world.has_recorded, 1))
    with World(tmp_path) as world:
        world.until(lambda: world.view.last_texts == ("Hello world.",))
        assert world.ask("last").data["recovered"]
        assert world.inserter.written == {}


def test_without_a_history_a_recovered_recording_is_kept_until_it_is_taken(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"history": HistorySettings(enabled=False)})
    with World(tmp_path, settings=settings) as world:
        world.key.press()
        world.speak()
        world.until(partial(world.has_recorded, 1))
    for _ in range(2):
        with World(tmp_path, settings=settings) as world:
            world.until(lambda: world.view.last_texts == ("Hello world.",))
    with World(tmp_path, settings=settings) as world:
        world.until(lambda: world.view.last_texts == ("Hello world.",))
        assert world.ask("last", "copy").ok
        world.until(lambda: world.inserter.clipboard == "Hello world.")
        world.until(lambda: list((tmp_path / "journal").iterdir()) == [])
        assert world.history.latest() is None


def test_only_the_recording_whose_text_was_taken_is_deleted(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"history": HistorySettings(enabled=False)})
    for count in (1, 2):
        with World(tmp_path, settings=settings) as world:
            world.key.press()
            world.speak()
            world.until(partial(world.has_recorded, count))
    with World(tmp_path, ["first", "second"], settings) as world:
        world.until(lambda: world.view.last_texts == ("Second.", "First."))
        world.inserter.has_clipboard = False
        assert world.ask("last", "copy").ok
        world.until(lambda: "delivery" in world.notes.topics())
        assert len(list((tmp_path / "journal").iterdir())) == 2
        world.inserter.has_clipboard = True
        world.incoming.emit(events.CopyWanted("First."))
        world.until(lambda: len(list((tmp_path / "journal").iterdir())) == 1)
        assert world.inserter.clipboard == "First."


def test_a_text_that_nothing_takes_is_in_the_history(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.inserter.has_clipboard = False
        world.key.press()
        world.speak()
        world.inserter.focused = None
        world.key.release()
        world.until(lambda: "delivery" in world.notes.topics())
        world.until(lambda: world.history.latest() is not None)
        world.until(lambda: world.view.last_texts == ("Hello world.",))
        world.until(lambda: list((tmp_path / "journal").iterdir()) == [])


def test_a_dictation_keeps_the_settings_it_began_with(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        copying = world.settings.model_copy(update={"delivery": DeliverySettings(method="copy")})
        world.incoming.emit(events.SettingsLoaded(copying))
        world.key.release()
        world.await_text("Hello world.")
        world.dictate()
        world.until(lambda: world.inserter.clipboard == "Hello world.")


def test_a_new_hotkey_is_taken_and_the_old_one_let_go(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        old = world.key
        hotkey = world.settings.hotkey.model_copy(update={"key": "f10"})
        world.incoming.emit(events.SettingsLoaded(world.settings.model_copy(update={"hotkey": hotkey})))
        world.until(lambda: len(world.listeners) == 2)
        assert not old.is_alive()
        world.dictate()
        world.await_text("Hello world.")


def test_a_hotkey_changed_while_it_is_held_ends_the_recording(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        hotkey = world.settings.hotkey.model_copy(update={"key": "f10"})
        world.incoming.emit(events.SettingsLoaded(world.settings.model_copy(update={"hotkey": hotkey})))
        world.await_text("Hello world.")
        world.dictate()
        world.await_text("Hello world.Hello world.")


def test_without_a_hotkey_a_reload_does_not_end_what_a_command_began(tmp_path: Path) -> None:
    world = World(tmp_path, settings=SETTINGS.model_copy(update={"audio": AudioSettings(tail_ms=0)}))
    world.hotkey_taken = True
    with world:
        assert world.ask("press").ok
        world.speak()
        world.ask("reload")
        world.until(lambda: len(world.listeners) == 2)
        world.speak()
        world.hotkey_taken = False
        world.ask("reload")
        world.until(lambda: len(world.listeners) == 3 and world.key.watches_cancel)
        assert world.ask("status").data["activity"] == "recording"
        assert world.notes.topics() == ["hotkey"]
        assert world.ask("release").ok
        world.await_text("Hello world.")


def test_each_hotkey_that_is_refused_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.hotkey_taken = True
    with world:
        hotkey = world.settings.hotkey.model_copy(update={"key": "f10"})
        world.incoming.emit(events.SettingsLoaded(world.settings.model_copy(update={"hotkey": hotkey})))
        world.until(lambda: world.notes.topics() == ["hotkey", "hotkey"])


def test_a_display_that_dies_ends_the_recording(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.press()
        world.speak()
        world.key.fail("the display went away")
        world.until(lambda: world.metrics.counter("rung_rules") == 1)


def test_the_last_text_of_an_earlier_daemon_is_the_historys(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        assert not world.ask("last").ok
        world.dictate()
        world.until(lambda: world.history.latest() is not None)
    with World(tmp_path) as world:
        assert world.ask("last").data["text"] == "Hello world."
        assert world.ask("last", "copy").ok
        world.until(lambda: world.inserter.clipboard == "Hello world.")


def test_a_last_text_whose_window_cannot_be_told_is_answered_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Window:
        raise OSError("the connection is closed")

    with World(tmp_path) as world:
        world.dictate()
        world.await_text("Hello world.")
        monkeypatch.setattr(world.focus, "sample", gone)
        assert world.ask("last", "paste").ok
        world.until(lambda: world.inserter.clipboard == "Hello world.")


def test_who_asks_is_told_when_the_daemon_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> NoReturn:
        raise AssertionError("a mistake of ours")

    with World(tmp_path) as world:
        monkeypatch.setattr(world.history, "latest", broken)
        reply = world.ask("last")
        assert (reply.ok, reply.exit_code) == (False, 1)
        assert reply.message == "The daemon failed."
        world.until(lambda: "a mistake of ours" in caplog.text)


def test_a_hotkey_that_cannot_be_read_is_a_problem_until_it_is_mended(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        hotkey = world.settings.hotkey.model_copy(update={"key": "f99"})
        world.incoming.emit(events.SettingsLoaded(world.settings.model_copy(update={"hotkey": hotkey})))
        world.until(lambda: world.view.activity is Activity.ERROR)
        assert "hotkey" in world.ask("status").data["problems"]
        world.incoming.emit(events.SettingsLoaded(world.settings))
        world.until(lambda: world.view.activity is Activity.IDLE)


def test_a_choice_is_written_back_and_holds_even_if_it_cannot_be(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.incoming.emit(events.ContextChosen("email"))
        world.until(lambda: world.written_settings == [("context", "email")])
        world.write_error = ConfigError("The disk is full.")
        assert world.ask("context", "code").data["context"] == "code"
        world.until(lambda: "config" in world.notes.topics())
        assert world.view.context == "code"
        unknown = world.ask("context", "poem")
        assert not unknown.ok
        assert "email" in unknown.hint


def test_a_dead_hotkey_is_told(tmp_path: Path) -> None:
    with World(tmp_path) as world:
        world.key.fail("the display went away")
        world.until(lambda: world.view.activity is Activity.ERROR)
        assert "display" in world.ask("status").data["problems"]["hotkey"]
        assert world.ask("stop").ok
        assert world.quits == 1
