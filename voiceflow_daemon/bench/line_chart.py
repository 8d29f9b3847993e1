"""Release-to-text against the length of the utterance as an SVG, legible on light and dark pages alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from voiceflow_daemon.bench.chart import AXIS, FONTS, OTHERS, OURS, TEXT, svg_text
from voiceflow_daemon.bench.release_report import Report
from voiceflow_daemon.bench.spread import Spread

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 200, 64, 52
LEAST_GAP = 15
"""Between the lines' names."""

ABOVE, BELOW = -10, 19
"""Where a line's numbers stand, in pixels from its points."""

LINES = (
    ("sequential", "one after the other", OTHERS, "", ABOVE),
    ("sequential_tuned", "one after the other, tuned", OTHERS, "6 4", BELOW),
    ("ours", "voiceflow", OURS, "", ABOVE),
)


@dataclass(frozen=True)
class Scale:
    """A logarithmic axis: values from `low` to `high` on pixels from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The pixel of a value."""
        if self.high <= self.low:
            return (self.start + self.end) / 2
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)


def line_chart(figures: Report) -> str:
    """The SVG's text: medians, with whiskers from quartile to quartile."""
    lengths = sorted(figures.release_ms)
    values = [each for sides in figures.release_ms.values() for name, *_ in LINES for each in [sides[name]]]
    low, high = min(each.low for each in values), max(each.high for each in values)
    across = Scale(lengths[0], lengths[-1], LEFT + 18, WIDTH - RIGHT - 12)
    upward = Scale(_step_below(low), _step_above(high), HEIGHT - BOTTOM, TOP)
    title = f"{figures.subject.name}: from the release of the key to the text"
    body = [svg_text(16, 24, title, size=13), svg_text(16, 46, "seconds, medians", weight=600)]
    body += _axes(lengths, across, upward)
    for name, _, colour, dashes, numbers in LINES:
        points = {at: figures.release_ms[at][name] for at in lengths}
        body += _line(points, across, upward, colour, dashes, numbers)
    ends = [upward.at(figures.release_ms[lengths[-1]][name].median) for name, *_ in LINES]
    for (_, label, colour, *_), y in zip(LINES, _apart(ends), strict=True):
        body.append(svg_text(WIDTH - RIGHT + 2, y + 4, label, weight=600, colour=colour))
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}" role="img" font-family="{FONTS}">'
    )
    return "\n".join([opening, f"<title>{escape(title)}</title>", *body, "</svg>", ""])


def _axes(lengths: Sequence[int], across: Scale, upward: Scale) -> list[str]:
    out = []
    for value in _steps(upward.low, upward.high):
        y = upward.at(value)
        out.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{AXIS}"/>')
        out.append(svg_text(LEFT - 8, y + 4, f"{value / 1000:g}", anchor="end"))
    base = HEIGHT - BOTTOM + 20
    out += [svg_text(across.at(length), base, f"{length} s", anchor="middle") for length in lengths]
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [*out, svg_text(middle, HEIGHT - 12, "length of the utterance", anchor="middle")]


def _line(
    points: Mapping[int, Spread], across: Scale, upward: Scale, colour: str, dashes: str, numbers: int
) -> list[str]:
    places = [(across.at(seconds), upward.at(each.median)) for seconds, each in points.items()]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    pattern = f' stroke-dasharray="{dashes}"' if dashes else ""
    out = [f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5"{pattern}/>']
    for (x, y), each in zip(places, points.values(), strict=True):
        low, high = upward.at(each.low), upward.at(each.high)
        out.append(f'<path d="M{x:.1f} {low:.1f}V{high:.1f}" stroke="{TEXT}" stroke-width="1.5"/>')
        out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        out.append(svg_text(x, y + numbers, _seconds(each.median), size=11, anchor="middle"))
    return out


def _apart(heights: Sequence[float]) -> list[float]:
    """The same from top to bottom, but never closer than `LEAST_GAP`; in the order given."""
    out, last = list(heights), -math.inf
    for index in sorted(range(len(heights)), key=lambda at: heights[at]):
        out[index] = last = max(heights[index], last + LEAST_GAP)
    return out


def _seconds(ms: float) -> str:
    return f"{ms / 1000:.2f}" if ms < 10_000 else f"{ms / 1000:.0f}"


def _steps(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, 20, 50, … from `low` to `high`."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    found = [digit * 10.0**power for power in range(first, last + 1) for digit in (1, 2, 5)]
    return [value for value in found if low * 0.999 <= value <= high * 1.001]


def _step_below(value: float) -> float:
    return _steps(value / 10, value)[-1]


def _step_above(value: float) -> float:
    return _steps(value, value * 10)[0]
