"""Phase 2 of the prompt cache: the token ids of what stands around the transcript.

A prompt is read in pieces, prefix, transcript and suffix, so that the prefix can be evaluated long
before anything is said. The pieces' tokens must be those of the whole prompt, or the model reads
an unusual spelling. Where a tokenizer joins the template with the transcript ("[INST] " templates of
SentencePiece models, which put a space before each text; templates that end in a space or a quote),
some text of the template is tokenized together with the transcript: the seam is moved.

What is proved, and for which transcripts. When a template is first seen, pieces and whole are compared
for `SAMPLES`: the whole prompt for some, what stands within `NEAR` characters for all. A tokenizer's
rules look at a few neighbouring characters, so what holds for all of these is taken to hold for every
transcript, whatever its length and script, but for those that
* have white space at their start or end (the engine strips it), or SentencePiece's letter for a space,
  U+2581: it may flow together with the template's own, as in a token for two line ends;
* spell a marker of the vocabulary. The whole prompt is then ambiguous, and the pieces are the
  definition: the transcript is text, and no control token and no tag comes out of it.
For these, too, the pieces spell exactly the template and the transcript.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.prompt_cache import PromptTemplate
from voiceflow_daemon.metrics import Metrics

log = logging.getLogger(__name__)

SAMPLES = (
    "",
    "I",
    "a",
    "Zoom",
    "so the meeting is on monday",
    "What is 3:30 PM?",
    "7",
    "2025 was dry, wasn't it",
    "'start now",
    "'very well'",
    '"quoted"',
    "(or not)",
    "- yes\n- no",
    "two  spaces,\n\na blank line;",
    "...and so on...",
    "$5 or 5 €",
    "/usr/bin & #1:",
    "what_is_this = {x};",
    "<b> > [c] </b>",
    "über Straße",
    "日本語です。",
    "привет, мир!",
    "🙂 fine 👩‍💻",
    "\u0301e cafe\u0301",
    "مرحبا",
)
"""Made-up transcripts whose first and last characters stand for those that tokenizers tell apart."""

MAX_LEAD = 120
MAX_TRAIL = 8
"""How many characters of the template a seam is moved by at most. A lead goes back to the start of a
word or to a marker; longer, it would cost more at each dictation than the odd spelling does harm."""

NEAR = 160
WITH_THE_WHOLE = 2
"""All samples are tried with the prefix's last `NEAR` characters, the first few with all of it: a long
prompt takes hardly longer than a short one."""

CONVERSATIONS = (
    ("so the meeting is on monday", "So the meeting is on Monday."),
    ("7", "7"),
    ("what is it", "- What is it?\n- Über `x_y`"),
    ("a", "'No,' she said!"),
)
"""Made-up transcripts and answers, for the seams around an answer: first and last characters as finished
text has them."""

MOVES = sorted(((lead, trail) for lead in range(MAX_LEAD + 1) for trail in range(MAX_TRAIL + 1)), key=sum)


@dataclass(frozen=True)
class PromptTokens:
    """Token ids before and after the transcript.

    `lead` and `trail` are text of the template, mostly none, that is tokenized with the transcript.
    `between` stands between the answer to an earlier transcript and the next one; empty where there
    can be no earlier ones.
    """

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    lead: str = ""
    trail: str = ""
    between: tuple[int, ...] = ()


class TokenCache:
    """A template's `PromptTokens`, kept by its digest and the model's identity.

    The model's thread uses it; `clear` alone may be called from any other.
    """

    def __init__(self, model: LanguageModel, metrics: Metrics, capacity: int = 64) -> None:
        self._model = model
        self._metrics = metrics
        self._capacity = capacity
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], PromptTokens] = OrderedDict()
        self._generation = 0
        self._crossing_reported = False

    def get(self, template: PromptTemplate) -> PromptTokens:
        """The template's token ids, kept or made now; raises `ModelError` as `tokenize` does."""
        key = (self._model.identity, template.digest)
        with self._lock:
            generation = self._generation
            found = self._entries.get(key)
            if found is not None:
                self._entries.move_to_end(key)
        if found is not None:
            self._metrics.count("prompt_tokens_hits")
            return found
        self._metrics.count("prompt_tokens_misses")
        with self._metrics.timed("prompt_tokenize_ms"):
            pieces = _pieces(self._model, template)
        with self._metrics.timed("prompt_seam_ms"):
            proved = self._with_between(template, self._proved(template, pieces))
        with self._lock:
            if generation == self._generation:
                self._store(key, proved)
        return proved

    def rest(self, prompt: PromptTokens, transcript: str) -> list[int]:
        """The tokens that follow `prompt.prefix` when this was dictated; any string will do."""
        return _rest(self._model, prompt, transcript)

    def turn(self, prompt: PromptTokens, transcript: str, answer: str) -> list[int]:
        """The tokens of an earlier transcript and its answer, up to where the next transcript begins.

        Only for a prompt that has a `between`.
        """
        return _turn(self._model, prompt, transcript, answer)

    def clear(self) -> None:
        """Forget all token ids, also those being made now."""
        with self._lock:
            self._generation += 1
            self._entries.clear()

    def _store(self, key: tuple[str, str], prompt: PromptTokens) -> None:
        self._entries[key] = prompt
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def _proved(self, template: PromptTemplate, pieces: PromptTokens) -> PromptTokens:
        seam = _Seam(self._model, template)
        if seam.holds(pieces):
            return pieces
        moved = seam.moved()
        if moved is not None:
            self._metrics.count("prompt_seams_moved")
            return moved
        self._metrics.count("prompt_seams_crossed")
        if not self._crossing_reported:
            self._crossing_reported = True
            log.info("this model's tokens cross the seam between prompt and transcript; the pieces count")
        return pieces

    def _with_between(self, template: PromptTemplate, prompt: PromptTokens) -> PromptTokens:
        """With what stands between turns, where the pieces of a conversation are the whole's tokens."""
        between = template.between
        if not between or not between.endswith(prompt.lead):
            return prompt
        text = between[: len(between) - len(prompt.lead)]
        joined = replace(prompt, between=tuple(self._model.tokenize(text, special=True)))
        if _turns_hold(self._model, template, joined):
            return joined
        self._metrics.count("prompt_turns_crossed")
        log.info(
            "this model's tokens cross the seam between two turns; sentences are written without context"
        )
        return prompt


