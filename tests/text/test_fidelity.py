"""The judge of finished texts, on a hand-written set and on properties."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from voiceflow_daemon.text.fidelity import check_fidelity


class Case(NamedTuple):
    """One line of the hand-written set."""

    kind: str
    raw: str
    text: str
    language: str


def _cases() -> list[Case]:
    with Path(__file__).with_name("fidelity_cases.toml").open("rb") as file:
        kinds = tomllib.load(file)
    return [
        Case(kind, case["raw"], case["text"], case.get("language", "en"))
        for kind, cases in kinds.items()
        for case in cases
    ]


CASES = _cases()


def test_the_set_is_large_and_balanced() -> None:
    good = [case for case in CASES if case.kind == "good"]
    assert len(CASES) >= 200
    assert len(good) >= 80
    assert len({(case.raw, case.text) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.text[:40]!r}")
def test_hand_written_case(case: Case) -> None:
    verdict = check_fidelity(case.raw, case.text, case.language)
    assert verdict.faithful == (case.kind == "good"), verdict
