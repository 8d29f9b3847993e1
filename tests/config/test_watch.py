"""A save is noticed in whatever way it is made; what is half-saved or unchanged is not told."""

from __future__ import annotations

import os
import queue
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from watchdog.observers.polling import PollingObserver

from voiceflow_daemon.config import folders
from voiceflow_daemon.config.edit import set_value
from voiceflow_daemon.config.load import load_settings
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.config.template import write_first
from voiceflow_daemon.config.watch import ConfigWatcher
from voiceflow_daemon.errors import ConfigError

LIMIT_S = 20.0
"""For a busy machine; an idle one takes a fraction of a second."""

QUIET_S = 0.7
"""Nothing may be told for this long where nothing should be: longer than any settling."""


class Desk:
    """A watcher over a config file, and what it tells."""

    def __init__(
        self, path: Path, known: Settings | None = None, load: Callable[[Path], Settings] = load_settings
    ) -> None:
        self.path = path
        self.told: queue.Queue[Settings | ConfigError] = queue.Queue()
        self.watcher = ConfigWatcher(path, self.told.put, self.told.put, known, load)

    def hears(self) -> Settings:
        found = self.told.get(timeout=LIMIT_S)
        assert isinstance(found, Settings), found
        return found

    def hears_key(self, key: str) -> None:
        """The settings with this key come; nothing but settings before them."""
        while self.hears().hotkey.key != key:
            pass

    def hears_problem(self) -> ConfigError:
        found = self.told.get(timeout=LIMIT_S)
        assert isinstance(found, ConfigError), found
        return found

    def hears_nothing(self) -> None:
        with pytest.raises(queue.Empty):
            self.told.get(timeout=QUIET_S)


OpenDesk = Callable[..., Desk]


@pytest.fixture
def open_desk() -> Iterator[OpenDesk]:
    desks: list[Desk] = []

    def opened(path: Path) -> Desk:
        desks.append(Desk(path))
        desks[-1].watcher.start()
        return desks[-1]

    yield opened
    for desk in desks:
        desk.watcher.stop()


@pytest.fixture
def desk(tmp_path: Path, open_desk: OpenDesk) -> Desk:
    path = tmp_path / "voiceflow" / "config.toml"
    path.parent.mkdir()
    path.write_text(with_key("f1"))
    return open_desk(path)


def with_key(key: str) -> str:
    return f"[hotkey]\nkey = '{key}'\n"


def in_place(path: Path, text: str) -> None:
    with path.open("r+") as file:
        file.write(text)
        file.truncate()


def rename_over(path: Path, text: str) -> None:
    (path.parent / ".new").write_text(text)
    (path.parent / ".new").replace(path)


def backup_and_write(path: Path, text: str) -> None:
    path.rename(f"{path}~")
    path.write_text(text)
    Path(f"{path}~").unlink()


