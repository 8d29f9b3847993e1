"""Formatting by rules: the second rung of the ladder, when no language model could write the text."""

from __future__ import annotations


def format_by_rules(raw: str) -> str:
    """The transcript with tidy spacing, a capital at its start and a mark at its end."""
    text = " ".join(raw.split())
    if not text:
        return ""
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else text + "."
