"""Formatting of a language that has no rules: spacing and capitals, nothing else."""

from __future__ import annotations

import re

from voiceflow_daemon.text.tokens import CLOSERS, with_capital

SENTENCE_END = re.compile(rf".*[.!?…][{re.escape(CLOSERS)}]*", re.DOTALL)


def format_plainly(raw: str) -> str:
    """`raw` with single spaces, at most one empty line in a row, and a capital at each sentence's start."""
    lines = [_line(line) for line in raw.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _line(line: str) -> str:
    words = line.split()
    starts = [not at or bool(SENTENCE_END.fullmatch(words[at - 1])) for at in range(len(words))]
    return " ".join(with_capital(word) if start else word for word, start in zip(words, starts, strict=True))
