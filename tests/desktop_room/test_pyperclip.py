"""The clipboard where no better adapter exists."""

from __future__ import annotations

from collections.abc import Callable

import pyperclip
import pytest

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop import _pyperclip
from voiceflow_daemon.desktop._pyperclip import CopyingInserter, PyperclipClipboard
from voiceflow_daemon.desktop.inserter import Delivery, Outcome
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import DeliveryError


class SlowClipboard:
    """Hands out old text for the first `stale` reads, as xclip does after a copy."""

    def __init__(self, stale: int) -> None:
        self.text = "old"
        self.stale = stale
        self.reads = 0

    def copy(self, text: str) -> None:
        self.text = text

    def paste(self) -> str:
        self.reads += 1
        return "old" if self.reads <= self.stale else self.text

    def determine(self) -> tuple[Callable[[str], None], Callable[[], str]]:
        return self.copy, self.paste


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SlowClipboard:
    clipboard = SlowClipboard(stale=3)
    monkeypatch.setattr(pyperclip, "determine_clipboard", clipboard.determine)
    return clipboard


def test_a_copy_returns_once_the_text_reads_back(slow: SlowClipboard) -> None:
    PyperclipClipboard().copy("new")
    assert slow.reads == 4


def test_a_clipboard_that_never_takes_the_text_is_an_error(
    slow: SlowClipboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_pyperclip, "READ_BACK_LIMIT_S", 0.05)
    slow.stale = 10**9
    with pytest.raises(DeliveryError, match="did not take"):
        PyperclipClipboard().copy("new")


def test_a_failing_program_is_an_error(slow: SlowClipboard, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_text: str) -> None:
        raise pyperclip.PyperclipException("xclip broke")

    monkeypatch.setattr(slow, "copy", fail)
    with pytest.raises(DeliveryError, match="xclip broke"):
        PyperclipClipboard().copy("new")


def test_every_delivery_is_a_copy(slow: SlowClipboard) -> None:
    inserter = CopyingInserter()
    kept = inserter.deliver("text", Window(1, "Editor"), DeliverySettings())
    assert kept.outcome is Outcome.KEPT
    assert kept.reason
    assert slow.text == "text"
    assert inserter.deliver("more", None, DeliverySettings(method="copy")) == Delivery(Outcome.COPIED)
    inserter.close()
