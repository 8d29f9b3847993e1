"""Desktop entries, systemd unit and icons: they parse, start what exists, and can be installed."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest
from PIL import Image, ImageChops

from voiceflow_daemon.cli.main import parser
from voiceflow_daemon.desktop.icons import draw_icon
from voiceflow_daemon.desktop.tray import Activity
from voiceflow_daemon.errors import AlreadyRunningError

ROOT = Path(__file__).resolve().parents[2]
FILES = ROOT / "packaging" / "desktop"
INSTALL = FILES / "install"
ICONS = ROOT / "assets" / "icons" / "hicolor"
SIZES_PX = (16, 22, 24, 32, 48, 64, 128, 256)


class CaseSensitive(RawConfigParser):
    """Keys are told apart by case, in desktop entries as in units."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def read(path: Path) -> CaseSensitive:
    read_file = CaseSensitive(strict=True, delimiters=("=",))
    read_file.read_string(path.read_text())
    return read_file


@pytest.mark.parametrize("name", ["voiceflow.desktop", "voiceflow-autostart.desktop"])
def test_entries_start_the_daemon(name: str) -> None:
    entry = read(FILES / name)["Desktop Entry"]
    assert entry["Type"] == "Application"
    assert entry["Terminal"] == "false"
    assert entry["Icon"] == "voiceflow"
    program, *arguments = shlex.split(entry["Exec"])
    assert program == "voiceflow"
    parser().parse_args(arguments)  # ends with SystemExit when there is no such command


def test_lists_in_the_entry_end_as_lists_do() -> None:
    entry = read(FILES / "voiceflow.desktop")["Desktop Entry"]
    assert entry["Categories"].endswith(";")
    assert entry["Keywords"].endswith(";")


def test_the_unit_starts_the_daemon_with_the_desktop() -> None:
    unit = read(FILES / "voiceflow.service")
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert program.endswith("/voiceflow")
    parser().parse_args(arguments)
    assert unit["Service"]["Type"] == "simple"
    assert unit["Service"]["Restart"] == "on-failure"
    assert int(unit["Service"]["RestartPreventExitStatus"]) == AlreadyRunningError.exit_code
    session = "graphical-session.target"
    assert unit["Unit"]["After"] == unit["Unit"]["PartOf"] == unit["Install"]["WantedBy"] == session


@pytest.mark.parametrize("size_px", SIZES_PX)
def test_icons_are_those_that_are_drawn(size_px: int) -> None:
    with Image.open(ICONS / f"{size_px}x{size_px}" / "apps" / "voiceflow.png") as shipped:
        drawn = draw_icon(Activity.IDLE, size_px)
        difference = ImageChops.difference(shipped.convert("RGB"), drawn.convert("RGB"))
        assert shipped.size == drawn.size
        assert max(difference.tobytes()) < 64  # another Pillow may draw an edge in another shade


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "a home"
    home.mkdir()
    return home


def install(home: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run([INSTALL, *arguments], env=env, capture_output=True, text=True, check=False)


def program(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "voiceflow"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_install_and_remove(home: Path) -> None:
    command = program(home / "its own place")
    done = install(home, command)
    assert done.returncode == 0, done.stderr

    entry = read(home / ".local/share/applications/voiceflow.desktop")["Desktop Entry"]
    unit = read(home / ".config/systemd/user/voiceflow.service")["Service"]
    assert shlex.split(entry["Exec"]) == shlex.split(unit["ExecStart"]) == [str(command), "run"]
    icons = list((home / ".local/share/icons/hicolor").rglob("voiceflow.png"))
    assert len(icons) == len(SIZES_PX)

    assert install(home, "--remove").returncode == 0
    assert [path for path in home.rglob("voiceflow*") if path != command] == []


def test_install_refuses_what_would_be_expanded(home: Path) -> None:
    done = install(home, program(home / "50% $HOME"))
    assert done.returncode == 1
    assert "may not contain" in done.stderr
    assert not (home / ".local").exists()


def test_install_without_the_command_says_what_to_do(home: Path) -> None:
    done = subprocess.run(
        [INSTALL, home / "missing"],
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "packaging/run --setup-only" in done.stderr


def test_desktops_accept_the_files(home: Path) -> None:
    """By the judgement of whichever checkers this machine has, and of a shell for the script."""
    assert install(home, program(home / "bin")).returncode == 0
    checks: dict[str, list[str | Path]] = {
        "bash": ["bash", "-n", INSTALL],
        "desktop-file-validate": ["desktop-file-validate", *FILES.glob("*.desktop")],
        "systemd-analyze": [
            "systemd-analyze",
            "--user",
            "verify",
            home / ".config/systemd/user/voiceflow.service",
        ],
    }
    for checker, line in checks.items():
        if shutil.which(checker):
            done = subprocess.run(
                line,
                env={"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "PATH": os.environ["PATH"]},
                capture_output=True,
                text=True,
                check=False,
            )
            assert (done.returncode, done.stderr) == (0, "")
