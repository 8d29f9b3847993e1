"""A clipboard history that reads without pause; prints each new content and its targets as JSON.

python clipboard_history.py
"""

import json
import select
import time

from Xlib import X, display

POLL_S = 0.01


class History:
    def __init__(self) -> None:
        self.display = display.Display()
        self.window = self.display.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        self.clipboard = self.display.intern_atom("CLIPBOARD")
        self.place = self.display.intern_atom("SEEN")

    def fetch(self, target: str) -> object:
        atom = self.display.intern_atom(target)
        self.window.convert_selection(self.clipboard, atom, self.place, X.CurrentTime)
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline:
            while self.display.pending_events():
                event = self.display.next_event()
                if event.type == X.SelectionNotify and event.target == atom:
                    found = self.window.get_full_property(self.place, 0) if event.property else None
                    return found.value if found else None
            select.select([self.display.fileno()], [], [], 0.05)
        return None

    def targets(self) -> list[str]:
        names = self.fetch("TARGETS")
        return [self.display.get_atom_name(atom) for atom in names] if names else []  # type: ignore[attr-defined]

    def run(self) -> None:
        print("ready", flush=True)
        last = None
        while True:
            targets = self.targets()
            text = self.fetch("UTF8_STRING") if "UTF8_STRING" in targets else None
            if targets != self.targets():
                continue  # the owner changed in between: these are not that text's targets
            seen = {"targets": targets, "text": text.decode() if isinstance(text, bytes) else None}
            if seen != last:
                print(json.dumps(seen), flush=True)
                last = seen
            time.sleep(POLL_S)


if __name__ == "__main__":
    History().run()
