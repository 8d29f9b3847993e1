"""Models that nobody needs are freed, really, and are there again when one dictates."""

from __future__ import annotations

from pathlib import Path

from tests.desktop.daemon import DEMO_CONFIG, DICTATION_LIMIT_S, Daemon
from tests.desktop.rig import VirtualDesktop
from tests.desktop.test_dictation import EMAIL, NOTE

RESTING = DEMO_CONFIG + "\n[models]\nunload_after_min = 0.01\n"
FREED_BYTES = 10_000_000
"""At least; the demo models have 30 MB in memory."""


def resident_bytes(daemon: Daemon) -> int:
    """Of the daemon's process."""
    status = Path(f"/proc/{daemon.process.pid}/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def await_rest(daemon: Daemon) -> None:
    daemon.await_status("the models to be freed", lambda status: status["models"] == "unloaded")


def test_models_are_freed_and_a_dictation_finds_them_again(sound_desktop: VirtualDesktop) -> None:
    daemon = Daemon(sound_desktop)
    daemon.start()
    editor = sound_desktop.open_editor()
    daemon.dictate("note_short.wav")
    editor.await_text(NOTE, DICTATION_LIMIT_S)
    editor.clear()
    loaded = resident_bytes(daemon)

    daemon.config_file.write_text(RESTING, encoding="utf-8")
    await_rest(daemon)
    assert resident_bytes(daemon) < loaded - FREED_BYTES
    status = daemon.status()
    assert (status["activity"], status["problems"]) == ("idle", {})
    assert {prompt["tier"] for prompt in status["prompts"]} == {"disk"}
    assert b"the models load at the next dictation" in daemon.command("status").stdout

    daemon.command("context", "email")
    assert daemon.status()["models"] == "unloaded"
    daemon.dictate("email_meeting.wav")
    editor.await_text(EMAIL, DICTATION_LIMIT_S)
    await_rest(daemon)
    counters = daemon.status()["counters"]
    assert (counters["rung_model"], counters["prefix_misses"]) == (2, 4)
    daemon.stop()
