"""Books of trading: what goes in comes out, found by what it is asked by, in its scope alone."""

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
def books(reading: ReadTransaction) -> TradingRows:
    return reading.trading(SCOPE)


def test_a_snipe_is_found_by_id_by_key_and_by_symbol(books: TradingRows) -> None:
    old, new = snipe("a", armed_ms=1), snipe("b", armed_ms=2)
    books.snipes.save(old)
    books.snipes.save(new)
    assert books.snipes.get("a") == old
    assert books.snipes.by_key(new.key) == new
    assert books.snipes.by_key(SnipeKey("NEWUSDT", "other")) is None
    assert books.snipes.of_symbol("NEWUSDT") == [new, old]


def test_a_snipe_that_is_over_is_no_longer_among_the_open_ones(books: TradingRows) -> None:
    first, second = snipe("a"), snipe("b", state=SnipeState.UNKNOWN)
    books.snipes.save(first)
    books.snipes.save(second)
    over = msgspec.structs.replace(first, state=SnipeState.MISSED, ended_ms=5)
    books.snipes.save(over)
    assert books.snipes.open() == [second]
    assert books.snipes.get("a") == over


def test_pages_go_on_behind_the_last_row_shown_also_when_times_are_equal(books: TradingRows) -> None:
    names = ["a", "b", "c", "d", "e"]
    for name in names:
        books.snipes.save(snipe(name, armed_ms=7))
        books.intents.save(intent(name, snipe_id=name))
        books.orders.save(order(name, intent_id=name, created_ms=7))
        books.positions.save(position(name, snipe_id=name, opened_ms=7))
    pages = [
        [row.id for row in books.snipes.page(limit=3) + books.snipes.page(7, "c", 3)],
        [row.client_order_id for row in books.orders.page(limit=3) + books.orders.page(7, "c", 3)],
        [row.id for row in books.positions.page(limit=3) + books.positions.page(7, "c", 3)],
    ]
    assert pages == [names[::-1]] * 3


def test_an_attempt_is_replaced_by_its_newer_self(books: TradingRows) -> None:
    for told in (attempt(2), attempt(1), attempt(1, answer="filled")):
        books.attempts.save(told)
    assert books.attempts.of_snipe("s1") == [attempt(1, answer="filled"), attempt(2)]


def test_an_intent_is_found_by_every_client_id_that_it_ever_had(books: TradingRows) -> None:
    books.intents.save(intent(client_ids=("x-1",)))
    grown = intent(client_ids=("x-1", "x-2"))
    books.intents.save(grown)
    assert [books.intents.by_client_id(name) for name in ("x-1", "x-2", "x-3")] == [grown, grown, None]


def test_intents_are_open_until_they_ended(books: TradingRows) -> None:
    stop = intent("stop", role=OrderRole.STOP, snipe_id="", position_id="p1", created_ms=2_000)
    books.intents.save(stop)
    books.intents.save(intent())
    assert books.intents.open() == [intent(), stop]
    assert books.intents.of_position("p1") == [stop]
    books.intents.save(intent(ended_ms=9))
    assert books.intents.open() == [stop]
    assert books.intents.of_snipe("s1") == [intent(ended_ms=9)]


@pytest.mark.parametrize("state", OrderState)
def test_every_state_of_an_order_is_kept_and_open_or_live_as_its_words_say(
    books: TradingRows, state: OrderState
) -> None:
    told = order(state=state, order_id="C02__1")
    books.orders.save(told)
    assert books.orders.get("i1-1") == told
    assert books.orders.by_order_id("C02__1") == told
    is_open = not state.is_terminal and state is not OrderState.FOREIGN
    assert books.orders.open() == [told] * is_open
    assert books.orders.live("NEWUSDT") == [told] * state.is_on_exchange
    assert books.orders.open("OTHERUSDT") == []
    assert books.orders.foreign() == []


