"""Templates of the shapes that models in the wild have."""

import pytest

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.chat_template import ChatTemplate
from voiceflow_daemon.llm.prompts import between_turns, split_prompt

CHATML = """
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"""

HEADERS = """{{ bos_token }}{% for m in messages %}<|head|>{{ m['role'] }}<|/head|>

{{ m['content'] | trim }}<|eot|>{% endfor %}
{%- if add_generation_prompt %}<|head|>assistant<|/head|>

{% endif %}"""

NO_SYSTEM = """{{ bos_token }}
{%- if messages[0].role == 'system' %}{{ raise_exception('no system role here') }}{% endif %}
{%- for m in messages %}{{ '<turn>' ~ m.role ~ '\n' ~ m.content | trim }}
{{- '<end>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<turn>model\n' }}{% endif %}"""

SYSTEM_LEFT_OUT = """{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}Q: {{ m.content }}
{% endif %}{% endfor %}A:"""

BRACKETS = """{{ bos_token }}
{%- set ns = namespace(system='') %}
{%- for m in messages %}
{%- if m.role == 'system' %}{% set ns.system = m.content + '\n\n' %}{% continue %}{% endif %}
{{- '[INST] ' + ns.system + m.content + ' [/INST]' }}
{%- endfor %}"""

BRACKETED_TURNS = """{{ bos_token }}
{%- for m in messages %}{% if m.role == 'user' %}
{{- '[INST] ' + (messages[0].content + '\n\n' if loop.index0 == 1 else '') + m.content + ' [/INST]' }}
{%- elif m.role == 'assistant' %}{{ m.content + eos_token }}{% endif %}{% endfor %}"""

THINKING = CHATML.replace(
    "assistant\n'",
    "assistant\n' + ('<think>\n\n</think>\n\n' if enable_thinking is defined and not enable_thinking"
    " else '')",
)
ALWAYS_THINKING = CHATML.replace("assistant\n'", "assistant\n<think>\n'")
TRAINING_MARKS = CHATML.replace(
    "{{- '<|im_start|>'", "{% generation %}x{% endgeneration %}{{- '<|im_start|>'"
)
DATED = "{{ strftime_now('%d %b %Y') }} {{ messages[0].content }}|{{ messages[1].content }}|"


def rendered(source: str, *, always_bos: bool = False) -> str:
    return ChatTemplate(source, bos="<s>", eos="</s>", always_bos=always_bos).render("RULES", "WORDS")


@pytest.mark.parametrize(
    ("source", "prompt"),
    [
        (
            CHATML,
            "<|im_start|>system\nRULES<|im_end|>\n<|im_start|>user\nWORDS<|im_end|>\n<|im_start|>assistant\n",
        ),
        (
            HEADERS,
            (
                "<s><|head|>system<|/head|>\n\nRULES<|eot|><|head|>user<|/head|>\n\nWORDS<|eot|>"
                "<|head|>assistant<|/head|>\n\n"
            ),
        ),
        (NO_SYSTEM, "<s><turn>user\nRULES\n\nWORDS<end>\n<turn>model\n"),
        (SYSTEM_LEFT_OUT, "<s>Q: RULES\n\nWORDS\nA:"),
        (BRACKETS, "<s>[INST] RULES\n\nWORDS [/INST]"),
        (
            THINKING,
            (
                "<|im_start|>system\nRULES<|im_end|>\n<|im_start|>user\nWORDS<|im_end|>\n"
                "<|im_start|>assistant\n<think>\n\n</think>\n\n"
            ),
        ),
    ],
    ids=["chatml", "headers", "no system role", "system left out", "brackets", "thinking off"],
)
def test_the_models_own_template_makes_the_prompt(source: str, prompt: str) -> None:
    assert rendered(source) == prompt


def test_a_prompt_that_opens_thinking_gets_it_closed() -> None:
    assert rendered(ALWAYS_THINKING).endswith("<|im_start|>assistant\n<think>\n</think>\n\n")


def test_a_think_tag_in_our_own_prompt_is_not_the_models() -> None:
    template = ChatTemplate(CHATML, bos="", eos="")
    assert template.render("never write <think>", "WORDS").endswith("<|im_start|>assistant\n")