def delete_and_write(path: Path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def from_another_folder(path: Path, text: str) -> None:
    (path.parent.parent / "elsewhere").write_text(text)
    (path.parent.parent / "elsewhere").replace(path)


def new_folder(path: Path, text: str) -> None:
    shutil.rmtree(path.parent)
    path.parent.mkdir()
    path.write_text(text)


def folder_swap(path: Path, text: str) -> None:
    new = path.parent.with_name("new")
    new.mkdir()
    (new / path.name).write_text(text)
    path.parent.rename(path.parent.with_name("old"))
    new.rename(path.parent)
    shutil.rmtree(path.parent.with_name("old"))


SAVES = [
    Path.write_text,
    in_place,
    rename_over,
    backup_and_write,
    delete_and_write,
    from_another_folder,
    new_folder,
    folder_swap,
]


@pytest.mark.parametrize("save", SAVES, ids=lambda save: save.__name__)
def test_each_way_of_saving_is_noticed_again_and_again(
    desk: Desk, save: Callable[[Path, str], object]
) -> None:
    for key in ("f2", "f3", "f4"):
        save(desk.path, with_key(key))
        desk.hears_key(key)
        # What is observed now must be the file and the folder that are there now.
        in_place(desk.path, with_key(f"{key}-again"))
        desk.hears_key(f"{key}-again")


def test_a_choice_written_by_the_program_is_noticed(tmp_path: Path, open_desk: OpenDesk) -> None:
    path = tmp_path / "config.toml"
    write_first(path)
    desk = open_desk(path)
    set_value(path, "context", "email")
    assert desk.hears().context == "email"


def test_a_linked_file_is_noticed_at_its_target_and_when_the_link_is_swapped(
    tmp_path: Path, open_desk: OpenDesk
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "vf.toml").write_text(with_key(f"f-{name}"))
    (tmp_path / "config").mkdir()
    link = tmp_path / "config" / "config.toml"
    link.symlink_to("../a/vf.toml")
    desk = open_desk(link)
    rename_over(tmp_path / "a" / "vf.toml", with_key("f2"))
    desk.hears_key("f2")
    (tmp_path / "config" / "new").symlink_to("../b/vf.toml")
    (tmp_path / "config" / "new").replace(link)
    desk.hears_key("f-b")
    in_place(tmp_path / "b" / "vf.toml", with_key("f3"))
    desk.hears_key("f3")
    in_place(tmp_path / "a" / "vf.toml", with_key("f4"))
    desk.hears_nothing()


def test_a_linked_folder_is_noticed_at_its_target_and_when_the_link_is_swapped(
    tmp_path: Path, open_desk: OpenDesk
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.toml").write_text(with_key(f"f-{name}"))
    (tmp_path / "voiceflow").symlink_to("a")
    desk = open_desk(tmp_path / "voiceflow" / "config.toml")
    rename_over(tmp_path / "a" / "config.toml", with_key("f2"))
    desk.hears_key("f2")
    (tmp_path / "new").symlink_to("b")
    (tmp_path / "new").replace(tmp_path / "voiceflow")
    desk.hears_key("f-b")
    in_place(tmp_path / "b" / "config.toml", with_key("f3"))
    desk.hears_key("f3")


def test_a_link_whose_target_comes_later(tmp_path: Path, open_desk: OpenDesk) -> None:
    (tmp_path / "config.toml").symlink_to("later/vf.toml")
    desk = open_desk(tmp_path / "config.toml")
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "vf.toml").write_text(with_key("f2"))
    desk.hears_key("f2")


def test_folders_that_come_later(tmp_path: Path, open_desk: OpenDesk) -> None:
    path = tmp_path / "a" / "b" / "config.toml"
    desk = open_desk(path)
    path.parent.mkdir(parents=True)
    path.write_text(with_key("f2"))
    desk.hears_key("f2")
    path.write_text(with_key("f3"))
    desk.hears_key("f3")


def test_a_removed_file_means_defaults(desk: Desk) -> None:
    desk.path.unlink()
    assert desk.hears() == Settings()
    desk.path.write_text(with_key("f1"))
    desk.hears_key("f1")


def test_the_same_text_and_other_files_are_not_told(desk: Desk) -> None:
    rename_over(desk.path, with_key("f1"))
    desk.path.touch()
    desk.path.chmod(0o600)
    (desk.path.parent / "other.txt").write_text("x")
    desk.hears_nothing()


def test_a_bad_file_is_told_once_and_the_good_one_after_it(desk: Desk) -> None:
    desk.path.write_text("[hotkey]\nkye = 1\n")
    assert "line 2: hotkey.kye" in desk.hears_problem().message
    desk.path.touch()
    desk.hears_nothing()
    desk.path.write_text(with_key("f1"))
    desk.hears_key("f1")


@pytest.mark.parametrize("half", ["", "[hotkey]\nkey = 'f", "\n"])
def test_a_half_saved_file_is_not_told(desk: Desk, half: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second half comes while the watcher waits for the first to settle."""
    real = desk.watcher._has_settled

    def finish_the_save(seen: object) -> bool:
        desk.path.write_text(with_key("f2"))
        return real(seen)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.watcher, "_has_settled", finish_the_save)
    desk.path.write_text(half)
    assert desk.hears().hotkey.key == "f2"
    desk.hears_nothing()


def test_an_unreadable_file_is_told_and_its_return_too(desk: Desk) -> None:
    desk.path.unlink()
    desk.path.mkdir()
    assert "cannot be read" in desk.hears_problem().message
    desk.path.rmdir()
    desk.path.write_text(with_key("f2"))
    desk.hears_key("f2")


def test_a_prompt_file_is_watched_beside_the_config_and_elsewhere(
    tmp_path: Path, open_desk: OpenDesk
) -> None:
    path, away = tmp_path / "config" / "config.toml", tmp_path / "prompts" / "away.txt"
    for folder in (path.parent, away.parent):
        folder.mkdir()
    (path.parent / "near.txt").write_text("one")
    path.write_text("[contexts.near]\nprompt_file = 'near.txt'\n")
    desk = open_desk(path)
    rename_over(path.parent / "near.txt", "two")
    assert list(desk.hears().contexts) == ["near"]
    path.write_text(f"[contexts.away]\nprompt_file = '{away}'\n")
    assert list(desk.hears().contexts) == ["away"]
    away.write_text("one")
    assert list(desk.hears().contexts) == ["away"]
    away.unlink()
    assert list(desk.hears().contexts) == ["away"]
    (path.parent / "near.txt").write_text("three")
    desk.hears_nothing()


def test_what_the_check_refuses_is_told_and_mending_a_prompt_file_too(tmp_path: Path) -> None:
    def check(path: Path) -> Settings:
        settings = load_settings(path)
        for context in settings.contexts.values():
            if not (path.parent / context.prompt_file).is_file():
                raise ConfigError(f"{context.prompt_file} is not there.")
        return settings

    path = tmp_path / "config.toml"
    path.write_text(with_key("f1"))
    desk = Desk(path, load=check)
    desk.watcher.start()
    try:
        path.write_text("[contexts.mine]\nprompt_file = 'mine.txt'\n")
        assert desk.hears_problem().message == "mine.txt is not there."
        (tmp_path / "mine.txt").write_text("Be brief.")
        assert list(desk.hears().contexts) == ["mine"]
        (tmp_path / "mine.txt").unlink()
        assert desk.hears_problem().message == "mine.txt is not there."
    finally:
        desk.watcher.stop()


def test_a_save_during_the_reading_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(with_key("f1"))
    halves = iter(["", with_key("f3")])

    def saved_meanwhile(path: Path) -> Settings:
        if (text := next(halves, None)) is not None:
            path.write_text(text)
        return load_settings(path)

    desk = Desk(path)
    desk.watcher._load = saved_meanwhile
    desk.watcher.start()
    try:
        path.write_text(with_key("f2"))
        assert desk.hears().hotkey.key == "f3"
        desk.hears_nothing()
    finally:
        desk.watcher.stop()


def test_a_reload_is_told_though_nothing_changed(desk: Desk) -> None:
    desk.watcher.reload_now()
    desk.hears_key("f1")
    desk.path.write_text("context = 3\n")
    desk.hears_problem()
    desk.watcher.reload_now()
    desk.hears_problem()


def test_a_change_before_the_start_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(with_key("f1"))
    desk = Desk(path)
    path.write_text(with_key("f2"))
    desk.watcher.start()
    desk.hears_key("f2")
    desk.watcher.stop()


def test_a_change_since_the_caller_read_the_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(with_key("f1"))
    desk = Desk(path, known=Settings())
    desk.watcher.start()
    desk.hears_key("f1")
    desk.watcher.stop()


def test_a_callback_that_fails_does_not_end_the_watching(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "config.toml"
    told: queue.Queue[str] = queue.Queue()

    def fails(settings: Settings) -> None:
        told.put(settings.hotkey.key)
        raise ValueError("a defect")

    watcher = ConfigWatcher(path, fails, lambda _: None)
    watcher.start()
    for key in ("f1", "f2"):
        path.write_text(with_key(key))
        assert told.get(timeout=LIMIT_S) == key
    watcher.stop()
    assert "the config watcher failed" in caplog.text


def test_a_watcher_that_never_started_can_be_stopped(tmp_path: Path) -> None:
    Desk(tmp_path / "config.toml").watcher.stop()


def test_without_notifications_of_the_system_folders_are_polled(
    tmp_path: Path, open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Exhausted(PollingObserver):
        def start(self) -> None:
            raise OSError(24, os.strerror(24))

    monkeypatch.setattr(folders, "Observer", Exhausted)
    path = tmp_path / "voiceflow" / "config.toml"
    desk = open_desk(path)
    assert "folders are polled" in caplog.text
    path.parent.mkdir()
    for key in ("f2", "f3"):
        path.write_text(with_key(key))
        desk.hears_key(key)
    new_folder(path, with_key("f4"))
    desk.hears_key("f4")
