"""Greedy decoding as copy-editing: a draft is verified in batches, and the model decides each token.

What comes out is token for token what plain greedy decoding writes. The one exception: by more than one
thread, llama.cpp's flash attention rounds a single row otherwise than a row among others (it shares the
row's keys out to the threads), so where two candidates are closer than that the other one may win.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.draft import Draft
from voiceflow_daemon.llm.draft_size import BATCHES, BatchCosts, DraftSizes
from voiceflow_daemon.metrics import Metrics

_SAMPLE_TEXT = "the train is late today so we will meet at noon " * 8
_SAMPLE_ROWS = (1, 4, 8, 16, 32)
_SAMPLE_TRIES = 2
_SHORTEST_S = 1e-9


def measure_costs(model: LanguageModel, clock: Callable[[], float] = time.perf_counter) -> BatchCosts | None:
    """Seconds of batches by their rows, the best of some tries; leaves an empty sequence.

    None for a model that cannot take back what it read (recurrent and hybrid ones): it cannot verify.
    """
    sample = model.tokenize(_SAMPLE_TEXT, special=False)[: _SAMPLE_ROWS[-1]]
    model.truncate(0)
    model.evaluate(sample)
    seconds: dict[int, float] = {}
    for rows in _SAMPLE_ROWS * _SAMPLE_TRIES:
        start = clock()
        model.evaluate_each(sample[:rows])
        took_s = max(clock() - start, _SHORTEST_S)
        seconds[rows] = min(took_s, seconds.get(rows, took_s))
        model.truncate(len(sample))
        if model.length() != len(sample):
            break
    can_take_back = model.length() == len(sample)
    model.truncate(0)
    return BatchCosts(seconds) if can_take_back else None


class Decoder:
    """Writes the model's answers; the model's thread uses it. It learns from one to the next."""

    def __init__(
        self,
        model: LanguageModel,
        metrics: Metrics,
        costs: BatchCosts | None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Without `costs` it decodes plainly, whatever the drafts."""
        self._model = model
        self._metrics = metrics
        self._sizes = DraftSizes(costs) if costs else None
        self._clock = clock

    def decode(
        self, token: int, limit: int, draft: Sequence[int] = (), source: Sequence[int] = ()
    ) -> list[int] | None:
        """The tokens from `token`, the likeliest next one, up to the end of the turn, which is not read.

        None when that does not come within `limit` tokens. `draft` is what the answer will probably
        be, `source` the transcript. Raises what `LanguageModel.evaluate` raises, and `ModelError`
        when the model does not take back what was wrong in a draft.
        """
        tally = _Tally()
        try:
            if self._sizes is None:
                return self._plain(token, limit, tally)
            self._sizes.begin((len(source) or min(len(draft), limit // 4)) // 2)
            return self._edited(token, limit, Draft(draft, source), self._sizes, tally)
        finally:
            self._metrics.count("tokens_written", tally.written)
            self._metrics.count("tokens_drafted", tally.drafted)
            self._metrics.count("tokens_accepted", tally.accepted)
            self._metrics.count("decode_steps", tally.steps)

    def _plain(self, token: int, limit: int, tally: _Tally) -> list[int] | None:
        written: list[int] = []
        while not self._model.is_end(token):
            if tally.written == limit:
                return None
            written.append(token)
            tally.add(drafted=0, accepted=0)
            token = self._model.evaluate([token])
        return written

    def _edited(
        self, token: int, limit: int, draft: Draft, sizes: DraftSizes, tally: _Tally
    ) -> list[int] | None:
        written: list[int] = []
        while not self._model.is_end(token):
            if tally.written == limit:
                return None
            draft.follow(token)
            ahead = draft.ahead(min(BATCHES[-1], limit - tally.written - 1))
            if ahead:
                accepted, following = self._verified(token, ahead, draft.agreed, sizes, tally)
            else:
                # Nothing is timed or weighed here: with a tiny model that would show.
                accepted, following = (), self._model.evaluate([token])
                sizes.observe_step()
                tally.add(drafted=0, accepted=0)
            written += [token, *accepted]
            for kept in accepted:
                draft.follow(kept)
            token = following
        return written

    def _verified(
        self, token: int, ahead: Sequence[int], agreed: int, sizes: DraftSizes, tally: _Tally
    ) -> tuple[Sequence[int], int]:
        """Read `token` and as much of what may come as is worth it: the right ones of it, and the next."""
        room = self._model.context_tokens - self._model.length()
        rows = sizes.rows(agreed, len(ahead), room)
        batch = [token, *ahead[: rows - 1]]
        answers, took_s = self._verify(batch, rows)
        right = common_start(ahead, answers)
        accepted = self._before_end(batch[1 : 1 + right])
        self._take_back(rows - 1 - accepted)
        sizes.observe(rows, took_s, written=1 + accepted)
        sizes.judge(agreed, right, wrong=right < min(len(ahead), len(answers)))
        tally.add(drafted=len(batch) - 1, accepted=accepted)
        return batch[1 : 1 + accepted], answers[accepted]

    def _verify(self, batch: list[int], rows: int) -> tuple[list[int], float]:
        """What the model writes after each token of the batch, and the seconds; padded to `rows`."""
        start = self._clock()
        if rows == 1:
            answers = [self._model.evaluate(batch)]
        else:
            answers = self._model.evaluate_each([*batch, *batch[-1:] * (rows - len(batch))])
        return answers[: len(batch)], self._clock() - start

    def _before_end(self, tokens: Sequence[int]) -> int:
        """How many of the tokens come before an end of turn, which is never read."""
        return sum(1 for _ in takewhile(lambda token: not self._model.is_end(token), tokens))

    def _take_back(self, tokens: int) -> None:
        """Cut the last `tokens` off the sequence."""
        if tokens == 0:
            return
        length = self._model.length() - tokens
        self._model.truncate(length)
        if self._model.length() != length:
            raise ModelError("The model did not take back what was wrong in a draft.")


@dataclass
class _Tally:
    """What one answer took."""

    written: int = 0
    drafted: int = 0
    accepted: int = 0
    steps: int = 0

    def add(self, drafted: int, accepted: int) -> None:
        """One evaluation, of one token and of the drafted ones."""
        self.written += 1 + accepted
        self.drafted += drafted
        self.accepted += accepted
        self.steps += 1


def common_start(first: Sequence[int], second: Sequence[int]) -> int:
    """How many tokens both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
