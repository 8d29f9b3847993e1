from __future__ import annotations

from pathlib import Path

import pytest

from voiceflow_daemon.bench.stolen import processor_times, stolen_share

# user nice system idle iowait irq softirq steal guest guest_nice
STAT = "cpu  700 100 50 9000 30 0 20 130 40 0\ncpu0 350 50 25 4500 15 0 10 65 20 0\n"


def test_the_times_of_all_processors(tmp_path: Path) -> None:
    stat = tmp_path / "stat"
    stat.write_text(STAT)
    assert processor_times(stat) == (130, 1000)


@pytest.mark.parametrize("text", ["", "cpu  1 2 3\n", "cpu  a b c d e f g h\n"])
def test_times_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    stat = tmp_path / "stat"
    stat.write_text(text)
    assert processor_times(stat) == (0, 0)
    assert processor_times(tmp_path / "missing") == (0, 0)


def test_this_machine_tells_and_goes_on() -> None:
    before = processor_times()
    while (after := processor_times()) == before:
        pass
    assert 0.0 <= stolen_share(before, after) <= 1.0


def test_the_share_is_that_of_the_time_between() -> None:
    assert stolen_share((130, 1000), (230, 1400)) == 0.25
    assert stolen_share((130, 1000), (130, 1000)) == 0.0
