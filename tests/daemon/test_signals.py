"""Signals end the daemon once, from wherever the main thread is."""

import os
import signal
import threading

import pytest

from voiceflow_daemon.daemon.signals import ENDING, EndingSignals


@pytest.mark.parametrize("number", ENDING)
def test_a_signal_ends_the_daemon_once(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    ended = threading.Event()
    calls: list[str] = []

    def end() -> None:
        calls.append(threading.current_thread().name)
        ended.set()

    with EndingSignals(end):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert ended.wait(10)
    assert calls == ["ending"]
    assert signal.getsignal(number) is before


def test_without_a_signal_nothing_ends() -> None:
    with EndingSignals(lambda: pytest.fail("ended")):
        pass
