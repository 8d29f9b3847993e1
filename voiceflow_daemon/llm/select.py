"""Loads the language model; native code is imported here, and only then."""

from __future__ import annotations

from pathlib import Path

from voiceflow_daemon.config.schema import LlmSettings
from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.probe import kernels_for


def load_language_model(path: Path, settings: LlmSettings, cache_dir: Path) -> LanguageModel:
    """The GGUF model at `path`, with kernels that a child process has tried (verdicts in `cache_dir`).

    Raises `ModelError` when it cannot be loaded.
    """
    kernels = kernels_for(path, settings, cache_dir)
    from voiceflow_daemon.llm._llama_cpp import LlamaCppModel

    return LlamaCppModel(
        path,
        context_tokens=settings.context_tokens,
        threads=settings.threads,
        gpu_layers=settings.gpu_layers,
        repacked_kernels=kernels.repacked,
    )
