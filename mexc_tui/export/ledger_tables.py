"""Reads the exported tables of the newest ledger from stored data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from mexc_tui.engine.accounting.equity_check import all_positions
from mexc_tui.engine.accounting.performance import performance_of
from mexc_tui.engine.views import stored_queries
from mexc_tui.export.fills import fill_rows
from mexc_tui.export.rows import FigureRow, FillRow, JournalRow, TradeRow
from mexc_tui.export.trades import figure_rows, journal_rows, trade_rows
from mexc_tui.model.position import LedgerEntry, Position
from mexc_tui.model.trading_view import PerformanceRow
from mexc_tui.ports.store import Stored
from mexc_tui.ports.trading_store import TradingTables

PAGE = 1_000
NEWEST = 2**62


class ExportTable(Enum):
    """Tables that can be exported."""

    TRADES = "trades"
    FILLS = "fills"
    JOURNAL = "journal"
    PERFORMANCE = "performance"


ROW_TYPES: dict[ExportTable, type[msgspec.Struct]] = {
    ExportTable.TRADES: TradeRow,
    ExportTable.FILLS: FillRow,
    ExportTable.JOURNAL: JournalRow,
    ExportTable.PERFORMANCE: FigureRow,
}


@dataclass(frozen=True, slots=True)
class Period:
    """Half-open period in Unix ms: from `since_ms` to before `until_ms`."""

    since_ms: int = 0
    until_ms: int = NEWEST

    def holds(self, at_ms: int) -> bool:
        """Whether a time is in the period."""
        return self.since_ms <= at_ms < self.until_ms


def read_rows(stored: Stored, table: ExportTable, period: Period) -> Sequence[msgspec.Struct] | None:
    """Return the rows of a table, oldest first; None: there is no ledger.

    Trades belong to the period in which they were closed, open ones to that of their opening; figures always
    cover everything.
    """
    if table is ExportTable.JOURNAL:
        return _journal(stored, period)
    scope = stored.newest_scope()
    if not scope:
        return None
    tables = stored.trading(scope)
    match table:
        case ExportTable.TRADES:
            return _trades(tables, period)
        case ExportTable.FILLS:
            return [row for row in _fills(tables) if period.holds(row.at_ms)]
        case ExportTable.PERFORMANCE:
            return figure_rows(performance_of(tables, scope, {}).metrics)


def read_performance(stored: Stored) -> tuple[PerformanceRow, list[TradeRow]] | None:
    """Return the performance and all trades; None: there is no ledger."""
    scope = stored.newest_scope()
    if not scope:
        return None
    tables = stored.trading(scope)
    return performance_of(tables, scope, {}), trade_rows(all_positions(tables))


def _trades(tables: TradingTables, period: Period) -> list[TradeRow]:
    positions = all_positions(tables)
    return trade_rows(
        position
        for position in positions
        if period.holds(position.opened_ms if position.closed_ms is None else position.closed_ms)
    )


def _fills(tables: TradingTables) -> list[FillRow]:
    positions = dict[str, Position | None]()

    def position_of(name: str) -> Position | None:
        if name not in positions:
            positions[name] = tables.positions.get(name)
        return positions[name]

    def order_id_of(client_order_id: str) -> str:
        order = tables.orders.get(client_order_id)
        return "" if order is None else order.order_id

    return fill_rows(_entries(tables), position_of, order_id_of)


def _entries(tables: TradingTables) -> Iterator[LedgerEntry]:
    """Yield all entries in booking order."""
    pages, before = list[list[tuple[int, LedgerEntry]]](), NEWEST
    while page := tables.entries.page(before, PAGE):
        pages.append(page)
        before = page[-1][0]
    for page in reversed(pages):
        for _, entry in reversed(page):
            yield entry


def _journal(stored: Stored, period: Period) -> list[JournalRow]:
    found, before = list[JournalRow](), NEWEST
    while page := stored_queries.journal(stored, before, PAGE, about="", kind="", since_ms=period.since_ms):
        found += journal_rows(fact for fact in page if period.holds(fact.at_ms))
        before = page[-1].sequence
    return found[::-1]