def test_marks_for_training_are_read_over() -> None:
    assert "x<|im_start|>user\nWORDS" in rendered(TRAINING_MARKS)


def test_the_date_never_changes_a_prompt() -> None:
    assert rendered(DATED) == "01 Jan 2025 RULES|WORDS|"


def test_a_missing_bos_is_added_where_the_vocabulary_wants_it() -> None:
    assert rendered(CHATML, always_bos=True) == "<s>" + rendered(CHATML)
    assert rendered(HEADERS, always_bos=True) == rendered(HEADERS)


@pytest.mark.parametrize(
    "source",
    [
        "{% for m in messages %}",
        "{{ messages[7].content }}",
        "{{ raise_exception('never') }}",
        "{{ messages[0].content + 1 }}",
        "{{ 1 / 0 }}",
        "{{ messages.append(1) }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}{{ nothing.at.all }}",
    ],
)
def test_a_template_that_fails_says_what_to_do(source: str) -> None:
    with pytest.raises(ModelError) as caught:
        rendered(source)
    assert "models list" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "prefix_end", "suffix"),
    [
        (CHATML, "<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"),
        (HEADERS, "user<|/head|>\n\n", "<|eot|><|head|>assistant<|/head|>\n\n"),
        (NO_SYSTEM, "RULES\n\n", "<end>\n<turn>model\n"),
        (BRACKETS, "RULES\n\n", " [/INST]"),
    ],
)
def test_the_prompt_is_split_around_the_transcript(source: str, prefix_end: str, suffix: str) -> None:
    template = ChatTemplate(source, bos="<s>", eos="</s>")
    prefix, after = split_prompt(template.render, "RULES")
    assert prefix.endswith(prefix_end)
    assert after == suffix
    assert prefix + "any words" + after == template.render("RULES", "any words")


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages[0].content }} only the rules",
        "{{ messages[1].content }} and again {{ messages[1].content }}",
        "{{ messages[0].content }}{{ messages[1].content | upper }}",
        "{{ messages[0].content }}{{ messages[1].content }}{{ messages[1].content | last }}",
    ],
    ids=["left out", "twice", "changed", "looked into"],
)
def test_a_template_that_does_not_pass_the_words_on_is_found_out(source: str) -> None:
    template = ChatTemplate(source, bos="", eos="")
    with pytest.raises(ModelError) as caught:
        split_prompt(template.render, "RULES")
    assert "models list" in caught.value.hint


@pytest.mark.parametrize(
    ("source", "between"),
    [
        (CHATML, "<|im_end|>\n<|im_start|>user\n"),
        (HEADERS, "<|eot|><|head|>user<|/head|>\n\n"),
        (NO_SYSTEM, "<end>\n<turn>user\n"),
        (BRACKETED_TURNS, "</s>[INST] "),
    ],
)
def test_what_stands_between_two_turns_is_found(source: str, between: str) -> None:
    template = ChatTemplate(source, bos="<s>", eos="</s>")
    prefix, suffix = split_prompt(template.render, "RULES")
    assert between_turns(template.render, "RULES", prefix, suffix) == between


def test_a_whole_conversation_is_made_of_these_pieces() -> None:
    template = ChatTemplate(CHATML, bos="<s>", eos="</s>")
    prefix, suffix = split_prompt(template.render, "RULES")
    between = between_turns(template.render, "RULES", prefix, suffix)
    told = template.render("RULES", "now", [("said", "written"), ("and", "so")])
    assert told == f"{prefix}said{suffix}written{between}and{suffix}so{between}now{suffix}"


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages[0].content }}{{ messages[-1].content }}",
        "{{ messages[0].content }}{{ messages[1].content }}",
        "{% for m in messages %}{{ m.content }}{{ m.content }}{% endfor %}",
        "{{ messages[0].content }}{% for m in messages[1:] | reverse %}{{ m.content }};{% endfor %}",
        "{% if messages[2:] %}{{ raise_exception('no more') }}{% endif %}RULES{{ messages[1].content }}",
    ],
    ids=["only the last", "only the first", "twice", "backwards", "refused"],
)
def test_a_template_without_a_place_for_earlier_turns_is_found_out(source: str) -> None:
    template = ChatTemplate(source, bos="", eos="")
    assert between_turns(template.render, "RULES", "RULES", "") == ""