def test_foreign_orders_are_kept_apart_also_once_they_ended(books: TradingRows) -> None:
    resting = order("theirs-1", intent_id="", state=OrderState.FOREIGN, created_ms=1)
    ended = order("theirs-2", intent_id="", state=OrderState.CANCELLED, created_ms=2)
    books.orders.save(resting)
    books.orders.save(ended)
    books.orders.save(order())
    assert books.orders.foreign() == [ended, resting]
    assert books.orders.open() == [order()]


def test_orders_are_found_by_their_intent_their_position_and_their_pair(books: TradingRows) -> None:
    first = order("a", position_id="p1", created_ms=1)
    second = order("b", symbol="XUSDT", created_ms=2)
    books.orders.save(second)
    books.orders.save(first)
    assert books.orders.of_intent("i1") == [first, second]
    assert books.orders.of_position("p1") == [first]
    assert books.orders.page(symbol="XUSDT") == [second]


def test_lots_come_first_in_first_out_and_go_when_nothing_is_left(books: TradingRows) -> None:
    first, second, third = lot("z", opened_ms=1), lot("b", opened_ms=2), lot("a", opened_ms=2)
    for told in (second, third, first, lot("x", asset="X")):
        books.lots.save(told)
    assert books.lots.open("NEW") == [first, second, third]
    books.lots.save(lot("z", opened_ms=1, remaining="0"))
    assert books.lots.open("NEW") == [second, third]
    assert len(books.lots.open()) == 3
    assert len(books.lots.of_position("p1")) == 4


def test_a_position_is_open_until_it_is_closed(books: TradingRows) -> None:
    books.positions.save(position(snipe_id="s1"))
    assert books.positions.open() == [position(snipe_id="s1")]
    closed = position(snipe_id="s1", closed_ms=9)
    books.positions.save(closed)
    assert books.positions.open() == []
    assert books.positions.of_snipe("s1") == books.positions.get("p1") == closed
    assert books.positions.of_symbol("NEWUSDT") == books.positions.closed(9) == [closed]
    assert books.positions.closed(10) == []


@pytest.mark.parametrize("state", PositionState)
def test_every_state_of_a_position_is_kept(books: TradingRows, state: PositionState) -> None:
    closed_ms = 9 if state is PositionState.CLOSED else None
    told = msgspec.structs.replace(position(closed_ms=closed_ms), state=state)
    books.positions.save(told)
    assert books.positions.get("p1") == told


@pytest.mark.parametrize("state", SnipeState)
def test_every_state_of_a_snipe_is_kept(books: TradingRows, state: SnipeState) -> None:
    books.snipes.save(snipe(state=state))
    assert books.snipes.open() == [snipe(state=state)] * (not state.is_over)


def test_an_entry_told_twice_is_booked_once(books: TradingRows) -> None:
    assert [books.entries.add(entry()), books.entries.add(entry())] == [True, False]
    assert books.entries.balance(LedgerAccount.DESK, "NEW") == 9
    assert books.entries.get("e1") == entry()
    assert books.entries.of_position("p1") == [entry()]
    assert len(books.entries.page()) == 1


def test_I6_an_entry_that_does_not_sum_to_zero_is_refused(books: TradingRows) -> None:
    lame = entry("lame", (LedgerAccount.DESK, "NEW", "1"), (LedgerAccount.EXCHANGE, "USDT", "-1"))
    with pytest.raises(StorageConflict, match="does not balance"):
        books.entries.add(lame)
    assert books.entries.balances() == []


units = st.integers(-(10**38), 10**38)
"""Smallest parts of a coin with 18 decimals."""


