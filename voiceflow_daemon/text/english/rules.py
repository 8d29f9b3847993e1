"""English text by rules, for each context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voiceflow_daemon.text.english.capitals import capitalise_names
from voiceflow_daemon.text.english.corrections import apply_corrections, apply_scratches, marker_at
from voiceflow_daemon.text.english.fillers import drop_fillers, drop_stutters
from voiceflow_daemon.text.english.greetings import Closing, closing_inside, find_closing, greeting_length
from voiceflow_daemon.text.english.identifiers import write_identifiers
from voiceflow_daemon.text.english.numbers import end_sentences_at_halves, write_numbers
from voiceflow_daemon.text.english.sentences import write_sentences
from voiceflow_daemon.text.english.spoken_commands import apply_spoken_marks
from voiceflow_daemon.text.english.words import SHORT_FORMS, STRESSED_LEADS
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

COMMA = mark(",")


@dataclass(frozen=True, slots=True)
class _Opening:
    """The greeting at the start of a message, the mark behind it and the line break behind that, or ''."""

    words: tuple[Token, ...] = ()
    end: Token = COMMA
    line_break: str = ""


def format_english(raw: str, context: str, *, opens: bool = True) -> str:
    """`raw` as finished text in the style of `context`; an unknown context is styled as `default`.

    Only what `opens` a text can begin with a greeting, and be a message of one sentence.
    """
    opening, body = _Opening(), _cleaned(raw)
    if opens:
        opening, body = _split_greeting(body)
    body = _corrected(body)
    if opens and not opening.words:  # a correction may have stood in it
        opening, body = _split_greeting(body)
    closing = find_closing(body) if context == "email" else Closing(len(body), len(body))
    body = body[: closing.body_end]
    if context == "code":
        body = write_identifiers(body)
    if context == "slack":
        body = _short_forms(body)
    body = capitalise_names(write_numbers(body, grouped=context != "code"))
    greeting = capitalise_names(opening.words)
    if context == "email":
        return _letter(greeting, body, closing)
    if opening.line_break and body:
        return _greeted(greeting, opening.end) + opening.line_break + _message(body, context)
    message = [*greeting, opening.end, *body]
    return _message(message, context) if opens else write_sentences(message).text


def _cleaned(raw: str) -> list[Token]:
    """Tokens with spoken marks applied, fillers and stutters gone."""
    tokens = tokenize(end_sentences_at_halves(raw))
    # A recogniser that writes marks writes capitals too; pauses alone leave periods in plain words.
    marked = any(token.kind is Kind.MARK for token in tokens)
    punctuated = marked and any(token.capitalised for token in tokens)
    tokens = apply_spoken_marks(tokens)
    return merge_marks(drop_stutters(drop_fillers(tokens, punctuated=punctuated)))


def _corrected(tokens: Sequence[Token]) -> list[Token]:
    return merge_marks(drop_stutters(apply_corrections(apply_scratches(tokens))))


def _split_greeting(tokens: list[Token]) -> tuple[_Opening, list[Token]]:
    """The greeting, and the body without the marks and breaks between the two."""
    length = greeting_length(tokens)
    words, body = tokens[:length], tokens[length:]
    corrected = marker_at(body, 0)
    if not words or (corrected and not corrected.weak):  # 'hi tom no wait hi peter'
        return _Opening(), tokens
    end, line_break = COMMA, ""
    while body and not body[0].is_word:
        if body[0].kind is Kind.BREAK:
            line_break = body[0].text
        elif body[0].ends_sentence:
            end = body[0]
        body = body[1:]
    return _Opening(tuple(words), end, line_break), body


def _greeted(greeting: Sequence[Token], end: Token = COMMA) -> str:
    return write_sentences(greeting, last_mark=False).text + end.text


def _letter(greeting: Sequence[Token], body: Sequence[Token], closing: Closing) -> str:
    """Greeting, body and closing as the paragraphs of an e-mail; what follows a closing is one more."""
    parts = [_greeted(greeting) if greeting else ""]
    while inner := closing_inside(body):
        parts += [write_sentences(body[: inner.body_end]).text, _signed(inner)]
        body = body[inner.end :]
    parts += [write_sentences(body).text, _signed(closing)]
    return PARAGRAPH.join(part for part in parts if part)


def _signed(closing: Closing) -> str:
    """The closing with the name on a line below it."""
    if not closing.words:
        return ""
    name = " ".join(with_capital(token.text) for token in capitalise_names(closing.signature))
    return write_sentences(closing.words, last_mark=False).text + "," + ("\n" + name if name else "")


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
        if form is None or _is_stressed(form, key_at(short, len(short) - 2), key_at(tokens, at + 1)):
            short.append(token)
            continue
        first = short[-1]
        capital = first.capitalised and first.text != "I"
        short[-1] = Token(form.capitalize() if capital else form, after_pause=first.after_pause)
    return short


def _is_stressed(form: str, before: str, following: str) -> bool:
    """Whether the verb of a short form is said in full: 'yes I am', 'here it is', 'I will not'."""
    if form.endswith("n't"):
        return False
    return not following or before in STRESSED_LEADS or (form.endswith("'ll") and following == "not")
