"""Delivers a text but stops for ever at the first key: a daemon to be killed in the middle.

python stalled_delivery.py TEXT
"""

import sys
import threading

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop.select import open_active_window, open_inserter


def stall(_keycode: int, _pressed: bool) -> None:
    print("stalled", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    target = open_active_window().sample()
    open_inserter(stall).deliver(sys.argv[1], target, DeliverySettings())
