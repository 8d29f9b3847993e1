"""The rig itself: what it shows must be what is there, and nothing of it may stay behind."""

import io
import os
import sys
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.desktop.rig import ChildError, VirtualDesktop, until

TONE_HZ = 440.0
RATE_HZ = 48_000

RECORD_WITH_PORTAUDIO = """
import sys, numpy, sounddevice
samples = sounddevice.rec(16_000, samplerate=16_000, channels=1, dtype="float32", blocking=True)
numpy.save(sys.argv[1], samples[:, 0])
"""

TRAY_PROGRAM = """
import pystray
from PIL import Image

chosen = {"size": "small"}

def choose(size):
    def on_click(icon, item):
        chosen["size"] = size
        print("chosen", size)
    return on_click

def size_item(size):
    return pystray.MenuItem(size, choose(size), checked=lambda item: chosen["size"] == size, radio=True)

icon = pystray.Icon("rig-sample", Image.new("RGB", (64, 64), (0, 128, 0)), "Sample", pystray.Menu(
    pystray.MenuItem("Size", pystray.Menu(size_item("small"), size_item("large"))),
    pystray.Menu.SEPARATOR,
    pystray.MenuItem("Greyed", lambda icon, item: print("never"), enabled=False),
    pystray.MenuItem("Tell", lambda icon, item: icon.notify("Body of it", "Heading")),
    pystray.MenuItem("Quit", lambda icon, item: icon.stop()),
))
icon.run()
"""

DESKTOP_THAT_STAYS_UP = """
import time
from tests.desktop.rig import VirtualDesktop
with VirtualDesktop() as desktop:
    print("up")
    time.sleep(600)
"""


def write_tone(path: Path, seconds: float) -> Path:
    phase = 2 * np.pi * TONE_HZ * np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes((np.sin(phase) * 20_000).astype("<i2").tobytes())
    return path


def picture_bytes() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((300, 200), 80).save(buffer, "PNG")
    return buffer.getvalue()


class TestKeyboardAndEditor:
    def test_what_the_hand_types_stands_in_the_editor(self, bare_desktop: VirtualDesktop) -> None:
        editor = bare_desktop.open_editor()
        text = 'Dear Ann,\n\tsee {1} ~ "two" & <three>: it\'s 100% A_B|c\\d!\n'
        bare_desktop.hand.type(text)
        assert editor.read() == text

    def test_an_unmodified_document_reads_back(self, bare_desktop: VirtualDesktop) -> None:
        editor = bare_desktop.open_editor(text="zwölf 漢字 😀\n")
        assert editor.read() == "zwölf 漢字 😀\n"
        assert editor.read() == "zwölf 漢字 😀\n"

    def test_an_editor_is_cleared_and_closed(self, bare_desktop: VirtualDesktop) -> None:
        editor = bare_desktop.open_editor(text="one\n")
        bare_desktop.keyboard.tap("ctrl+End", "x")
        assert editor.read() == "one\nx"
        editor.clear()
        assert editor.read() == ""
        editor.close()
        assert bare_desktop.windows.all() == []

    def test_the_focus_moves_between_windows(self, bare_desktop: VirtualDesktop) -> None:
        first, second = bare_desktop.open_editor("first.txt"), bare_desktop.open_editor("second.txt")
        assert second.is_focused
        bare_desktop.focus(first)
        assert first.is_focused
        active = bare_desktop.active_window()
        assert active is not None
        assert active.id == first.window
        bare_desktop.hand.type("here")
        assert (first.read(), second.read()) == ("here", "")

    def test_a_programs_release_counts_while_the_hand_still_holds(self, bare_desktop: VirtualDesktop) -> None:
        editor = bare_desktop.open_editor()
        with bare_desktop.hand.holding("Shift_L"):
            bare_desktop.keyboard.tap("x")
            assert bare_desktop.hand.down() == [bare_desktop.x.keycode("Shift_L")]
            bare_desktop.keyboard.release("Shift_L")
            assert bare_desktop.hand.down() == []
            bare_desktop.hand.tap("y")
        bare_desktop.hand.type("Z")
        assert editor.read() == "XyZ"

    def test_a_click_moves_the_focus(self, bare_desktop: VirtualDesktop) -> None:
        first, second = bare_desktop.open_editor("first.txt"), bare_desktop.open_editor("second.txt")
        bare_desktop.windows.place(first.window, 20, 60, 500, 400)
        bare_desktop.windows.place(second.window, 620, 60, 500, 400)
        bare_desktop.mouse.click(*bare_desktop.windows.centre(first.window))
        bare_desktop.until("the click to move the focus", lambda: first.is_focused)


