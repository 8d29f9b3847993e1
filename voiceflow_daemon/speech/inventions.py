"""What Whisper writes when nobody says it: stock phrases on near-silence, and loops. Pure functions.

Whisper learned from subtitles, so on silence it writes what subtitles end with.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

INVENTIONS = frozenset(
    {
        "you",
        "thank you",
        "thanks",
        "thank you very much",
        "thank you so much",
        "thanks for watching",
        "thank you for watching",
        "thank you for your watching",
        "thanks for listening",
        "thank you for listening",
        "thank you so much for watching",
        "thanks for watching and see you next time",
        "please subscribe",
        "please subscribe to my channel",
        "like and subscribe",
        "dont forget to like and subscribe",
        "see you next time",
        "see you in the next video",
        "ill see you in the next video",
        "see you later",
        "bye",
        "bye bye",
        "okay",
        "oh",
        "so",
        "hmm",
        "mm",
        "uh",
        "um",
        "the",
        "the end",
        "music",
        "applause",
        "silence",
        "blank audio",
        "subtitles by the amara org community",
        "untertitel der amara org community",
        "untertitel im auftrag des zdf für funk 2017",
        "vielen dank",
        "vielen dank fürs zuschauen",
        "sous titres réalisés par la communauté d amara org",
        "merci",
        "merci d avoir regardé cette vidéo",
        "subtítulos realizados por la comunidad de amara org",
        "gracias",
        "gracias por ver el video",
        "sottotitoli creati dalla comunità amara org",
        "grazie",
        "ondertiteling door de amara org gemeenschap",
    }
)
"""In the form that `_plain` gives. Only near-silent audio loses them: people do say "thank you"."""

NEAR_SILENT_SPEECH_S = 0.3
NEAR_SILENT_PROBABILITY = 0.85
"""Spoken short words were measured at 0.86 and above, at any level."""
NEAR_SILENT_DBFS = -65.0
NO_SPEECH_PROBABILITY = 0.6
IMPROBABLE_LOGPROB = -1.0
"""Both from Whisper's own decoding rule for silence."""
LOOP_COMPRESSION = 2.4
"""From Whisper's own decoding rule: text that zlib shrinks further than this repeats itself."""
_LONGEST_LOOP_WORDS = 12
_LOOP_TURNS = 3


@dataclass(frozen=True)
class Evidence:
    """What speaks for somebody having spoken, and for the model having understood it.

    `speech_s` and `peak_probability` come from the voice detector, `level_dbfs` is the loudness
    of the speech (RMS), `no_speech_probability` and `mean_logprob` come from the model.
    """

    speech_s: float
    peak_probability: float
    level_dbfs: float
    no_speech_probability: float
    mean_logprob: float

    @property
    def near_silent(self) -> bool:
        """Whether hardly anything was there to be heard."""
        return (
            self.speech_s < NEAR_SILENT_SPEECH_S
            or self.peak_probability < NEAR_SILENT_PROBABILITY
            or self.level_dbfs < NEAR_SILENT_DBFS
        )


def is_invented(text: str, evidence: Evidence) -> bool:
    """Whether `text` is the model's own and nobody said it."""
    improbable = evidence.mean_logprob < IMPROBABLE_LOGPROB
    if improbable and (evidence.near_silent or evidence.no_speech_probability > NO_SPEECH_PROBABILITY):
        return True
    return evidence.near_silent and _plain(text) in INVENTIONS


def is_loop(text: str) -> bool:
    """Whether the text repeats itself as a model does that is caught in a loop.

    It does so over and over (compression) and without a break (a phrase three times in a row); a
    speaker who comes back to the same words is not cut.
    """
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) > LOOP_COMPRESSION and without_loops(text) != " ".join(
        text.split()
    )


def without_loops(text: str) -> str:
    """The text with each phrase that comes three times or more in a row left once."""
    words = text.split()
    kept: list[str] = []
    at = 0
    while at < len(words):
        length, turns = _repetition(words, at)
        kept += words[at : at + length]
        at += length * turns
    return " ".join(kept)


def _repetition(words: list[str], at: int) -> tuple[int, int]:
    """Length and number of the phrase that repeats at `at`: (1, 1) when none does."""
    for length in range(1, _LONGEST_LOOP_WORDS + 1):
        phrase = words[at : at + length]
        turns = 1
        while words[at + turns * length : at + (turns + 1) * length] == phrase:
            turns += 1
        if turns >= _LOOP_TURNS:
            return length, turns
    return 1, 1


def _plain(text: str) -> str:
    """Lower case, words parted by one space, no punctuation; "don't" becomes "dont"."""
    return " ".join(re.findall(r"\w+", text.lower().replace("'", "").replace("\u2019", "")))
