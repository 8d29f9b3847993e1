"""The identity of states: every choice that could give other bytes gives another one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from ctypes import c_void_p
from dataclasses import replace
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

from voiceflow_daemon.llm import _llama_layout, native_build
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm._llama_layout import Layout, state_identity
from voiceflow_daemon.llm._llama_library import StopFlag, devices, start, system_info

DEMO = Path(__file__).parents[2] / "assets/demo/formatter.gguf"
LAYOUT = Layout(context_tokens=512, threads=2, gpu_layers=0, repacked_kernels=True)
TRAINED = 2048


def open_model(layout: Layout) -> LlamaCppModel:
    return LlamaCppModel(
        DEMO,
        context_tokens=layout.context_tokens,
        threads=layout.threads,
        gpu_layers=layout.gpu_layers,
        repacked_kernels=layout.repacked_kernels,
    )


def identity_of(layout: Layout) -> str:
    model = open_model(layout)
    try:
        return model.state_identity
    finally:
        model.close()


@pytest.fixture(scope="module")
def context() -> Iterator[Any]:
    model = open_model(LAYOUT)
    yield model._context
    model.close()


def identify(
    context: Any,
    change_model: Callable[[Any], None] = lambda _: None,
    change_context: Callable[[Any], None] = lambda _: None,
    model: str = "model",
) -> str:
    model_params, context_params = LAYOUT.model_params(), LAYOUT.context_params(TRAINED, StopFlag())
    change_model(model_params)
    change_context(context_params)
    return state_identity(model, model_params, context_params, context)


def test_it_is_the_same_for_the_same_model_in_each_process() -> None:
    code = f"from tests.llm.test_llama_layout import *; print(identity_of({LAYOUT!r}))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    child = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    assert identity_of(LAYOUT) == identity_of(LAYOUT) == child.stdout.strip()
    assert len(child.stdout.strip()) == 64


@pytest.mark.parametrize(
    "other",
    [
        replace(LAYOUT, repacked_kernels=False),
        replace(LAYOUT, threads=3),
        replace(LAYOUT, context_tokens=768),
        replace(LAYOUT, gpu_layers=1),
    ],
)
def test_each_choice_of_the_caller_changes_it(other: Layout) -> None:
    assert identity_of(other) != identity_of(LAYOUT)


def test_a_window_cut_to_the_models_own_is_the_same() -> None:
    assert identity_of(replace(LAYOUT, context_tokens=TRAINED)) == identity_of(
        replace(LAYOUT, context_tokens=TRAINED + 512)
    )


def number_fields(structure: Any) -> list[str]:
    values = {field: getattr(structure, field) for field, kind, *_ in structure._fields_ if kind != c_void_p}
    return [field for field, value in values.items() if isinstance(value, int | float)]


MODEL_FIELDS = number_fields(LAYOUT.model_params())
CONTEXT_FIELDS = number_fields(LAYOUT.context_params(TRAINED, StopFlag()))


def changing(field: str) -> Callable[[Any], None]:
    def change(structure: Any) -> None:
        value = getattr(structure, field)
        setattr(structure, field, not value if isinstance(value, bool) else value + 1)

    return change


@pytest.mark.parametrize("field", MODEL_FIELDS)
def test_each_number_among_the_models_parameters_changes_it(context: Any, field: str) -> None:
    assert identify(context, change_model=changing(field)) != identify(context)


@pytest.mark.parametrize("field", CONTEXT_FIELDS)
def test_each_number_among_the_contexts_parameters_changes_it(context: Any, field: str) -> None:
    assert identify(context, change_context=changing(field)) != identify(context)


def test_what_the_key_must_cover_is_among_them() -> None:
    assert {"n_gpu_layers", "use_extra_bufts", "split_mode", "main_gpu"} <= set(MODEL_FIELDS)
    assert {
        *("n_ctx", "n_batch", "n_ubatch", "n_seq_max", "n_threads", "n_threads_batch"),
        *("type_k", "type_v", "flash_attn_type", "kv_unified", "swa_full", "offload_kqv", "op_offload"),
        *("rope_scaling_type", "rope_freq_base", "rope_freq_scale", "yarn_ext_factor", "yarn_orig_ctx"),
    } <= set(CONTEXT_FIELDS)


def test_the_layout_is_spelled_out() -> None:
    params = LAYOUT.context_params(TRAINED, StopFlag())
    assert (params.type_k, params.type_v) == (llama_cpp.GGML_TYPE_F16, llama_cpp.GGML_TYPE_F16)
    assert params.flash_attn_type == llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
    assert (params.n_seq_max, params.kv_unified, params.swa_full) == (1, False, True)


def test_the_models_file_changes_it(context: Any) -> None:
    assert identify(context, model="another") != identify(context)


@pytest.mark.parametrize(
    ("name", "value"), [("system_info", "AVX = 0"), ("devices", ["GPU: one"]), ("devices", [])]
)
def test_kernels_and_devices_change_it(
    context: Any, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    before = identify(context)
    monkeypatch.setattr(_llama_layout, name, lambda: value)
    assert identify(context) != before


def test_the_build_and_its_switches_change_it(context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = identify(context)
    with monkeypatch.context() as switched:
        switched.setenv("GGML_SOMETHING", "1")
        assert identify(context) != before
    assert identify(context) == before
    monkeypatch.setattr(native_build, "digest", lambda: "another build")
    assert identify(context) != before


@pytest.mark.parametrize("function", ["n_ctx_seq", "n_batch", "n_ubatch", "n_threads", "n_threads_batch"])
def test_what_the_context_says_of_itself_changes_it(
    context: Any, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    before = identify(context)
    monkeypatch.setattr(llama_cpp, f"llama_{function}", lambda _context: 7)
    assert identify(context) != before


def test_the_library_names_its_kernels_and_devices() -> None:
    start()
    assert "CPU" in system_info()
    assert any(device.startswith("CPU: ") for device in devices())
