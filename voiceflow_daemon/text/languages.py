"""Names of languages."""

from __future__ import annotations


def primary_language(language: str) -> str:
    """'en' of 'en-US', 'EN_gb' and 'en'."""
    return language.replace("_", "-").partition("-")[0].strip().lower()


_WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "my", "yue", "km"})


def joint(language: str) -> str:
    """What stands between the texts of two pieces of speech."""
    return "" if primary_language(language) in _WITHOUT_SPACES else " "
