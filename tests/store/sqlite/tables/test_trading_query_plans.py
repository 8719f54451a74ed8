"""No query about trading reads a table from end to end, and what is open comes from a partial index."""

import sqlite3
from collections.abc import Callable

import pytest

from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.trading import RiskCheck, Tightening, Trading
from mexc_tui.store.sqlite.tables.trading_rows import TradingRows
from tests.support.samples.trading_samples import (
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

RUN = Reconciliation(at_ms=1, trigger=Trigger.TIMER)

QUERIES: dict[str, Callable[[TradingRows], object]] = {
    "snipes.save": lambda books: books.snipes.save(snipe()),
    "snipes.get": lambda books: books.snipes.get("s1"),
    "snipes.by_key": lambda books: books.snipes.by_key(snipe().key),
    "snipes.open": lambda books: books.snipes.open(),
    "snipes.of_symbol": lambda books: books.snipes.of_symbol("NEWUSDT"),
    "snipes.page": lambda books: books.snipes.page(5, "s1"),
    "attempts.save": lambda books: books.attempts.save(attempt()),
    "attempts.of_snipe": lambda books: books.attempts.of_snipe("s1"),
    "intents.save": lambda books: books.intents.save(intent("new", snipe_id="new")),
    "intents.get": lambda books: books.intents.get("i1"),
    "intents.by_client_id": lambda books: books.intents.by_client_id("i1-1"),
    "intents.open": lambda books: books.intents.open(),
    "intents.of_snipe": lambda books: books.intents.of_snipe("s1"),
    "intents.of_position": lambda books: books.intents.of_position("p1"),
    "orders.save": lambda books: books.orders.save(order()),
    "orders.get": lambda books: books.orders.get("i1-1"),
    "orders.by_order_id": lambda books: books.orders.by_order_id("C02__1"),
    "orders.open": lambda books: books.orders.open(),
    "orders.live": lambda books: books.orders.live(),
    "orders.of_intent": lambda books: books.orders.of_intent("i1"),
    "orders.of_position": lambda books: books.orders.of_position("p1"),
    "orders.foreign": lambda books: books.orders.foreign(),
    "orders.page": lambda books: (books.orders.page(5, "x"), books.orders.page(5, "x", symbol="NEWUSDT")),
    "lots.save": lambda books: books.lots.save(lot()),
    "lots.open": lambda books: (books.lots.open("NEW"), books.lots.open()),
    "lots.of_position": lambda books: books.lots.of_position("p1"),
    "positions.save": lambda books: books.positions.save(position()),
    "positions.get": lambda books: books.positions.get("p1"),
    "positions.open": lambda books: books.positions.open(),
    "positions.of_snipe": lambda books: books.positions.of_snipe("s1"),
    "positions.of_symbol": lambda books: books.positions.of_symbol("NEWUSDT"),
    "positions.page": lambda books: books.positions.page(5, "p1"),
    "positions.closed": lambda books: books.positions.closed(5),
    "entries.add": lambda books: books.entries.add(entry("new")),
    "entries.get": lambda books: books.entries.get("e1"),
    "entries.of_position": lambda books: books.entries.of_position("p1"),
    "entries.page": lambda books: books.entries.page(5),
    "entries.balance": lambda books: books.entries.balance(LedgerAccount.DESK, "NEW"),
    "entries.balances": lambda books: books.entries.balances(),
    "days.save": lambda books: books.days.save(books.days.get("2026-11-22")),
    "days.get": lambda books: books.days.get("2026-11-22"),
    "days.latest": lambda books: books.days.latest(),
    "equity.add": lambda books: books.equity.add(equity(1)),
    "equity.latest": lambda books: books.equity.latest(),
    "equity.between": lambda books: books.equity.between(1, 2),
    "equity.daily_closes": lambda books: books.equity.daily_closes(),
    "state.get": lambda books: books.state.get(),
    "state.save": lambda books: books.state.save(Trading()),
    "tightening.get": lambda books: books.tightening.get(),
    "tightening.save": lambda books: books.tightening.save(Tightening(steps=1)),
    "risk_checks.add": lambda books: books.risk_checks.add(CHECK),
    "risk_checks.latest": lambda books: books.risk_checks.latest(),
    "reconciliations.add": lambda books: books.reconciliations.add(RUN),
    "reconciliations.latest": lambda books: books.reconciliations.latest(),
    "reconciliations.page": lambda books: books.reconciliations.page(5),
    "limits.committed": lambda books: books.limits.committed("USDT"),
    "limits.entries_ms": lambda books: books.limits.entries_ms(5),
    "limits.losses_in_a_row": lambda books: books.limits.losses_in_a_row(5),
    "limits.last_exit_ms": lambda books: books.limits.last_exit_ms("NEWUSDT"),
}

PARTIAL = {
    "snipes.open": ["snipes_open"],
    "intents.open": ["intents_open"],
    "orders.open": ["orders_open"],
    "lots.open": ["lots_open"],
    "positions.open": ["positions_open"],
    "limits.committed": ["intents_entering", "positions_open"],
}

CHECK = RiskCheck(at_ms=5, daily_loss_pct=None, drawdown_pct=None, losses_in_a_row=0, exposure_pct=None)
SORTED_BY_INDEX = [
    "snipes.open",
    "snipes.of_symbol",
    "snipes.page",
    "orders.page",
    "orders.foreign",
    "positions.of_symbol",
    "positions.page",
    "positions.closed",
    "entries.page",
    "equity.latest",
    "equity.between",
    "risk_checks.latest",
    "reconciliations.latest",
    "days.latest",
]


def filled() -> tuple[sqlite3.Connection, TradingRows]:
    connection, stored = in_memory()
    books = stored.trading(SCOPE)
    for number in range(50):
        books.snipes.save(snipe(f"s{number}", armed_ms=number))
        books.intents.save(intent(f"i{number}", snipe_id=f"s{number}", ended_ms=None if number < 2 else 5))
        books.orders.save(order(f"i{number}-1", intent_id=f"i{number}"))
        closed_ms = None if number < 2 else number
        books.positions.save(position(f"p{number}", snipe_id=f"s{number}", closed_ms=closed_ms))
        books.entries.add(entry(f"e{number}"))
        books.equity.add(equity(number))
        books.reconciliations.add(RUN)
    return connection, books


def plan(query: Callable[[TradingRows], object]) -> list[str]:
    """Return SQLite's plan of every statement that `query` runs."""
    connection, books = filled()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    query(books)
    connection.set_trace_callback(None)
    assert statements
    lines = [
        str(row[3])
        for statement in statements
        if not statement.startswith("--")
        for row in connection.execute("EXPLAIN QUERY PLAN " + statement)
    ]
    connection.close()
    return lines


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_about_trading_goes_by_an_index(name: str) -> None:
    assert [line for line in plan(QUERIES[name]) if line.startswith("SCAN") and "CONSTANT" not in line] == []


@pytest.mark.parametrize("name", PARTIAL)
def test_what_is_open_comes_from_a_partial_index(name: str) -> None:
    lines = plan(QUERIES[name])
    assert [index for index in PARTIAL[name] if not any(index in line for line in lines)] == []


@pytest.mark.parametrize("name", SORTED_BY_INDEX)
def test_what_may_be_long_is_never_sorted(name: str) -> None:
    assert [line for line in plan(QUERIES[name]) if line.startswith("USE TEMP B-TREE FOR ORDER BY")] == []


def test_every_query_about_trading_is_covered_here() -> None:
    _, books = filled()
    tables = {name: table for name, table in vars(books).items() if not name.startswith("_")}
    public = {
        f"{name}.{method}"
        for name, table in tables.items()
        for method in dir(table)
        if not method.startswith("_")
    }
    assert public == set(QUERIES)
