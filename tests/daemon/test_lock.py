"""One daemon a user."""

import subprocess
import sys
from pathlib import Path

import pytest

from voiceflow_daemon.daemon.lock import DaemonLock
from voiceflow_daemon.errors import AlreadyRunningError

HOLD = """
import sys
from pathlib import Path
from voiceflow_daemon.daemon.lock import DaemonLock
with DaemonLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_daemon_is_told(tmp_path: Path) -> None:
    path = tmp_path / "run" / "daemon.lock"
    with DaemonLock(path), pytest.raises(AlreadyRunningError) as caught, DaemonLock(path):
        pass
    assert "voiceflow stop" in caught.value.hint
    with DaemonLock(path):
        pass


def test_a_killed_daemon_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "daemon.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunningError), DaemonLock(path):
            pass
        other.kill()
        other.wait()
        with DaemonLock(path):
            pass
