"""What glibc is told, each in a process of its own: what was freed is the system's again."""

from __future__ import annotations

import subprocess
import sys

HEAPS = """
import ctypes, threading
from voiceflow_daemon.daemon.heap import use_one_arena
{call}
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
# All at once, so that each wants a heap of its own.
barrier = threading.Barrier(4)
def allocate():
    barrier.wait()
    libc.malloc(ctypes.c_size_t(100_000))
    barrier.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
stdout = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, stdout)
libc.fflush(stdout)
"""

TRIMMED = """
import ctypes
from voiceflow_daemon.bench.resident import resident_bytes
from voiceflow_daemon.daemon.heap import give_back
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = []
for _ in range(1000):
    block = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(60_000)))
    ctypes.memset(block, 1, 60_000)
    blocks.append(block)
for block in blocks[:-1]:
    libc.free(block)
before = resident_bytes()
give_back()
print(before - resident_bytes())
"""


def output(program: str) -> str:
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )
    assert child.returncode == 0, child.stderr
    return child.stdout


def test_all_threads_share_one_heap() -> None:
    assert output(HEAPS.format(call="")).count("<heap nr=") > 1
    assert output(HEAPS.format(call="use_one_arena()")).count("<heap nr=") == 1


def test_what_was_freed_below_something_in_use_is_given_back() -> None:
    assert int(output(TRIMMED)) > 50_000_000
