"""The drawn icons: told apart, seen on any panel, and sharp."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from PIL import Image

from voiceflow_daemon.desktop.icons import (
    COLOURS,
    DEMO_COLOUR,
    PANEL_SIZES_PX,
    draw_icon,
    icon_name,
    write_icons,
)
from voiceflow_daemon.desktop.tray import Activity

LIGHT_PANEL, DARK_PANEL = (246, 245, 244), (30, 30, 30)
CONTRAST = 3.0
"""What WCAG 2.1 (1.4.11) asks of graphics."""


def luminance(colour: tuple[int, ...]) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    parts = [value / 255 for value in colour[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("activity", Activity)
def test_disc_stands_out_from_light_panels_and_from_its_sign_and_rim(activity: Activity) -> None:
    assert contrast(COLOURS[activity], LIGHT_PANEL) >= CONTRAST
    assert contrast(COLOURS[activity], (255, 255, 255)) >= CONTRAST


def test_the_rim_stands_out_from_dark_panels() -> None:
    assert contrast((255, 255, 255), DARK_PANEL) >= CONTRAST


@pytest.mark.parametrize("size_px", PANEL_SIZES_PX)
def test_every_icon_fills_its_size_and_differs_from_the_others(size_px: int) -> None:
    drawn = {
        (activity, demo): draw_icon(activity, size_px, demo=demo)
        for activity, demo in itertools.product(Activity, (False, True))
    }
    for picture in drawn.values():
        assert picture.mode == "RGBA"
        assert picture.size == (size_px, size_px)
        assert picture.getbbox() == (0, 0, size_px, size_px)
        assert picture.getpixel((0, 0)) == (0, 0, 0, 0)
    assert len({picture.tobytes() for picture in drawn.values()}) == len(drawn)


@pytest.mark.parametrize("size_px", PANEL_SIZES_PX)
def test_signs_differ_also_without_colours(size_px: int) -> None:
    signs = {
        activity: draw_icon(activity, size_px).getchannel("G").point(lambda value: 255 * (value > 200))
        for activity in (Activity.IDLE, Activity.WORKING, Activity.PAUSED, Activity.ERROR)
    }
    for one, other in itertools.combinations(signs.values(), 2):
        differing = sum(a != b for a, b in zip(one.tobytes(), other.tobytes(), strict=True))
        assert differing >= size_px * size_px * 0.03


@pytest.mark.parametrize("size_px", PANEL_SIZES_PX)
def test_bars_are_sharp_and_centred(size_px: int) -> None:
    """The pause sign has no pixel between white and the disc along a row through its middle."""
    row = draw_icon(Activity.PAUSED, size_px).crop((0, size_px // 2, size_px, size_px // 2 + 1))
    inner = [row.getpixel((x, 0)) for x in range(size_px // 4, size_px - size_px // 4)]
    assert set(inner) == {(255, 255, 255, 255), COLOURS[Activity.PAUSED]}
    assert inner == inner[::-1]


@pytest.mark.parametrize("size_px", PANEL_SIZES_PX)
def test_the_demo_corner_is_yellow(size_px: int) -> None:
    last = size_px - 1
    assert draw_icon(Activity.IDLE, size_px, demo=True).getpixel((last, last)) == DEMO_COLOUR
    assert draw_icon(Activity.IDLE, size_px).getpixel((last, last)) == (0, 0, 0, 0)


def test_written_icons_are_those_that_are_drawn(tmp_path: Path) -> None:
    write_icons(tmp_path, (22, 48))
    assert len(list(tmp_path.rglob("*.png"))) == 2 * 2 * len(Activity)
    name = icon_name(Activity.RECORDING, demo=True)
    with Image.open(tmp_path / "hicolor" / "48x48" / "apps" / f"{name}.png") as written:
        assert written.tobytes() == draw_icon(Activity.RECORDING, 48, demo=True).tobytes()
