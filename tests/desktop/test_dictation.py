"""Hold the key, speak, let go: the finished text stands in the editor."""

from pathlib import Path

from tests.desktop.rig import VirtualDesktop

RECORDINGS = Path(__file__).parents[2] / "assets/demo/recordings"

DEMO_CONFIG = """
context = "default"
[speech]
model = "demo"
[llm]
model = "demo"
"""


def test_note_is_dictated_into_the_editor(desktop: VirtualDesktop) -> None:
    config = desktop.config_dir / "voiceflow/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(DEMO_CONFIG)
    daemon = desktop.spawn("voiceflow", "voiceflow", "run")
    desktop.await_ready("voiceflow", daemon, lambda: "models loaded" in desktop.log("voiceflow"), 60)
    editor = desktop.open_editor()

    with desktop.hand.holding("Control_R"):
        desktop.microphone.say(RECORDINGS / "note_short.wav")

    editor.await_text("Remember to call my sister tonight.\n".strip(), limit_s=20)
    daemon.terminate()
    assert daemon.wait(10) == 0
    assert list((desktop.state_dir / "voiceflow/journal").iterdir()) == []
