"""Spoken names of program text: 'function called parse config', 'camel case user name'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voiceflow_daemon.text.english.words import LONGEST_NAME, NAME_ENDS, NAMED_THINGS
from voiceflow_daemon.text.tokens import Token, key_at, word

CASES = ("camel", "snake", "pascal", "kebab")


@dataclass(frozen=True, slots=True)
class Name:
    """A spoken name: its words, where they end, and how to write them."""

    words: tuple[str, ...]
    end: int
    case: str

    @property
    def written(self) -> str:
        """The name as it stands in program text."""
        capitals = [part.capitalize() for part in self.words]
        match self.case:
            case "camel":
                return "".join((self.words[0], *capitals[1:]))
            case "pascal":
                return "".join(capitals)
            case "kebab":
                return "-".join(self.words)
            case _:
                return "_".join(self.words)


def name_at(tokens: Sequence[Token], at: int) -> Name | None:
    """The name whose words begin at `at`, after 'camel case' and the like where that is said."""
    case = key_at(tokens, at) if key_at(tokens, at + 1) == "case" else ""
    start = at + 2 if case in CASES else at
    end = start
    while end - start < LONGEST_NAME and _may_be_name(tokens, end):
        end += 1
    if end == start:
        return None
    return Name(tuple(token.key for token in tokens[start:end]), end, case if case in CASES else "")


def _may_be_name(tokens: Sequence[Token], at: int) -> bool:
    key = key_at(tokens, at)
    return key.isascii() and key.isalpha() and key not in NAME_ENDS


def announced_name_at(tokens: Sequence[Token], at: int) -> Name | None:
    """The name after 'function called' at `at`."""
    if key_at(tokens, at) in NAMED_THINGS and key_at(tokens, at + 1) in ("called", "named"):
        return name_at(tokens, at + 2)
    return None


def cased_name_at(tokens: Sequence[Token], at: int) -> Name | None:
    """The name after 'camel case' and the like at `at`."""
    name = name_at(tokens, at)
    return name if name and name.case else None


def write_identifiers(tokens: Sequence[Token]) -> list[Token]:
    """Announced names between backticks, and names in the case that was said."""
    written: list[Token] = []
    at = 0
    while at < len(tokens):
        announced, cased = announced_name_at(tokens, at), cased_name_at(tokens, at)
        if announced:
            written += [tokens[at], tokens[at + 1], word(f"`{announced.written}`", fixed=True)]
            at = announced.end
        elif cased:
            written.append(word(cased.written, fixed=True))
            at = cased.end
        else:
            written.append(tokens[at])
            at += 1
    return written
