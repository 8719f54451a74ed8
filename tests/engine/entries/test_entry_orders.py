"""Cost and possible cost of the attempts of one snipe."""

from typing import TYPE_CHECKING, cast

import msgspec
import pytest

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.entries.entry_orders import EntryOrders
from mexc_tui.model.intent import Order, OrderState
from mexc_tui.model.order import OrderType
from tests.support.samples.ledger_samples import NOON_MS, D, intent, order
from tests.support.samples.position_samples import GRID

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock
    from mexc_tui.ports.store import Store

FEE = 1 + GRID.taker_fee


def attempts(*orders: Order) -> EntryOrders:
    ledger = LedgerWriter(
        store=cast("Store", None), scope="scope", ids_of=("abc", NOON_MS), now_ms=lambda: NOON_MS, prices=dict
    )
    for one in orders:
        ledger.register_sent(one)
    return EntryOrders(intent=intent(), grid=GRID, ledger=ledger, clock=cast("Clock", None))


def by_value(state: OrderState) -> Order:
    return msgspec.structs.replace(
        order("buy-1", quantity=None, state=state), type=OrderType.MARKET, price=None, quote_quantity=D(20)
    )


@pytest.mark.parametrize("state", [OrderState.UNKNOWN, OrderState.SENT, OrderState.ACKNOWLEDGED])
def test_an_unsettled_attempt_counts_with_its_maximum_spend(state: OrderState) -> None:
    last = order("buy-2")
    assert attempts(order("buy-1", state=state), last).committed(last) == 20 * FEE
    assert attempts(by_value(state), last).committed(last) == 20 * FEE


def test_a_partly_filled_attempt_counts_once() -> None:
    partly = msgspec.structs.replace(
        order("buy-1", state=OrderState.PARTIAL), filled_quantity=D(4), filled_value=D(8)
    )
    assert attempts(partly).committed(order("buy-2")) == 8 + 12 * FEE


def test_an_ended_attempt_counts_with_its_fills() -> None:
    ended = msgspec.structs.replace(
        order("buy-1", state=OrderState.PARTIALLY_CANCELLED), filled_quantity=D(4), filled_value=D(8)
    )
    assert attempts(ended, order("buy-2", state=OrderState.REJECTED)).committed(order("buy-3")) == 8


def test_fills_of_the_last_attempt_count_when_its_response_is_received_after_them() -> None:
    """The row that a late response returns is the latest one, with its fills (seed 246 of the fault runs)."""
    last = msgspec.structs.replace(
        order("buy-1", state=OrderState.PARTIALLY_CANCELLED), filled_quantity=D(4), filled_value=D(8)
    )
    assert attempts(last).committed(last) == 8
