"""`voiceflow doctor`: looks at everything a dictation needs, and says how to mend what is missing."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from voiceflow_daemon.errors import VoiceflowError


class Mark(StrEnum):
    """How a check came out; only `FAIL` stands in the way of dictation."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """What a check saw, and what to do next (empty when nothing need be done)."""

    mark: Mark
    text: str
    next_step: str = ""


def ok(text: str) -> Finding:
    """All is well."""
    return Finding(Mark.OK, text)


@dataclass(frozen=True)
class Check:
    """One question to this machine. `look` may raise anything and may hang."""

    name: str
    look: Callable[[], Finding]
    limit_s: float = 15.0


@dataclass(frozen=True)
class Outcome:
    """A check and its finding."""

    name: str
    finding: Finding


SYMBOLS = {Mark.OK: ("✓", "ok  "), Mark.WARN: ("!", "warn"), Mark.FAIL: ("✗", "FAIL")}
"""For terminals that can show it, and in plain letters."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    doctor = commands.add_parser(
        "doctor",
        help="check everything that dictation needs, and say how to mend what is missing",
        description="Check everything that dictation needs. Ends with 0 when nothing fails, else with 1.",
        epilog="example: voiceflow doctor --json",
    )
    doctor.add_argument("--json", action="store_true", help="the findings, for programs")
    doctor.set_defaults(func=_doctor)


def _doctor(options: argparse.Namespace) -> int:
    import logging

    from voiceflow_daemon.cli.checks import all_checks
    from voiceflow_daemon.storage.paths import user_paths

    # What rooms log while they are looked at is in the findings.
    logging.getLogger("voiceflow_daemon").addHandler(logging.NullHandler())
    outcomes = []
    symbols = _can_show(sys.stdout.encoding)
    for outcome in examine(all_checks(user_paths())):
        outcomes.append(outcome)
        if not options.json:
            print("\n".join(lines(outcome, symbols=symbols)), flush=True)
    if options.json:
        print(json.dumps([_plain(outcome) for outcome in outcomes], indent=2, ensure_ascii=False))
    else:
        print(f"\n{summary(outcomes)}")
    return 1 if any(outcome.finding.mark is Mark.FAIL for outcome in outcomes) else 0


def examine(checks: Iterable[Check]) -> Iterator[Outcome]:
    """Carry the checks out one after the other; each ends within its limit."""
    for check in checks:
        yield Outcome(check.name, _within_limit(check))


def _within_limit(check: Check) -> Finding:
    """Its finding, or the failure that it hung or raised."""
    found: list[Finding] = []
    # A daemon thread: what hangs in native code must not keep the command from ending.
    thread = threading.Thread(target=lambda: found.append(_look(check)), name=check.name, daemon=True)
    thread.start()
    deadline = time.monotonic() + check.limit_s
    while thread.is_alive() and time.monotonic() < deadline:
        thread.join(0.2)  # in steps, so that Ctrl-C is heard
    if found:
        return found[0]
    return Finding(Mark.FAIL, f"No answer within {check.limit_s:.0f} s.", "Is something else busy or stuck?")


def _look(check: Check) -> Finding:
    try:
        return check.look()
    except VoiceflowError as error:
        return Finding(Mark.FAIL, error.message, error.hint)
    except Exception as error:  # noqa: BLE001 - the outermost frame of the check's thread: it becomes its finding
        text = f"The check itself failed: {type(error).__name__}: {error}."
        return Finding(Mark.FAIL, text, "This is a defect of voiceflow: please report it.")


def lines(outcome: Outcome, *, symbols: bool) -> list[str]:
    """How a finding is shown: mark, name and text; below it what to do next."""
    finding = outcome.finding
    mark = SYMBOLS[finding.mark][0 if symbols else 1]
    first, *rest = finding.text.rstrip().split("\n")
    indent = " " * (len(mark) + 2 + 14)
    shown = [f"{mark} {outcome.name:14} {first}", *(f"{indent}{line}" for line in rest)]
    if finding.next_step:
        shown.extend(f"{indent}{line}" for line in f"-> {finding.next_step}".split("\n"))
    return shown


def summary(outcomes: list[Outcome]) -> str:
    """The last line."""
    counted = {mark: sum(outcome.finding.mark is mark for outcome in outcomes) for mark in Mark}
    if counted[Mark.FAIL]:
        return f"{counted[Mark.FAIL]} of {len(outcomes)} checks failed, {counted[Mark.WARN]} with a warning."
    if counted[Mark.WARN]:
        return f"Dictation can work; {counted[Mark.WARN]} of {len(outcomes)} checks have a warning."
    return "All is well."


def _plain(outcome: Outcome) -> dict[str, str]:
    return {"check": outcome.name, **asdict(outcome.finding)}


def _can_show(encoding: str | None) -> bool:
    try:
        "✓✗".encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
