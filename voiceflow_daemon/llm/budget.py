"""How much text the model can be given at once, and how long that may take. All pure but the measuring."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.text.sentences import split_sentences

_SAMPLE_TEXT = "the quick brown fox jumps over the lazy dog and runs home before it rains today " * 8
_SAMPLE_TOKENS = 64
_SAMPLE_READS, _SAMPLE_WRITES = 2, 6

LEAST_PART_TOKENS = 48
"""On the slowest machine a sentence still stays whole: torn up it would be formatted badly."""


@dataclass(frozen=True)
class Speed:
    """Seconds a token: reading one of a longer text, and writing one."""

    read_s: float
    write_s: float

    def work_s(self, read_tokens: int, transcript_tokens: int) -> float:
        """Expected seconds to read `read_tokens` and write out a transcript of that many tokens."""
        return self.read_s * read_tokens + self.write_s * expected_output(transcript_tokens)


SLOWEST = Speed(0.05, 0.25)
"""Nobody waits longer than this for a token; slower machines are better served by the rules."""


def measure_speed(model: LanguageModel, clock: Callable[[], float] = time.perf_counter) -> Speed:
    """Evaluate a few tokens, once to warm up (weights into memory), then against the clock.

    The best of some tries counts: a machine that is busy at this moment must not make every later
    deadline minutes long.
    """
    sample = model.tokenize(_SAMPLE_TEXT, special=False)[:_SAMPLE_TOKENS]
    model.truncate(0)
    token = model.evaluate(sample)
    times = [clock()]
    for _ in range(_SAMPLE_READS):
        model.truncate(0)
        token = model.evaluate(sample)
        times.append(clock())
    for _ in range(_SAMPLE_WRITES):
        token = model.evaluate([token])
        times.append(clock())
    model.truncate(0)
    took = [end - start for start, end in pairwise(times)]
    read_s, write_s = min(took[:_SAMPLE_READS]) / len(sample), min(took[_SAMPLE_READS:])
    return Speed(min(read_s, SLOWEST.read_s), min(write_s, SLOWEST.write_s))


def expected_output(transcript_tokens: int) -> int:
    """Tokens that the finished text will have, on the safe side: marks and lines are added."""
    return transcript_tokens + transcript_tokens // 4 + 8


def output_limit(transcript_tokens: int) -> int:
    """Tokens after which the model has surely left the transcript behind."""
    return 2 * transcript_tokens + 32


def part_capacity(room_tokens: int, suffix_tokens: int, speed: Speed, deadline_s: float) -> int:
    """Most transcript tokens of one part; 0 or less when nothing fits.

    `room_tokens` is the context window without the prefix. The part, the suffix and the longest
    allowed output must fit into it, and the part must be expected to be written within `deadline_s`.
    """
    by_room = (room_tokens - suffix_tokens - output_limit(0)) // 3
    fixed_s = speed.work_s(suffix_tokens, 0)
    by_time = int((deadline_s - fixed_s) / max(speed.read_s + 1.25 * speed.write_s, 1e-9))
    return min(by_room, max(by_time, LEAST_PART_TOKENS))


SENTENCES_TOKENS = 96
"""What is cut at all is cut into a few sentences each: small models lose words in longer texts, and
at a deadline little is unfinished."""


def pieces(raw: str, capacity: int, count_tokens: Callable[[str], int]) -> list[str]:
    """The transcript whole where it fits, else in sentences."""
    if count_tokens(raw) <= capacity:
        return [raw]
    return split_to_capacity(raw, min(capacity, SENTENCES_TOKENS), count_tokens)


def split_to_capacity(raw: str, capacity: int, count_tokens: Callable[[str], int]) -> list[str]:
    """The transcript in sentences of at most `capacity` tokens; as many together as fit.

    A single word that is still too long stays as it is.
    """
    tokens, words = count_tokens(raw), len(raw.split())
    if tokens <= capacity or words <= 1:
        return [raw]
    most_words = min(words - 1, max(1, words * max(capacity, 1) // tokens))
    return [
        part
        for sentence in split_sentences(raw, most_words)
        for part in split_to_capacity(sentence, capacity, count_tokens)
    ]
