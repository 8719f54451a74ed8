"""Data source of trading rows: the engine's views, or the newest stored ledger."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mexc_tui.cli.data_source import NO_ENGINE, CommandFailed, DataSource
from mexc_tui.cli.preview_text import HeldText
from mexc_tui.desk import trading_requests
from mexc_tui.desk.api_types import EngineSilent, NoEngine, Row, ViewKind
from mexc_tui.desk.engine_requests import Nothing
from mexc_tui.desk.single_request import look
from mexc_tui.engine.accounting.performance import performance_of
from mexc_tui.engine.views.trading_rows import (
    RowContext,
    blind_sight,
    order_row,
    position_row,
    reconciliation_row,
    snipe_row,
)
from mexc_tui.model.intent import OrderState
from mexc_tui.model.trading_view import (
    OrderRow,
    PerformanceRow,
    PositionRow,
    ReconciliationRow,
    RiskRow,
    SnipeRow,
)

if TYPE_CHECKING:
    from mexc_tui.model.position import Position
    from mexc_tui.model.reconciliation import Reconciliation
    from mexc_tui.ports.trading_store import TradingTables
    from mexc_tui.store.unit_of_work import Reading

T = TypeVar("T")

LOOK_S = 5.0
HEAVY_S = 30.0


class StoredTrading:
    """Access of the command line to orders, positions and risk."""

    def __init__(self, reach: DataSource) -> None:
        self._reach = reach

    def snipes(self, last: int | None = None) -> list[SnipeRow]:
        """Return the active snipes, or this many newest of all."""
        sight = self._blind()
        if last is not None:
            return self._stored(
                lambda tables: [snipe_row(one, sight) for one in tables.snipes.page(limit=last)]
            )
        rows = self._seen(
            trading_requests.SNIPES, lambda tables: [snipe_row(one, sight) for one in tables.snipes.open()]
        )
        return sorted(rows, key=lambda row: (row.opens_ms, row.id))

    def orders(self, last: int | None = None) -> list[OrderRow]:
        """Return the open orders, newest first, or this many newest of all."""
        sight = self._blind()
        if last is not None:
            return self._stored(
                lambda tables: [order_row(one, sight) for one in tables.orders.page(limit=last)]
            )
        rows = self._seen(trading_requests.ORDERS, lambda tables: _open_orders(tables, sight))
        return sorted(rows, key=lambda row: (-row.created_ms, row.client_order_id))

    def positions(self, last: int | None = None) -> list[PositionRow]:
        """Return the open positions, oldest first, or this many newest of all, newest first."""
        if last is not None:
            return self._newest_positions(last)
        try:
            rows = self._held()
        except NoEngine:
            rows = self._stored_positions(lambda tables: tables.positions.open())
        return sorted(rows, key=lambda row: (row.opened_ms, row.id))

    def held(self) -> HeldText:
        """Return everything affected by a stop. Raises NoEngine."""
        return HeldText(
            tuple(self._held()),
            tuple(self._look(trading_requests.ORDERS)),
            tuple(self._look(trading_requests.SNIPES)),
        )

    def risk(self) -> RiskRow:
        """Return the engine's risk. Raises NoEngine, or CommandFailed if it does not trade."""
        rows = self._look(trading_requests.RISK)
        if not rows:
            raise CommandFailed("This engine is read-only: it does not trade.", 1)
        return rows[0]

    def performance(self) -> PerformanceRow:
        """Return the performance. Raises CommandFailed without a ledger."""
        try:
            return self._reach.ask(trading_requests.PERFORMANCE, Nothing(), HEAVY_S)
        except NoEngine:
            found = self._of_newest(lambda tables, scope: performance_of(tables, scope, {}))
            if found is None:
                raise self._no_books() from None
            return found

    def reconciliation(self, exchange_file: Path | None = None) -> ReconciliationRow:
        """Reconcile now: in the engine, or without one in this process with the exchange of a file.

        Without either return the last stored comparison. Raises CommandFailed if there is none.
        """
        try:
            reply = self._reach.tell(trading_requests.RECONCILE, Nothing(), HEAVY_S)
        except NoEngine:
            if exchange_file is not None:
                return reconciliation_row(self._compared(exchange_file))
            run = self._of_newest(lambda tables, _: tables.reconciliations.latest())
            if run is None:
                raise self._no_books() from None
            return reconciliation_row(run)
        if reply.result is None:
            raise CommandFailed(reply.words, 1)
        return reply.result

    # ---- helpers

    def _blind(self, run: "Reconciliation | None" = None) -> RowContext:
        words, is_silent = self._reach.absence
        return blind_sight(words, run, is_silent=is_silent)

    def _newest_positions(self, last: int) -> list[PositionRow]:
        """Return this many newest rows, newest first, with the engine's current values if shown."""
        stored = self._stored_positions(lambda tables: tables.positions.page(limit=last))
        try:
            seen = {row.id: row for row in self._look(trading_requests.POSITIONS)}
        except (NoEngine, EngineSilent):
            seen = dict[str, PositionRow]()
        return [seen.get(row.id, row) for row in stored]

    def _stored_positions(self, which: "Callable[[TradingTables], Sequence[Position]]") -> list[PositionRow]:
        return self._stored(
            lambda tables: [
                _position(tables, one, self._blind(tables.reconciliations.latest())) for one in which(tables)
            ]
        )

    def _compared(self, exchange_file: Path) -> "Reconciliation":
        from mexc_tui.app.endpoints import StartError, read_endpoint
        from mexc_tui.app.offline_reconcile import ReconcileFailed, compare_books
        from mexc_tui.exchange.origins import OriginRefused
        from mexc_tui.host.lock import EngineRuns
        from mexc_tui.host.paths import PathsError

        reach = self._reach
        try:
            endpoint = read_endpoint(exchange_file)
            return asyncio.run(compare_books(endpoint, reach.paths, reach.engine_settings, reach.who))
        except (StartError, ReconcileFailed, OriginRefused, EngineRuns, PathsError) as error:
            raise CommandFailed(str(error), NO_ENGINE) from None

    def _held(self) -> list[PositionRow]:
        """Return the open positions of a running engine. Raises NoEngine."""
        return [row for row in self._look(trading_requests.POSITIONS) if row.closed_ms is None]

    def _seen(self, kind: ViewKind[Row], stored: "Callable[[TradingTables], list[Row]]") -> Sequence[Row]:
        try:
            return self._look(kind)
        except NoEngine:
            return self._stored(stored)

    def _look(self, kind: ViewKind[Row]) -> list[Row]:
        rows = look(self._reach.socket, kind, who=self._reach.who, deadline_s=LOOK_S)
        return list(rows.values())

    def _stored(self, work: "Callable[[TradingTables], list[T]]") -> list[T]:
        """Return rows of the newest ledger; none without one."""
        return self._of_newest(lambda tables, _: work(tables)) or []

    def _of_newest(self, work: "Callable[[TradingTables, str], T]") -> T | None:
        self._reach.check_profile()
        if not self._reach.has_store:
            return None

        def read(stored: "Reading") -> T | None:
            scope = stored.newest_scope()
            return work(stored.trading(scope), scope) if scope else None

        return self._reach.look(read)

    def _no_books(self) -> CommandFailed:
        words = f"No engine of profile {self._reach.paths.profile} has traded yet: there is no ledger."
        return CommandFailed(words, NO_ENGINE)


def _position(tables: "TradingTables", position: "Position", sight: RowContext) -> PositionRow:
    orders = tables.orders.of_position(position.id)
    intents = tables.intents.of_position(position.id)
    return position_row(position, orders, intents, sight)


def _open_orders(tables: "TradingTables", sight: RowContext) -> list[OrderRow]:
    foreign = (one for one in tables.orders.foreign() if not one.state.is_terminal)
    sent = (one for one in tables.orders.open() if one.state is not OrderState.INTENT)
    return [order_row(one, sight) for one in (*sent, *foreign)]
