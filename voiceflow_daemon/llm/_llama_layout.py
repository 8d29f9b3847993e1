"""How model and context are set up, and the identity of states that come out of such a context."""

from __future__ import annotations

import hashlib
from ctypes import c_void_p
from dataclasses import dataclass
from typing import Any

from voiceflow_daemon.llm import native_build
from voiceflow_daemon.llm._llama_library import StopFlag, devices, llama_cpp, system_info

BATCH_TOKENS = 512


@dataclass(frozen=True)
class Layout:
    """What a caller chooses. All else that a state depends on is fixed here, or the model's own."""

    context_tokens: int
    threads: int
    gpu_layers: int
    repacked_kernels: bool

    def model_params(self) -> Any:
        """The native `llama_model_params`."""
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = self.gpu_layers
        params.use_extra_bufts = self.repacked_kernels
        return params

    def context_params(self, trained_tokens: int, stop: StopFlag) -> Any:
        """The native `llama_context_params`; no window longer than the model was trained for."""
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = min(self.context_tokens, trained_tokens) if trained_tokens > 0 else self.context_tokens
        params.n_batch = params.n_ubatch = BATCH_TOKENS
        params.n_threads = params.n_threads_batch = self.threads
        # One sequence alone in its buffer: with a unified cache and flash attention results are not
        # bit-exact when another sequence is resident.
        params.n_seq_max = 1
        params.kv_unified = False
        # Not AUTO, which leaves it to the devices found at run time.
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        params.type_k = params.type_v = llama_cpp.GGML_TYPE_F16
        # Sliding-window models keep all positions, so that the sequence can be truncated.
        params.swa_full = True
        params.abort_callback, params.abort_callback_data = stop.callback, stop.data
        return params


def state_identity(model_identity: str, model_params: Any, context_params: Any, context: Any) -> str:
    """64 hex digits: two contexts with the same one compute, bit for bit, and store states alike.

    Over the model's file, the build of llama.cpp and the CPU, every number among the parameters, and
    what the open context says of itself.
    """
    parts = {
        "model": model_identity,
        "build": native_build.digest(),
        "system": system_info(),
        "devices": "\n".join(devices()),
        **_numbers("model_params", model_params),
        **_numbers("context_params", context_params),
        "window": str(llama_cpp.llama_n_ctx_seq(context)),
        "batch": f"{llama_cpp.llama_n_batch(context)} {llama_cpp.llama_n_ubatch(context)}",
        "threads": f"{llama_cpp.llama_n_threads(context)} {llama_cpp.llama_n_threads_batch(context)}",
    }
    text = "\n".join(f"{name}={parts[name]}" for name in sorted(parts))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _numbers(name: str, params: Any) -> dict[str, str]:
    """Each field of a native structure but pointers: addresses differ from start to start."""
    values = {field: getattr(params, field) for field, kind, *_ in params._fields_ if kind is not c_void_p}
    return {f"{name}.{field}": repr(v) for field, v in values.items() if isinstance(v, int | float)}
