"""A window without a toolkit: shows up, takes the focus, and prints what it pastes.

    python plain_window.py CLASS [SELECTION]

With a selection it pastes from there at each Insert key, as xterm does; without, it ignores all keys.
"""

import json
import sys

from Xlib import XK, X, Xutil, display


def main(application: str, selection: str) -> None:
    connection = display.Display()
    root = connection.screen().root
    window = root.create_window(
        50, 50, 200, 100, 0, X.CopyFromParent, event_mask=X.KeyPressMask | X.PropertyChangeMask
    )
    window.set_wm_class(application.lower(), application)
    window.set_wm_name(application)
    window.set_wm_hints(flags=Xutil.InputHint, input=True)
    window.map()
    insert = connection.keysym_to_keycode(XK.XK_Insert)
    utf8, place = connection.intern_atom("UTF8_STRING"), connection.intern_atom("PASTED")
    print("ready", window.id, flush=True)
    while True:
        event = connection.next_event()
        if event.type == X.KeyPress and event.detail == insert and selection:
            window.convert_selection(connection.intern_atom(selection), utf8, place, event.time)
        elif event.type == X.SelectionNotify:
            found = window.get_full_property(place, utf8) if event.property else None
            print("pasted", json.dumps(found.value.decode() if found else None), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
