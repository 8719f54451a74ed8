"""A pair is settled if the exchange shows exactly the open orders and the coins of the ledger."""

from decimal import Decimal

import pytest

from mexc_tui.ledger.settled_pairs import settled_pairs
from mexc_tui.model.account import Balance
from mexc_tui.model.intent import Intent, Order, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.report import OrderReport
from mexc_tui.model.rows import SkippedRow
from tests.support.samples.ledger_samples import intent, order, report

D = Decimal
PAIR = frozenset({"ABCUSDT"})
HELD = {(LedgerAccount.DESK, "ABC"): D(10), (LedgerAccount.OWN, "ABC"): D(2)}
TWELVE = (Balance(asset="ABC", free=D(2), locked=D(10)),)
RESTING = order("sell-1", Side.SELL, state=OrderState.UNKNOWN)
SALE = intent("sell", ids=("sell-1", "sell-2"))


def settled(
    *listed: OrderReport,
    orders: tuple[Order, ...] = (RESTING,),
    intents: tuple[Intent, ...] = (SALE,),
    balances: tuple[Balance, ...] = TWELVE,
    skipped: tuple[SkippedRow, ...] = (),
) -> frozenset[str]:
    known = {one.id: one for one in intents}
    return settled_pairs(orders, known, HELD, listed=listed, balances=balances, skipped=skipped)


def test_a_pair_is_settled_if_orders_and_coins_are_as_in_the_ledger() -> None:
    assert settled(report("sell-1", side=Side.SELL)) == PAIR


def test_a_pair_without_an_open_order_is_never_settled() -> None:
    assert settled(orders=()) == frozenset()


@pytest.mark.parametrize(
    "listed",
    [
        (),
        (report("sell-2"),),
        (report("sell-1"), report("sell-2")),
        (report("sell-1"), report("by-hand")),
        (report("sell-1", filled="1", value="2"),),
        (report("sell-1", symbol="XYZUSDT"),),
    ],
)
def test_another_missing_or_filled_order_needs_the_history(listed: tuple[OrderReport, ...]) -> None:
    assert settled(*listed) == frozenset()


@pytest.mark.parametrize(
    "balances",
    [
        (),
        (Balance(asset="ABC", free=D(2), locked=D("9.99999999")),),
        (Balance(asset="ABC", free=D(12), locked=D(10)),),
        (Balance(asset="XYZ", free=D(12), locked=D(0)),),
    ],
)
def test_another_balance_of_the_base_asset_needs_the_history(balances: tuple[Balance, ...]) -> None:
    assert settled(report("sell-1"), balances=balances) == frozenset()


@pytest.mark.parametrize("name", ["", "ABC"])
def test_an_unreadable_balance_row_needs_the_history(name: str) -> None:
    row = SkippedRow(name=name, problem="no number")
    assert settled(report("sell-1"), balances=(), skipped=(row,)) == frozenset()


def test_an_order_without_a_known_intent_needs_the_history() -> None:
    assert settled(report("sell-1"), intents=()) == frozenset()
