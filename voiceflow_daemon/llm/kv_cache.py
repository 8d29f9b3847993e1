"""Phases 2 and 3 of the prompt cache: a template's token ids, and its prefix evaluated by the model.

One prefix is kept hot, the one that stands in the model's sequence. Only the static prefix is ever
kept: what was dictated is cut off the sequence after each use.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass

from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.prompt_cache import PromptTemplate
from voiceflow_daemon.metrics import Metrics

log = logging.getLogger(__name__)

TOKENIZED_TEMPLATES = 64
"""How many templates' token ids are kept; each is a few kilobytes."""

SEAM_SAMPLES = ("so the meeting is on monday", "What is 3:30 PM?", "- yes", '"quoted"', "über")
"""Made-up transcripts whose first and last characters could merge with a template's."""


@dataclass(frozen=True)
class PromptTokens:
    """Token ids before and after the transcript."""

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]


class KvCache:
    """Used by the model's thread, but for `invalidate`, which any thread may call."""

    def __init__(self, model: LanguageModel, metrics: Metrics) -> None:
        self._model = model
        self._metrics = metrics
        self._tokens: OrderedDict[tuple[str, str], PromptTokens] = OrderedDict()
        self._hot: tuple[int, ...] = ()
        self._seam_reported = False
        self._lock = threading.Lock()
        self._stale = False

    def invalidate(self) -> None:
        """Forget token ids and the evaluated prefix before the next use."""
        with self._lock:
            self._stale = True

    def tokens(self, template: PromptTemplate) -> PromptTokens:
        """The template's token ids, kept by its digest and the model's identity."""
        self._forget_if_stale()
        key = (self._model.identity, template.digest)
        found = self._tokens.get(key)
        if found is None:
            with self._metrics.timed("prompt_tokenize_ms"):
                found = self._tokenize(template)
            self._check_seam(template, found)
            self._tokens[key] = found
            if len(self._tokens) > TOKENIZED_TEMPLATES:
                self._tokens.popitem(last=False)
        self._tokens.move_to_end(key)
        return found

    def missing(self, prompt: PromptTokens) -> int:
        """How many of the prefix's tokens `make_hot` would have to evaluate."""
        self._forget_if_stale()
        return 0 if self._is_hot(prompt) else len(prompt.prefix)

    def make_hot(self, prompt: PromptTokens) -> None:
        """Make the model's sequence exactly the prefix; evaluated only if it is not there.

        Raises what `LanguageModel.evaluate` raises; then nothing is hot.
        """
        if self.missing(prompt) == 0:
            self._metrics.count("prefix_hits")
            return
        self._metrics.count("prefix_misses")
        self.forget_hot()
        with self._metrics.timed("prompt_prefill_ms"):
            if prompt.prefix:
                self._model.evaluate(prompt.prefix)
        self._hot = prompt.prefix

    def rewind(self) -> None:
        """Cut what followed the prefix off the sequence; a model that cannot loses the prefix too."""
        self._model.truncate(len(self._hot))

    def forget_hot(self) -> None:
        """Empty the sequence."""
        self._hot = ()
        self._model.truncate(0)

    def _is_hot(self, prompt: PromptTokens) -> bool:
        return self._hot == prompt.prefix and self._model.length() == len(prompt.prefix)

    def _forget_if_stale(self) -> None:
        with self._lock:
            stale, self._stale = self._stale, False
        if stale:
            self._tokens.clear()
            self.forget_hot()

    def _tokenize(self, template: PromptTemplate) -> PromptTokens:
        return PromptTokens(
            tuple(self._model.tokenize(template.prefix, special=True)),
            tuple(self._model.tokenize(template.suffix, special=True)),
        )

    def _check_seam(self, template: PromptTemplate, pieces: PromptTokens) -> None:
        """Say once when the pieces' tokens are not those of the whole prompt.

        The pieces are what the model then reads: a slightly unusual spelling, never another text.
        """
        if self._seam_reported:
            return
        for sample in SEAM_SAMPLES:
            whole = self._model.tokenize(template.prefix + sample + template.suffix, special=True)
            middle = self._model.tokenize(sample, special=False)
            if [*pieces.prefix, *middle, *pieces.suffix] != whole:
                self._seam_reported = True
                log.info("this model's tokens cross the seam between prompt and transcript")
                return
