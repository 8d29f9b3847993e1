"""One suite over the clipboard adapters on a real X server, each read by another program."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.desktop.rig import VirtualDesktop
from voiceflow_daemon.desktop._pyperclip import PyperclipClipboard
from voiceflow_daemon.desktop._x11_clipboard import X11Clipboard
from voiceflow_daemon.desktop.clipboard import Clipboard

TEXT = "Grüße aus Köln: 漢字 😀\n\nSecond line."
LONG_TEXT = "A long text, with an ü. " * 40_000
"""A million bytes: more than one request of the X protocol carries."""


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualDesktop]:
    with VirtualDesktop(panel=False, notifications=False, sound=False) as bare:
        for name, value in bare.env.items():
            monkeypatch.setenv(name, value)
        yield bare


@pytest.fixture(params=[X11Clipboard, PyperclipClipboard])
def clipboard(request: pytest.FixtureRequest, desktop: VirtualDesktop) -> Clipboard:
    opens: Callable[[], Clipboard] = request.param
    return opens()


@pytest.mark.parametrize("text", [TEXT, LONG_TEXT, " \n", "\\n $HOME 'quoted' \t"], ids=lambda text: text[:8])
def test_another_program_reads_what_was_copied(
    clipboard: Clipboard, desktop: VirtualDesktop, text: str
) -> None:
    clipboard.copy(text)
    assert desktop.clipboard.text() == text


def test_a_copy_takes_the_place_of_what_stood_there(clipboard: Clipboard, desktop: VirtualDesktop) -> None:
    desktop.clipboard.put_text("the user's own")
    clipboard.copy("first")
    clipboard.copy("second")
    assert desktop.clipboard.text() == "second"


def test_a_later_copy_of_the_user_stays(clipboard: Clipboard, desktop: VirtualDesktop) -> None:
    clipboard.copy("ours")
    desktop.clipboard.put_text("the user's own")
    assert desktop.clipboard.text() == "the user's own"


def test_any_thread_may_copy(clipboard: Clipboard, desktop: VirtualDesktop) -> None:
    texts = [f"text {number}" for number in range(4)]
    with ThreadPoolExecutor(1) as other:
        for text in texts:
            other.submit(clipboard.copy, text).result()
            assert desktop.clipboard.text() == text
