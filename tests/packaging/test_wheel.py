"""What is shipped: the demo's files are in the wheel, the scripts that made them are not."""

from __future__ import annotations

import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "assets" / "demo" / "recordings"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel built from this checkout."""
    built = next(iter(WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")))))
    with zipfile.ZipFile(built) as wheel:
        return set(wheel.namelist())


def test_assets_are_in_the_wheel(shipped: set[str]) -> None:
    files = {path.relative_to(ROOT) for path in (ROOT / "assets").rglob("*") if path.is_file()}
    assert {f"voiceflow_daemon/{path}" for path in files} - shipped == set()


def test_nothing_but_the_package_is_in_the_wheel(shipped: set[str]) -> None:
    others = [name for name in shipped if not name.startswith("voiceflow_daemon")]
    assert others == []
    assert [name for name in shipped if "demo-models" in name or "test" in Path(name).name] == []


def test_index_of_the_recordings_names_every_recording() -> None:
    entries = tomllib.loads((RECORDINGS / "index.toml").read_text())["recording"]
    assert sorted(entry["file"] for entry in entries) == sorted(
        path.name for path in RECORDINGS.glob("*.wav")
    )
    assert {entry["context"] for entry in entries[:4]} == {"default", "email", "slack", "code"}
