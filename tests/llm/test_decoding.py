"""Copy-editing writes what plain decoding writes; on fakes, whose tokens and clock are made up."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.language_model import END, FakeLanguageModel
from tests.fakes.scripted_model import MIDDLE, SMALL, TINY, Rule, ScriptedModel, answering, seconds_of
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError
from voiceflow_daemon.llm.decoding import Decoder, measure_costs
from voiceflow_daemon.llm.draft_size import BatchCosts
from voiceflow_daemon.metrics import Metrics

PROMPT = [1, 2, 3, 4, 5]
COSTS = {"0.5B": SMALL, "1.5B": MIDDLE, "demo": TINY}

TEXT = st.lists(st.integers(0, 4), max_size=60)
"""Few different tokens, so that what is wrong often looks right."""


def pseudo_random(seed: int, end_share: int = 24) -> Rule:
    """Each next token hangs on every token before it."""

    def rule(read: Sequence[int]) -> int:
        digest = hashlib.blake2b(bytes(seed % 256 ^ token % 256 for token in read), digest_size=2).digest()
        return END if digest[0] % end_share == 0 else digest[1] % 5

    return rule


@dataclass
class Answer:
    """What came out; `read` is the model's sequence behind the prompt."""

    tokens: list[int] | None
    read: list[int]
    error: type[Exception] | None


def decoder_for(model: ScriptedModel, metrics: Metrics | None = None) -> Decoder:
    return Decoder(model, metrics or Metrics(), BatchCosts(SMALL), lambda: model.now)


def answer(
    model: ScriptedModel,
    decoder: Decoder,
    limit: int,
    draft: Sequence[int] = (),
    source: Sequence[int] = (),
) -> Answer:
    model.truncate(0)
    token = model.evaluate(PROMPT)
    tokens, error = None, None
    try:
        tokens = decoder.decode(token, limit, draft, source)
    except (ContextOverflowError, EvaluationAbortedError) as raised:
        error = type(raised)
    return Answer(tokens, model.read[len(PROMPT) :], error)


def plain(model: ScriptedModel, limit: int) -> Answer:
    return answer(model, Decoder(model, Metrics(), None), limit)


def draft_like(text: Sequence[int], kind: str, seed: int) -> list[int]:
    """A draft of the right text, more or less."""
    chance = random.Random(seed)
    draft = list(text)
    match kind:
        case "edited":
            for _ in range(1 + len(draft) // 8):
                at = chance.randrange(len(draft) + 1)
                draft[at : at + chance.randrange(3)] = [
                    chance.randrange(5) for _ in range(chance.randrange(3))
                ]
        case "shuffled":
            chance.shuffle(draft)
        case "begins right":
            draft = draft[: len(draft) // 2]
        case "too long":
            draft = draft + [chance.randrange(5) for _ in range(300)]
        case "repeated":
            draft = draft[:1] * 80
        case "ends in the middle":
            draft.insert(len(draft) // 2, END)
        case "empty":
            draft = []
    return draft


KINDS = ("right", "edited", "shuffled", "begins right", "too long", "repeated", "ends in the middle", "empty")


@settings(max_examples=3000, deadline=None)
@given(
    seed=st.integers(0, 255),
    kind=st.sampled_from((*KINDS, "anything")),
    anything=TEXT,
    source=TEXT,
    limit=st.integers(0, 70),
    context_tokens=st.integers(len(PROMPT), 80),
)
@example(seed=0, kind="right", anything=[], source=[], limit=0, context_tokens=80)
def test_token_for_token_as_plain_decoding(
    seed: int, kind: str, anything: list[int], source: list[int], limit: int, context_tokens: int
) -> None:
    """The bytes, the sequence left behind, the limit, the end of the window: all are the same."""
    model = ScriptedModel(pseudo_random(seed), context_tokens=context_tokens)
    expected = plain(model, limit)
    draft = anything if kind == "anything" else draft_like(expected.read, kind, seed)
    assert answer(model, decoder_for(model), limit, draft, source) == expected


@settings(max_examples=300, deadline=None)
@given(answers=st.lists(st.tuples(st.integers(0, 255), st.sampled_from(KINDS), TEXT), min_size=2, max_size=8))
def test_what_was_learnt_changes_no_answer(answers: list[tuple[int, str, list[int]]]) -> None:
    model = ScriptedModel(lambda _: END)
    decoder = decoder_for(model)
    for seed, kind, source in answers:
        model.rule = pseudo_random(seed)
        expected = plain(model, 60)
        assert answer(model, decoder, 60, draft_like(expected.read, kind, seed), source) == expected


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 255), kind=st.sampled_from(KINDS), stop_at=st.integers(1, 12))
def test_an_abort_leaves_what_was_written_until_then(seed: int, kind: str, stop_at: int) -> None:
    model = ScriptedModel(pseudo_random(seed))
    expected = plain(model, 60)
    draft = draft_like(expected.read, kind, seed)
    decoder, evaluations = decoder_for(model), 0

    def stop_some_time() -> None:
        nonlocal evaluations
        evaluations += 1
        if evaluations == stop_at + 1:  # the first is the prompt's
            model.stop()

    model.before_evaluation = stop_some_time
    aborted = answer(model, decoder, 60, draft)
    model.before_evaluation = lambda: None
    if aborted.error is None:
        assert aborted == expected
    else:
        assert aborted.error is EvaluationAbortedError
        assert aborted.read == expected.read[: len(aborted.read)]
    model.resume()
    assert answer(model, decoder, 60, draft) == expected


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 255), kind=st.sampled_from(KINDS), limit=st.integers(0, 60))
def test_every_token_is_counted(seed: int, kind: str, limit: int) -> None:
    model, metrics = ScriptedModel(pseudo_random(seed)), Metrics()
    expected = plain(model, limit)
    model.evaluated.clear()
    answer(model, decoder_for(model, metrics), limit, draft_like(expected.read, kind, seed))
    written, drafted, accepted, steps = map(
        metrics.counter, ("tokens_written", "tokens_drafted", "tokens_accepted", "decode_steps")
    )
    assert written == len(expected.read) == steps + accepted
    assert steps == len(model.evaluated) - 1
    assert accepted <= drafted <= sum(map(len, model.evaluated[1:])) - steps


