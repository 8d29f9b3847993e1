"""Counting physical cores."""

import os

import pytest

from voiceflow_daemon.llm.processor import (
    default_threads,
    physical_cores,
    threads_with_room,
    usable_cores,
)


def block(logical: int, socket: int, core: int) -> str:
    return (
        f"processor\t: {logical}\nmodel name\t: Some CPU: fast\nphysical id\t: {socket}\n"
        f"core id\t\t: {core}\nflags\t\t: fpu sse\npower management:\n"
    )


HYPERTHREADED = "\n".join(block(logical, 0, logical % 4) for logical in range(8))
TWO_SOCKETS = "\n".join(block(logical, logical // 2, logical % 2) for logical in range(4))
ARM = "\n".join(f"processor\t: {logical}\nBogoMIPS\t: 108.00\n" for logical in range(4))


def test_threads_of_one_core_count_once() -> None:
    assert physical_cores(HYPERTHREADED, frozenset(range(8))) == 4


def test_the_same_core_number_on_two_sockets_is_two_cores() -> None:
    assert physical_cores(TWO_SOCKETS, frozenset(range(4))) == 4


def test_only_cpus_that_the_process_may_use_count() -> None:
    assert physical_cores(HYPERTHREADED, frozenset({0, 4, 1})) == 2


def test_where_cores_are_not_told_apart_each_cpu_counts() -> None:
    assert physical_cores(ARM, frozenset(range(4))) == 4
    assert physical_cores("", frozenset(range(6))) == 6
    assert physical_cores(HYPERTHREADED, frozenset({99})) == 1


def test_this_machine_has_at_least_one() -> None:
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_a_tiny_model_is_not_shared_between_threads() -> None:
    assert default_threads(3_000_000) == 1
    assert default_threads(400_000_000) == usable_cores()


@pytest.mark.parametrize(
    ("threads", "cores", "with_room"),
    [(1, 1, 1), (2, 2, 1), (3, 3, 2), (4, 4, 3), (8, 8, 6), (16, 16, 12), (2, 8, 2), (1, 8, 1), (16, 4, 3)],
)
def test_some_cores_are_left_to_the_desktop(threads: int, cores: int, with_room: int) -> None:
    assert threads_with_room(threads, cores) == with_room
