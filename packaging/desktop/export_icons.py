"""Draws the application's icon into assets/icons/hicolor, as packages install it.

    python packaging/desktop/export_icons.py [FOLDER]

The tray's icons are drawn at run time by the same code.
"""

import sys
from pathlib import Path

from voiceflow_daemon.desktop.icons import draw_icon
from voiceflow_daemon.desktop.tray import Activity

SIZES_PX = (16, 22, 24, 32, 48, 64, 128, 256)
ICONS = Path(__file__).resolve().parents[2] / "assets" / "icons"


def export(folder: Path) -> None:
    for size_px in SIZES_PX:
        place = folder / "hicolor" / f"{size_px}x{size_px}" / "apps"
        place.mkdir(parents=True, exist_ok=True)
        draw_icon(Activity.IDLE, size_px).save(place / "voiceflow.png", optimize=True)


if __name__ == "__main__":
    export(Path(sys.argv[1]) if len(sys.argv) > 1 else ICONS)