def _pieces(model: LanguageModel, template: PromptTemplate) -> PromptTokens:
    return PromptTokens(
        tuple(model.tokenize(template.prefix, special=True)),
        tuple(model.tokenize(template.suffix, special=True)),
    )


def _rest(model: LanguageModel, prompt: PromptTokens, transcript: str) -> list[int]:
    return [*model.tokenize(prompt.lead + transcript + prompt.trail, special=False), *prompt.suffix]


def _turn(model: LanguageModel, prompt: PromptTokens, transcript: str, answer: str) -> list[int]:
    return [
        *_rest(model, prompt, transcript),
        *model.tokenize(answer, special=False),
        *prompt.between,
    ]


def _turns_hold(model: LanguageModel, template: PromptTemplate, prompt: PromptTokens) -> bool:
    """Whether the pieces of a conversation by themselves have the tokens that they have together.

    Tried with few transcripts: their own seams are proved already.
    """
    prefix = template.prefix[-NEAR:]
    start = model.tokenize(prefix[: len(prefix) - len(prompt.lead)], special=True)
    for said, answer in CONVERSATIONS:
        whole = prefix + said + template.suffix + answer + template.between + said + template.suffix
        pieces = [*start, *_turn(model, prompt, said, answer), *_rest(model, prompt, said)]
        if pieces != model.tokenize(whole, special=True):
            return False
    return True


class _Seam:
    """Where a template meets the transcript: all samples near it, and some with the whole template."""

    def __init__(self, model: LanguageModel, template: PromptTemplate) -> None:
        self._model = model
        self._template = template
        self._near_prefix = template.prefix[-NEAR:]
        plain = [sample for sample in SAMPLES if self._is_plain(sample)]
        self._near = _Wholes(model, self._near_prefix, template.suffix, plain)
        self._whole = _Wholes(model, template.prefix, template.suffix, plain[:WITH_THE_WHOLE])

    def _is_plain(self, sample: str) -> bool:
        """Whether the sample spells no marker: some vocabularies have one for "<b>" or two spaces."""
        return self._model.tokenize(sample, special=True) == self._model.tokenize(sample, special=False)

    def holds(self, pieces: PromptTokens) -> bool:
        """Whether the texts by themselves have the tokens that they have together."""
        near = tuple(self._model.tokenize(self._near_prefix, special=True))
        return self._whole.agree(pieces) and self._near.agree(PromptTokens(near, pieces.suffix))

    def moved(self) -> PromptTokens | None:
        """The pieces with the least text moved over to the transcript's side; None when none agree."""
        prefix, suffix = self._near_prefix, self._template.suffix
        for lead_length, trail_length in MOVES:
            if lead_length > len(prefix) or trail_length > len(suffix):
                continue
            lead, trail = prefix[len(prefix) - lead_length :], suffix[:trail_length]
            if self._near.agreeing(lead, trail) is None:
                continue
            found = self._whole.agreeing(lead, trail)
            if found is not None:
                return found
        return None


class _Wholes:
    """The tokens of a whole prompt for each of some samples, to hold pieces against."""

    def __init__(self, model: LanguageModel, prefix: str, suffix: str, samples: Sequence[str]) -> None:
        self._model = model
        self._wholes = [(said, model.tokenize(prefix + said + suffix, special=True)) for said in samples]

    def agree(self, prompt: PromptTokens) -> bool:
        """Whether pieces and whole are the same for every sample."""
        return all(
            [*prompt.prefix, *_rest(self._model, prompt, said)] == whole for said, whole in self._wholes
        )

    def agreeing(self, lead: str, trail: str) -> PromptTokens | None:
        """The pieces around `lead`, transcript and `trail`, read off the longest sample's whole.

        Read off, for the template's remaining text by itself may be spelled otherwise: where the
        tokenizer puts a space before each text, the template's own space in that place is left out.
        """
        sample, whole = max(self._wholes, key=lambda pair: len(pair[0]))
        middle = self._model.tokenize(lead + sample + trail, special=False)
        for start in range(len(whole) - len(middle), -1, -1):
            end = start + len(middle)
            if whole[start:end] == middle:
                prompt = PromptTokens(tuple(whole[:start]), tuple(whole[end:]), lead, trail)
                if self.agree(prompt):
                    return prompt
        return None
