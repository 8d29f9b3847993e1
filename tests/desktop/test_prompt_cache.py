"""Prompts are evaluated once, whatever happens to the daemon, and again when that is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.desktop.daemon import DEMO_CONFIG, DICTATION_LIMIT_S, LOADING_LIMIT_S, Daemon
from tests.desktop.rig import VirtualDesktop
from tests.desktop.test_dictation import CODE, EMAIL, NOTE

CONTEXTS = ["default", "email", "slack", "code"]
LETTERS = '\n[contexts.email]\nprompt = "Write a letter."\n'


@pytest.fixture
def daemon(desktop: VirtualDesktop) -> Daemon:
    """Not started yet."""
    return Daemon(desktop)


def files(daemon: Daemon) -> list[Path]:
    """Prompts that are whole on disk."""
    folder = daemon.desktop.home / ".cache/voiceflow/prefixes"
    return sorted(folder.glob("*.kv")) if folder.is_dir() else []


def written(daemon: Daemon) -> set[tuple[int, int]]:
    """What tells a file from one that was written in its place."""
    return {(path.stat().st_ino, path.stat().st_ctime_ns) for path in files(daemon)}


def tiers(status: dict[str, Any]) -> dict[str, str]:
    return {prompt["context"]: prompt["tier"] for prompt in status["prompts"]}


def is_prepared(status: dict[str, Any]) -> bool:
    idle = "Preparing" not in status["status"] and "Loading" not in status["status"]
    return idle and "none" not in tiers(status).values()


def counters(daemon: Daemon) -> Counter[str]:
    return Counter(daemon.status()["counters"])


def await_misses(daemon: Daemon, count: int) -> None:
    """Until so many prompts have been evaluated and everything is prepared; and no more than so many."""

    def fits(status: dict[str, Any]) -> bool:
        return is_prepared(status) and status["counters"].get("prefix_misses", 0) >= count

    assert daemon.await_status(f"{count} evaluations", fits)["counters"].get("prefix_misses", 0) == count


def choose(daemon: Daemon, context: str) -> None:
    daemon.command("context", context)
    daemon.await_status(f"{context} to be at hand", lambda status: tiers(status)[context] == "hot")


def await_files(daemon: Daemon, fits: Callable[[list[Path]], bool]) -> None:
    daemon.desktop.until("the files", lambda: fits(files(daemon)), DICTATION_LIMIT_S)


def test_no_dictation_waits_for_a_prompt_also_after_a_restart(daemon: Daemon) -> None:
    daemon.start()
    status = daemon.status()
    assert [prompt["context"] for prompt in status["prompts"]] == CONTEXTS
    assert tiers(status) == {"default": "hot", "email": "ram", "slack": "ram", "code": "ram"}
    assert all(prompt["tokens"] > 50 and prompt["bytes"] > 100_000 for prompt in status["prompts"])
    assert all(0 <= prompt["age_s"] < LOADING_LIMIT_S for prompt in status["prompts"])
    assert status["prompt_disk_problem"] == ""
    assert counters(daemon)["prefix_misses"] == 4

    editor = daemon.desktop.open_editor()
    for context, recording, text in (
        ("email", "email_meeting.wav", EMAIL),
        ("code", "code_define.wav", CODE),
        ("default", "note_short.wav", NOTE),
    ):
        choose(daemon, context)
        daemon.dictate(recording)
        editor.await_text(text, DICTATION_LIMIT_S)
        editor.clear()
    assert counters(daemon)["prefix_misses"] == 4
    assert counters(daemon)["rung_model"] == 3

    daemon.stop()
    assert len(files(daemon)) == 4
    daemon.start()
    again = counters(daemon)
    assert (again["prefix_misses"], again["prefix_hits_disk"]) == (0, 4)
    assert "prompt_prefill_ms" not in daemon.status()["timings_ms"]
    assert daemon.status()["timings_ms"]["prefix_read_ms"]["count"] == 4
    choose(daemon, "email")
    daemon.dictate("email_meeting.wav")
    editor.await_text(EMAIL, DICTATION_LIMIT_S)
    assert counters(daemon)["prefix_misses"] == 0
    daemon.stop()


def test_an_edit_costs_one_evaluation_and_an_invalidation_all(daemon: Daemon) -> None:
    daemon.start()
    daemon.command("reload")
    daemon.await_status("the reload", lambda status: status["counters"]["prompt_cache_misses"] >= 8)
    await_misses(daemon, 4)
    daemon.config_file.write_text(DEMO_CONFIG + '[hotkey]\nmode = "toggle"\n')
    daemon.await_status("the reload", lambda status: status["hotkey_mode"] == "toggle")
    await_misses(daemon, 4)
    daemon.config_file.write_text(DEMO_CONFIG + LETTERS)
    await_misses(daemon, 5)
    daemon.config_file.write_text(DEMO_CONFIG)
    daemon.await_status("the reload", lambda status: status["counters"]["prompt_cache_misses"] >= 16)
    await_misses(daemon, 5)

    await_files(daemon, lambda found: len(found) == 5)
    before = written(daemon)
    daemon.command("invalidate")
    assert not before & written(daemon)
    await_misses(daemon, 9)
    await_files(daemon, lambda found: len(found) == 4)
    daemon.tray.click("Invalidate prompt cache")
    await_misses(daemon, 13)
    await_files(daemon, lambda found: len(found) == 4)

    shown = daemon.command("status").stdout.decode().splitlines()
    heading = next(number for number, line in enumerate(shown) if line.startswith("prompt "))
    assert [line.split()[:2] for line in shown[heading + 1 : heading + 5]] == [
        ["default", "hot"],
        ["email", "ram"],
        ["slack", "ram"],
        ["code", "ram"],
    ]
    daemon.stop()


def test_killed_while_it_prepares_it_goes_on_where_it_was(daemon: Daemon) -> None:
    daemon.start(ready=lambda status: True)
    await_files(daemon, lambda found: len(found) >= 1)
    daemon.kill()
    whole = len(files(daemon))
    daemon.start()
    again = counters(daemon)
    assert (again["prefix_hits_disk"], again["prefix_misses"]) == (whole, 4 - whole)
    editor = daemon.desktop.open_editor()
    daemon.dictate("note_short.wav")
    editor.await_text(NOTE, DICTATION_LIMIT_S)
    daemon.stop()
    assert len(files(daemon)) == 4


def test_without_a_folder_to_write_to_it_works_and_says_so_once(daemon: Daemon) -> None:
    cache = daemon.desktop.home / ".cache/voiceflow"
    cache.mkdir(parents=True)
    (cache / "prefixes").write_text("A file stands in the folder's place.")
    daemon.start()
    daemon.desktop.notifications.await_containing("not kept on disk", DICTATION_LIMIT_S)
    status = daemon.status()
    assert status["prompt_disk_problem"]
    assert (status["problems"], status["activity"]) == ({}, "idle")
    assert b"not kept on disk" in daemon.command("status").stdout
    editor = daemon.desktop.open_editor()
    daemon.dictate("note_short.wav")
    editor.await_text(NOTE, DICTATION_LIMIT_S)
    told = [note for note in daemon.desktop.notifications.all() if "not kept on disk" in str(note)]
    assert len(told) == 1
    daemon.stop()
