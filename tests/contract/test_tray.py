"""One suite over the fake tray and the real one in a panel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Any, Protocol

import pytest

from tests.desktop.rig import VirtualDesktop, until
from tests.desktop.tray_bench import TrayProgram, tray_program
from tests.fakes.tray import FakeTray
from voiceflow_daemon.desktop.tray import Activity, TrayActions, TrayView

LONG = "The second\ntext is one that is much too long for a menu."
VIEW = TrayView(
    status="Ready",
    contexts=("default", "my_notes & more"),
    context="default",
    microphones=("Desk <1>", "Headset"),
    last_texts=("Hello there.", LONG),
)


class Bench(Protocol):
    """A running tray and what it is seen from outside."""

    def show(self, view: TrayView) -> None: ...

    def title(self) -> str: ...

    def labels(self, *path: str) -> list[str]:
        """The first one is the status line."""

    def checked(self, *path: str) -> list[str]: ...

    def click(self, *path: str) -> None: ...

    def chosen(self) -> list[list[Any]]: ...

    def stop(self) -> None:
        """Stop it; return once `run` has returned."""


class FakeBench:
    def __init__(self) -> None:
        self._chosen: list[list[Any]] = []
        self.tray = FakeTray(
            TrayActions(**{field.name: self._taking(field.name) for field in fields(TrayActions)})
        )
        ready = threading.Event()
        self._thread = threading.Thread(target=self.tray.run, args=(ready.set,))
        self._thread.start()
        assert ready.wait(10)

    def _taking(self, name: str) -> Callable[..., None]:
        return lambda *values: self._chosen.append([name, *values])

    def show(self, view: TrayView) -> None:
        self.tray.show(view)

    def title(self) -> str:
        return self.tray.title

    def labels(self, *path: str) -> list[str]:
        labels = self.tray.labels(*path)
        return labels if path else [self.tray.status, *labels[1:]]

    def checked(self, *path: str) -> list[str]:
        return self.tray.checked(*path)

    def click(self, *path: str) -> None:
        self.tray.click(*path)

    def chosen(self) -> list[list[Any]]:
        return self._chosen

    def stop(self) -> None:
        self.tray.stop()
        self._thread.join()


class PanelBench:
    def __init__(self, program: TrayProgram) -> None:
        self.program = program
        self.item = program.item()
        self.show = program.show
        self.chosen = program.chosen

    def title(self) -> str:
        return self.item.title

    def labels(self, *path: str) -> list[str]:
        # On the bus an underscore is doubled: a single one would mark the key of the next letter.
        return [label.replace("__", "_") for label in self.item.labels(*_on_bus(path))]

    def checked(self, *path: str) -> list[str]:
        return [label.replace("__", "_") for label in self.item.checked_labels(*_on_bus(path))]

    def click(self, *path: str) -> None:
        self.item.click(*_on_bus(path))

    def stop(self) -> None:
        self.program.stop()
        self.program.await_said("ended")
        assert self.program.ended() == 0


def _on_bus(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label.replace("_", "__") for label in path)


@pytest.fixture(params=["fake", "panel"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "fake":
        fake = FakeBench()
        yield fake
        fake.stop()
    else:
        with VirtualDesktop(sound=False, notifications=False) as desktop, tray_program(desktop) as program:
            yield PanelBench(program)


def test_the_menu_shows_the_view(bench: Bench) -> None:
    bench.show(VIEW)
    until("the menu", lambda: "Headset" in bench.labels("Microphone"))

    assert bench.labels() == [
        "Ready",
        "default",
        "my_notes & more",
        "Pause",
        "Microphone",
        "Copy last text",
        "Last texts",
        "Reload config",
        "Invalidate prompt cache",
        "Open config",
        "Open log",
        "Quit",
    ]
    assert bench.checked() == ["default"]
    assert bench.labels("Microphone") == ["Default microphone", "Desk <1>", "Headset"]
    assert bench.checked("Microphone") == ["Default microphone"]
    assert bench.labels("Last texts") == ["Hello there.", "The second text is one that is much too…"]
    assert bench.title() == "voiceflow: Ready"


CLICKS: list[tuple[tuple[str, ...], list[object]]] = [
    (("my_notes & more",), ["choose_context", "my_notes & more"]),
    (("Pause",), ["set_paused", True]),
    (("Microphone", "Desk <1>"), ["choose_microphone", "Desk <1>"]),
    (("Microphone", "Default microphone"), ["choose_microphone", ""]),
    (("Copy last text",), ["copy_text", None]),
    (("Last texts", "The second text is one that is much too…"), ["copy_text", VIEW.last_texts[1]]),
    (("Reload config",), ["reload"]),
    (("Invalidate prompt cache",), ["invalidate_prompts"]),
    (("Open config",), ["open_config"]),
    (("Open log",), ["open_log"]),
    (("Download models…",), ["download_models"]),
    (("Quit",), ["quit"]),
]


def test_every_entry_does_what_it_says(bench: Bench) -> None:
    bench.show(replace(VIEW, offers_download=True))
    until("the menu", lambda: "Download models…" in bench.labels())
    for done, (path, action) in enumerate(CLICKS, start=1):
        bench.click(*path)
        until(f"{action}", lambda count=done: len(bench.chosen()) == count)  # type: ignore[misc]
        assert bench.chosen()[-1] == action


def test_a_choice_is_marked_once_the_view_says_so(bench: Bench) -> None:
    bench.show(VIEW)
    until("the menu", lambda: bench.checked() == ["default"])

    bench.show(replace(VIEW, context="my_notes & more", microphone="Headset", paused=True))
    until("the context and the pause", lambda: bench.checked() == ["my_notes & more", "Pause"])
    assert bench.checked("Microphone") == ["Headset"]

    bench.click("Pause")
    until("the click", lambda: bench.chosen() == [["set_paused", False]])


def test_while_busy_only_status_and_title_change(bench: Bench) -> None:
    bench.show(VIEW)
    until("the menu", lambda: len(bench.labels("Last texts")) == 2)

    busy = replace(VIEW, activity=Activity.WORKING, status="At work", last_texts=("New.", *VIEW.last_texts))
    bench.show(busy)
    until("the status", lambda: bench.labels()[0] == "At work")
    assert bench.title() == "voiceflow: At work"
    assert len(bench.labels("Last texts")) == 2

    bench.show(replace(busy, activity=Activity.IDLE, status="Ready"))
    until("the new text", lambda: bench.labels("Last texts")[0] == "New.")
    assert bench.labels()[0] == "Ready"


def test_demo_models_are_named(bench: Bench) -> None:
    bench.show(replace(VIEW, demo=True))
    until("the status", lambda: bench.labels()[0] == "DEMO · Ready")
    until("the title", lambda: bench.title() == "voiceflow: DEMO · Ready")


def test_stop_ends_run(bench: Bench) -> None:
    bench.show(VIEW)
    bench.stop()
