"""When a borrowed clipboard goes back."""

from __future__ import annotations

import pytest

from voiceflow_daemon.desktop.loan import LINGER_LIMIT_S, LINGER_S, RECEIPT_LIMIT_S, Loan

WINDOWS = (5,)


def test_a_loan_lasts_while_the_delivery_goes_on() -> None:
    loan = Loan()
    assert loan.due is None
    loan.expect(WINDOWS)
    loan.requested(1.0, by_expected=True)
    assert loan.due is None


def test_a_read_before_the_paste_keys_is_no_receipt() -> None:
    loan = Loan()
    loan.requested(1.0, by_expected=True)
    assert not loan.was_read
    loan.expect(WINDOWS)
    assert not loan.was_read


def test_a_read_by_another_program_is_no_receipt() -> None:
    loan = Loan()
    loan.expect(WINDOWS)
    loan.requested(1.0, by_expected=False)
    assert not loan.was_read
    loan.requested(1.1, by_expected=True)
    assert loan.was_read


def test_after_the_receipt_it_goes_back_once_the_reader_is_quiet() -> None:
    loan = Loan()
    loan.expect(WINDOWS)
    loan.requested(1.0, by_expected=True)
    loan.end(1.01)
    assert loan.due == pytest.approx(1.0 + LINGER_S)
    loan.requested(1.05, by_expected=True)
    assert loan.due == pytest.approx(1.05 + LINGER_S)


def test_a_reader_that_never_stops_is_not_waited_for() -> None:
    loan = Loan()
    loan.expect(WINDOWS)
    loan.requested(1.0, by_expected=True)
    loan.end(1.0)
    loan.requested(9.0, by_expected=True)
    assert loan.due == pytest.approx(1.0 + LINGER_LIMIT_S)


def test_a_daemon_that_dies_before_the_keys_gives_back_at_once() -> None:
    loan = Loan()
    loan.borrower_gone(2.0)
    assert loan.due == 2.0


def test_a_daemon_that_dies_around_the_keys_leaves_time_to_read() -> None:
    loan = Loan()
    loan.expect(WINDOWS)
    loan.borrower_gone(2.0)
    assert loan.due == pytest.approx(2.0 + RECEIPT_LIMIT_S)
    loan.requested(2.5, by_expected=True)
    assert loan.due == pytest.approx(2.5 + LINGER_S)


def test_a_daemon_that_dies_after_the_end_changes_nothing() -> None:
    loan = Loan()
    loan.expect(WINDOWS)
    loan.requested(1.0, by_expected=True)
    loan.end(1.0)
    loan.borrower_gone(1.01)
    assert loan.due == pytest.approx(1.0 + LINGER_S)
