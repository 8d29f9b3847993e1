"""A dictation whose beginning is delivered while the rest is still worked on."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.fakes.transcriber import FakeTranscriber
from tests.flow.world import BROWSER, SETTINGS, World
from voiceflow_daemon.config.schema import DeliverySettings, SpeechSettings
from voiceflow_daemon.daemon.orders import Fixed
from voiceflow_daemon.speech.transcriber import Transcript, always

BY_SENTENCE = SETTINGS.model_copy(update={"delivery": DeliverySettings(by_sentence=True)})


class Held(FakeTranscriber):
    """Hears "hello world" once `until` returns."""

    until: Callable[[], None]

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        self.until()
        return super().transcribe(samples, settings, loudness, wanted)


def dictate_in_pieces(world: World) -> None:
    world.key.press()
    world.speak()
    # What is fixed was heard in the recording, which has been in its file by then.
    world.until(lambda: world.has_recorded(1))
    world.incoming.emit(Fixed(1, "Hello"))
    assert world.ask("status").data["activity"] == "recording"
    assert world.inserter.written == {}
    world.key.release()


def held(folder: Path, between: Callable[[], object]) -> World:
    """`between` happens when the beginning stands in the editor."""
    world = World(folder, settings=BY_SENTENCE)
    world.transcriber = held = Held()

    def until() -> None:
        world.await_text("Hello")
        between()

    held.until = until
    return world


def test_the_beginning_stands_while_the_rest_is_heard(tmp_path: Path) -> None:
    marked: list[str] = []
    journal = tmp_path / "journal"
    with held(tmp_path, lambda: marked.extend(path.name for path in journal.iterdir())) as world:
        dictate_in_pieces(world)
        world.await_text("Hello world.")
        assert [name.endswith(".begun.recording") for name in marked] == [True]
        world.until(lambda: world.history.latest() is not None)
        (row,) = world.history.recent(9)
        assert (row.text, row.outcome) == ("Hello world.", "pasted")
        world.until(lambda: list(journal.iterdir()) == [])
        assert world.view.last_texts == ("Hello world.",)


def test_the_rest_alone_is_kept_when_the_focus_has_moved(tmp_path: Path) -> None:
    world = held(tmp_path, lambda: setattr(world.inserter, "focused", BROWSER))
    with world:
        dictate_in_pieces(world)
        world.until(lambda: world.inserter.clipboard == " world.")
        world.await_quiet()
        assert world.notes.topics().count("delivery") == 1
        world.await_text("Hello")
        assert world.view.last_texts == ("Hello world.",)
