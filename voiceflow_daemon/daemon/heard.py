"""What is known of a recording so far: words, sentences, and how much of them is written. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from voiceflow_daemon.daemon.dictated import Finished
from voiceflow_daemon.speech.transcriber import SAMPLE_RATE_HZ
from voiceflow_daemon.text.languages import joint
from voiceflow_daemon.text.settling import Sentence, Settling

LANGUAGE_CERTAIN_MS = 2000
"""Speech by which a dictation's language is known, where several are spoken; it stays in that one then."""


@dataclass(frozen=True)
class Heard:
    """What is known of a recording up to sample `until`; never changed, so that a guess costs nothing."""

    until: int = 0
    language: str = ""
    """As it was recognised last; settled by then where `is_language_certain`."""
    speech_ms: int = 0
    """Of the segments in which words were recognised."""
    settling: Settling = field(default_factory=Settling)
    texts: tuple[str, ...] = ()
    """Of each piece that was recognised."""
    finished: tuple[Finished, ...] = ()
    loudness: float = 0.0
    """Of the recording so far, 0..1: what is far below it is somebody else in the background."""

    @property
    def is_language_certain(self) -> bool:
        """Whether enough was heard to tell the language by; an "okay" could be of many."""
        return self.speech_ms >= LANGUAGE_CERTAIN_MS

    @property
    def pending(self) -> Sentence | None:
        """The first settled sentence that is not written, or was revised since it was.

        None in a language that puts no spaces between words: what settles a sentence are words.
        """
        if not joint(self.language):
            return None
        agreed = self.agreed
        return self.settling.sentences[agreed] if agreed < len(self.settling.sentences) else None

    @property
    def done(self) -> tuple[Finished, ...]:
        """The finished sentences that still stand, by what settles them now: that may have changed since."""
        pairs = zip(self.finished[: self.agreed], self.settling.sentences, strict=False)
        return tuple(replace(one, sentence=said) for one, said in pairs)

    @property
    def unwritten(self) -> tuple[Sentence, ...]:
        """The settled sentences behind those that are `done`."""
        return self.settling.sentences[self.agreed :]

    @property
    def agreed(self) -> int:
        """How many of the finished sentences still stand."""
        for at, (done, said) in enumerate(zip(self.finished, self.settling.sentences, strict=False)):
            if done.sentence.marked != said.marked:
                return at
        return min(len(self.finished), len(self.settling.sentences))

    def released(self) -> Heard:
        """As it is when nothing more is said: the rest is settled too."""
        return replace(self, settling=self.settling.finish())

    def after(self, text: str, language: str, until: int, gap_s: float, pause_s: float) -> Heard:
        """With the text of what came next, the silence before it and, as far as it went, behind it."""
        settling = replace(self.settling, language=language or "en")
        silent_s = gap_s if text else (until - self.until) / SAMPLE_RATE_HZ
        settling = settling.hear(text, silent_s, pause_s)
        texts = (*self.texts, text) if text else self.texts
        return replace(self, until=until, language=language, settling=settling, texts=texts)