def test_a_right_draft_is_accepted_in_few_steps() -> None:
    text = list(range(100, 140))
    model, metrics = ScriptedModel(answering(PROMPT, text)), Metrics()
    assert answer(model, decoder_for(model, metrics), 200, text).tokens == text
    assert metrics.counter("decode_steps") <= 5
    assert metrics.counter("tokens_accepted") == 40 - metrics.counter("decode_steps")


def test_batches_come_in_fours_and_fit_the_window() -> None:
    text = list(range(100, 140))
    model = ScriptedModel(answering(PROMPT, text), context_tokens=len(PROMPT) + len(text))
    assert answer(model, decoder_for(model), 200, text).tokens == text
    rows = [len(tokens) for tokens in model.evaluated[1:]]
    assert max(rows) > 8
    assert all(count == 1 or count % 4 == 0 for count in rows)


class ForgetfulModel(ScriptedModel):
    """Loses everything when something is to be taken back, once it has learnt to."""

    forgets = False

    def truncate(self, length: int) -> None:
        super().truncate(0 if self.forgets else length)


def test_a_model_that_suddenly_takes_nothing_back_is_an_error_and_no_wrong_text() -> None:
    text = list(range(100, 140))
    model = ForgetfulModel(answering(PROMPT, text))
    draft = [*text[:3], 7, *text[3:]]
    assert answer(model, decoder_for(model), 200, draft).tokens == text
    model.truncate(0)
    token = model.evaluate(PROMPT)
    model.forgets = True
    with pytest.raises(ModelError, match="take back"):
        decoder_for(model).decode(token, 200, draft)


class TestMeasureCosts:
    def test_the_seconds_of_batches_by_their_rows(self) -> None:
        model = ScriptedModel(pseudo_random(1))
        costs = measure_costs(model, lambda: model.now)
        assert costs is not None
        for rows in (1, 4, 8, 16, 32):
            assert costs.seconds(rows) == pytest.approx(SMALL[rows])
        assert model.length() == 0

    def test_the_best_of_the_tries_counts(self) -> None:
        model = ScriptedModel(pseudo_random(1))
        times = iter(range(10_000))
        slow = measure_costs(model, lambda: model.now + (0.5 if next(times) in {1, 13} else 0.0))
        assert slow is not None
        assert slow.seconds(1) == pytest.approx(SMALL[1])

    def test_a_clock_that_stands_still_breaks_nothing(self) -> None:
        model = ScriptedModel(pseudo_random(1))
        costs = measure_costs(model, lambda: 0.0)
        assert costs is not None
        expected = plain(model, 60)
        decoder = Decoder(model, Metrics(), costs, lambda: 0.0)
        assert answer(model, decoder, 60, expected.read) == expected

    def test_a_model_that_cannot_go_back_has_none_and_decodes_plainly(self) -> None:
        text = list(range(100, 140))
        model = ScriptedModel(answering(PROMPT, text), goes_back=False)
        assert measure_costs(model) is None
        assert model.length() == 0
        model.evaluated.clear()
        assert answer(model, Decoder(model, Metrics(), None), 200, text).tokens == text
        assert {len(tokens) for tokens in model.evaluated[1:]} == {1}

    def test_a_fake_of_words_can_be_measured(self) -> None:
        assert measure_costs(FakeLanguageModel()) is not None


