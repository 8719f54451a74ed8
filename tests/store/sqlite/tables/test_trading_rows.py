"""Trading rows are read back unchanged, found by their keys and confined to their scope."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.model.intent import OrderRole, OrderState
from mexc_tui.model.position import LedgerAccount, PositionState, TradingDay
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.snipe import SnipeKey, SnipeState
from mexc_tui.model.storage import StorageConflict, StoredBalance
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.store.sqlite.tables.trading_rows import TradingRows
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction
from tests.support.samples.trading_samples import (
    OTHER,
    SCOPE,
    attempt,
    entry,
    equity,
    intent,
    lot,
    order,
    position,
    snipe,
)
from tests.support.store_parts import in_memory

DAY_MS = 86_400_000


@pytest.fixture
def reading() -> Iterator[ReadTransaction]:
    connection, stored = in_memory()
    yield stored
    connection.close()


@pytest.fixture
def trading_rows(reading: ReadTransaction) -> TradingRows:
    return reading.trading(SCOPE)


def test_a_snipe_is_found_by_id_key_and_symbol(trading_rows: TradingRows) -> None:
    old, new = snipe("a", armed_ms=1), snipe("b", armed_ms=2)
    trading_rows.snipes.save(old)
    trading_rows.snipes.save(new)
    assert trading_rows.snipes.get("a") == old
    assert trading_rows.snipes.by_key(new.key) == new
    assert trading_rows.snipes.by_key(SnipeKey("NEWUSDT", "other")) is None
    assert trading_rows.snipes.of_symbol("NEWUSDT") == [new, old]


def test_a_finished_snipe_is_not_among_the_open_ones(trading_rows: TradingRows) -> None:
    first, second = snipe("a"), snipe("b", state=SnipeState.UNKNOWN)
    trading_rows.snipes.save(first)
    trading_rows.snipes.save(second)
    over = msgspec.structs.replace(first, state=SnipeState.MISSED, ended_ms=5)
    trading_rows.snipes.save(over)
    assert trading_rows.snipes.open() == [second]
    assert trading_rows.snipes.get("a") == over


def test_pages_continue_after_the_last_row_even_at_equal_times(trading_rows: TradingRows) -> None:
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        trading_rows.snipes.save(snipe(name, armed_ms=7))
        trading_rows.intents.save(intent(name, snipe_id=name))
        trading_rows.orders.save(order(name, intent_id=name, created_ms=7))
        trading_rows.positions.save(position(name, snipe_id=name, opened_ms=7))
    pages = [
        [row.id for row in trading_rows.snipes.page(limit=3) + trading_rows.snipes.page(7, "c", 3)],
        [
            row.client_order_id
            for row in trading_rows.orders.page(limit=3) + trading_rows.orders.page(7, "c", 3)
        ],
        [row.id for row in trading_rows.positions.page(limit=3) + trading_rows.positions.page(7, "c", 3)],
    ]
    assert pages == [names[::-1]] * 3


def test_a_saved_attempt_replaces_its_earlier_version(trading_rows: TradingRows) -> None:
    for saved in (attempt(2), attempt(1), attempt(1, answer="filled")):
        trading_rows.attempts.save(saved)
    assert trading_rows.attempts.of_snipe("s1") == [attempt(1, answer="filled"), attempt(2)]


def test_an_intent_is_found_by_every_client_id_it_ever_had(trading_rows: TradingRows) -> None:
    trading_rows.intents.save(intent(client_ids=("x-1",)))
    grown = intent(client_ids=("x-1", "x-2"))
    trading_rows.intents.save(grown)
    assert [trading_rows.intents.by_client_id(name) for name in ("x-1", "x-2", "x-3")] == [grown, grown, None]


def test_an_intent_is_open_until_it_ends(trading_rows: TradingRows) -> None:
    stop = intent("stop", role=OrderRole.STOP, snipe_id="", position_id="p1", created_ms=2_000)
    trading_rows.intents.save(stop)
    trading_rows.intents.save(intent())
    assert trading_rows.intents.open() == [intent(), stop]
    assert trading_rows.intents.of_position("p1") == [stop]
    trading_rows.intents.save(intent(ended_ms=9))
    assert trading_rows.intents.open() == [stop]
    assert trading_rows.intents.of_snipe("s1") == [intent(ended_ms=9)]


@pytest.mark.parametrize("state", OrderState)
def test_every_order_state_is_stored_and_classified_as_open_or_live(
    trading_rows: TradingRows, state: OrderState
) -> None:
    saved = order(state=state, order_id="C02__1")
    trading_rows.orders.save(saved)
    assert trading_rows.orders.get("i1-1") == saved
    assert trading_rows.orders.by_order_id("C02__1") == saved
    is_open = not state.is_terminal and state is not OrderState.FOREIGN
    assert trading_rows.orders.open() == [saved] * is_open
    assert trading_rows.orders.live("NEWUSDT") == [saved] * state.is_on_exchange
    assert trading_rows.orders.open("OTHERUSDT") == []
    assert trading_rows.orders.foreign() == []


def test_foreign_orders_are_stored_separately_even_when_closed(trading_rows: TradingRows) -> None:
    resting = order("foreign-1", intent_id="", state=OrderState.FOREIGN, created_ms=1)
    ended = order("foreign-2", intent_id="", state=OrderState.CANCELLED, created_ms=2)
    trading_rows.orders.save(resting)
    trading_rows.orders.save(ended)
    trading_rows.orders.save(order())
    assert trading_rows.orders.foreign() == [ended, resting]
    assert trading_rows.orders.open() == [order()]


def test_orders_are_found_by_intent_position_and_pair(trading_rows: TradingRows) -> None:
    first = order("a", position_id="p1", created_ms=1)
    second = order("b", symbol="XUSDT", created_ms=2)
    trading_rows.orders.save(second)
    trading_rows.orders.save(first)
    assert trading_rows.orders.of_intent("i1") == [first, second]
    assert trading_rows.orders.of_position("p1") == [first]
    assert trading_rows.orders.page(symbol="XUSDT") == [second]


def test_lots_are_read_first_in_first_out_and_removed_when_used_up(trading_rows: TradingRows) -> None:
    first, second, third = lot("z", opened_ms=1), lot("b", opened_ms=2), lot("a", opened_ms=2)
    for saved in (second, third, first, lot("x", asset="X")):
        trading_rows.lots.save(saved)
    assert trading_rows.lots.open("NEW") == [first, second, third]
    trading_rows.lots.save(lot("z", opened_ms=1, remaining="0"))
    assert trading_rows.lots.open("NEW") == [second, third]
    assert len(trading_rows.lots.open()) == 3
    assert len(trading_rows.lots.of_position("p1")) == 4


def test_a_position_is_open_until_it_is_closed(trading_rows: TradingRows) -> None:
    trading_rows.positions.save(position(snipe_id="s1"))
    assert trading_rows.positions.open() == [position(snipe_id="s1")]
    closed = position(snipe_id="s1", closed_ms=9)
    trading_rows.positions.save(closed)
    assert trading_rows.positions.open() == []
    assert trading_rows.positions.of_snipe("s1") == trading_rows.positions.get("p1") == closed
    assert trading_rows.positions.of_symbol("NEWUSDT") == trading_rows.positions.closed(9) == [closed]
    assert trading_rows.positions.closed(10) == []


@pytest.mark.parametrize("state", PositionState)
def test_every_state_of_a_position_is_stored(trading_rows: TradingRows, state: PositionState) -> None:
    closed_ms = 9 if state is PositionState.CLOSED else None
    saved = msgspec.structs.replace(position(closed_ms=closed_ms), state=state)
    trading_rows.positions.save(saved)
    assert trading_rows.positions.get("p1") == saved


@pytest.mark.parametrize("state", SnipeState)
def test_every_state_of_a_snipe_is_stored(trading_rows: TradingRows, state: SnipeState) -> None:
    trading_rows.snipes.save(snipe(state=state))
    assert trading_rows.snipes.open() == [snipe(state=state)] * (not state.is_over)


def test_an_entry_added_twice_is_booked_once(trading_rows: TradingRows) -> None:
    assert [trading_rows.entries.add(entry()), trading_rows.entries.add(entry())] == [True, False]
    assert trading_rows.entries.balance(LedgerAccount.DESK, "NEW") == 9
    assert trading_rows.entries.get("e1") == entry()
    assert trading_rows.entries.of_position("p1") == [entry()]
    assert len(trading_rows.entries.page()) == 1


def test_I6_an_entry_that_does_not_sum_to_zero_is_refused(trading_rows: TradingRows) -> None:
    unbalanced = entry("unbalanced", (LedgerAccount.DESK, "NEW", "1"), (LedgerAccount.EXCHANGE, "USDT", "-1"))
    with pytest.raises(StorageConflict, match="does not balance"):
        trading_rows.entries.add(unbalanced)
    assert trading_rows.entries.balances() == []


units = st.integers(-(10**38), 10**38)
"""Smallest units of a coin with 18 decimals."""


@settings(max_examples=25)
@given(amounts=st.lists(units, max_size=6))
def test_balances_are_exact_to_eighteen_decimals(amounts: list[int]) -> None:
    connection, stored = in_memory()
    trading_rows = stored.trading(SCOPE)
    for number, amount in enumerate(amounts):
        sides = (LedgerAccount.DESK, "X", f"{amount}E-18"), (LedgerAccount.EXCHANGE, "X", f"{-amount}E-18")
        trading_rows.entries.add(entry(f"e{number}", *sides))
    for account, whole in ((LedgerAccount.DESK, sum(amounts)), (LedgerAccount.EXCHANGE, -sum(amounts))):
        assert trading_rows.entries.balance(account, "X") == Decimal(f"{whole}E-18")
    trading_rows.verify()
    connection.close()


def test_days_start_empty_and_are_read_newest_first(trading_rows: TradingRows) -> None:
    assert trading_rows.days.get("2026-11-22") == TradingDay(day="2026-11-22")
    days = [TradingDay(day=f"2026-11-{number}", realised=Decimal("-0.1")) for number in (20, 22, 21)]
    for day in days:
        trading_rows.days.save(day)
    assert trading_rows.days.latest(2) == [days[1], days[2]]
    assert trading_rows.days.get("2026-11-20") == days[0]


def test_a_days_close_is_its_last_complete_point_and_outlives_the_points(trading_rows: TradingRows) -> None:
    points = [
        equity(10),
        equity(20, "101"),
        equity(30, "0", is_complete=False),
        equity(DAY_MS, "102"),
        equity(DAY_MS + 9, "103"),
    ]
    for point in points:
        trading_rows.equity.add(point)
    assert trading_rows.equity.latest() == points[-1]
    assert trading_rows.equity.between(20, DAY_MS) == points[1:3]
    assert trading_rows.equity.daily_closes() == [points[1], points[-1]]
    assert trading_rows.equity.daily_closes(1) == [points[-1]]


def test_trading_is_active_until_another_state_is_stored(trading_rows: TradingRows) -> None:
    assert trading_rows.state.get() == Trading()
    halted = Trading(state=TradingState.HALTED, cause=Cause.DAILY_LOSS, text="lost 2 %", generation=1)
    trading_rows.state.save(halted)
    assert trading_rows.state.get() == halted


@pytest.mark.parametrize("state", TradingState)
def test_every_trading_state_is_stored(trading_rows: TradingRows, state: TradingState) -> None:
    trading_rows.state.save(Trading(state=state))
    assert trading_rows.state.get().state is state


def test_the_generation_of_the_trading_state_never_decreases(trading_rows: TradingRows) -> None:
    trading_rows.state.save(Trading(generation=2))
    with pytest.raises(sqlite3.IntegrityError, match="never falls"):
        trading_rows.state.save(Trading(generation=1))


def test_reconciliations_are_read_newest_first(trading_rows: TradingRows) -> None:
    runs = [
        Reconciliation(at_ms=1, trigger=Trigger.START, problem="the exchange did not answer"),
        Reconciliation(at_ms=2, trigger=Trigger.TIMER),
        Reconciliation(at_ms=3, trigger=Trigger.TIMER),
    ]
    for run in runs:
        trading_rows.reconciliations.add(run)
    assert trading_rows.reconciliations.latest() == runs[2]
    assert [run for _, run in trading_rows.reconciliations.page()] == runs[::-1]
    newest = trading_rows.reconciliations.page()[0][0]
    assert [run for _, run in trading_rows.reconciliations.page(newest)] == [runs[1], runs[0]]


def test_each_scope_has_its_own_rows(reading: ReadTransaction) -> None:
    own_rows, other_rows = reading.trading(SCOPE), reading.trading(OTHER)
    for trading_rows in (own_rows, other_rows):
        trading_rows.snipes.save(snipe())
        trading_rows.intents.save(intent())
        trading_rows.orders.save(order())
        trading_rows.positions.save(position())
        trading_rows.lots.save(lot())
        assert trading_rows.entries.add(entry())
        trading_rows.equity.add(equity(1))
        trading_rows.state.save(Trading(generation=1))
    own_rows.positions.save(position(closed_ms=5))
    own_rows.state.save(Trading(generation=5))
    assert other_rows.positions.open() == [position()]
    assert other_rows.entries.balances() == own_rows.entries.balances()
    assert StoredBalance(LedgerAccount.DESK, "NEW", Decimal(9)) in other_rows.entries.balances()
    assert other_rows.state.get().generation == 1
    assert own_rows.verify() == 2 * (8 + 4 + 1)  # one row each, four balances, a daily close
