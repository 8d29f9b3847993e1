"""A real editor (mousepad) whose content can be read back."""

from collections.abc import Callable
from pathlib import Path

from tests.desktop.rig.keyboard import SyntheticKeyboard
from tests.desktop.rig.processes import Processes
from tests.desktop.rig.waiting import until
from tests.desktop.rig.windows import Window, Windows

MODIFIED_MARK = "*"


class Editor:
    """One mousepad with one file open, focused when it comes up."""

    def __init__(self, processes: Processes, windows: Windows, path: Path, text: str = "") -> None:
        self.path = path
        self._processes = processes
        self._windows = windows
        self._keyboard = SyntheticKeyboard(processes)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self._name = f"mousepad-{path.stem}"
        self._child = processes.spawn(self._name, "mousepad", "--disable-server", path)
        shown = processes.await_ready(self._name, self._child, self._own_window)
        self.window = shown[0].id
        self.focus()

    @property
    def title(self) -> str:
        return next((w.title for w in self._windows.all() if w.id == self.window), "")

    def focus(self) -> None:
        self._windows.focus(self.window)

    @property
    def is_focused(self) -> bool:
        return self._windows.has_keyboard(self.window)

    def read(self) -> str:
        """The exact content, read from the file after saving what was not yet saved.

        If there is something to save, the focus goes to the editor for that, and stays there. No
        modifier may be held meanwhile: with Shift, saving asks for a name.
        """
        self._windows.settle(self.window)
        if self._is_modified():
            self.focus()
            self._keyboard.tap("ctrl+s")
            until(f"{self.path.name} to be saved", lambda: not self._is_modified())
        return self.path.read_text(encoding="utf-8")

    def await_text(self, wanted: str | Callable[[str], bool], limit_s: float = 10.0) -> str:
        """Wait until the content equals `wanted` (or satisfies it), and return it.

        Raises:
            TimeoutError: with the content that stood there instead.
        """
        fits = wanted if callable(wanted) else wanted.__eq__
        seen = ""

        def arrived() -> bool:
            nonlocal seen
            seen = self.read()
            return fits(seen)

        try:
            until(f"the editor to hold {wanted!r}", arrived, limit_s)
        except TimeoutError as late:
            raise TimeoutError(f"{late}; it holds {seen!r}") from late
        return seen

    def clear(self) -> None:
        """Empty the document and the file."""
        self.focus()
        self._keyboard.tap("ctrl+a", "BackSpace")
        self.await_text("")

    def close(self) -> None:
        """End the editor without asking about unsaved text."""
        self._processes.stop(self._child)
        until("the editor's window to go", lambda: not self._own_window())

    def _own_window(self) -> list[Window]:
        return [w for w in self._windows.of_process(self._child.pid) if w.title.endswith("Mousepad")]

    def _is_modified(self) -> bool:
        return self.title.startswith(MODIFIED_MARK)
