"""What ours is measured against gets the same prompts, and answers from where it should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from voiceflow_daemon.bench._llama_class import LlamaClass
from voiceflow_daemon.bench.restart import after_restart
from voiceflow_daemon.bench.subject import Subject, shorten_prompts
from voiceflow_daemon.bench.transcripts import EARLIER, MEDIAN, NINETIETH
from voiceflow_daemon.config.schema import LlmSettings, Settings
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.prompts import BUILT_IN, split_prompt
from voiceflow_daemon.storage.paths import assets_dir

DEMO = assets_dir() / "demo" / "formatter.gguf"


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    settings = Settings(llm=LlmSettings(threads=1, repacked_kernels="off"))
    return Subject("demo", DEMO, settings, assets_dir() / "prompts", tmp_path, tmp_path)


@pytest.fixture
def model(subject: Subject) -> Iterator[LanguageModel]:
    loaded = subject.load()
    yield loaded
    loaded.close()


@pytest.fixture
def llama() -> Iterator[LlamaClass]:
    loaded = LlamaClass(DEMO, context_tokens=1024, threads=1, gpu_layers=0, repacked_kernels=False)
    yield loaded
    loaded.close()


def counted(llama: LlamaClass) -> list[int]:
    """How many tokens the class evaluates from now on, call by call."""
    evaluated: list[int] = []
    evaluate = llama._llama.eval

    def counting(tokens: list[int]) -> None:
        evaluated.append(len(tokens))
        evaluate(tokens)

    llama._llama.eval = counting
    return evaluated


def test_the_transcripts_have_their_lengths() -> None:
    assert (len(MEDIAN), len(NINETIETH)) == (92, 411)
    assert EARLIER[0] not in (MEDIAN[0], NINETIETH[0])


def test_the_class_matches_its_last_prompt_alone(
    llama: LlamaClass, model: LanguageModel, subject: Subject
) -> None:
    first, second = (
        subject.prompts(model).system_prompt(name, subject.settings) for name in ("email", "code")
    )
    evaluated = counted(llama)
    for system in (first, first, second, first):
        assert llama.first_token_ms(model, system, MEDIAN) > 0
        llama.first_token_ms(model, system, EARLIER)
    whole = len(model.tokenize(model.render_chat(first, MEDIAN), special=True))
    assert evaluated[0] == whole
    assert evaluated[2] < 60
    assert evaluated[6] > whole - 100


def test_the_ram_cache_finds_each_context_and_saves_nothing_while_it_is_measured(
    llama: LlamaClass, model: LanguageModel, subject: Subject
) -> None:
    systems = [subject.prompts(model).system_prompt(name, subject.settings) for name in BUILT_IN]
    cost = llama.fill_ram_cache(model, systems)
    assert len(cost.save_ms) == len(llama._cache.cache_state) == 4
    tokens = len(model.tokenize(model.render_chat(systems[0], EARLIER), special=True))
    vocabulary_bytes = 4 * 1472
    assert cost.entry_bytes > 0.9 * min(tokens, 512) * vocabulary_bytes  # the logits beside the state
    evaluated = counted(llama)
    for system in systems:
        llama.ram_cache_ms(model, system, MEDIAN)
    assert max(evaluated) < 60
    assert len(llama._cache.cache_state) == 4


def test_shortened_prompts_keep_their_beginning(
    subject: Subject, model: LanguageModel, tmp_path: Path
) -> None:
    shorten_prompts(subject, model, tmp_path, 400)
    for context in BUILT_IN:
        short = (tmp_path / f"{context}.txt").read_text(encoding="utf-8")
        whole = (subject.prompts_dir / f"{context}.txt").read_text(encoding="utf-8")
        assert whole.startswith(short)
        prefix, _ = split_prompt(model.render_chat, short)
        assert 390 < len(model.tokenize(prefix, special=True)) <= 400


def test_a_restart_that_fails_says_why(subject: Subject, tmp_path: Path) -> None:
    gone = Subject("gone", tmp_path / "gone.gguf", *list(vars(subject).values())[2:])
    with pytest.raises(VoiceflowError, match=r"ended with 1: .*no model file"):
        after_restart(gone, tmp_path / "prefixes", "email", "so")
