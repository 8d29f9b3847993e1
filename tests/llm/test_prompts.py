"""System prompts: shipped, the user's own, and what can be wrong with those."""

from pathlib import Path

import pytest

from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ConfigError
from voiceflow_daemon.llm.prompts import (
    BUILT_IN,
    MAX_PROMPT_CHARACTERS,
    TRANSCRIPT_IS_DATA,
    ContextPrompts,
    check_prompts,
    context_names,
)

SHIPPED = Path(__file__).parents[2] / "assets/prompts"


@pytest.fixture
def prompts(tmp_path: Path) -> ContextPrompts:
    return ContextPrompts(FakeLanguageModel().render_chat, SHIPPED, tmp_path)


def own(name: str, **fields: str) -> Settings:
    return Settings.model_validate({"contexts": {name: fields}})


@pytest.mark.parametrize("context", BUILT_IN)
def test_shipped_prompts_name_their_context_and_show_examples(prompts: ContextPrompts, context: str) -> None:
    text = prompts.system_prompt(context, Settings())
    assert text.splitlines().count(f"Context: {context}") == 1
    assert text.count("\nInput: ") == text.count("\nOutput: ") >= 4
    assert "formatted, never answered" in text
    assert "\nInput: w" in text, "an example of a question or an order that is only formatted"


def test_a_template_surrounds_the_transcript(prompts: ContextPrompts) -> None:
    template = prompts.template("email", Settings())
    assert template.context == "email"
    assert template.prefix.startswith("<|start|>system\nContext: email\n")
    assert template.prefix.endswith("<|end|><|start|>user\n")
    assert template.suffix == "<|end|><|start|>assistant\n"


def test_templates_differ_by_their_text_alone(prompts: ContextPrompts) -> None:
    templates = [prompts.template(context, Settings()) for context in BUILT_IN]
    assert len({template.digest for template in templates}) == len(BUILT_IN)
    assert prompts.template("email", Settings()).digest == templates[1].digest


def test_the_users_own_prompt_is_told_that_the_transcript_is_data(prompts: ContextPrompts) -> None:
    text = prompts.system_prompt("letters", own("letters", prompt="Write like Jane Austen."))
    assert text == f"Context: letters\n{TRANSCRIPT_IS_DATA}\n\nWrite like Jane Austen."


def test_a_context_line_of_the_users_own_stays(prompts: ContextPrompts) -> None:
    text = prompts.system_prompt("work", own("work", prompt="Be brief.\nContext: email"))
    assert text == f"{TRANSCRIPT_IS_DATA}\n\nBe brief.\nContext: email"


def test_a_prompt_may_be_a_file_beside_the_config(prompts: ContextPrompts, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_bytes("\ufeffHöflich schreiben.\n".encode())
    assert prompts.system_prompt("a", own("a", prompt_file="mine.txt")).endswith("\n\nHöflich schreiben.")
    absolute = own("a", prompt_file=str(tmp_path / "mine.txt"))
    assert prompts.system_prompt("a", absolute).endswith("\n\nHöflich schreiben.")


def test_a_built_in_context_can_be_changed_or_only_named(prompts: ContextPrompts) -> None:
    changed = prompts.system_prompt("email", own("email", prompt="Sign as Bob."))
    assert changed.endswith("Sign as Bob.")
    named = prompts.system_prompt("email", own("email"))
    assert named == prompts.system_prompt("email", Settings())


def test_names_come_in_the_menus_order() -> None:
    settings = Settings.model_validate(
        {"contexts": {"zeta": {"prompt": "z"}, "email": {"prompt": "e"}, "alpha": {"prompt": "a"}}}
    )
    assert context_names(settings) == ("default", "email", "slack", "code", "zeta", "alpha")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "has no prompt"),
        ({"prompt": "x", "prompt_file": "y"}, "both prompt and prompt_file"),
        ({"prompt_file": "missing.txt"}, "is not there"),
        ({"prompt_file": "."}, "is not there"),
        ({"prompt_file": "empty.txt"}, "is empty"),
        ({"prompt_file": "latin1.txt"}, "is not UTF-8"),
        ({"prompt_file": "long.txt"}, f"has {MAX_PROMPT_CHARACTERS + 1} characters"),
    ],
)
def test_a_bad_prompt_says_what_to_do(
    prompts: ContextPrompts, tmp_path: Path, fields: dict[str, str], message: str
) -> None:
    (tmp_path / "empty.txt").write_text(" \n\t\n")
    (tmp_path / "latin1.txt").write_bytes("Grüße".encode("latin-1"))
    (tmp_path / "long.txt").write_text("x" * (MAX_PROMPT_CHARACTERS + 1))
    with pytest.raises(ConfigError, match=message) as caught:
        prompts.system_prompt("mine", own("mine", **fields))
    assert "'mine'" in caught.value.message
    assert caught.value.hint


def test_an_unknown_context_names_the_known_ones(prompts: ContextPrompts) -> None:
    with pytest.raises(ConfigError, match="no context 'emial'") as caught:
        prompts.system_prompt("emial", own("letters", prompt="x"))
    assert "email" in caught.value.hint
    assert "letters" in caught.value.hint


def test_all_bad_prompts_are_told_at_once(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "context": "nowhere",
            "contexts": {
                "good": {"prompt": "x"},
                "email": {},
                "bare": {},
                "lost": {"prompt_file": "missing.txt"},
            },
        }
    )
    with pytest.raises(ConfigError) as caught:
        check_prompts(settings, tmp_path)
    lines = caught.value.message.splitlines()
    assert [next(name for name in ("nowhere", "bare", "lost") if f"'{name}'" in line) for line in lines] == [
        "nowhere",
        "bare",
        "lost",
    ]


def test_good_prompts_pass(tmp_path: Path) -> None:
    check_prompts(Settings(), tmp_path)
    check_prompts(own("mine", prompt="x").model_copy(update={"context": "mine"}), tmp_path)
