"""No query about trading scans a whole table, and open rows come from partial indexes."""

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
    "snipes.save": lambda trading_rows: trading_rows.snipes.save(snipe()),
    "snipes.get": lambda trading_rows: trading_rows.snipes.get("s1"),
    "snipes.by_key": lambda trading_rows: trading_rows.snipes.by_key(snipe().key),
    "snipes.open": lambda trading_rows: trading_rows.snipes.open(),
    "snipes.of_symbol": lambda trading_rows: trading_rows.snipes.of_symbol("NEWUSDT"),
    "snipes.page": lambda trading_rows: trading_rows.snipes.page(5, "s1"),
    "attempts.save": lambda trading_rows: trading_rows.attempts.save(attempt()),
    "attempts.of_snipe": lambda trading_rows: trading_rows.attempts.of_snipe("s1"),
    "intents.save": lambda trading_rows: trading_rows.intents.save(intent("new", snipe_id="new")),
    "intents.get": lambda trading_rows: trading_rows.intents.get("i1"),
    "intents.by_client_id": lambda trading_rows: trading_rows.intents.by_client_id("i1-1"),
    "intents.open": lambda trading_rows: trading_rows.intents.open(),
    "intents.of_snipe": lambda trading_rows: trading_rows.intents.of_snipe("s1"),
    "intents.of_position": lambda trading_rows: trading_rows.intents.of_position("p1"),
    "orders.save": lambda trading_rows: trading_rows.orders.save(order()),
    "orders.get": lambda trading_rows: trading_rows.orders.get("i1-1"),
    "orders.by_order_id": lambda trading_rows: trading_rows.orders.by_order_id("C02__1"),
    "orders.open": lambda trading_rows: trading_rows.orders.open(),
    "orders.live": lambda trading_rows: trading_rows.orders.live(),
    "orders.of_intent": lambda trading_rows: trading_rows.orders.of_intent("i1"),
    "orders.of_position": lambda trading_rows: trading_rows.orders.of_position("p1"),
    "orders.foreign": lambda trading_rows: trading_rows.orders.foreign(),
    "orders.page": lambda trading_rows: (
        trading_rows.orders.page(5, "x"),
        trading_rows.orders.page(5, "x", symbol="NEWUSDT"),
    ),
    "lots.save": lambda trading_rows: trading_rows.lots.save(lot()),
    "lots.open": lambda trading_rows: (trading_rows.lots.open("NEW"), trading_rows.lots.open()),
    "lots.of_position": lambda trading_rows: trading_rows.lots.of_position("p1"),
    "positions.save": lambda trading_rows: trading_rows.positions.save(position()),
    "positions.get": lambda trading_rows: trading_rows.positions.get("p1"),
    "positions.open": lambda trading_rows: trading_rows.positions.open(),
    "positions.of_snipe": lambda trading_rows: trading_rows.positions.of_snipe("s1"),
    "positions.of_symbol": lambda trading_rows: trading_rows.positions.of_symbol("NEWUSDT"),
    "positions.page": lambda trading_rows: trading_rows.positions.page(5, "p1"),
    "positions.closed": lambda trading_rows: trading_rows.positions.closed(5),
    "entries.add": lambda trading_rows: trading_rows.entries.add(entry("new")),
    "entries.get": lambda trading_rows: trading_rows.entries.get("e1"),
    "entries.of_position": lambda trading_rows: trading_rows.entries.of_position("p1"),
    "entries.page": lambda trading_rows: trading_rows.entries.page(5),
    "entries.balance": lambda trading_rows: trading_rows.entries.balance(LedgerAccount.DESK, "NEW"),
    "entries.balances": lambda trading_rows: trading_rows.entries.balances(),
    "days.save": lambda trading_rows: trading_rows.days.save(trading_rows.days.get("2026-11-22")),
    "days.get": lambda trading_rows: trading_rows.days.get("2026-11-22"),
    "days.latest": lambda trading_rows: trading_rows.days.latest(),
    "equity.add": lambda trading_rows: trading_rows.equity.add(equity(1)),
    "equity.latest": lambda trading_rows: trading_rows.equity.latest(),
    "equity.between": lambda trading_rows: trading_rows.equity.between(1, 2),
    "equity.daily_closes": lambda trading_rows: trading_rows.equity.daily_closes(),
    "state.get": lambda trading_rows: trading_rows.state.get(),
    "state.save": lambda trading_rows: trading_rows.state.save(Trading()),
    "tightening.get": lambda trading_rows: trading_rows.tightening.get(),
    "tightening.save": lambda trading_rows: trading_rows.tightening.save(Tightening(steps=1)),
    "risk_checks.add": lambda trading_rows: trading_rows.risk_checks.add(CHECK),
    "risk_checks.latest": lambda trading_rows: trading_rows.risk_checks.latest(),
    "reconciliations.add": lambda trading_rows: trading_rows.reconciliations.add(RUN),
    "reconciliations.latest": lambda trading_rows: trading_rows.reconciliations.latest(),
    "reconciliations.page": lambda trading_rows: trading_rows.reconciliations.page(5),
    "limits.committed": lambda trading_rows: trading_rows.limits.committed("USDT"),
    "limits.entries_ms": lambda trading_rows: trading_rows.limits.entries_ms(5),
    "limits.losses_in_a_row": lambda trading_rows: trading_rows.limits.losses_in_a_row(5),
    "limits.last_exit_ms": lambda trading_rows: trading_rows.limits.last_exit_ms("NEWUSDT"),
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
    trading_rows = stored.trading(SCOPE)
    for number in range(50):
        trading_rows.snipes.save(snipe(f"s{number}", armed_ms=number))
        trading_rows.intents.save(
            intent(f"i{number}", snipe_id=f"s{number}", ended_ms=None if number < 2 else 5)
        )
        trading_rows.orders.save(order(f"i{number}-1", intent_id=f"i{number}"))
        closed_ms = None if number < 2 else number
        trading_rows.positions.save(position(f"p{number}", snipe_id=f"s{number}", closed_ms=closed_ms))
        trading_rows.entries.add(entry(f"e{number}"))
        trading_rows.equity.add(equity(number))
        trading_rows.reconciliations.add(RUN)
    return connection, trading_rows


def plan(query: Callable[[TradingRows], object]) -> list[str]:
    """Return SQLite's plan of every statement that `query` runs."""
    connection, trading_rows = filled()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    query(trading_rows)
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
def test_a_query_about_trading_uses_an_index(name: str) -> None:
    assert [line for line in plan(QUERIES[name]) if line.startswith("SCAN") and "CONSTANT" not in line] == []


@pytest.mark.parametrize("name", PARTIAL)
def test_open_rows_come_from_a_partial_index(name: str) -> None:
    lines = plan(QUERIES[name])
    assert [index for index in PARTIAL[name] if not any(index in line for line in lines)] == []


@pytest.mark.parametrize("name", SORTED_BY_INDEX)
def test_long_results_are_never_sorted(name: str) -> None:
    assert [line for line in plan(QUERIES[name]) if line.startswith("USE TEMP B-TREE FOR ORDER BY")] == []


def test_every_query_about_trading_is_covered() -> None:
    _, trading_rows = filled()
    tables = {name: table for name, table in vars(trading_rows).items() if not name.startswith("_")}
    public = {
        f"{name}.{method}"
        for name, table in tables.items()
        for method in dir(table)
        if not method.startswith("_")
    }
    assert public == set(QUERIES)
