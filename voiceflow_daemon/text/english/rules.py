"""English text by rules, for each context."""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.english.capitals import capitalise_names
from voiceflow_daemon.text.english.corrections import apply_corrections, apply_scratches, marker_at
from voiceflow_daemon.text.english.fillers import drop_fillers, drop_stutters
from voiceflow_daemon.text.english.greetings import Closing, find_closing, greeting_length
from voiceflow_daemon.text.english.identifiers import write_identifiers
from voiceflow_daemon.text.english.numbers import write_numbers
from voiceflow_daemon.text.english.sentences import write_sentences
from voiceflow_daemon.text.english.spoken_commands import apply_spoken_marks
from voiceflow_daemon.text.english.words import SHORT_FORMS
from voiceflow_daemon.text.tokens import (
    PARAGRAPH,
    Kind,
    Token,
    key_at,
    mark,
    merge_marks,
    tokenize,
    with_capital,
)


def format_english(raw: str, context: str) -> str:
    """`raw` as finished text in the style of `context`; an unknown context is styled as `default`."""
    greeting, body = _split_greeting(_cleaned(raw), context)
    body = _corrected(body)
    if not greeting:  # a correction may have stood in it
        greeting, body = _split_greeting(body, context)
    closing = find_closing(body) if context == "email" else Closing(len(body))
    body = body[: closing.body_end]
    if context == "code":
        body = write_identifiers(body)
    if context == "slack":
        body = _short_forms(body)
    body = capitalise_names(write_numbers(body, grouped=context != "code"))
    greeting = capitalise_names(greeting)
    if context == "email":
        return _letter(greeting, body, closing)
    comma = [mark(",")] if greeting and body and body[0].is_word else []
    return _message([*greeting, *comma, *body], context)


def _cleaned(raw: str) -> list[Token]:
    """Tokens with spoken marks applied, fillers and stutters gone."""
    tokens = tokenize(raw)
    punctuated = any(token.kind is Kind.MARK for token in tokens)
    tokens = apply_spoken_marks(tokens)
    return merge_marks(drop_stutters(drop_fillers(tokens, punctuated=punctuated)))


def _corrected(tokens: Sequence[Token]) -> list[Token]:
    return merge_marks(drop_stutters(apply_corrections(apply_scratches(tokens))))


def _split_greeting(tokens: list[Token], context: str) -> tuple[list[Token], list[Token]]:
    length = greeting_length(tokens)
    greeting, body = tokens[:length], tokens[length:]
    corrected = marker_at(body, 0)
    if not greeting or (corrected and not corrected.weak):  # 'hi tom no wait hi peter'
        return [], tokens
    email = context == "email"
    while body and (body[0].is_comma or (email and not body[0].is_word)):
        body = body[1:]
    return greeting, body


def _letter(greeting: Sequence[Token], body: Sequence[Token], closing: Closing) -> str:
    """Greeting, body and closing as the paragraphs of an e-mail."""
    parts = []
    if greeting:
        parts.append(write_sentences(greeting, last_mark=False).text + ",")
    if body:
        parts.append(write_sentences(body).text)
    if closing.words:
        name = " ".join(with_capital(token.text) for token in capitalise_names(closing.signature))
        parts.append(
            write_sentences(closing.words, last_mark=False).text + "," + ("\n" + name if name else "")
        )
    return PARAGRAPH.join(part for part in parts if part)


def _message(tokens: Sequence[Token], context: str) -> str:
    written = write_sentences(tokens)
    alone = context == "slack" and written.sentences == 1
    ends_plainly = written.text.endswith(".") and not written.text.endswith("..")
    return written.text[:-1] if alone and ends_plainly else written.text


def _short_forms(tokens: Sequence[Token]) -> list[Token]:
    """'do not' becomes 'don't', 'i am' becomes 'i'm'."""
    short: list[Token] = []
    for at, token in enumerate(tokens):
        form = SHORT_FORMS.get((short[-1].key, token.key)) if short and key_at(tokens, at) else None
        if form is None:
            short.append(token)
            continue
        first = short[-1]
        capital = first.capitalised and first.text != "I"
        short[-1] = Token(form.capitalize() if capital else form, after_pause=first.after_pause)
    return short
