from __future__ import annotations

import os
from pathlib import Path

import pytest

from voiceflow_daemon.speech.processors import model_threads


def give_siblings(cpu_dir: Path, siblings: dict[int, str]) -> None:
    for cpu, listed in siblings.items():
        topology = cpu_dir / f"cpu{cpu}" / "topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(listed + "\n")


def test_the_users_number_counts() -> None:
    assert model_threads(3) == 3


def test_two_threads_of_one_core_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_siblings(tmp_path, {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3})
    assert model_threads(0, tmp_path) == 2


def test_only_cores_that_the_process_may_use_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    give_siblings(tmp_path, {0: "0,2", 1: "1,3", 2: "0,2", 3: "1,3"})
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 2})
    assert model_threads(0, tmp_path) == 1


def test_a_system_that_does_not_tell_gives_each_cpu_a_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2})
    assert model_threads(0, tmp_path) == 3
