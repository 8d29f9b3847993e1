"""The finished sentences of a long dictation stand in the editor before the rest is written."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.desktop.daemon import DEMO_CONFIG, Daemon
from tests.desktop.rig import VirtualDesktop

BY_SENTENCE = DEMO_CONFIG + "\n[delivery]\nby_sentence = true\n"
PAUSED = ("note_short.wav", "code_define.wav")
LAST = "chat_short.wav"


@pytest.fixture
def daemon(desktop: VirtualDesktop) -> Iterator[Daemon]:
    daemon = Daemon(desktop)
    daemon.start()
    yield daemon
    daemon.stop()
    assert daemon.journal() == []


def finished_while_speaking(status: dict[str, Any]) -> int:
    return int(status["counters"].get("sentences_finished_while_speaking", 0))


def deliveries(status: dict[str, Any]) -> int:
    return int(status["timings_ms"].get("release_to_text_ms", {"count": 0})["count"])


def has_finished(sentences: int, status: dict[str, Any]) -> bool:
    return finished_while_speaking(status) >= sentences


def dictate(daemon: Daemon, number: int) -> str:
    """The `number`th dictation: pauses until each sentence is written; returns what the editor holds."""
    editor = daemon.desktop.open_editor(f"{number}.txt")
    finished = finished_while_speaking(daemon.status())
    with daemon.desktop.hand.holding("Control_R"):
        for at, recording in enumerate(PAUSED, finished + 1):
            daemon.say(recording)
            daemon.await_status("the sentence to be written", partial(has_finished, at))
        daemon.say(LAST)
    daemon.await_status("the delivery", lambda status: deliveries(status) == number)
    return editor.read()


def test_it_is_the_same_text(daemon: Daemon) -> None:
    daemon.desktop.clipboard.put_text("the user's own")
    at_once = dictate(daemon, 1)
    assert len(at_once.split()) > 20
    assert "release_to_beginning_ms" not in daemon.status()["timings_ms"]

    daemon.config_file.write_text(BY_SENTENCE)
    daemon.desktop.until("the reload", lambda: "config reloaded" in daemon.log())
    assert dictate(daemon, 2) == at_once
    timings = daemon.status()["timings_ms"]
    assert timings["release_to_beginning_ms"]["count"] >= 1
    assert daemon.last() == at_once
    clipboard = daemon.desktop.clipboard
    daemon.desktop.until("the clipboard to be back", lambda: clipboard.text() == "the user's own")
    print({name: round(timings[name]["last"]) for name in ("release_to_beginning_ms", "release_to_text_ms")})
