"""Notifications where nobody could show them. With a desktop: tests/desktop/test_notify.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from voiceflow_daemon.desktop.notify import SilentNotifier, open_notifier


def test_without_a_session_there_is_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    notifier = open_notifier()
    assert isinstance(notifier, SilentNotifier)
    assert not notifier.show("Nobody", "hears this", topic="a", urgent=True)
    notifier.close()


@pytest.mark.parametrize(
    "address", ["", "unix:path=/nowhere/bus", "tcp:host=localhost,port=1", "nonsense", "unix:abstract", ";"]
)
def test_a_bus_that_is_not_there_says_no(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    notifier = open_notifier()
    assert not notifier.show("Nobody", "hears this", topic="a")
    notifier.close()
