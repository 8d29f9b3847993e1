"""Stand-ins: the demo formatter in a bigger model's shape answers as the demo formatter does."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader
from llama_cpp import Llama
from numpy.typing import NDArray

from voiceflow_daemon.bench import stand_in as making
from voiceflow_daemon.bench.stand_in import SHAPES, size_bytes, stand_in, write
from voiceflow_daemon.bench.widening import Shape, SmallModel, Widening
from voiceflow_daemon.config.schema import LlmSettings, Settings
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.prompts import ContextPrompts
from voiceflow_daemon.llm.select import load_language_model
from voiceflow_daemon.storage.paths import assets_dir

SMALL = assets_dir() / "demo" / "formatter.gguf"
TINY = Shape("tiny", 512, 1024, 6, 8, 2, 64, 2000, GGMLQuantizationType.Q4_0)
WIDE_HEADS = Shape("wide", 1024, 1280, 5, 8, 2, 128, 1600, GGMLQuantizationType.Q4_K)
SAID = (
    ("default", "remember to call my sister tonight"),
    ("email", "hi anna um can you send the report by friday"),
    ("slack", "hey ben are you free for a quick call"),
    ("code", "define a function called parse config that returns a list"),
)
MOST_TOKENS = 60
VOCABULARY = 1472
LOGIT_NOISE = 0.03
"""Measured: 0.010 and 0.017 with both copies of each input, 0.079 and 0.067 with the first alone."""


def nothing(_done: int, _total: int) -> None:
    pass


def load(path: Path) -> LanguageModel:
    return load_language_model(path, LlmSettings(threads=1, repacked_kernels="off"), path.parent)


def answer(model: LanguageModel, prompt: str) -> bytes:
    model.truncate(0)
    token, written = model.evaluate(model.tokenize(prompt, special=True)), b""
    for _ in range(MOST_TOKENS):
        if model.is_end(token):
            break
        written += model.piece(token)
        token = model.evaluate([token])
    return written


@pytest.mark.parametrize("shape", [TINY, WIDE_HEADS], ids=lambda shape: shape.name)
def test_it_answers_as_the_small_model_does(shape: Shape, tmp_path: Path) -> None:
    path = stand_in(shape, SMALL, tmp_path, nothing)
    small, big = load(SMALL), load(path)
    prompts = ContextPrompts(small.render_chat, assets_dir() / "prompts", tmp_path)
    for context, said in SAID:
        prompt = small.render_chat(prompts.system_prompt(context, Settings()), said)
        assert big.render_chat(prompts.system_prompt(context, Settings()), said) == prompt
        expected = answer(small, prompt)
        assert expected
        assert answer(big, prompt) == expected
    small.close()
    big.close()


def logits(path: Path, text: str) -> NDArray[np.float32]:
    """Of each token, shape (tokens, the demo model's vocabulary)."""
    llama = Llama(str(path), n_ctx=128, n_threads=1, logits_all=True, verbose=False)
    tokens = llama.tokenize(text.encode(), add_bos=False, special=True)
    llama.eval(tokens)
    found: NDArray[np.float32] = llama.scores[: len(tokens)].copy()
    llama.close()
    assert not found[:, VOCABULARY:].any()
    return found[:, :VOCABULARY]


@pytest.mark.parametrize("shape", [TINY, WIDE_HEADS], ids=lambda shape: shape.name)
def test_its_logits_are_off_by_the_noise_of_eight_bits(shape: Shape, tmp_path: Path) -> None:
    text = "<|im_start|>system\nContext: email<|im_end|>\n<|im_start|>user\nhi anna could you send"
    small, big = logits(SMALL, text), logits(stand_in(shape, SMALL, tmp_path, nothing), text)
    assert np.abs(big - small).mean() < LOGIT_NOISE * np.abs(small).mean()


def test_its_size_is_as_said_beforehand(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    path = tmp_path / "tiny.gguf"
    write(path, TINY, SMALL, lambda done, total: steps.append((done, total)))
    assert abs(path.stat().st_size - size_bytes(TINY)) < 150_000  # the vocabulary's texts and merges
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


def test_the_real_shapes_have_the_real_models_sizes() -> None:
    assert {name: round(size_bytes(shape) / 1e6, -1) for name, shape in SHAPES.items()} == {
        "qwen2.5-0.5b": 350,
        "qwen2.5-1.5b": 990,
        "qwen2.5-3b": 1900,
    }


def test_the_real_shapes_take_the_small_model() -> None:
    small = SmallModel(GGUFReader(SMALL))
    for shape in SHAPES.values():
        assert Widening(small, shape).epsilon == pytest.approx(small.epsilon * 2 * 256 / shape.embedding)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="narrow"):
        Widening(SmallModel(GGUFReader(SMALL)), replace(TINY, name="narrow", hidden=1000))


def test_it_is_kept_until_something_changes(tmp_path: Path) -> None:
    steps: list[int] = []
    first = stand_in(TINY, SMALL, tmp_path, lambda done, _total: steps.append(done))
    made = len(steps)
    assert stand_in(TINY, SMALL, tmp_path, lambda done, _total: steps.append(done)) == first
    assert len(steps) == made
    other = tmp_path / "other.gguf"
    other.write_bytes(SMALL.read_bytes() + b"\0" * 32)
    second = stand_in(TINY, other, tmp_path, nothing)
    assert second != first
    assert second.is_file()
    assert not first.exists()


def test_no_room_is_told_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9 - 5_000_000, 5_000_000))
    with pytest.raises(VoiceflowError, match=r"needs 1\d\d MB .* 5 MB are free") as caught:
        stand_in(TINY, SMALL, tmp_path / "new", nothing)
    assert "smaller --shape" in caught.value.hint
    assert list((tmp_path / "new").iterdir()) == []


def test_what_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, _total: int) -> None:
        if done > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stand_in(TINY, SMALL, tmp_path, interrupt)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_making_left_goes_after_a_while(tmp_path: Path) -> None:
    old, new = tmp_path / f"a.1{making._PARTIAL}", tmp_path / f"b.2{making._PARTIAL}"
    for left in (old, new):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))
    stand_in(TINY, SMALL, tmp_path, nothing)
    assert new.exists()  # somebody may be making it now
    assert not old.exists()
