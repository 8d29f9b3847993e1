"""Nothing spoken is lost: killed daemons, missing models."""

from tests.desktop.daemon import DICTATION_LIMIT_S, Daemon
from tests.desktop.rig import VirtualDesktop
from tests.desktop.test_dictation import NOTE


def test_a_killed_daemons_recording_is_offered_and_never_pasted(desktop: VirtualDesktop) -> None:
    daemon = Daemon(desktop)
    daemon.start()
    editor = desktop.open_editor()
    with desktop.hand.holding("Control_R"):
        daemon.say("note_short.wav")
        daemon.await_status("the recording", lambda status: status["activity"] == "recording")
        daemon.kill()
    assert len(daemon.journal()) == 1

    daemon.start()
    desktop.notifications.await_containing("Recovered", DICTATION_LIMIT_S)
    assert daemon.last() == NOTE
    assert editor.read() == ""
    assert daemon.journal() == []
    editor.focus()
    daemon.command("last", "--paste")
    editor.await_text(NOTE, DICTATION_LIMIT_S)
    daemon.stop()


def test_without_a_model_nothing_is_recorded_and_the_download_is_offered(desktop: VirtualDesktop) -> None:
    daemon = Daemon(desktop, config=None)
    daemon.start(ready=lambda status: "No speech model" in status["status"])
    assert daemon.config_file.exists()
    editor = desktop.open_editor()
    desktop.notifications.await_containing("No speech model")
    desktop.notifications.close_all()
    daemon.dictate("note_short.wav")
    desktop.notifications.await_containing("No speech model")
    assert daemon.journal() == []
    assert editor.read() == ""
    assert any("Download" in label for label in daemon.tray.labels())
    assert daemon.command("press", check=False).returncode == 6
    daemon.stop()


def test_a_recording_waits_for_the_model(desktop: VirtualDesktop) -> None:
    daemon = Daemon(desktop, config='[speech]\nmodel = "/nowhere/model"\n')
    daemon.start(ready=lambda status: "models" in status["problems"])
    desktop.open_editor()
    daemon.dictate("note_short.wav")
    daemon.await_status("the recording to wait", lambda status: status["waiting_recordings"] == 1)
    daemon.config_file.write_text('[speech]\nmodel = "demo"\n')
    desktop.notifications.await_containing("Recovered", DICTATION_LIMIT_S)
    assert daemon.last() == NOTE
    assert daemon.status()["waiting_recordings"] == 0
    daemon.stop()
