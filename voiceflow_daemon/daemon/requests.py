"""Answers the requests that are questions; what changes something, the coordinator does itself."""

from __future__ import annotations

from typing import Any

from voiceflow_daemon.daemon.board import ON_REQUEST, Board
from voiceflow_daemon.daemon.control_protocol import Reply
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage.history import History, HistoryError


def done(**data: Any) -> Reply:
    """All went well."""
    return Reply(ok=True, data=data)


def refused(error: VoiceflowError) -> Reply:
    """The daemon's error becomes the command's."""
    return Reply(ok=False, message=error.message, hint=error.hint, exit_code=error.exit_code)


def last_text(board: Board, history: History) -> Reply:
    """The latest finished text and its raw transcript: of this daemon, else the history's."""
    if board.last:
        latest = board.last[0]
        return done(
            text=latest.text,
            raw=latest.raw,
            context=latest.context,
            recovered=latest.recovered,
            text_id=latest.text_id,
        )
    try:
        row = history.latest()
    except HistoryError as error:
        return refused(error)
    if row is None:
        return refused(VoiceflowError("There is no text yet.", "Hold the hotkey and speak."))
    return done(text=row.text, raw=row.raw, context=row.context, recovered=False, text_id=ON_REQUEST)
