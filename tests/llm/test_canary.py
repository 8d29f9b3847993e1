"""What was dictated is in no cache file and in no log, however often it was said."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.llm.test_exactness import DEMO, load
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
from voiceflow_daemon.llm.turns import Turn
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.prefixes import PrefixStore

CANARY = "xylophone quinine"
CONTEXTS = ("default", "slack")
TIMES = 1000


def template(context: str, settings: Settings) -> PromptTemplate:
    """Short, for a thousand dictations."""
    prefix = f"<|im_start|>system\nContext: {context}<|im_end|>\n<|im_start|>user\n"
    suffix, between = "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n<|im_start|>user\n"
    return PromptTemplate(context, prefix, suffix, between)


def open_engine(folder: Path) -> LlmEngine:
    metrics = Metrics()
    engine = LlmEngine(load(DEMO), metrics, PrefixStore(folder, 1 << 30, metrics))
    engine.set_prompt_cache(PromptCache(template, metrics))
    return engine


def test_after_a_thousand_dictations_the_files_hold_the_bare_prompts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = Settings()
    used = open_engine(tmp_path / "used")
    for number in range(TIMES):
        parts = used.format(CANARY, CONTEXTS[number % 2], settings)
        assert [part.raw for part in parts] == [CANARY]
        if number % 10 == 0:
            # A dictation of several sentences, in two chains, of which one is set aside.
            for turn in (Turn(CANARY, "Xylophone."), Turn(CANARY, "Quinine.")):
                used.format(CANARY, CONTEXTS[0], settings, earlier=[turn], goes_on=True)
                used.prepare(CONTEXTS[0], settings, earlier=[turn], said=CANARY)
            used.forget_dictation()
        if number in (10, 500):
            used.invalidate()
    used.close()
    for word in CANARY.split():
        assert word not in caplog.text

    fresh = open_engine(tmp_path / "fresh")
    for context in CONTEXTS:
        fresh.prepare(context, settings)
    fresh.close()
    files = sorted(tmp_path.glob("used/*"))
    assert [file.name for file in files] == sorted(file.name for file in tmp_path.glob("fresh/*"))
    for file in files:
        content = file.read_bytes()
        assert not any(word.encode() in content for word in CANARY.split())
        # Bit for bit the state of a model that has read nothing but the prompt (after it: the digest,
        # which covers the time as well).
        payload = len(content) - content.index(b"length=") - 64
        assert content[-payload:] == (tmp_path / "fresh" / file.name).read_bytes()[-payload:]
