"""`voiceflow bench release --desktop` on a real desktop."""

import json
import subprocess
from pathlib import Path

from tests.desktop.rig import Editor, VirtualDesktop

LIMIT_S = 120.0
COMMAND = ("voiceflow", "bench", "release", "--desktop", "--shape", "demo", "--seconds", "2", "--runs", "1")


def started(desktop: VirtualDesktop, figures: Path) -> tuple[subprocess.Popen[bytes], Editor]:
    """The benchmark, when it delivers into the editor that came up behind its invitation."""
    bench = desktop.spawn("bench", *COMMAND, "--json", figures)
    desktop.await_ready("bench", bench, lambda: "Click into" in desktop.log("bench"), LIMIT_S)
    editor = desktop.open_editor("dictated.txt")
    desktop.await_ready("bench", bench, lambda: "Delivering into" in desktop.log("bench"), LIMIT_S)
    return bench, editor


def test_texts_go_into_the_editor(bare_desktop: VirtualDesktop, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    bench, editor = started(bare_desktop, figures)
    assert bench.wait(LIMIT_S) == 0, bare_desktop.log("bench")
    made = json.loads(figures.read_text())
    assert made["delivered_to"] == "desktop"
    assert made["stages_ms"]["2"]["ours"]["delivery"] > 0
    assert "the text goes into the editor" in bare_desktop.log("bench")
    # The one that warms up, and the one that counts.
    assert len(editor.read().split()) > 8


def test_it_ends_when_the_focus_moves(bare_desktop: VirtualDesktop, tmp_path: Path) -> None:
    bench, editor = started(bare_desktop, tmp_path / "figures.json")
    other = bare_desktop.open_editor("other.txt")
    assert bench.wait(LIMIT_S) == 1
    assert "could not be put at the cursor" in bare_desktop.log("bench")
    assert other.read() == editor.read() == ""
