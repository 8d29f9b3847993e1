"""The settings checked by the rooms that will use them."""

from __future__ import annotations

from pathlib import Path

import pytest

from voiceflow_daemon.config.load import ConfigProblemsError
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.config.template import write_first
from voiceflow_daemon.daemon.checked_settings import load_checked


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def told(path: Path, text: str) -> list[str]:
    path.write_text(text)
    with pytest.raises(ConfigProblemsError) as caught:
        load_checked(path)
    return [str(problem) for problem in caught.value.problems]


def test_no_file_the_first_file_and_a_good_one_are_accepted(path: Path) -> None:
    assert load_checked(path) == Settings()
    write_first(path)
    assert load_checked(path) == Settings()
    (path.parent / "mine.txt").write_text("Be brief.")
    path.write_text("context = 'mine'\n[hotkey]\nkey = 'F9'\n[contexts.mine]\nprompt_file = 'mine.txt'\n")
    assert load_checked(path).context == "mine"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[hotkey]\nkey = 'ctlr_r'",
            'line 2: hotkey.key: There is no key named "ctlr_r". Did you mean "ctrl_r"?',
        ),
        ("[hotkey]\nkey = 'a'", 'line 2: hotkey.key: "a" is needed for writing'),
        (
            "[delivery]\npaste_keys = 'ctlr+v'",
            (
                'line 2: delivery.paste_keys: "ctlr+v" is no combination of keys such as "ctrl+v" or'
                ' "shift+insert"; did you mean ctrl+v?'
            ),
        ),
        ("[contexts.a]\n\nprompt_file = 'a.txt'", "line 3: contexts.a.prompt_file: The prompt_file"),
        ("[contexts.a]\nprompt = ' '", "line 2: contexts.a.prompt: it is blank"),
    ],
)
def test_what_only_a_room_can_tell_has_its_line(path: Path, text: str, expected: str) -> None:
    (problem,) = told(path, text)
    assert problem.startswith(expected)


@pytest.mark.parametrize(
    ("data", "why"), [(b"", "is empty"), (b" \n", "is empty"), (b"\xff", "is not UTF-8")]
)
def test_a_prompt_file_without_instructions_is_refused(path: Path, data: bytes, why: str) -> None:
    (path.parent / "a.txt").write_bytes(data)
    (problem,) = told(path, "[contexts.email]\nprompt_file = 'a.txt'")
    assert why in problem


def test_all_kinds_of_problems_are_told_at_once_in_the_order_of_lines(path: Path) -> None:
    found = told(
        path,
        "context = 'emial'\nnotifications = 3\n[delivery]\npaste_keys = 'v+'\n[contexts.a]\n"
        "prompt_file = 'a.txt'\n[contexts.b]\nprompt = 'x'\nprompt_file = 'b.txt'\n"
        "[hotkey]\nmode = 'hodl'\nkey = 'ctrl'\n",
    )
    assert [line.split(": ")[:2] for line in found] == [
        ["line 1", "context"],
        ["line 2", "notifications"],
        ["line 4", "delivery.paste_keys"],
        ["line 6", "contexts.a.prompt_file"],
        ["line 7", "contexts.b"],
        ["line 11", "hotkey.mode"],
        ["line 12", "hotkey.key"],
    ]


def test_a_value_of_the_wrong_kind_is_told_once(path: Path) -> None:
    assert told(path, "[hotkey]\nkey = 9") == ["line 2: hotkey.key: expected a text in quotes, found 9"]


def test_broken_toml_is_told_alone(path: Path) -> None:
    (problem,) = told(path, "[hotkey]\nkey = 'ctlr_r'\na = \n")
    assert problem.startswith("line 3: ")
