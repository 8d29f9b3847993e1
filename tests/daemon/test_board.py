"""What the user is told, from what is known: activity, status line, the status for programs."""

from __future__ import annotations

import json

import pytest

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.board import Board, LastText, of_each_context
from voiceflow_daemon.daemon.session import Recording, Session
from voiceflow_daemon.desktop.tray import Activity
from voiceflow_daemon.llm.kv_cache import PromptEntry
from voiceflow_daemon.metrics import Metrics

SETTINGS = Settings()
RECORDING = Recording(1, 0.0)


@pytest.mark.parametrize(
    ("board", "session", "activity"),
    [
        (Board(), Session(), Activity.IDLE),
        (Board(problems={"hotkey": "It is taken."}), Session(), Activity.ERROR),
        (Board(models_missing=True), Session(), Activity.ERROR),
        (Board(problems={"hotkey": "It is taken."}), Session(in_work=(1,)), Activity.WORKING),
        (Board(), Session(paused=True, in_work=(1,)), Activity.PAUSED),
        (Board(models_missing=True), Session(recording=RECORDING, paused=True), Activity.RECORDING),
        (Board(preparing=(1, 4), loading=True), Session(), Activity.IDLE),
        (Board(unloaded=True), Session(), Activity.IDLE),
    ],
)
def test_the_icon_shows_what_matters_most(board: Board, session: Session, activity: Activity) -> None:
    assert board.activity(session) is activity


EVERYTHING = {
    "downloading": "Downloading 12%",
    "problems": {"models": "It is damaged.", "hotkey": "It is taken."},
    "models_missing": True,
    "loading": True,
    "unloaded": True,
    "preparing": (2, 4),
    "release_to_text_ms": 812.4,
}


@pytest.mark.parametrize(
    ("without", "line"),
    [
        ((), "Downloading 12%"),
        (("downloading",), "It is damaged."),
        (("downloading", "problems"), "No speech model yet: choose Download models"),
        (("downloading", "problems", "models_missing"), "Loading models …"),
        (
            ("downloading", "problems", "models_missing", "loading"),
            "Unloaded: the models load at the next dictation",
        ),
        (
            ("downloading", "problems", "models_missing", "loading", "unloaded"),
            "Preparing prompts 2 of 4 …",
        ),
        (tuple(EVERYTHING)[:-1], "Ready, last text after 0.81 s"),
        (tuple(EVERYTHING), "Ready"),
    ],
)
def test_the_status_line_tells_one_thing(without: tuple[str, ...], line: str) -> None:
    known = {name: value for name, value in EVERYTHING.items() if name not in without}
    board = Board(**known)  # type: ignore[arg-type]
    assert board.status_line(Session()) == line
    assert board.status_line(Session(paused=True)) == "Paused"
    assert board.tray_view(Session(), SETTINGS).status == line


@pytest.mark.parametrize(
    ("board", "models"),
    [
        (Board(), "loaded"),
        (Board(loading=True), "loading"),
        (Board(load_failed=True), "failed"),
        (Board(unloaded=True), "unloaded"),
        (Board(models_missing=True), "missing"),
    ],
)
def test_programs_are_told_what_has_become_of_the_models(board: Board, models: str) -> None:
    assert board.status(Session(), SETTINGS, Metrics())["models"] == models


def test_demo_models_are_named_in_the_tray() -> None:
    demo = Settings.model_validate({"llm": {"model": "demo"}})
    assert Board().tray_view(Session(), demo).status == "DEMO models · Ready"
    assert Board().tray_view(Session(), demo).demo


EMAIL = PromptEntry("email", "ram", 372, 4_575_600, 12.5, 3)


def test_each_context_has_an_entry_in_the_menus_order() -> None:
    gone = PromptEntry("gone", "disk", 3, 3, None, 0)
    assert of_each_context(("default", "email"), (EMAIL, gone)) == [
        PromptEntry("default", "none", 0, 0, None, 0),
        EMAIL,
    ]


def test_the_status_for_programs_has_the_prompts_and_no_dictated_word() -> None:
    board = Board(contexts=("default", "email"))
    board.last.appendleft(LastText("um canary", "Canary.", "default"))
    status = board.status(Session(), SETTINGS, Metrics(), (EMAIL,), "the disk is full")
    assert status["prompts"][1] == {
        "context": "email",
        "tier": "ram",
        "tokens": 372,
        "bytes": 4_575_600,
        "age_s": 12.5,
        "hits": 3,
    }
    assert status["prompt_disk_problem"] == "the disk is full"
    assert "canary" not in json.dumps(status).lower()
