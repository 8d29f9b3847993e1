"""The figures of a run: medians, quartiles, goals, JSON, tables and the picture."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.bench.figures import SHORT_MS, figures, samples
from voiceflow_daemon.bench.cache import SIDES, Samples
from voiceflow_daemon.bench.chart import BARS, LABELS, WIDTH, Bar, Panel, chart, draw
from voiceflow_daemon.bench.report import as_json, report
from voiceflow_daemon.bench.spread import spread
from voiceflow_daemon.bench.table import TITLES, show

SVG = "{http://www.w3.org/2000/svg}"


def shown(made: Samples) -> str:
    console = Console(file=io.StringIO(), width=100)
    show(console, report("a model", 3, made, "default"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_half_of_the_values_lie_between_the_quartiles(values: list[float]) -> None:
    middle = spread(values)
    slack = 1e-9 * (1 + max(values))
    assert min(values) - slack <= middle.low <= middle.median + slack
    assert middle.median - slack <= middle.high <= max(values) + slack
    assert sum(value < middle.low - slack for value in values) <= len(values) // 4 + 1
    assert sum(value > middle.high + slack for value in values) <= len(values) // 4 + 1


def test_the_json_has_the_keys_that_programs_expect() -> None:
    made = json.loads(json.dumps(as_json(figures())))
    assert set(made["ttft_ms"]) == set(SIDES)
    for key in ("ttft_ms", "ttft_ms_92", "ttft_ms_411"):
        assert list(made[key]) == list(made["spread"][key]) == list(SIDES)
        for side, (low, high) in made["spread"][key].items():
            assert low <= made[key][side] <= high
    assert made["ttft_ms"] == SHORT_MS
    assert made["bytes_per_context"] == {"ram_cache": 250_000_000, "ours": 5_100_000}
    assert made["saved_ms"] == {"template": 0.3, "tokens": 0.5, "state": 950.0}
    assert made["restore_ms_per_10mb"] == 1.2
    assert made["copy_ms_per_10mb"] == 0.9
    assert made["prefix_tokens"] == 399
    assert (made["runs"], made["threads"]) == (3, 4)
    assert made["disk_read_ms"] == 4.0
    assert made["restart_stages_ms"] == {"prefix_read_ms": 4.0, "transcript_prefill_ms": 30.0}
    assert made["tiers"]["ours_alternating"] == ["ram"]


def test_each_goal_is_judged_by_the_medians() -> None:
    goals = as_json(figures())["goals"]
    assert {name: goal["value"] for name, goal in goals.items()} == pytest.approx(
        {
            "hot": 1000 / 30,
            "hot_92": 1100 / 130,
            "alternating": 32 / 30,
            "ram_cache": 128 / 32,
            "memory": 5.1 / 250,
            "restart": 36 / (30 + 4),
            "restore": 1.2,
        },
        abs=1e-3,
    )
    assert all(goal["met"] for goal in goals.values())


@pytest.mark.parametrize(
    ("spoil", "missed"),
    [
        (lambda made: made.ttft_ms[""].update(ours_alternating=[34.0]), "alternating"),
        (lambda made: made.ttft_ms[""].update(no_reuse=[700.0]), "hot"),
        (lambda made: made.ttft_ms["_92"].update(no_reuse=[600.0]), "hot_92"),
        (lambda made: made.ttft_ms[""].update(ram_cache_alternating=[90.0]), "ram_cache"),
        (lambda made: made.ttft_ms[""].update(ours_disk_restart=[40.0]), "restart"),
        (lambda made: made.ours_bytes.update(email=60_000_000), "memory"),
        (lambda made: made.phases.extend([replace(made.phases[0], restore_ms_per_10mb=2.0)] * 4), "restore"),
    ],
)
def test_a_goal_that_is_missed_is_said(spoil: Callable[[Samples], None], missed: str) -> None:
    made = samples()
    spoil(made)
    goals = as_json(report("m", 3, made, ""))["goals"]
    assert [name for name, goal in goals.items() if not goal["met"]] == [missed]
    assert shown(made).count("missed") == 1


def test_a_model_that_gives_no_state_has_no_restoring() -> None:
    made = samples()
    made.phases[:] = [replace(each, restore_ms_per_10mb=None, copy_ms_per_10mb=None) for each in made.phases]
    found = as_json(report("m", 3, made, ""))
    assert found["restore_ms_per_10mb"] is None
    assert "restore" not in found["goals"]
    assert "restoring 10 MB" not in shown(made)


def test_the_table_says_everything() -> None:
    text = shown(samples())
    for title in TITLES.values():
        assert title in text
    assert re.search(r"no reuse +1000 \(950 to 1050\) +1100 \(1045 to 1155\) +1200", text)
    for part in ("250.0 MB", "5.1 MB", "prefix 399 tokens", "7 / 44 / 176 tokens"):
        assert part in text
    assert "Mind" not in text


def test_a_tier_that_was_not_meant_is_said() -> None:
    made = samples()
    made.tiers["ours_ram"] = {"ram", "none"}
    assert 'Mind: in "voiceflow, from RAM" the prompt came from: none, ram.' in shown(made)


def test_the_picture_is_an_svg_with_every_side() -> None:
    root = ET.fromstring(chart(figures()))
    assert root.tag == f"{SVG}svg"
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for title in TITLES.values():
        assert texts.count(title) == 2
    for text in ("Stand-in of qwen2.5-0.5b's <shape>", "1000 ms", "250.0 MB"):
        assert any(text in (drawn or "") for drawn in texts)


def test_it_keeps_within_its_frame_and_has_no_background() -> None:
    root = ET.fromstring(chart(figures()))
    height = float(root.attrib["height"])
    for element in root.iter(f"{SVG}rect"):
        assert float(element.attrib["x"]) == LABELS
        assert float(element.attrib["x"]) + float(element.attrib["width"]) <= LABELS + BARS
    for element in root.iter(f"{SVG}text"):
        assert 0 < float(element.attrib["x"]) < WIDTH
        assert 0 < float(element.attrib["y"]) < height


@given(st.lists(st.just(0.0) | st.floats(1e-3, 1e9), min_size=1, max_size=9))
def test_bars_are_as_long_as_their_values(values: list[float]) -> None:
    bars = tuple(Bar("<&", value, value, value, "", "#000") for value in values)
    root = ET.fromstring(draw("&", [Panel("<", bars)]))
    widths = [float(element.attrib["width"]) for element in root.iter(f"{SVG}rect")]
    assert max(widths) <= BARS
    for value, width in zip(values, widths, strict=True):
        assert width == pytest.approx(max(1.5, BARS * value / max([*values, 1e-9])), abs=0.06)
