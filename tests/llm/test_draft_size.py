from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.scripted_model import MIDDLE, SMALL, TINY, seconds_of
from voiceflow_daemon.llm.draft_size import BATCHES, TRUSTED, Agreement, BatchCosts, DraftSizes

COSTS = pytest.mark.parametrize("table", [SMALL, MIDDLE, TINY], ids=["0.5B", "1.5B", "demo"])


def sizes_for(table: Mapping[int, float], expected: int = 40) -> DraftSizes:
    sizes = DraftSizes(BatchCosts(table))
    sizes.begin(expected)
    return sizes


def good_experience(sizes: DraftSizes) -> None:
    for _ in range(200):
        sizes.judge(1, 32, wrong=False)


def bad_experience(sizes: DraftSizes) -> None:
    for agreed in range(1, 17):
        for _ in range(200):
            sizes.judge(agreed, 0, wrong=True)


class TestBatchCosts:
    @COSTS
    def test_says_what_was_measured_and_a_straight_line_between(self, table: Mapping[int, float]) -> None:
        costs = BatchCosts(table)
        for rows in range(1, 65):
            assert costs.seconds(rows) == pytest.approx(seconds_of(table, rows))

    def test_goes_on_straight_behind_the_largest(self) -> None:
        assert BatchCosts({1: 1.0, 4: 2.0, 8: 4.0}).seconds(16) == pytest.approx(8.0)

    def test_a_larger_batch_that_seemed_cheaper_is_never_free(self) -> None:
        assert BatchCosts({1: 3.0, 4: 2.0, 8: 1.0}).seconds(56) > 0

    def test_a_slower_machine_changes_no_ratio_for_long(self) -> None:
        costs = BatchCosts(SMALL)
        for _ in range(20):
            for rows in (1, 16, 4):
                costs.observe(rows, 3 * SMALL[rows])
        assert costs.seconds(16) == pytest.approx(3 * SMALL[16], rel=0.02)
        assert costs.seconds(16) / costs.seconds(1) == pytest.approx(SMALL[16] / SMALL[1], rel=0.05)

    def test_one_size_that_was_measured_badly_is_corrected(self) -> None:
        costs = BatchCosts(SMALL | {16: SMALL[4]})
        for _ in range(60):
            for rows in (1, 16, 4):
                costs.observe(rows, SMALL[rows])
        assert costs.seconds(16) / costs.seconds(1) == pytest.approx(SMALL[16] / SMALL[1], rel=0.1)

    def test_a_hiccup_weighs_no_more_than_twice_the_time(self) -> None:
        twice, hiccup = BatchCosts(SMALL), BatchCosts(SMALL)
        twice.observe(8, 2 * SMALL[8])
        hiccup.observe(8, 1000 * SMALL[8])
        assert twice.seconds(8) == hiccup.seconds(8)

    @given(times=st.lists(st.tuples(st.sampled_from([1, *BATCHES]), st.floats(0, 1e6)), max_size=60))
    def test_no_time_makes_a_batch_free(self, times: list[tuple[int, float]]) -> None:
        costs = BatchCosts(SMALL)
        for rows, seconds in times:
            costs.observe(rows, seconds)
            assert all(costs.seconds(size) > 0 for size in (1, *BATCHES))


class TestAgreement:
    def test_it_counts_the_right_tokens_and_the_models_own(self) -> None:
        agreement = Agreement()
        for agreed in range(1, 10):
            for _ in range(1000):
                agreement.observe(agreed, right=True)
        assert agreement.expected(1, 7) == pytest.approx([1, 2, 3, 4, 5, 6, 7, 8])

    def test_behind_a_token_that_is_surely_wrong_nothing_counts(self) -> None:
        agreement = Agreement()
        for _ in range(1000):
            agreement.observe(3, right=False)
        assert agreement.expected(3, 3) == pytest.approx([1, 1, 1, 1])
        assert agreement.expected(1, 3)[2:] == pytest.approx([1 + agreement.chance(1)] * 2)
        assert agreement.chance(99) == agreement.chance(16) > 0.9


