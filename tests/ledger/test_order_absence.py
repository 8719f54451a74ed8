"""The fence: absence is proven by responses after the fence, or not at all."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from mexc_tui.ledger.checks import BalanceDifference
from mexc_tui.ledger.evidence import from_outcome, from_report
from mexc_tui.ledger.order_absence import (
    APART_MS,
    CONSTANT_MS,
    WATCH_MS,
    Proofs,
    conclude,
    may_explain,
    watch_is_over,
)
from mexc_tui.ledger.orders import advance, mark_unknown
from mexc_tui.model.intent import Order, OrderRole, OrderState
from mexc_tui.model.order import OrderStatus
from mexc_tui.model.outcome import Ambiguous
from tests.support.samples.ledger_samples import NOON_MS, intent, order, report

FENCE_MS = NOON_MS + 5_000
AFTER = FENCE_MS + 1
ALL = Proofs(denied_ms=AFTER, listed_ms=AFTER, balanced_ms=AFTER)


def lost() -> Order:
    return advance(
        order(),
        from_outcome(Ambiguous(reason="timed out", timestamp_ms=NOON_MS, recv_window_ms=2_000), NOON_MS),
    ).order


def test_an_order_is_absent_after_all_proofs_behind_the_fence() -> None:
    evidence = conclude(lost(), ALL, AFTER).evidence
    assert evidence is not None
    after = advance(lost(), evidence).order
    assert after.state is OrderState.ABSENT
    assert not watch_is_over(after, AFTER + WATCH_MS - 1)
    assert watch_is_over(after, AFTER + WATCH_MS)


@pytest.mark.parametrize("missing", ["denied_ms", "listed_ms", "balanced_ms"])
def test_no_proof_may_be_missing_or_older_than_the_fence(missing: str) -> None:
    for seen_ms in (None, FENCE_MS):
        conclusion = conclude(lost(), replace(ALL, **{missing: seen_ms}), AFTER)
        assert conclusion.evidence is None
        assert len(conclusion.missing) == 1


def test_nothing_is_concluded_before_the_fence() -> None:
    assert conclude(lost(), ALL, FENCE_MS).evidence is None


def test_an_order_without_a_fence_is_never_concluded() -> None:
    assert conclude(msgspec.structs.replace(lost(), fence_ms=None), ALL, AFTER).evidence is None


def test_an_order_reported_once_is_closed_and_never_absent() -> None:
    seen = advance(
        lost(), from_report(report("buy-1", "4", "8", OrderStatus.PARTIALLY_FILLED), NOON_MS)
    ).order
    again = mark_unknown(seen, NOON_MS, 2_000)
    evidence = conclude(again, ALL, AFTER).evidence
    assert evidence is not None
    after = advance(again, evidence).order
    assert (after.state, after.filled_quantity) == (OrderState.PARTIALLY_CANCELLED, 4)


def test_a_settled_order_needs_no_conclusion() -> None:
    seen = advance(lost(), from_report(report("buy-1"), NOON_MS)).order
    assert conclude(seen, ALL, AFTER).evidence is None


def test_one_balance_response_proves_nothing() -> None:
    first = replace(ALL, balanced_ms=None).with_balances(AFTER, FENCE_MS)
    assert conclude(lost(), first, AFTER).evidence is None
    soon = first.with_balances(AFTER + APART_MS - 1, FENCE_MS)
    assert conclude(lost(), soon, AFTER + APART_MS).evidence is None
    assert conclude(lost(), soon.with_balances(AFTER + APART_MS, FENCE_MS), AFTER + APART_MS).evidence


@pytest.mark.parametrize("told_ms", [None, FENCE_MS])
def test_a_response_that_differs_or_precedes_the_fence_restarts_the_proof(told_ms: int | None) -> None:
    first = replace(ALL, balanced_ms=None).with_balances(AFTER, FENCE_MS)
    again = first.with_balances(told_ms, FENCE_MS).with_balances(AFTER + 5_000, FENCE_MS)
    assert (again.agreed_ms, again.balanced_ms) == (AFTER + 5_000, None)


def differing(**amounts: str) -> tuple[BalanceDifference, ...]:
    return tuple(BalanceDifference(asset, Decimal(amount)) for asset, amount in amounts.items())


@pytest.mark.parametrize(
    "amounts", [{"USDT": "50"}, {"USDT": "-20"}, {"NEW": "7"}, {"NEW": "3", "USDT": "5"}]
)
def test_a_difference_that_the_order_cannot_explain_does_not_block_the_conclusion_for_ever(
    amounts: dict[str, str],
) -> None:
    found = differing(**amounts)
    assert not may_explain(intent(), found)
    first = replace(ALL, balanced_ms=None).with_balances(AFTER, FENCE_MS, found)
    later = AFTER + CONSTANT_MS
    early = first.with_balances(later - 1, FENCE_MS, found)
    assert conclude(lost(), early, later).evidence is None
    done = first.with_balances(later, FENCE_MS, found)
    assert conclude(lost(), done, later).missing  # denied and listed before the difference was constant
    done = replace(done, denied_ms=later, listed_ms=later)
    evidence = conclude(lost(), done, later).evidence
    assert evidence is not None
    assert advance(lost(), evidence).order.state is OrderState.ABSENT


def test_a_difference_that_a_fill_may_explain_proves_nothing() -> None:
    assert may_explain(intent(), differing(ABC="7", USDT="-20"))
    assert may_explain(intent(), differing(ABC="7", USDT="30"))  # with a deposit of 50
    assert may_explain(intent(role=OrderRole.CLOSE), differing(ABC="-7", USDT="20"))


def test_a_difference_that_changes_starts_the_proof_again() -> None:
    first = replace(ALL, balanced_ms=None).with_balances(AFTER, FENCE_MS, differing(USDT="50"))
    other = first.with_balances(AFTER + CONSTANT_MS, FENCE_MS, differing(USDT="60"))
    assert (other.balanced_ms, other.agreed_ms) == (None, AFTER + CONSTANT_MS)


def test_the_next_balance_response_is_due_when_it_can_complete_the_proof() -> None:
    assert Proofs().due_ms is None
    first = Proofs().with_balances(AFTER, FENCE_MS)
    assert first.due_ms == AFTER + APART_MS
    assert first.with_balances(AFTER + APART_MS, FENCE_MS).due_ms is None
    other = Proofs().with_balances(AFTER, FENCE_MS, differing(USDT="-20"))
    assert other.due_ms == AFTER + CONSTANT_MS


def test_proofs_of_the_future_do_not_count_after_the_clock_stepped_back() -> None:
    proofs = Proofs(denied_ms=AFTER, listed_ms=AFTER + 5, balanced_ms=AFTER + 5, agreed_ms=AFTER)
    assert proofs.not_after(AFTER + 5) == proofs
    assert proofs.not_after(AFTER) == Proofs(denied_ms=AFTER, agreed_ms=AFTER)
