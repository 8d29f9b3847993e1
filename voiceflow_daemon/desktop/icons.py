"""The tray's icons, drawn at each size: a disc in the activity's colour with a white sign on it.

Colour and sign both differ, for those who do not see the colours. A white rim sets the disc off from
dark panels, the disc's own darkness from light ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from voiceflow_daemon.desktop.tray import Activity

PANEL_SIZES_PX = (16, 22, 24, 32, 48, 64)
"""Sizes that panels ask for, among the folders of the icon theme `hicolor`."""

_OVERSAMPLING = 8
_WHITE = (255, 255, 255, 255)
_CLEAR = (0, 0, 0, 0)
DEMO_COLOUR = (255, 200, 0, 255)
_DARK = (32, 32, 32, 255)

COLOURS = {
    Activity.IDLE: (62, 84, 104, 255),
    Activity.RECORDING: (214, 32, 40, 255),
    Activity.WORKING: (28, 100, 214, 255),
    Activity.PAUSED: (112, 112, 112, 255),
    Activity.ERROR: (200, 92, 0, 255),
}


def draw_icon(activity: Activity, size_px: int, *, demo: bool = False) -> Image.Image:
    """A square RGBA picture of `size_px`; `demo` adds a yellow corner."""
    pen = _Pen(size_px)
    pen.disc((0.5, 0.5), 0.5, _WHITE)
    pen.disc((0.5, 0.5), 0.5 - pen.line(0.045), COLOURS[activity])
    match activity:
        case Activity.IDLE | Activity.RECORDING:
            _microphone(pen)
        case Activity.WORKING:
            for centre in (0.27, 0.5, 0.73):
                pen.disc((centre, 0.5), pen.line(0.09), _WHITE)
        case Activity.PAUSED:
            pen.bar(0.32, 0.28, 0.44, 0.72)
            pen.bar(0.56, 0.28, 0.68, 0.72)
        case Activity.ERROR:
            pen.bar(0.43, 0.2, 0.57, 0.6)
            pen.bar(0.43, 0.67, 0.57, 0.8)
    if demo:
        pen.corner(0.36)
    return pen.picture()


def icon_name(activity: Activity, *, demo: bool = False) -> str:
    """The name of the icon in the folders of `write_icons`."""
    return f"voiceflow-{activity}-demo" if demo else f"voiceflow-{activity}"


def write_icons(folder: Path, sizes_px: Sequence[int] = PANEL_SIZES_PX) -> None:
    """Write every icon at every size into `folder`, laid out as the icon theme `hicolor`."""
    for size_px in sizes_px:
        place = folder / "hicolor" / f"{size_px}x{size_px}" / "apps"
        place.mkdir(parents=True, exist_ok=True)
        for activity, demo in itertools.product(Activity, (False, True)):
            draw_icon(activity, size_px, demo=demo).save(place / f"{icon_name(activity, demo=demo)}.png")


def _microphone(pen: _Pen) -> None:
    pen.bar(0.4, 0.17, 0.6, 0.56, round_px=0.1)
    pen.bow((0.28, 0.3, 0.72, 0.68))
    pen.bar(0.46, 0.66, 0.54, 0.8)
    pen.bar(0.34, 0.77, 0.66, 0.84)


class _Pen:
    """Draws in fractions of the size; edges of bars fall on whole pixels, so that they stay sharp."""

    def __init__(self, size_px: int) -> None:
        self._size = size_px
        self._scale = size_px * _OVERSAMPLING
        self._image = Image.new("RGBA", (self._scale, self._scale), _CLEAR)
        self._draw = ImageDraw.Draw(self._image)

    def line(self, width: float) -> float:
        """`width` as a fraction that is a whole number of pixels, at least one."""
        return max(1, round(width * self._size)) / self._size

    def disc(self, centre: tuple[float, float], radius: float, colour: tuple[int, int, int, int]) -> None:
        left, top = (centre[0] - radius) * self._scale, (centre[1] - radius) * self._scale
        across = 2 * radius * self._scale - 1
        self._draw.ellipse((left, top, left + across, top + across), fill=colour)

    def bar(self, left: float, top: float, right: float, bottom: float, round_px: float = 0.0) -> None:
        # Mirrored about the middle, so that rounding cannot push a bar to one side.
        x0, y0, y1 = self._snapped(left), self._snapped(top), self._snapped(bottom)
        x1 = self._scale - x0 if abs(left + right - 1) < 1e-6 else self._snapped(right)
        box = (x0, y0, max(x1, x0 + _OVERSAMPLING) - 1, max(y1, y0 + _OVERSAMPLING) - 1)
        self._draw.rounded_rectangle(box, radius=round_px * self._scale, fill=_WHITE)

    def bow(self, box: tuple[float, float, float, float]) -> None:
        """The lower half of a ring."""
        x0, y0, y1 = (self._snapped(edge) for edge in (box[0], box[1], box[3]))
        width = int(self.line(0.07) * self._scale)
        self._draw.arc((x0, y0, self._scale - x0 - 1, y1 - 1), 0, 180, fill=_WHITE, width=width)

    def corner(self, side: float) -> None:
        """A yellow corner at the lower right with a dark edge."""
        end, edge = self._scale, self._snapped(1 - side)
        self._draw.polygon([(end, edge), (end, end), (edge, end)], fill=DEMO_COLOUR)
        self._draw.line([(end, edge), (edge, end)], fill=_DARK, width=int(self.line(0.03) * self._scale))

    def picture(self) -> Image.Image:
        return self._image.resize((self._size, self._size), Image.Resampling.BOX)

    def _snapped(self, place: float) -> int:
        return round(place * self._size) * _OVERSAMPLING
