"""Cancels every order of this desk without an engine, and watches until none is open."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.rest.orders import CANCEL_SYMBOLS
from mexc_tui.ledger.ids import PREFIX
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.outcome import SETTLE_MS, Accepted, Purpose
from mexc_tui.model.report import OrderReport
from mexc_tui.model.rows import SkippedRow, skipped_text

QUERY_EVERY_S = 0.5
QUIET_MS = SETTLE_MS + 2_000
"""Time without an open order after which an order in flight at the start would be visible."""
QUERIES_PER_S = 6.0
"""Maximum rate of queries, so that cancels never wait for request weight."""
SYMBOLS_PER_QUERY = 5
CANCELS_BY_ID = 10
"""Maximum orders cancelled by id at once: more would wait for the order limit."""

Report = Callable[[str], None]
"""Print one line of progress."""
TouchedSymbols = asyncio.Future[tuple[frozenset[str], str]]
"""Pairs that the stored ledger names, and the reason why it cannot be read."""


@dataclass(slots=True)
class DeskOrders:
    """Orders of this desk: all found so far, and those open at the last query."""

    found: dict[str, OrderReport] = field(default_factory=dict[str, OrderReport])
    open: dict[str, OrderReport] = field(default_factory=dict[str, OrderReport])
    shared_symbols: set[str] = field(default_factory=set[str])
    """Pairs that also have open orders of others."""
    problem: str = ""
    """Error of the last query; empty: none."""
    unreadable: str = ""
    """Rows of the last query that could not be read; empty: none."""

    def apply(self, rows: Sequence[OrderReport], skipped: Sequence[SkippedRow]) -> list[OrderReport]:
        """Apply the rows of a query and return the orders that an unreadable row may hide.

        After a failed query, orders missing from the rows may still be open and stay in `open`; so do those
        that are returned.
        """
        unreadable = {row.name for row in skipped}
        ours, shared = dict[str, OrderReport](), set(unreadable)
        self.unreadable = skipped_text(skipped, len(rows) + len(skipped))
        for row in rows:
            if (row.client_order_id or "").startswith(PREFIX):
                ours[row.order_id] = row
            else:
                shared.add(row.symbol)
        missing = [order for order in self.open.values() if order.order_id not in ours]
        hidden = [order for order in missing if not unreadable.isdisjoint(("", order.symbol))]
        self.open = ours | {order.order_id: order for order in (missing if self.problem else hidden)}
        self.shared_symbols = self.shared_symbols | shared if self.problem else shared
        self.found |= ours
        return hidden


class OrderSweep:
    """Cancels the open orders of this desk over one client. Problems are reported at once, each text once."""

    def __init__(self, client: MexcClient, report: Report) -> None:
        self._client = client
        self._report = report
        self._reported = set[str]()
        self.orders = DeskOrders()

    async def run(self, touched: TouchedSymbols, deadline_s: float) -> bool:
        """Query and cancel until no order was open for `QUIET_MS`; return false at the deadline.

        `touched` is awaited before the result is final: some responses list orders of queried pairs only.
        """
        loop, orders = asyncio.get_running_loop(), self.orders
        until_s, quiet_since_s, symbols_per_cancel = loop.time() + deadline_s, 0.0, CANCEL_SYMBOLS
        while loop.time() < until_s:
            requests = await self._query(touched.result()[0] if touched.done() else frozenset())
            if orders.unreadable:
                self._report_once(f"Cannot read every open order: {orders.unreadable}")
            if orders.open:
                quiet_since_s = 0.0
                await self._cancel(symbols_per_cancel)
                symbols_per_cancel = 1
            elif orders.problem:
                self._report_once(f"Cannot reach the exchange: {orders.problem}")
            elif orders.unreadable:
                quiet_since_s = 0.0
            elif not quiet_since_s or not touched.done():
                quiet_since_s = loop.time()
            elif loop.time() - quiet_since_s >= QUIET_MS / 1_000:
                return True
            await asyncio.sleep(max(QUERY_EVERY_S, requests / QUERIES_PER_S))
        return False

    async def _query(self, touched: Iterable[str]) -> int:
        """Query open orders of all pairs, then of the touched ones; return the number of requests."""
        orders = self.orders
        rows, skipped, orders.problem = list[OrderReport](), list[SkippedRow](), ""
        symbols = sorted({*touched, *(order.symbol for order in orders.found.values())})
        starts = range(0, len(symbols), SYMBOLS_PER_QUERY)
        queries = [(), *(symbols[first : first + SYMBOLS_PER_QUERY] for first in starts)]
        for query in queries:
            try:
                response = await self._client.orders.open_orders(query, purpose=Purpose.STOP)
            except ExchangeError as error:
                orders.problem = str(error)
                break
            rows += response.rows
            skipped += response.skipped
        hidden = orders.apply(rows, skipped)
        for order in hidden:
            await self._query_one(order)
        return len(queries) + len(hidden)

    async def _query_one(self, order: OrderReport) -> None:
        try:
            report = await self._client.orders.order(
                order.symbol, order_id=order.order_id, purpose=Purpose.STOP
            )
        except ExchangeError as error:
            self._report_once(f"{order.symbol} {order.client_order_id}: {error}")
        else:
            if report.status.is_terminal:
                del self.orders.open[order.order_id]

    async def _cancel(self, symbols_per_cancel: int) -> None:
        """Cancel many orders by pair where the pair has only orders of this desk, the others by id."""
        orders, client = self.orders, self._client.orders
        by_pair = set[str]()
        if len(orders.open) > CANCELS_BY_ID and "" not in orders.shared_symbols:
            by_pair = {order.symbol for order in orders.open.values()} - orders.shared_symbols
        symbols = sorted(by_pair)
        starts = range(0, len(symbols), symbols_per_cancel)
        groups = [symbols[first : first + symbols_per_cancel] for first in starts]
        outcomes = await asyncio.gather(
            *(client.cancel_open(group, purpose=Purpose.STOP) for group in groups)
        )
        for group, outcome in zip(groups, outcomes, strict=True):
            if not isinstance(outcome, Accepted):
                by_pair -= set(group)
        by_id = [order for order in orders.open.values() if order.symbol not in by_pair]
        await asyncio.gather(
            *(client.cancel(order.symbol, order_id=order.order_id, purpose=Purpose.STOP) for order in by_id)
        )

    def _report_once(self, problem: str) -> None:
        if problem not in self._reported:
            self._reported.add(problem)
            self._report(problem)
