"""System prompts of the contexts."""

from __future__ import annotations

from pathlib import Path

BUILT_IN = ("default", "email", "slack", "code")


def load_prompt(prompts_dir: Path, context: str) -> str:
    """The shipped system prompt of a built-in context."""
    return (prompts_dir / f"{context}.txt").read_text(encoding="utf-8").strip()
