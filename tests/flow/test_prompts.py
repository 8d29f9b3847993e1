"""Prepared prompts as the user meets them: after a start, a choice, an edit, an invalidation."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.fakes.language_model import FakeLanguageModel
from tests.flow.world import LIMIT_S, SETTINGS, World
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon import events
from voiceflow_daemon.daemon.control_protocol import Request
from voiceflow_daemon.desktop.tray import Activity
from voiceflow_daemon.storage.prefixes import PrefixFilesError

CONTEXTS = ["default", "email", "slack", "code"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    """With a language model; not started yet."""
    made = World(tmp_path)
    made.language_model = FakeLanguageModel()
    return made


def tiers(world: World) -> dict[str, str]:
    return {prompt["context"]: prompt["tier"] for prompt in world.ask("status").data["prompts"]}


def await_prepared(world: World) -> None:
    world.until(lambda: world.view.status.startswith("Ready") and "none" not in tiers(world).values())


def misses(world: World) -> int:
    return world.metrics.counter("prefix_misses")


class Held:
    """The language model hangs at its `at`th evaluation, until it is stopped or let go."""

    def __init__(self, model: FakeLanguageModel, at: int = 1) -> None:
        self.reached = threading.Event()
        self.let_go = threading.Event()
        self._model = model
        self._left = at
        model.before_evaluation = self._hold

    def _hold(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.reached.set()
            while not self.let_go.is_set() and not self._model.wait_for_stop(0.001):
                pass


def held(world: World, at: int = 1) -> Held:
    assert world.language_model is not None
    return Held(world.language_model, at)


def with_email(prompt: str) -> Settings:
    return SETTINGS.model_copy(
        update={"contexts": Settings.model_validate({"contexts": {"email": {"prompt": prompt}}}).contexts}
    )


def test_after_the_start_every_context_is_prepared_and_dictations_cost_no_evaluation(world: World) -> None:
    with world:
        await_prepared(world)
        assert tiers(world) == {"default": "hot", "email": "ram", "slack": "ram", "code": "ram"}
        assert misses(world) == 4
        for context in CONTEXTS:
            assert world.ask("context", context).ok
            world.until(lambda chosen=context: tiers(world)[chosen] == "hot")  # type: ignore[misc]
            world.dictate()
        world.await_quiet()
        assert world.metrics.counter("rung_model") == 4
        assert misses(world) == 4


def test_the_status_line_counts_the_prompts(world: World) -> None:
    waits = held(world, at=3)
    with world:
        assert waits.reached.wait(LIMIT_S)
        world.until(lambda: world.view.status == "Preparing prompts 3 of 4 …")
        assert world.view.activity is Activity.IDLE
        waits.let_go.set()
        await_prepared(world)
        seen = list(dict.fromkeys(view.status for view in world.views))
    assert [line for line in seen if "Preparing" in line] == [
        f"Preparing prompts {number} of 4 …" for number in (1, 2, 3, 4)
    ]


def test_a_dictation_does_not_wait_for_another_contexts_prompt(world: World) -> None:
    waits = held(world, at=2)
    with world:
        assert waits.reached.wait(LIMIT_S)
        world.dictate()
        world.await_text("Hello world.")
        await_prepared(world)
        assert world.metrics.counter("rung_model") == 1


def test_pressing_the_key_has_the_chosen_prompt_at_hand_while_the_user_speaks(world: World) -> None:
    with world:
        await_prepared(world)
        waits = held(world)
        world.incoming.emit(events.SettingsLoaded(with_email("Write letters.")))
        assert waits.reached.wait(LIMIT_S)
        world.key.press()

        def at_hand_while_speaking() -> bool:
            world.speak(seconds=0.02)
            return tiers(world)["default"] == "hot"

        world.until(at_hand_while_speaking)
        assert world.view.activity is Activity.RECORDING
        assert world.metrics.counter("rung_model") == 0
        world.key.release()
        world.await_text("Hello world.")


def test_an_edit_costs_the_evaluation_of_what_it_changes_and_no_more(world: World) -> None:
    with world:
        await_prepared(world)
        world.incoming.emit(events.ReloadWanted())
        world.until(lambda: world.metrics.counter("prompt_cache_misses") == 8)
        await_prepared(world)
        assert misses(world) == 4
        world.incoming.emit(events.SettingsLoaded(with_email("Write letters.")))
        world.until(lambda: misses(world) == 5)
        await_prepared(world)
        assert misses(world) == 5


@pytest.mark.parametrize("by", ["tray", "command"])
def test_invalidating_drops_every_tier_and_prepares_again(world: World, by: str) -> None:
    with world:
        await_prepared(world)
        assert len(world.disk.entries) == 4
        if by == "tray":
            world.incoming.emit(events.InvalidateWanted())
        else:
            assert world.ask("invalidate").ok
            assert "Preparing" in world.view.status or misses(world) == 8
        world.until(lambda: misses(world) == 8)
        await_prepared(world)
        assert len(world.disk.entries) == 4


@pytest.mark.parametrize("by", ["tray", "command"])
def test_files_that_cannot_be_deleted_are_told_and_all_else_is_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    left = PrefixFilesError("They cannot be deleted: Permission denied.", "Delete them yourself.")

    def refuse() -> None:
        raise left

    monkeypatch.setattr(world, "_delete_prompts", refuse)
    with world:
        await_prepared(world)
        if by == "tray":
            world.incoming.emit(events.InvalidateWanted())
            world.until(lambda: ("invalidate", left.message, left.hint) in world.notes.shown)
        else:
            reply = world.ask("invalidate")
            assert (reply.ok, reply.message, reply.hint) == (False, left.message, left.hint)
            assert "invalidate" not in world.notes.topics()
        world.until(lambda: misses(world) == 8)
        await_prepared(world)


def test_a_slow_disk_holds_up_the_answer_and_nothing_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    purging, go_on = threading.Event(), threading.Event()
    purge = world.disk.purge

    def slowly() -> None:
        purging.set()
        assert go_on.wait(LIMIT_S)
        purge()

    with world:
        await_prepared(world)
        monkeypatch.setattr(world.disk, "purge", slowly)
        asked = events.Asked(Request("invalidate"))
        world.incoming.emit(asked)
        assert purging.wait(LIMIT_S)
        assert world.ask("last").exit_code == 1
        assert not asked.reply.done()
        assert world.disk.entries
        go_on.set()
        assert asked.reply.result(LIMIT_S).ok
        world.until(lambda: misses(world) == 8)


def test_a_prompt_that_cannot_be_used_is_told_and_the_others_are_prepared(
    world: World, tmp_path: Path
) -> None:
    letter = tmp_path / "letter.txt"
    contexts = Settings.model_validate({"contexts": {"letter": {"prompt_file": str(letter)}}}).contexts
    world.settings = SETTINGS.model_copy(update={"contexts": contexts})
    with world:
        world.until(lambda: "prompts" in world.ask("status").data["problems"])
        assert world.view.activity is Activity.ERROR
        assert tiers(world) == {
            "default": "hot",
            "email": "ram",
            "slack": "ram",
            "code": "ram",
            "letter": "none",
        }
        assert [title for topic, title, _ in world.notes.shown if topic == "prompts"] == [
            "The prompt of letter cannot be used"
        ]
        letter.write_text("Write letters.")
        world.incoming.emit(events.ReloadWanted())
        world.until(lambda: world.view.activity is Activity.IDLE)
        await_prepared(world)


def test_a_disk_that_keeps_nothing_is_told_once_and_is_no_error(world: World) -> None:
    world.disk.problem = "the disk is full"
    with world:
        await_prepared(world)
        world.dictate()
        world.await_text("Hello world.")
        assert world.ask("status").data["prompt_disk_problem"] == "the disk is full"
        assert world.notes.topics() == ["prompt disk"]
        assert world.view.activity is Activity.IDLE