@settings(max_examples=25)
@given(amounts=st.lists(units, max_size=6))
def test_balances_are_exact_to_the_last_of_eighteen_decimals(amounts: list[int]) -> None:
    connection, stored = in_memory()
    books = stored.trading(SCOPE)
    for number, amount in enumerate(amounts):
        sides = (LedgerAccount.DESK, "X", f"{amount}E-18"), (LedgerAccount.EXCHANGE, "X", f"{-amount}E-18")
        books.entries.add(entry(f"e{number}", *sides))
    for account, whole in ((LedgerAccount.DESK, sum(amounts)), (LedgerAccount.EXCHANGE, -sum(amounts))):
        assert books.entries.balance(account, "X") == Decimal(f"{whole}E-18")
    books.verify()
    connection.close()


def test_days_begin_empty_and_the_newest_come_first(books: TradingRows) -> None:
    assert books.days.get("2026-11-22") == TradingDay(day="2026-11-22")
    days = [TradingDay(day=f"2026-11-{number}", realised=Decimal("-0.1")) for number in (20, 22, 21)]
    for day in days:
        books.days.save(day)
    assert books.days.latest(2) == [days[1], days[2]]
    assert books.days.get("2026-11-20") == days[0]


def test_a_days_close_is_its_last_complete_point_and_outlives_the_points(books: TradingRows) -> None:
    points = [
        equity(10),
        equity(20, "101"),
        equity(30, "0", is_complete=False),
        equity(DAY_MS, "102"),
        equity(DAY_MS + 9, "103"),
    ]
    for point in points:
        books.equity.add(point)
    assert books.equity.latest() == points[-1]
    assert books.equity.between(20, DAY_MS) == points[1:3]
    assert books.equity.daily_closes() == [points[1], points[-1]]
    assert books.equity.daily_closes(1) == [points[-1]]


def test_trading_is_active_until_something_else_was_stored(books: TradingRows) -> None:
    assert books.state.get() == Trading()
    halted = Trading(state=TradingState.HALTED, cause=Cause.DAILY_LOSS, words="lost 2 %", generation=1)
    books.state.save(halted)
    assert books.state.get() == halted


@pytest.mark.parametrize("state", TradingState)
def test_every_trading_state_is_kept(books: TradingRows, state: TradingState) -> None:
    books.state.save(Trading(state=state))
    assert books.state.get().state is state


def test_the_generation_of_the_trading_state_never_falls(books: TradingRows) -> None:
    books.state.save(Trading(generation=2))
    with pytest.raises(sqlite3.IntegrityError, match="never falls"):
        books.state.save(Trading(generation=1))


def test_runs_are_read_newest_first(books: TradingRows) -> None:
    runs = [
        Reconciliation(at_ms=1, trigger=Trigger.START, problem="the exchange did not answer"),
        Reconciliation(at_ms=2, trigger=Trigger.TIMER),
        Reconciliation(at_ms=3, trigger=Trigger.TIMER),
    ]
    for run in runs:
        books.reconciliations.add(run)
    assert books.reconciliations.latest() == runs[2]
    assert [run for _, run in books.reconciliations.page()] == runs[::-1]
    newest = books.reconciliations.page()[0][0]
    assert [run for _, run in books.reconciliations.page(newest)] == [runs[1], runs[0]]


def test_each_scope_has_books_of_its_own(reading: ReadTransaction) -> None:
    ours, theirs = reading.trading(SCOPE), reading.trading(OTHER)
    for books in (ours, theirs):
        books.snipes.save(snipe())
        books.intents.save(intent())
        books.orders.save(order())
        books.positions.save(position())
        books.lots.save(lot())
        assert books.entries.add(entry())
        books.equity.add(equity(1))
        books.state.save(Trading(generation=1))
    ours.positions.save(position(closed_ms=5))
    ours.state.save(Trading(generation=5))
    assert theirs.positions.open() == [position()]
    assert theirs.entries.balances() == ours.entries.balances()
    assert StoredBalance(LedgerAccount.DESK, "NEW", Decimal(9)) in theirs.entries.balances()
    assert theirs.state.get().generation == 1
    assert ours.verify() == 2 * (8 + 4 + 1)  # one row each, four balances, a daily close
