"""What the way of other programs is given, and what it answers: `_sequential` does it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Models:
    """The files and how to load them.

    `are_stand_ins`: models that must be asked for what they cannot do by themselves. The recogniser has
    learned no time stamps, and the writer loses its way in long texts, ending too early or never.
    """

    speech: Path
    compute_type: str
    speech_threads: int
    are_stand_ins: bool
    language: str
    llm: Path
    llm_threads: int
    context_tokens: int
    gpu_layers: int
    repacked_kernels: bool


@dataclass(frozen=True)
class Answered:
    """One dictation: what was heard, the time of each stage, and the process's CPU time."""

    heard: str
    stages_ms: dict[str, float]
    cpu_s: float

    @property
    def release_ms(self) -> float:
        """From the release to the text."""
        return sum(self.stages_ms.values())
