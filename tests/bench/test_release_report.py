"""The figures of a run: JSON, goals, tables and the picture."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from tests.bench.release_figures import (
    OURS_MS,
    SEQUENTIAL_MS,
    TOKENS_PER_S,
    decode_times,
    figures,
    run,
    samples,
    subject,
)
from voiceflow_daemon.bench import line_chart as lines
from voiceflow_daemon.bench.release import Samples
from voiceflow_daemon.bench.release_report import as_json, report
from voiceflow_daemon.bench.release_table import show
from voiceflow_daemon.daemon.formatting import Rung

SVG = "{http://www.w3.org/2000/svg}"


def shown(made: Samples, *, is_stand_in: bool = True) -> str:
    console = Console(file=io.StringIO(), width=150)
    show(console, report(subject(is_stand_in=is_stand_in), made, decode_times(), "default"))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_json_has_the_figures_that_are_asked_for() -> None:
    made = json.loads(json.dumps(as_json(figures())))
    for seconds in ("5", "60", "180"):
        sides = made["release_ms"][seconds]
        assert sides["ours"] == OURS_MS[int(seconds)]
        assert sides["sequential"] == SEQUENTIAL_MS[int(seconds)]
        assert sides["sequential_tuned"] == SEQUENTIAL_MS[int(seconds)] / 2
        assert sides["sequential_prompt_kept"] == pytest.approx(0.7 * sides["sequential"])
        low, high = made["spread"]["release_ms"][seconds]["ours"]
        assert low == pytest.approx(0.95 * sides["ours"])
        assert high == pytest.approx(1.05 * sides["ours"])
        assert made["stages_ms"][seconds]["ours"] == {
            "grace": 40.0,
            "tail": 120.0,
            "queue": sides["ours"] - 160,
        }
        assert set(made["stages_ms"][seconds]["sequential"]) == {"transcribe", "format"}
    assert made["decode_tokens_per_s"] == TOKENS_PER_S
    assert made["cpu_s_per_speech_s"] == pytest.approx(
        {"ours": 0.6, "sequential": 0.5, "sequential_tuned": 0.4}, rel=1e-3
    )
    assert made["word_error_rate"] == {
        "streamed": 2.0,
        "one_pass": 10.0,
        "clip_by_clip": 2.0,
        "sequential": 20.0,
        "sequential_tuned": 8.0,
    }
    # 6 tokens are 3 words; they took 0.1 s.
    assert made["words_per_s"]["5"] == {"drafted": 30.0, "accepted": 20.0}
    assert made["same_end_ms"] == [{"5": 500.0, "60": 700.0}]
    assert made["runs"] == {"5": 3, "60": 3, "180": 3}


def test_the_goals() -> None:
    goals = as_json(figures())["goals"]
    assert {name: (goal["value"], goal["limit"], goal["met"]) for name, goal in goals.items()} == {
        "60_to_5": (1.2, 1.3, True),
        "60_to_5_same_end": (1.4, 1.3, False),
        "faster_5": (5.0, 4.0, True),
        "faster_60": (20.0, 15.0, True),
        "cpu": (1.2, 1.6, True),
        "copy_edit": (3.25, 3.0, True),
        "copy_edit_right_draft": (6.0, 5.0, True),
        "copy_edit_wrong_draft": (0.975, 0.95, True),
    }


def test_goals_of_lengths_that_were_not_measured_are_left_out() -> None:
    names = set(as_json(figures(samples((180,))))["goals"])
    assert not names & {"60_to_5", "60_to_5_same_end", "faster_5", "faster_60"}
    assert "cpu" in names


def test_a_goal_that_is_missed() -> None:
    slow = samples()
    slow.runs[60] = [run(60, share=1.5)]
    slow.runs[5] = [run(5, share=0.9)]
    goals = as_json(figures(slow))["goals"]
    assert (goals["60_to_5"]["value"], goals["60_to_5"]["met"]) == (2.0, False)


def test_the_tables_tell_all_lengths_ways_and_goals() -> None:
    text = shown(samples())
    for each in ("5 s (3 runs)", "60 s (3 runs)", "180 s (3 runs)", "one after the other", "grace (40 ms)"):
        assert each in text
    assert re.search(r"voiceflow +0\.50 \(0\.47 to 0\.53\) +0\.60 \(0\.57 to 0\.63\)", text)
    assert re.search(r"\n *tail +120 +120 +120 *\n", text)
    assert re.search(r"one after the other +5\.0 +20\.0 +55\.4\n", text.replace(" \n", "\n"))
    assert len(re.findall(r" met\b", text)) == 7
    assert len(re.findall(r" missed\b", text)) == 1
    assert "demo models" in text
    assert "Mind" not in text


def test_own_models_are_not_said_to_be_stand_ins() -> None:
    assert "demo models" not in shown(samples(), is_stand_in=False)


def test_a_stage_that_some_dictations_do_not_have_took_them_no_time() -> None:
    made = samples((5,))
    guessed = replace(made.runs[5][0].ours, stages_ms={"grace": 40.0, "tail": 120.0, "guess": 300.0})
    made.runs[5] = [*made.runs[5][:1], *(replace(each, ours=guessed) for each in made.runs[5][1:])]
    stages_ms = as_json(figures(made))["stages_ms"]["5"]["ours"]
    assert stages_ms == {"grace": 40.0, "tail": 120.0, "queue": 0.0, "guess": 300.0}
    assert re.search(r"\n *guess +300 *\n", shown(made))


def test_texts_that_rules_wrote_are_told() -> None:
    made = samples((5,))
    made.runs[5].append(run(5, rung=Rung.MIXED))
    assert "Mind: 1 texts were written by rules" in shown(made)
    assert as_json(figures(made))["texts_by_rules"] == 1


# -------------------------------------------------------------------------------------- the picture
def test_the_picture_has_a_line_for_each_way() -> None:
    root = ET.fromstring(lines.line_chart(figures()))
    texts = [each.text or "" for each in root.iter(f"{SVG}text")]
    assert "Stand-ins of <some> shapes: from the release of the key to the text" in texts
    assert {"5 s", "60 s", "180 s", "0.50", "2.50", "36", *(label for _, label, *_ in lines.LINES)} <= {
        *texts
    }
    assert len(list(root.iter(f"{SVG}circle"))) == 9
    assert not list(root.iter(f"{SVG}rect")), "the page shows through"


def test_more_time_is_higher_and_longer_is_further_right() -> None:
    circles = list(ET.fromstring(lines.line_chart(figures())).iter(f"{SVG}circle"))
    places = [(float(each.get("cx", 0)), float(each.get("cy", 0))) for each in circles]
    sequential, ours = places[:3], places[6:]
    for line in (sequential, ours):
        assert line[0][0] < line[1][0] < line[2][0]
        assert line[0][1] > line[1][1] > line[2][1]
    assert all(theirs[1] < own[1] for theirs, own in zip(sequential, ours, strict=True))
    assert all(0 < x < lines.WIDTH and 0 < y < lines.HEIGHT for x, y in places)


def test_one_length_is_drawn_too() -> None:
    ET.fromstring(lines.line_chart(figures(samples((5,)))))


@given(st.floats(0.1, 1e6), st.floats(1.0, 1e4))
def test_the_axis_reaches_around_all_values(low: float, times: float) -> None:
    high = low * times
    below, above = lines._step_below(low), lines._step_above(high)
    assert below <= low * 1.001
    assert above >= high * 0.999
    steps = lines._steps(below, above)
    assert steps[0] == pytest.approx(below)
    assert steps[-1] == pytest.approx(above)


@given(st.lists(st.floats(0, 400), min_size=1, max_size=6))
def test_names_do_not_cover_each_other(heights: list[float]) -> None:
    placed = lines._apart(heights)
    ordered = sorted(placed)
    assert all(b - a >= lines.LEAST_GAP - 1e-6 for a, b in pairwise(ordered))
    by_height = sorted(range(len(heights)), key=lambda at: heights[at])
    assert [placed[at] for at in by_height] == ordered