@dataclass
class Series:
    """Seconds of many answers, on the model's own clock."""

    plain_s: float = 0.0
    edited_s: float = 0.0

    @property
    def times_faster(self) -> float:
        return self.plain_s / self.edited_s


def series(
    table: Mapping[int, float],
    draft_of: Callable[[list[int], random.Random], list[int]],
    measured: Mapping[int, float] | None = None,
    answers: int = 60,
    seed: int = 0,
) -> Series:
    """Answers of 8 to 80 tokens with the drafts that `draft_of` makes of them."""
    chance = random.Random(seed)
    model = ScriptedModel(lambda _: END, table)
    costs = BatchCosts({rows: (measured or table)[rows] for rows in (1, 4, 8, 16, 32)})
    decoder = Decoder(model, Metrics(), costs, lambda: model.now)
    total = Series()
    for _ in range(answers):
        text = [chance.randrange(100) for _ in range(chance.randint(8, 80))]
        draft = draft_of(text, chance)
        model.rule = answering(PROMPT, text)
        model.truncate(0)
        token, start = model.evaluate(PROMPT), model.now
        assert decoder.decode(token, 2 * len(text) + 32, draft) == text
        total.edited_s += model.now - start
        total.plain_s += len(text) * table[1]
    return total


def right(text: list[int], _: random.Random) -> list[int]:
    return text


def wrong(text: list[int], chance: random.Random) -> list[int]:
    """The same words in another order, so that they often seem to agree."""
    return chance.sample(text, len(text))


def treacherous(text: list[int], chance: random.Random) -> list[int]:
    """Right so long that the next one seems sure, then wrong, again and again."""
    return [token if index % 12 else 200 for index, token in enumerate(text)]


def repeated(text: list[int], _: random.Random) -> list[int]:
    return text[:1] * 500


def nearly_right(text: list[int], chance: random.Random) -> list[int]:
    return [chance.randrange(100) if chance.random() < 0.03 else token for token in text]


class TestPace:
    """By costs measured on a real machine; the answers are made up."""

    @pytest.mark.parametrize("model", COSTS)
    @pytest.mark.parametrize("draft_of", [wrong, repeated])
    def test_wrong_drafts_cost_next_to_nothing(
        self, model: str, draft_of: Callable[[list[int], random.Random], list[int]]
    ) -> None:
        assert series(COSTS[model], draft_of).times_faster > 0.96

    @pytest.mark.parametrize("model", COSTS)
    def test_drafts_that_betray_are_not_slower_than_none(self, model: str) -> None:
        assert series(COSTS[model], treacherous).times_faster > 0.96

    def test_right_drafts_are_five_times_as_fast(self) -> None:
        assert series(SMALL, right).times_faster > 5
        assert series(MIDDLE, right).times_faster > 4

    def test_nearly_right_drafts_are_three_times_as_fast(self) -> None:
        assert series(SMALL, nearly_right).times_faster > 3
        assert series(MIDDLE, nearly_right).times_faster > 2.5

    def test_costs_measured_on_a_busy_machine_are_corrected(self) -> None:
        """Batches seemed as cheap as steps, and wrong drafts would have cost nothing."""
        flattering = dict.fromkeys(SMALL, SMALL[1])
        assert series(SMALL, wrong, flattering).times_faster > 0.93
        unkind = {rows: SMALL[rows] * (2 if rows > 1 else 1) for rows in SMALL}
        assert series(SMALL, right, unkind, answers=100).times_faster > 4

    @settings(max_examples=60, deadline=None)
    @given(
        steps=st.lists(st.floats(1.0, 3.0), min_size=5, max_size=5),
        seed=st.integers(0, 1000),
        draft_of=st.sampled_from([wrong, repeated, treacherous, nearly_right]),
    )
    def test_never_slower_by_more_than_the_allowance_and_one_trusted_batch(
        self, steps: list[float], seed: int, draft_of: Callable[[list[int], random.Random], list[int]]
    ) -> None:
        """On any machine: from each size to the next twice as large it takes 1 to 3 times as long."""
        table, seconds = {}, 1.0
        for rows, factor in zip((1, 4, 8, 16, 32, 64), (1.0, *steps), strict=True):
            seconds *= factor
            table[rows] = seconds
        total = series(table, draft_of, answers=20, seed=seed)
        trusted_s = seconds_of(table, 16) - table[1]
        assert total.edited_s <= 1.05 * total.plain_s + trusted_s
