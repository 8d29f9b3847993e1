"""The log file is the user's alone, also after rotation."""

import logging
import stat
from pathlib import Path

from voiceflow_daemon.config.schema import LogSettings
from voiceflow_daemon.daemon import log_file


def test_every_log_file_is_private_and_bounded(tmp_path: Path) -> None:
    path = tmp_path / "state" / "voiceflow.log"
    handlers = log_file.open_log(path, LogSettings(), to_terminal=False)
    log = logging.getLogger("voiceflow_daemon.test")
    for line in range(5000):
        log.info("%d %s", line, "x" * 700)
    log.debug("not wanted")
    log_file.close_log(handlers)
    files = sorted(path.parent.iterdir())
    assert len(files) == 1 + log_file.BACKUPS
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.stat().st_size <= log_file.SIZE_BYTES
        assert "not wanted" not in file.read_text()


def test_the_level_is_the_users(tmp_path: Path) -> None:
    handlers = log_file.open_log(tmp_path / "log", LogSettings(level="error"), to_terminal=False)
    logging.getLogger("voiceflow_daemon.test").warning("too mild")
    log_file.set_level(LogSettings(level="debug"))
    logging.getLogger("voiceflow_daemon.test").debug("wanted")
    log_file.close_log(handlers)
    text = (tmp_path / "log").read_text()
    assert "too mild" not in text
    assert "wanted" in text


def test_an_unexpected_error_does_not_quote_what_was_said(tmp_path: Path) -> None:
    handlers = log_file.open_log(tmp_path / "log", LogSettings(), to_terminal=False)
    try:
        int("canary")
    except ValueError:
        logging.getLogger("voiceflow_daemon.test").exception("it failed")
    log_file.close_log(handlers)
    text = (tmp_path / "log").read_text()
    assert "ValueError" in text
    assert "test_log_file.py" in text
    assert text.count("canary") == text.count('int("canary")')  # the source line, not the message
