"""Notifications on a real desktop, and on one that lacks the service or the bus."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator

import pytest

from tests.desktop.rig import Notification, VirtualDesktop
from tests.desktop.rig.notifications import SERVICE, start_notification_service
from voiceflow_daemon.desktop.notify import Notifier, open_notifier

MARKUP = "5 < 7 & <b>bold</b>"
ESCAPED = "5 &lt; 7 &amp; &lt;b&gt;bold&lt;/b&gt;"
"""As the service is given it; it shows MARKUP."""


@pytest.fixture
def notified_desktop() -> Iterator[VirtualDesktop]:
    with VirtualDesktop(panel=False, sound=False) as desktop:
        yield desktop


@pytest.fixture
def notifier(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notifier]:
    """On the desktop that the test takes."""
    name = next(name for name in request.fixturenames if name.endswith("_desktop"))
    desktop = request.getfixturevalue(name)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", desktop.env["DBUS_SESSION_BUS_ADDRESS"])
    opened = open_notifier()
    yield opened
    opened.close()


def test_a_message_is_shown_as_it_is_written(notified_desktop: VirtualDesktop, notifier: Notifier) -> None:
    assert notifier.show("Grüße & <more>", MARKUP, topic="greeting")
    assert notified_desktop.notifications.shown_now() == 1
    assert notified_desktop.notifications.all() == [Notification("voiceflow", "Grüße & <more>", ESCAPED)]


def test_a_topic_has_one_message_on_the_screen(notified_desktop: VirtualDesktop, notifier: Notifier) -> None:
    for count in range(4):
        assert notifier.show("The microphone is gone", f"{count} times", topic="microphone")
    assert notifier.show("Something else", "", topic="config", urgent=True)
    assert notified_desktop.notifications.shown_now() == 2
    assert {n.body for n in notified_desktop.notifications.all()} == {"3 times", ""}


def test_what_the_bus_cannot_carry_is_left_out(notified_desktop: VirtualDesktop, notifier: Notifier) -> None:
    assert notifier.show("a\0b", "half a pair: \ud83d", topic="odd")
    assert notified_desktop.notifications.all() == [Notification("voiceflow", "ab", "half a pair: ?")]


def test_a_new_service_is_not_asked_to_replace_what_others_show(
    notified_desktop: VirtualDesktop, notifier: Notifier
) -> None:
    desktop = notified_desktop
    assert notifier.show("First", "", topic="ours")
    (dunst,) = (pid for pid, name in desktop.processes.living().items() if name == "dunst")
    os.kill(dunst, signal.SIGTERM)
    desktop.until("the service to end", lambda: not desktop.bus.is_owned(SERVICE))
    start_notification_service(desktop.processes, desktop.bus)
    desktop.run("dunstify", "Theirs")

    assert notifier.show("Second", "", topic="ours")
    assert desktop.notifications.shown_now() == 2


def test_without_a_service_it_says_no_and_logs_once(
    bare_desktop: VirtualDesktop, notifier: Notifier, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not notifier.show("Nobody", "hears this", topic="a")
        assert not notifier.show("Nobody", "hears this", topic="b")
    assert len(caplog.records) == 1
    assert "hears" not in caplog.text

    start_notification_service(bare_desktop.processes, bare_desktop.bus)
    assert notifier.show("Somebody", "does", topic="a")


def test_a_service_that_hangs_is_given_up(notified_desktop: VirtualDesktop, notifier: Notifier) -> None:
    (dunst,) = (pid for pid, name in notified_desktop.processes.living().items() if name == "dunst")
    os.kill(dunst, signal.SIGSTOP)
    try:
        assert not notifier.show("Waiting", "", topic="a")
    finally:
        os.kill(dunst, signal.SIGCONT)
    assert notifier.show("Going on", "", topic="a")


def test_a_bus_that_hangs_is_given_up(notified_desktop: VirtualDesktop, notifier: Notifier) -> None:
    (bus,) = (pid for pid, name in notified_desktop.processes.living().items() if name == "dbus-daemon")
    os.kill(bus, signal.SIGSTOP)
    try:
        assert not notifier.show("Waiting", "", topic="a")
    finally:
        os.kill(bus, signal.SIGCONT)
    assert notifier.show("Going on", "", topic="a")
