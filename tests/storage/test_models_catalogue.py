from __future__ import annotations

from itertools import pairwise

import pytest
from faster_whisper.utils import _MODELS as FASTER_WHISPER_NAMES
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.storage.catalogue import CATALOGUE, ModelKind, find, recommended


def test_the_models_of_the_first_release_are_there() -> None:
    names = [model.name for model in CATALOGUE]
    assert names == [
        "tiny.en",
        "base.en",
        "small.en",
        "small",
        "distil-large-v3",
        "large-v3-turbo",
        "qwen2.5-0.5b-instruct",
        "qwen2.5-1.5b-instruct",
        "qwen2.5-3b-instruct",
        "qwen3-4b-instruct-2507",
    ]


def test_speech_models_come_from_where_faster_whisper_gets_them() -> None:
    for model in CATALOGUE:
        if model.kind is ModelKind.SPEECH:
            assert model.repository == FASTER_WHISPER_NAMES[model.name]
            assert model.file == ""


def test_language_models_name_their_file() -> None:
    for model in CATALOGUE:
        if model.kind is ModelKind.LANGUAGE:
            assert model.file.lower() == f"{model.name}-q4_k_m.gguf"


def test_figures_grow_with_the_models() -> None:
    for kind in ModelKind:
        models = [model for model in CATALOGUE if model.kind is kind]
        for smaller, larger in pairwise(models):
            assert smaller.download_bytes <= larger.download_bytes
            assert smaller.memory_bytes <= larger.memory_bytes
        assert all(model.memory_bytes >= model.download_bytes for model in models)


def test_the_licence_that_forbids_commercial_use_is_named() -> None:
    licences = {model.name: model.licence for model in CATALOGUE}
    assert "Research" in licences["qwen2.5-3b-instruct"]
    others = [licence for name, licence in licences.items() if name != "qwen2.5-3b-instruct"]
    assert set(others) == {"MIT", "Apache-2.0"}


def test_names_are_found_in_any_capitals() -> None:
    assert find("Qwen3-4B-Instruct-2507") is find("qwen3-4b-instruct-2507") is CATALOGUE[-1]
    assert find("nothing") is None


@given(st.integers(0, 2**40))
def test_a_recommended_pair_leaves_two_thirds_of_the_memory(memory_bytes: int) -> None:
    pair = recommended(memory_bytes, ["en"])
    assert (pair.speech.kind, pair.language.kind) == (ModelKind.SPEECH, ModelKind.LANGUAGE)
    if memory_bytes >= 4_000_000_000:
        assert pair.speech.memory_bytes + pair.language.memory_bytes <= memory_bytes * 0.4
    assert "Research" not in pair.language.licence


@pytest.mark.parametrize(
    ("gigabytes", "speech", "language"),
    [
        (4, "base.en", "qwen2.5-0.5b-instruct"),
        (8, "base.en", "qwen2.5-1.5b-instruct"),
        (16, "small.en", "qwen2.5-1.5b-instruct"),
        (32, "small.en", "qwen3-4b-instruct-2507"),
    ],
)
def test_the_pair_follows_the_memory(gigabytes: int, speech: str, language: str) -> None:
    pair = recommended(gigabytes * 10**9, ["en"])
    assert (pair.speech.name, pair.language.name) == (speech, language)
    assert f"{gigabytes} GB" in pair.reason


def test_other_languages_get_a_model_that_knows_them() -> None:
    pair = recommended(8 * 10**9, ["de", "en"])
    assert pair.speech.name == "small"
    assert "de, en" in pair.reason
