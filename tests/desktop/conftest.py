"""Desktops for the tests of this folder; each test gets one of its own."""

from collections.abc import Iterator

import pytest

from tests.desktop.rig import VirtualDesktop


@pytest.fixture
def desktop() -> Iterator[VirtualDesktop]:
    """Everything: panel, notifications and a microphone."""
    with VirtualDesktop() as whole:
        yield whole


@pytest.fixture
def sound_desktop() -> Iterator[VirtualDesktop]:
    """Screen, windows, keyboard and a microphone."""
    with VirtualDesktop(panel=False, notifications=False) as with_sound:
        yield with_sound


@pytest.fixture
def bare_desktop() -> Iterator[VirtualDesktop]:
    """Screen, windows and keyboard alone."""
    with VirtualDesktop(panel=False, notifications=False, sound=False) as bare:
        yield bare
