"""Data source of trading rows: the engine's views, or the newest stored ledger."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mexc_tui.cli.engine_access import EngineAccess
from mexc_tui.cli.errors import NO_ENGINE, NOT_DONE, CommandFailed
from mexc_tui.cli.pages.preview_text import Exposure
from mexc_tui.cli.profile_access import ProfileAccess
from mexc_tui.desk import trading_requests
from mexc_tui.desk.api_types import EngineSilent, NoEngine, Row, ViewKind
from mexc_tui.desk.engine_requests import NoArguments
from mexc_tui.desk.single_request import fetch_view
from mexc_tui.engine.accounting.performance import performance_of
from mexc_tui.engine.views.trading_rows import (
    RowContext,
    offline_context,
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
    from mexc_tui.store.sqlite.unit_of_work import ReadTransaction

T = TypeVar("T")

VIEW_S = 5.0
RECONCILE_S = 30.0


class TradingSource:
    """Access of the command line to orders, positions and risk."""

    def __init__(self, profile: ProfileAccess, engine: EngineAccess) -> None:
        self._profile = profile
        self._engine = engine

    def snipes(self, last: int | None = None) -> list[SnipeRow]:
        """Return the active snipes, or the newest `last` of all."""
        context = self._context()
        if last is not None:
            return self._stored(
                lambda tables: [snipe_row(snipe, context) for snipe in tables.snipes.page(limit=last)]
            )
        rows = self._view_or_stored(
            trading_requests.SNIPES,
            lambda tables: [snipe_row(snipe, context) for snipe in tables.snipes.open()],
        )
        return sorted(rows, key=lambda row: (row.opens_ms, row.id))

    def orders(self, last: int | None = None) -> list[OrderRow]:
        """Return the open orders, newest first, or the newest `last` of all."""
        context = self._context()
        if last is not None:
            return self._stored(
                lambda tables: [order_row(order, context) for order in tables.orders.page(limit=last)]
            )
        rows = self._view_or_stored(trading_requests.ORDERS, lambda tables: _open_orders(tables, context))
        return sorted(rows, key=lambda row: (-row.created_ms, row.client_order_id))

    def positions(self, last: int | None = None) -> list[PositionRow]:
        """Return the open positions, oldest first, or the newest `last` of all, newest first."""
        if last is not None:
            return self._newest_positions(last)
        try:
            rows = self._open_positions()
        except NoEngine:
            rows = self._stored_positions(lambda tables: tables.positions.open())
        return sorted(rows, key=lambda row: (row.opened_ms, row.id))

    def exposure(self) -> Exposure:
        """Return the positions, orders and snipes that a stop affects. Raises NoEngine."""
        return Exposure(
            tuple(self._open_positions()),
            tuple(self._view(trading_requests.ORDERS)),
            tuple(self._view(trading_requests.SNIPES)),
        )

    def risk(self) -> RiskRow:
        """Return the engine's risk. Raises NoEngine, or CommandFailed if it does not trade."""
        rows = self._view(trading_requests.RISK)
        if not rows:
            raise CommandFailed("This engine is read-only: it does not trade.", NOT_DONE)
        return rows[0]

    def performance(self) -> PerformanceRow:
        """Return the performance. Raises CommandFailed without a ledger."""
        try:
            return self._engine.query(trading_requests.PERFORMANCE, NoArguments(), RECONCILE_S)
        except NoEngine:
            found = self._read_newest_ledger(lambda tables, scope: performance_of(tables, scope, {}))
            if found is None:
                raise self._no_ledger() from None
            return found

    def reconciliation(self, exchange_file: Path | None = None) -> ReconciliationRow:
        """Reconcile now: in the engine, or without one in this process with the exchange of a file.

        Without an engine or a file return the last stored one. Raises CommandFailed if there is none.
        """
        try:
            reply = self._engine.send(trading_requests.RECONCILE, NoArguments(), RECONCILE_S)
        except NoEngine:
            if exchange_file is not None:
                return reconciliation_row(self._reconcile_offline(exchange_file))
            run = self._read_newest_ledger(lambda tables, _: tables.reconciliations.latest())
            if run is None:
                raise self._no_ledger() from None
            return reconciliation_row(run)
        if reply.result is None:
            raise CommandFailed(reply.message, NOT_DONE)
        return reply.result

    # ---- helpers

    def _context(self, run: "Reconciliation | None" = None) -> RowContext:
        text, is_silent = self._engine.absence
        return offline_context(text, run, is_silent=is_silent)

    def _newest_positions(self, last: int) -> list[PositionRow]:
        """Return the newest `last` rows, newest first, with current values of a running engine."""
        stored = self._stored_positions(lambda tables: tables.positions.page(limit=last))
        try:
            current = {row.id: row for row in self._view(trading_requests.POSITIONS)}
        except (NoEngine, EngineSilent):
            current = dict[str, PositionRow]()
        return [current.get(row.id, row) for row in stored]

    def _stored_positions(self, which: "Callable[[TradingTables], Sequence[Position]]") -> list[PositionRow]:
        return self._stored(
            lambda tables: [
                _position(tables, item, self._context(tables.reconciliations.latest()))
                for item in which(tables)
            ]
        )

    def _reconcile_offline(self, exchange_file: Path) -> "Reconciliation":
        from mexc_tui.app.endpoints import StartError, read_endpoint
        from mexc_tui.app.offline_reconcile import ReconcileFailed, reconcile_offline
        from mexc_tui.exchange.origins import OriginRefused
        from mexc_tui.host.lock import EngineRuns
        from mexc_tui.host.paths import PathsError

        try:
            endpoint = read_endpoint(exchange_file)
            return asyncio.run(
                reconcile_offline(
                    endpoint, self._profile.paths, self._profile.loaded.settings, by=self._engine.front_end
                )
            )
        except (StartError, ReconcileFailed, OriginRefused, EngineRuns, PathsError) as error:
            raise CommandFailed(str(error), NO_ENGINE) from None

    def _open_positions(self) -> list[PositionRow]:
        """Return the open positions of a running engine. Raises NoEngine."""
        return [row for row in self._view(trading_requests.POSITIONS) if row.closed_ms is None]

    def _view_or_stored(
        self, kind: ViewKind[Row], stored: "Callable[[TradingTables], list[Row]]"
    ) -> Sequence[Row]:
        try:
            return self._view(kind)
        except NoEngine:
            return self._stored(stored)

    def _view(self, kind: ViewKind[Row]) -> list[Row]:
        rows = fetch_view(self._engine.socket, kind, who=self._engine.front_end, deadline_s=VIEW_S)
        return list(rows.values())

    def _stored(self, work: "Callable[[TradingTables], list[T]]") -> list[T]:
        """Return rows of the newest ledger; none without one."""
        return self._read_newest_ledger(lambda tables, _: work(tables)) or []

    def _read_newest_ledger(self, work: "Callable[[TradingTables, str], T]") -> T | None:
        self._profile.check_exists()
        if not self._profile.has_store:
            return None

        def read(stored: "ReadTransaction") -> T | None:
            scope = stored.newest_scope()
            return work(stored.trading(scope), scope) if scope else None

        return self._profile.read_store(read)

    def _no_ledger(self) -> CommandFailed:
        text = f"No engine of profile {self._profile.paths.profile} has traded yet: there is no ledger."
        return CommandFailed(text, NO_ENGINE)


def _position(tables: "TradingTables", position: "Position", context: RowContext) -> PositionRow:
    orders = tables.orders.of_position(position.id)
    intents = tables.intents.of_position(position.id)
    return position_row(position, orders, intents, context=context)


def _open_orders(tables: "TradingTables", context: RowContext) -> list[OrderRow]:
    foreign = (order for order in tables.orders.foreign() if not order.state.is_terminal)
    sent = (order for order in tables.orders.open() if order.state is not OrderState.INTENT)
    return [order_row(order, context) for order in (*sent, *foreign)]
