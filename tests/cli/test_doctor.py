"""`voiceflow doctor`: the checks one by one, how they are shown, and the whole on two machines."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.cli.machine import DEMO, PROGRAM, Machine
from tests.desktop.rig import VirtualDesktop
from voiceflow_daemon.cli import checks
from voiceflow_daemon.cli.doctor import Check, Finding, Mark, Outcome, examine, lines, summary
from voiceflow_daemon.cli.main import main
from voiceflow_daemon.config.schema import (
    AudioSettings,
    HotkeySettings,
    LlmSettings,
    Settings,
    SpeechSettings,
)
from voiceflow_daemon.errors import ConfigError, HotkeyError, ModelMissingError, VoiceflowError
from voiceflow_daemon.storage.journal import Journal

GOOD, BAD = Finding(Mark.OK, "Well."), Finding(Mark.FAIL, "Broken.", "Mend it.")
IDLE = {"status": "Ready", "problems": {}}


def outcome_of(look: Callable[[], Finding], limit_s: float = 30.0) -> Finding:
    (outcome,) = examine([Check("it", look, limit_s)])
    return outcome.finding


# --- carrying out and showing


def test_checks_come_out_in_their_order() -> None:
    found = list(examine([Check("one", lambda: GOOD), Check("two", lambda: BAD)]))
    assert found == [Outcome("one", GOOD), Outcome("two", BAD)]


def test_a_check_that_hangs_fails_and_the_next_is_made() -> None:
    release = threading.Event()

    def hang() -> Finding:
        release.wait()
        return GOOD

    hung, after = examine([Check("stuck", hang, 0.05), Check("after", lambda: GOOD)])
    release.set()
    assert hung.finding.mark is Mark.FAIL
    assert "No answer" in hung.finding.text
    assert after.finding == GOOD


def test_an_error_for_users_becomes_the_finding() -> None:
    def raise_it() -> Finding:
        raise VoiceflowError("It is not there.", "Get it.")

    assert outcome_of(raise_it) == Finding(Mark.FAIL, "It is not there.", "Get it.")


def test_an_unexpected_error_fails_that_check_alone() -> None:
    def raise_it() -> Finding:
        raise ZeroDivisionError("by nothing")

    finding = outcome_of(raise_it)
    assert finding.mark is Mark.FAIL
    assert "ZeroDivisionError: by nothing" in finding.text


@pytest.mark.parametrize(("symbols", "mark"), [(True, "✗"), (False, "FAIL")])
def test_a_finding_is_shown_with_what_to_do_next(symbols: bool, mark: str) -> None:
    first, second, third = lines(
        Outcome("hotkey", Finding(Mark.FAIL, "Two\nlines", "Do this.")), symbols=symbols
    )
    assert first.split() == [mark, "hotkey", "Two"]
    assert second.strip() == "lines"
    assert third.strip() == "-> Do this."
    assert first.index("Two") == second.index("lines") == third.index("->")


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([GOOD, GOOD], "All is well."),
        ([GOOD, Finding(Mark.WARN, "Hm.")], "1 of 2 checks have a warning"),
        ([GOOD, BAD, Finding(Mark.WARN, "Hm.")], "1 of 3 checks failed, 1 with a warning."),
    ],
)
def test_the_summary_counts(findings: list[Finding], said: str) -> None:
    assert said in summary([Outcome("it", finding) for finding in findings])


# --- one by one


@pytest.mark.parametrize(
    ("environment", "mark", "part"),
    [
        ({"DISPLAY": ":1", "XDG_CURRENT_DESKTOP": "MATE"}, Mark.OK, "MATE"),
        ({"DISPLAY": ":1", "WAYLAND_DISPLAY": "wayland-0"}, Mark.WARN, "Wayland"),
        ({"DISPLAY": ":1", "XDG_SESSION_TYPE": "wayland"}, Mark.WARN, "Wayland"),
        ({}, Mark.FAIL, "DISPLAY is not set"),
    ],
)
def test_the_session(environment: dict[str, str], mark: Mark, part: str) -> None:
    finding = checks.session(environment)
    assert finding.mark is mark
    assert part in finding.text
    assert bool(finding.next_step) == (mark is not Mark.OK)


def test_all_problems_of_the_config_are_told(own_machine: Machine) -> None:
    own_machine.write_config('contxt = "email"\n[hotkey]\nmode = "hld"\n')
    with pytest.raises(ConfigError, match=r"(?s)contxt.*hotkey.mode"):
        checks.config(own_machine.paths)


def test_with_a_bad_config_what_it_chooses_is_not_looked_at(own_machine: Machine) -> None:
    own_machine.write_config('[hotkey]\nkey = "ctlr_r"\n')
    found = findings_of(own_machine.run("doctor", "--json").stdout)
    assert found["config"]["mark"] == "fail"
    assert 'Did you mean "ctrl_r"?' in found["config"]["text"]
    for name in ("speech model", "language model", "hotkey", "microphone", "llama.cpp"):
        assert found[name]["text"] == "Not looked at: mend the config first."
        assert found[name]["mark"] == "warn"
    assert "hold ctrl_r" in found["daemon"]["next_step"]


def test_a_good_config_and_none_are_both_well(own_machine: Machine) -> None:
    assert "does not exist yet" in checks.config(own_machine.paths).text
    own_machine.write_config(DEMO)
    assert checks.config(own_machine.paths) == Finding(Mark.OK, f"{own_machine.paths.config_file} is good")


def test_the_daemon() -> None:
    assert checks.running_daemon(None, "f9").mark is Mark.WARN
    assert "hold f9" in checks.running_daemon(None, "f9").next_step
    assert checks.running_daemon(IDLE, "f9").mark is Mark.OK
    ailing = checks.running_daemon({"status": "", "problems": {"hotkey": "It is taken."}}, "f9")
    assert ailing.mark is Mark.WARN
    assert "hotkey: It is taken." in ailing.text


def test_the_models(own_machine: Machine) -> None:
    paths, none = own_machine.paths, Settings()
    demo = Settings(speech=SpeechSettings(model="demo"), llm=LlmSettings(model="demo"))
    gone = Settings(speech=SpeechSettings(model="base.en"), llm=LlmSettings(model="nothing.gguf"))
    assert checks.speech_model(none, paths).mark is Mark.FAIL
    assert checks.language_model(none, paths).mark is Mark.WARN
    for check in (checks.speech_model, checks.language_model):
        assert "sample voice" in check(demo, paths).text
        assert "models download" in check(none, paths).next_step
        with pytest.raises(ModelMissingError):
            check(gone, paths)


def test_kernels_that_the_config_switches_off_are_a_warning(own_machine: Machine) -> None:
    off = Settings(llm=LlmSettings(model="demo", repacked_kernels="off"))
    finding = checks.kernels(off, own_machine.paths)
    assert finding.mark is Mark.WARN
    assert 'repacked_kernels = "off"' in finding.text


def test_a_running_daemon_is_asked_for_its_hotkey() -> None:
    assert checks.hotkey(Settings(), IDLE).text == "ctrl_r (hold), watched by the daemon"
    taken = checks.hotkey(Settings(), {"problems": {"hotkey": "It is taken."}})
    assert (taken.mark, taken.text) == (Mark.FAIL, "It is taken.")
    with pytest.raises(HotkeyError, match="no key named"):
        checks.hotkey(Settings(hotkey=HotkeySettings.model_construct(key="f99", mode="hold")), IDLE)


def test_waiting_recordings_are_counted_and_left_to_the_daemon(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    assert checks.recordings(folder, None).mark is Mark.OK
    entry = Journal(folder).begin("default", 16_000)
    entry.append(np.ones(1600, np.int16))
    entry.release()
    waiting = checks.recordings(folder, None)
    assert waiting.mark is Mark.WARN
    assert waiting.text.startswith("1 wait")
    assert checks.recordings(folder, IDLE).mark is Mark.OK
    (orphan,) = Journal(folder).orphans()
    orphan.discard()
    (folder / "1.recording.damaged").touch()
    assert "cannot be read" in checks.recordings(folder, IDLE).text


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.disk((tmp_path / "not" / "there",)).text.endswith(str(tmp_path / "not" / "there"))
    monkeypatch.setattr(checks, "LEAST_FREE_BYTES", 1 << 60)
    full = checks.disk((tmp_path,))
    assert full.mark is Mark.WARN
    assert "Make room" in full.next_step


# --- the whole


def findings_of(output: bytes) -> dict[str, dict[str, str]]:
    return {finding.pop("check"): finding for finding in json.loads(output)}


def test_a_bare_machine(own_machine: Machine) -> None:
    ended = own_machine.run("doctor", "--json")
    found = findings_of(ended.stdout)
    assert ended.returncode == 1
    assert ended.stderr == b""
    assert {name for name, finding in found.items() if finding["mark"] == "fail"} >= {
        *("speech model", "session", "hotkey")
    }
    assert found["tray"]["mark"] == "warn"
    assert "no display" in found["tray"]["text"]
    assert found["llama.cpp"]["mark"] in ("ok", "warn")
    for finding in found.values():
        if finding["mark"] == "fail":
            assert finding["next_step"], finding


def test_a_whole_desktop() -> None:
    with VirtualDesktop() as desktop:
        config = desktop.config_dir / "voiceflow" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(DEMO)
        ended = desktop.run(*PROGRAM, "doctor", "--json", limit_s=100, check=False)
    found = findings_of(ended.stdout)
    assert [name for name, finding in found.items() if finding["mark"] == "fail"] == []
    assert ended.returncode == 0
    assert "can be had" in found["hotkey"]["text"]
    assert found["notifications"] == {"mark": "ok", "text": "dunst shows them.", "next_step": ""}
    assert "Rig_Microphone" in found["microphone"]["text"]
    assert found["text delivery"]["mark"] == "ok"


def test_people_see_marks_and_a_summary(
    own_machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "all_checks", lambda _paths: [Check("it", lambda: BAD)])
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "Broken." in shown
    assert "-> Mend it." in shown
    assert "1 of 1 checks failed" in shown
    monkeypatch.setattr(checks, "all_checks", lambda _paths: [Check("it", lambda: GOOD)])
    assert main(["doctor"]) == 0


def test_a_microphone_that_is_not_there(own_machine: Machine) -> None:
    finding = checks.microphone(Settings(audio=AudioSettings(microphone="Nobody's")))
    assert finding.mark is not Mark.OK
    assert finding.next_step
