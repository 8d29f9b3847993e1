"""Warms up a model that has just been loaded, and measures how fast it is where that is not known yet."""

from __future__ import annotations

import copy

from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.budget import Speed, measure_speed
from voiceflow_daemon.llm.decoding import measure_costs
from voiceflow_daemon.llm.draft_size import BatchCosts

_SAMPLE_TEXT = "well let us see how warm it is today"


class WarmUp:
    """Remembers what it has measured: a model that was freed and is loaded again is ready much sooner.

    Measuring is four fifths of a load and more, with a model of 0.5 B.
    """

    def __init__(self) -> None:
        self._measured: dict[str, tuple[Speed, BatchCosts | None]] = {}

    def run(self, model: LanguageModel) -> tuple[Speed, BatchCosts | None]:
        """Evaluate a few tokens; the model's speed, and its costs of batches, None where it drafts none.

        Leaves an empty sequence. Raises `ModelError`.
        """
        known = self._measured.get(model.state_identity)
        if known is None:
            known = self._measured[model.state_identity] = measure_speed(model), measure_costs(model)
        else:
            model.evaluate(model.tokenize(_SAMPLE_TEXT, special=False))
            model.truncate(0)
        # A decoder changes its costs by what it learns. Without the rest that it has learned these would
        # let a new one begin no draft: measured, half as many tokens a second.
        return copy.deepcopy(known)
