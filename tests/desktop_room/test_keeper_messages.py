"""The line between daemon and keeper."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.desktop import keeper_messages
from voiceflow_daemon.desktop.keeper_messages import (
    Answer,
    AwaitRead,
    Command,
    Expect,
    GiveBack,
    Lend,
    Lines,
    MessageError,
    Put,
    decode_answer,
    decode_command,
    encode,
)

SELECTIONS = st.lists(st.sampled_from(["CLIPBOARD", "PRIMARY"]), min_size=1, max_size=2).map(tuple)
COMMANDS = st.one_of(
    st.builds(Lend, st.text(), SELECTIONS, st.none() | st.text()),
    st.builds(Put, st.text(), SELECTIONS),
    st.builds(Expect, st.lists(st.integers(0, 2**29)).map(tuple)),
    st.builds(AwaitRead, st.floats(0, 10)),
    st.just(GiveBack()),
)


@given(st.lists(COMMANDS), st.integers(1, 50))
def test_commands_arrive_whole_however_the_stream_is_cut(commands: list[Command], piece: int) -> None:
    stream = b"".join(encode(command) for command in commands)
    lines = Lines()
    arrived = [
        decode_command(line)
        for start in range(0, len(stream), piece)
        for line in lines.feed(stream[start : start + piece])
    ]
    assert arrived == commands


@pytest.mark.parametrize("answer", Answer)
def test_answers_arrive(answer: Answer) -> None:
    assert decode_answer(encode(answer).strip()) is answer


@given(st.binary())
def test_nothing_else_is_a_message(line: bytes) -> None:
    with pytest.raises(MessageError):
        decode_command(line)
    with pytest.raises(MessageError):
        decode_answer(line)


@pytest.mark.parametrize(
    "body",
    [[], {}, {"do": "quit"}, {"do": "put"}, {"do": "put", "text": "a", "more": 1}, {"answer": "maybe"}],
)
def test_objects_of_another_kind_are_refused(body: object) -> None:
    line = json.dumps(body).encode()
    with pytest.raises(MessageError):
        decode_command(line)
    with pytest.raises(MessageError):
        decode_answer(line)


def test_messages_are_bounded_at_both_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper_messages, "MAX_LINE_BYTES", 100)
    with pytest.raises(MessageError):
        encode(Put("x" * 100))
    lines = Lines()
    assert lines.feed(b"x" * 100) == []
    with pytest.raises(MessageError):
        lines.feed(b"x")
