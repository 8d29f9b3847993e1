"""llama.cpp's library as it is loaded into this process: its only importer.

The others take the low-level functions from here. The high-level `Llama` class is not used: it knows
only the last prompt, keeps logits of every token, and leaves a poisoned context behind when a restore
fails.
"""

from __future__ import annotations

import ctypes
import logging
import os
from typing import Any

# libgomp's threads spin for milliseconds at each of the hundreds of barriers a token has. On a machine
# with one other busy core they wait for a thread that the kernel has not scheduled, while holding its
# core: measured 4,300 ms a token instead of 16. Spinning briefly costs little on an idle machine.
# libgomp reads this when it is loaded, so it stands before the import.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import llama_cpp

__all__ = ["StopFlag", "devices", "llama_cpp", "start", "system_info"]

log = logging.getLogger(__name__)

_WARNING, _ERROR = 3, 4
"""ggml's log levels; 5 continues a line of any level, such as the dots while a model is loaded."""


def start() -> None:
    """Send llama.cpp's messages to our log and find its devices; harmless when called again."""
    llama_cpp.llama_log_set(_forward_log, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _forward_log(level: int, text: bytes, _data: object) -> None:
    if _WARNING <= level <= _ERROR:
        log.debug("llama.cpp: %s", text.decode("utf-8", "replace").rstrip())


def system_info() -> str:
    """The kernels that llama.cpp was built with and that this CPU can run."""
    return str(llama_cpp.llama_print_system_info().decode("utf-8", "replace"))


def devices() -> list[str]:
    """Name and description of each device that llama.cpp found; the CPU is one. After `start`."""
    library: Any
    if os.name == "nt":
        from llama_cpp._ggml import libggml

        library = libggml
    else:
        # The linker finds ggml's functions through llama.cpp's library; the copy of ggml's library
        # that the package could load itself would be a second one, with devices of its own.
        library = llama_cpp.llama_cpp._lib  # noqa: SLF001
    count, get = library.ggml_backend_dev_count, library.ggml_backend_dev_get
    count.restype, get.restype, get.argtypes = ctypes.c_size_t, ctypes.c_void_p, [ctypes.c_size_t]
    texts = library.ggml_backend_dev_name, library.ggml_backend_dev_description
    for text in texts:
        text.restype, text.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    return [
        ": ".join((text(get(index)) or b"").decode("utf-8", "replace") for text in texts)
        for index in range(count())
    ]


class StopFlag:
    """An abort callback for llama.cpp that never enters Python.

    It is asked some hundred times a token. A callback in Python needs the interpreter's lock each
    time, and another busy thread makes it wait up to 5 ms (measured: prefill 40 times slower). So
    the callback is the C library's `strlen` and its argument a string in our memory: empty means
    go on, one character long means stop.
    """

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)
        library = ctypes.cdll.msvcrt if os.name == "nt" else ctypes.CDLL(None)
        self.callback = ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
        self.data = ctypes.cast(self._text, ctypes.c_void_p)

    def raise_(self) -> None:
        self._text[0] = b"\1"

    def lower(self) -> None:
        self._text[0] = b"\0"
