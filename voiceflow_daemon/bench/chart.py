"""The report as an SVG of bars, legible on light and dark pages alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from voiceflow_daemon.bench.cache import SIDES
from voiceflow_daemon.bench.report import Report
from voiceflow_daemon.bench.table import TITLES
from voiceflow_daemon.bench.transcripts import RESTS

WIDTH = 760
LABELS = 230
BARS = 410
ROW, BAR = 22, 13
MARGIN, HEAD, GAP = 16, 30, 18

TEXT, AXIS = "#768390", "#9aa2ab55"
"""Middle greys, for nobody knows what the page behind is like: the picture itself has no background."""
FONTS = "system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"
OTHERS, OURS = "#8b95a1", "#1f9e6e"


@dataclass(frozen=True)
class Bar:
    """One row; `low` and `high` are the quartiles, drawn as a whisker."""

    label: str
    value: float
    low: float
    high: float
    text: str
    colour: str


@dataclass(frozen=True)
class Panel:
    """Bars from the same zero, on the same scale."""

    title: str
    bars: tuple[Bar, ...]

    @property
    def height(self) -> int:
        """With its title."""
        return HEAD + ROW * len(self.bars)


def chart(figures: Report) -> str:
    """The SVG's text: time to first token with the short rest and a median dictation, and memory."""
    cores = "thread" if figures.threads == 1 else "threads"
    title = (
        f"{figures.model}, prefix of {figures.prefix_tokens} tokens, CPU, {figures.threads} {cores},"
        f" medians of {figures.runs} runs"
    )
    times = [_times(figures, rest.key, f"Time to first token: {rest.title}") for rest in RESTS[:2]]
    return draw(title, [*times, _memory(figures)])


def draw(title: str, panels: Sequence[Panel]) -> str:
    """All panels below each other."""
    height = 2 * MARGIN + HEAD + sum(panel.height + GAP for panel in panels)
    top = MARGIN + HEAD
    body = [svg_text(MARGIN, MARGIN + 12, title, size=13)]
    for panel in panels:
        body += _panel(panel, top)
        top += panel.height + GAP
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' width="{WIDTH}" height="{height}" role="img" font-family="{FONTS}">'
    )
    return "\n".join([opening, f"<title>{escape(title)}</title>", *body, "</svg>", ""])


def _times(figures: Report, key: str, title: str) -> Panel:
    bars = []
    for side in SIDES:
        time = figures.ttft[key][side]
        colour = OURS if side.startswith("ours") else OTHERS
        text = f"{time.median:.0f} ms" if time.median >= 10 else f"{time.median:.1f} ms"
        bars.append(Bar(TITLES[side], time.median, time.low, time.high, text, colour))
    return Panel(title, tuple(bars))


def _memory(figures: Report) -> Panel:
    held = figures.bytes_per_context
    rows = (("LlamaRAMCache", held["ram_cache"], OTHERS), ("voiceflow", held["ours"], OURS))
    return Panel(
        "Memory for each context",
        tuple(Bar(label, size, size, size, f"{size / 1e6:.1f} MB", colour) for label, size, colour in rows),
    )


def _panel(panel: Panel, top: int) -> list[str]:
    largest = max(math.ulp(1.0), *(bar.high for bar in panel.bars))
    out = [svg_text(MARGIN, top + 16, panel.title, size=13, weight=600)]
    first = top + HEAD
    out.append(
        f'<line x1="{LABELS}" y1="{first - 3}" x2="{LABELS}" y2="{top + panel.height + 1}" stroke="{AXIS}"/>'
    )
    for number, bar in enumerate(panel.bars):
        out += _bar(bar, first + ROW * number, BARS / largest)
    return out


def _bar(bar: Bar, top: int, scale: float) -> list[str]:
    middle = top + ROW / 2 - 2
    length = max(1.5, bar.value * scale)
    low, high = LABELS + bar.low * scale, LABELS + bar.high * scale
    place = f'x="{LABELS}" y="{middle - BAR / 2:.1f}" width="{length:.1f}" height="{BAR}" rx="2"'
    out = [
        svg_text(LABELS - 8, middle + 4, bar.label, anchor="end"),
        f'<rect {place} fill="{bar.colour}"/>',
        svg_text(max(LABELS + length, high) + 7, middle + 4, bar.text, weight=600),
    ]
    if high - low > 3:
        out.append(f'<path d="M{low:.1f} {middle:.1f}H{high:.1f}" stroke="{TEXT}" stroke-width="1.5"/>')
    return out


def svg_text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 12,
    weight: int = 400,
    anchor: str = "start",
    colour: str = TEXT,
) -> str:
    """One line of text; `y` is its base line."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" text-anchor="{anchor}"'
        f' fill="{colour}">{escape(text)}</text>'
    )
