"""Names of languages."""

from __future__ import annotations


def primary_language(language: str) -> str:
    """'en' of 'en-US', 'EN_gb' and 'en'."""
    return language.replace("_", "-").partition("-")[0].strip().lower()