class TestRows:
    @COSTS
    @given(
        agreed=st.integers(1, 20),
        drafted=st.integers(0, 70),
        room=st.integers(0, 70),
        good=st.booleans(),
    )
    def test_one_or_a_multiple_of_four_that_fits(
        self, table: Mapping[int, float], agreed: int, drafted: int, room: int, good: bool
    ) -> None:
        sizes = sizes_for(table)
        if good:
            good_experience(sizes)
            sizes.observe(56, 0.0, 57)
        rows = sizes.rows(agreed, drafted, room)
        assert rows == 1 or (rows % 4 == 0 and rows <= room and rows - 1 < drafted + 4)
        assert rows < 64
        if drafted == 0:
            assert rows == 1

    def test_drafts_that_are_always_right_are_verified_whole(self) -> None:
        sizes = sizes_for(SMALL)
        good_experience(sizes)
        sizes.observe(16, SMALL[16], 16)
        assert sizes.rows(16, 30, 4096) >= 28

    def test_drafts_that_are_always_wrong_are_not_verified(self) -> None:
        for table in (SMALL, MIDDLE, TINY):
            sizes = sizes_for(table)
            bad_experience(sizes)
            assert sizes.rows(12, 30, 4096) == 1

    def test_one_token_in_agreement_is_worth_few_rows_and_many_are_worth_more(self) -> None:
        sizes = sizes_for(SMALL)
        good_experience(sizes)
        sizes.observe(16, SMALL[16], 16)
        for _ in range(80):
            sizes.judge(1, 0, wrong=True)
        assert sizes.rows(1, 50, 4096) < sizes.rows(9, 50, 4096)

    @COSTS
    def test_the_first_answer_of_all_risks_no_more_than_its_allowance(
        self, table: Mapping[int, float]
    ) -> None:
        rows = sizes_for(table, expected=25).rows(9, 60, 4096)
        assert table[1] * 25 * 0.05 >= seconds_of(table, rows) - table[1]

    def test_who_was_right_is_trusted_in_the_next_answer_up_to_a_limit(self) -> None:
        sizes = sizes_for(SMALL, expected=0)
        good_experience(sizes)
        assert sizes.rows(9, 60, 4096) == 1
        for _ in range(10):
            sizes.observe(32, SMALL[32], 32)
        assert sizes.rows(9, 60, 4096) > TRUSTED
        sizes.begin(0)
        assert sizes.rows(9, 60, 4096) == TRUSTED

    def test_plain_steps_earn_an_allowance_too(self) -> None:
        sizes = sizes_for(SMALL, expected=0)
        good_experience(sizes)
        assert sizes.rows(9, 60, 4096) == 1
        for _ in range(10):
            sizes.observe_step()
        assert sizes.rows(9, 60, 4096) == 4

    def test_losses_are_not_carried_over(self) -> None:
        sizes = sizes_for(SMALL)
        good_experience(sizes)
        fresh = sizes.rows(9, 60, 4096)
        for _ in range(10):
            sizes.observe(16, SMALL[16], 1)
        assert sizes.rows(9, 60, 4096) == 1
        sizes.begin(40)
        assert sizes.rows(9, 60, 4096) == fresh > 1

    @COSTS
    def test_short_answers_save_up_for_a_draft(self, table: Mapping[int, float]) -> None:
        sizes = sizes_for(table, expected=1)
        good_experience(sizes)
        answers = 0
        while sizes.rows(9, 12, 4096) == 1:
            answers += 1
            assert answers < 40, "no short answer ever drafts"
            for _ in range(12):
                sizes.observe_step()
            sizes.begin(1)

    @COSTS
    def test_what_is_saved_up_is_no_more_than_the_allowance_of_all_that_was_written(
        self, table: Mapping[int, float]
    ) -> None:
        sizes, plain_s, lost_s = sizes_for(table, expected=1), 0.0, 0.0
        good_experience(sizes)
        for _ in range(300):
            sizes.begin(5)
            rows = sizes.rows(9, 60, 4096)
            sizes.observe(rows, seconds_of(table, rows), 1)
            lost_s += seconds_of(table, rows) - table[1]
            for _ in range(9):
                sizes.observe_step()
            plain_s += 10 * table[1]
        assert lost_s <= 0.05 * plain_s