class TestClipboard:
    def test_a_picture_comes_back_byte_for_byte(self, bare_desktop: VirtualDesktop) -> None:
        picture = picture_bytes()
        bare_desktop.clipboard.put_picture(picture)
        assert bare_desktop.clipboard.targets() == ["image/png"]
        assert bare_desktop.clipboard.read("image/png") == picture
        assert bare_desktop.clipboard.text() == ""

    def test_text_replaces_a_picture_and_nothing_replaces_text(self, bare_desktop: VirtualDesktop) -> None:
        bare_desktop.clipboard.put_picture(picture_bytes())
        bare_desktop.clipboard.put_text("größer\n")
        assert bare_desktop.clipboard.text() == "größer\n"
        bare_desktop.clipboard.clear()
        assert bare_desktop.clipboard.targets() == []


class TestSound:
    def test_the_microphone_hears_what_is_played(self, sound_desktop: VirtualDesktop) -> None:
        tone = write_tone(sound_desktop.home / "tone.wav", seconds=0.6)
        recorder = sound_desktop.spawn(
            "parec", "parec", "--raw", "--format=s16le", "--rate=16000", "--channels=1", "--latency-msec=20"
        )
        # parec's log is what it recorded: raw samples.
        raw = sound_desktop.folder / "parec.log"
        sound_desktop.await_ready("parec", recorder, lambda: raw.stat().st_size > 0)
        sound_desktop.microphone.say(tone)
        sound_desktop.until("the tone to be recorded", lambda: _loud_seconds(raw.read_bytes()) > 0.55)

    def test_portaudio_opens_the_microphone(self, sound_desktop: VirtualDesktop) -> None:
        tone = write_tone(sound_desktop.home / "tone.wav", seconds=2.0)
        saved = sound_desktop.home / "heard.npy"
        playing = sound_desktop.microphone.play(tone)
        sound_desktop.run(sys.executable, "-c", RECORD_WITH_PORTAUDIO, saved)
        playing.stop()
        assert float(np.abs(np.load(saved)).max()) > 0.5


class TestTrayAndNotifications:
    def test_a_menu_is_read_and_clicked(self, desktop: VirtualDesktop) -> None:
        desktop.spawn("sample", sys.executable, "-c", TRAY_PROGRAM)
        item = desktop.tray.await_item("rig-sample")
        # The backend registers the item first and names it a moment later.
        desktop.until("the item's title", lambda: item.title == "Sample")
        assert Path(item.icon_name).is_file()
        assert item.labels() == ["Size", "Greyed", "Tell", "Quit"]
        assert item.labels("Size") == ["small", "large"]
        assert item.is_checked("Size", "small")
        item.click("Size", "large")
        desktop.until("the radio mark to move", lambda: item.checked_labels("Size") == ["large"])
        assert "chosen large" in desktop.log("sample")
        with pytest.raises(LookupError, match="cannot be chosen"):
            item.click("Greyed")
        with pytest.raises(LookupError, match="Quit"):
            item.click("Gone")

    def test_the_icon_is_drawn_in_the_panel(self, desktop: VirtualDesktop) -> None:
        desktop.spawn("sample", sys.executable, "-c", TRAY_PROGRAM)
        desktop.tray.await_item("rig-sample")
        places = desktop.until("a green icon", lambda: desktop.screen.pixels_of((0, 128, 0)))
        assert all(y < 30 for _, y in places)

    def test_a_notification_is_seen(self, desktop: VirtualDesktop) -> None:
        desktop.spawn("sample", sys.executable, "-c", TRAY_PROGRAM)
        desktop.tray.await_item("rig-sample").click("Tell")
        seen = desktop.notifications.await_containing("Body of it")
        assert (seen.summary, seen.body) == ("Heading", "Body of it")
        assert desktop.notifications.shown_now() == 0


