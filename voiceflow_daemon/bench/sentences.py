"""Formatting sentence by sentence while one speaks, compared with formatting the whole text at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from voiceflow_daemon.text.joining import join_finished
from voiceflow_daemon.text.settling import Sentence, Settling, whole_transcript


@dataclass(frozen=True)
class Segment:
    """A transcribed piece of a dictation; the pauses as `Settling.hear` takes them."""

    text: str
    pause_before_s: float
    pause_after_s: float


@dataclass(frozen=True)
class Finished:
    """A sentence that was formatted before: what was heard and what was written."""

    raw: str
    text: str


Write = Callable[[str, Finished | None], str]
"""(transcript, the sentence before it) to finished text."""


@dataclass(frozen=True)
class Comparison:
    """One dictation formatted both ways."""

    sentences: tuple[Sentence, ...]
    joined: str
    whole: str
    found: int
    """How many of the finished sentences stand in `whole`, in order, end marks aside."""
    revisions: int
    """How often a finished sentence had to be formatted again."""

    @property
    def equal(self) -> bool:
        """Whether both ways wrote the same."""
        return self.joined == self.whole


def compare(segments: Iterable[Segment], write: Write, language: str = "en") -> Comparison:
    """Settle and format a dictation as it comes in, then as a whole."""
    state, revisions = Settling(language), 0
    texts: list[Finished] = []
    for segment in segments:
        state = state.hear(segment.text, segment.pause_before_s, segment.pause_after_s)
        revisions += _format(state.sentences, texts, write)
    state = state.finish()
    revisions += _format(state.sentences, texts, write)
    written = [finished.text for finished in texts]
    whole = write(whole_transcript(state.sentences), None)
    joined = join_finished(state.sentences, written, language)
    return Comparison(state.sentences, joined, whole, _found(written, whole), revisions)


def _format(sentences: Sequence[Sentence], texts: list[Finished], write: Write) -> int:
    """Bring `texts` up to date; returns how many of them had to be replaced."""
    same = 0
    for sentence, finished in zip(sentences, texts, strict=False):
        if sentence.marked != finished.raw:
            break
        same += 1
    replaced = len(texts) - same
    del texts[same:]
    for sentence in sentences[same:]:
        before = texts[-1] if texts else None
        texts.append(Finished(sentence.marked, write(sentence.marked, before)))
    return replaced


def _found(texts: Sequence[str], whole: str) -> int:
    at = found = 0
    for text in texts:
        place = whole.find(text.rstrip(".?!"), at)
        if place >= 0:
            found += 1
            at = place + len(text.rstrip(".?!"))
    return found
