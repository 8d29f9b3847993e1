"""Formatting by rules: the second rung of the ladder, when no language model could write the text."""

from __future__ import annotations

from voiceflow_daemon.text.english.rules import format_english
from voiceflow_daemon.text.languages import primary_language
from voiceflow_daemon.text.plain import format_plainly

BY_LANGUAGE = {"en": format_english}
"""Primary language subtag -> the rules of that language."""


def format_by_rules(raw: str, context: str = "default", language: str = "en", *, opens: bool = True) -> str:
    """The finished text of a raw transcript, which `opens` a text or comes behind other sentences.

    A language without rules gets single spaces and capitals only. A context that has no style of its own is
    written as `default`. Input that is already punctuated keeps its marks.
    """
    rules = BY_LANGUAGE.get(primary_language(language))
    return rules(raw, context, opens=opens) if rules else format_plainly(raw)