class TestTeardown:
    def test_nothing_stays_behind(self) -> None:
        with VirtualDesktop() as desktop:
            desktop.open_editor()
            desktop.clipboard.put_text("held by xclip")
            # A program that leaves the session and outlives its parent, as a keeper does.
            desktop.run("sh", "-c", "setsid sleep 600 >/dev/null 2>&1 &")
            desktop.until("the sleeper", lambda: "sleep" in desktop.processes.living().values())
            alive = desktop.processes.living()
            assert {"Xvfb", "mousepad", "xclip", "pulseaudio", "sleep"} <= set(alive.values())
            number = desktop.env["DISPLAY"].removeprefix(":")
        assert not [pid for pid in alive if Path(f"/proc/{pid}").exists()]
        assert not desktop.folder.exists()
        # Another desktop may have taken the free number by now; then the lock names its server.
        lock = Path(f"/tmp/.X{number}-lock")
        assert not lock.exists() or int(lock.read_text()) not in alive

    def test_an_error_in_the_test_still_tears_down(self) -> None:
        desktop = VirtualDesktop(panel=False, notifications=False, sound=False)
        with pytest.raises(ZeroDivisionError), desktop:
            _ = 1 // 0
        assert desktop.processes.living() == {}
        assert not desktop.folder.exists()

    def test_a_killed_run_leaves_no_process(self, bare_desktop: VirtualDesktop) -> None:
        before = bare_desktop.processes.living().keys()
        checkout = str(Path(__file__).parents[2])
        run = bare_desktop.spawn(
            "run", sys.executable, "-c", DESKTOP_THAT_STAYS_UP, env={"PYTHONPATH": checkout}
        )
        bare_desktop.await_ready("run", run, lambda: "up" in bare_desktop.log("run"))
        assert "Xvfb" in [name for pid, name in bare_desktop.processes.living().items() if pid not in before]
        run.kill()
        bare_desktop.until("its desktop to go", lambda: bare_desktop.processes.living().keys() <= before)

    def test_two_desktops_do_not_know_each_other(self) -> None:
        with (
            VirtualDesktop(panel=False, notifications=False) as one,
            VirtualDesktop(panel=False, notifications=False) as two,
        ):
            assert one.env["DISPLAY"] != two.env["DISPLAY"]
            one.clipboard.put_text("one's own")
            assert two.clipboard.targets() == []
            two.hand.press("a")
            assert one.hand.down() == []
            two.hand.release("a")


class TestErrors:
    def test_a_component_that_ends_early_shows_its_log(self, bare_desktop: VirtualDesktop) -> None:
        child = bare_desktop.spawn("broken", "sh", "-c", "echo no such luck >&2; exit 3")
        with pytest.raises(ChildError, match=r"(?s)broken ended with status 3.*no such luck"):
            bare_desktop.await_ready("broken", child, lambda: False)

    def test_a_wait_names_what_was_awaited(self) -> None:
        with pytest.raises(TimeoutError, match="the moon to rise"):
            until("the moon to rise", lambda: False, limit_s=0.02)

    def test_the_environment_points_nowhere_else(self, bare_desktop: VirtualDesktop) -> None:
        places = ("HOME", "TMPDIR", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")
        for name in places:
            assert Path(bare_desktop.env[name]).is_relative_to(bare_desktop.folder)
        assert os.environ.get("DISPLAY") != bare_desktop.env["DISPLAY"]


def _loud_seconds(raw: bytes) -> float:
    """How long the sound of 16 kHz samples is loud."""
    level = np.abs(np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.float64))
    smooth = np.convolve(level, np.ones(160) / 160, "same")
    return float(np.count_nonzero(smooth > 3_000)) / 16_000
