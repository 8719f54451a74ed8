"""The engine's only sender and canceller of orders (architecture 4). Results go to the ledger first.

Every request is completed even if its caller is cancelled: a lost response would be an order missing
from the ledger.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.ledger.evidence import (
    Evidence,
    check_response,
    from_outcome,
    from_report,
    from_trades,
    trades_of,
)
from mexc_tui.ledger.orders import mark_cancelling, needs_trades_query
from mexc_tui.model.errors import BadResponse, DeskError, ExchangeError, RequestRefused
from mexc_tui.model.intent import Intent, Order, OrderRole, OrderState
from mexc_tui.model.order import NewOrder, Side
from mexc_tui.model.outcome import Accepted, NotSent, Purpose, Refusal, SendOutcome
from mexc_tui.model.report import CancelReport, OrderReport, PlacedOrder
from mexc_tui.model.rows import Rows
from mexc_tui.ports.trading import FireResult, FiringLine, SignedOrder, TradingPort

log = logging.getLogger(__name__)
T = TypeVar("T")

PURPOSES = {
    OrderRole.ENTRY: Purpose.ENTRY,
    OrderRole.TAKE_PROFIT: Purpose.EXIT,
    OrderRole.STOP: Purpose.STOP,
    OrderRole.CLOSE: Purpose.STOP,
    OrderRole.FLATTEN: Purpose.STOP,
}


def query_purpose(role: OrderRole) -> Purpose:
    """Return the request purpose of queries about orders of this role."""
    purpose = PURPOSES[role]
    # Fills of an entry must be known to be protected, so these queries use the reserve of exits.
    return Purpose.EXIT if purpose is Purpose.ENTRY else purpose


NO_SUCH_ORDER = (-2013, -2011)
"""Error codes that deny an order."""
LISTED_BEFORE_MS = 60_000
"""Listings of an order start this long before its creation: clocks differ."""
UNPROCESSED = frozenset({403, 418, 429})
"""HTTP status of requests rejected before processing."""
NO_SUCH_PAIR = frozenset({10007, 30014, -1121})
"""The exchange does not list the pair yet, so no order was placed."""
CANCEL_CONFIRM_S, CANCEL_CONFIRM_CHECKS = 0.1, 5
"""How long, and how often, to check for a stream update after a cancel before querying the order."""

NO_BOUND = "an entry needs a limit price"

Gate = Callable[[OrderRole, str], str]
"""Returns why an order of this role and pair is blocked now; empty: allowed (reliability I11). Called at the
last moment before the first byte."""


@dataclass(frozen=True, slots=True)
class SendResult:
    """Result of one order: the response, and the order in the ledger."""

    outcome: SendOutcome[PlacedOrder]
    order: Order
    fired: FireResult | None = None


class UnknownClientOrderId(DeskError):
    """An order was to be sent under a client order id that is not in its intent. Nothing was sent.

    Raised before a send by `Execution`. It is a programming error: do not retry.
    """


class Execution:
    """Sends, cancels and queries orders. Raises only cancellation; failures are in the outcome."""

    def __init__(
        self, *, trading: TradingPort, ledger: LedgerWriter, gate: Gate, window_ms: Callable[[], int]
    ) -> None:
        """`window_ms`: how long after its timestamp the exchange may accept an order."""
        self._trading = trading
        self._ledger = ledger
        self.refusal = gate
        self._window_ms = window_ms
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def in_flight(self) -> int:
        """Return the number of requests in flight."""
        return len(self._running)

    async def place(self, intent: Intent, order: NewOrder) -> SendResult:
        """Send one attempt of an intent over an ordinary connection."""
        row = self._begin(intent, order)
        return await self._to_its_end(self._place(row, order))

    async def fire(
        self,
        intent: Intent,
        line: FiringLine,
        signed: SignedOrder,
        *,
        at_ns: int | None = None,
        called_off: Callable[[], str] | None = None,
    ) -> SendResult:
        """Send one prepared attempt at a time of the monotonic clock, or at once.

        `called_off`: returns another reason not to send at the last moment; empty: none.
        """
        row = self._begin(intent, signed.order)
        return await self._to_its_end(self._fire(row, line, signed, at_ns=at_ns, called_off=called_off))

    async def cancel(self, order: Order, text: str, purpose: Purpose = Purpose.EXIT) -> bool:
        """Cancel an order, and confirm it by stream or query: no response to a cancel proves anything.

        Returns whether the exchange denies an UNKNOWN order after its fence: it can no longer appear.

        `purpose`: STOP if a sale waits for its coins; only that passes a ban.
        """
        return await self._to_its_end(self._cancel(order, text, purpose))

    async def cancel_pair(self, symbol: str, orders: Sequence[Order], text: str) -> list[bool]:
        """Cancel all open orders of a pair with one request; return for each order the result of `cancel`.

        `orders`: the desk's orders of that pair. The caller ensures that no foreign order is open there.
        """
        return await self._to_its_end(self._cancel_pair(symbol, orders, text))

    async def cancel_pairs(self, symbols: Sequence[str], orders: Sequence[Order], text: str) -> bool:
        """Cancel all open orders of up to five pairs with one request, as `cancel_pair` does.

        Returns whether the exchange accepted it; then each of `orders` was confirmed.
        """
        return await self._to_its_end(self._cancel_pairs(symbols, orders, text))

    async def query(self, order: Order, purpose: Purpose | None = None) -> None:
        """Query an order, and the fees of its trades. `purpose`: None: by its role.

        Raises RequestRefused (-2013) if the exchange does not list it, ExchangeError if no response came.
        """
        reported = await self._query_evidence(order, purpose)
        now = await self._ledger.book_evidence(order.client_order_id, reported)
        if now is not None and needs_trades_query(now):
            await self.query_fees(now)

    async def query_in_background(self, order: Order) -> None:
        """Query an order of a running sale without waiting for the disk or its fees.

        Raises as `query` does.
        """
        reported = await self._query_evidence(order, None)
        self._ledger.apply_evidence(order.client_order_id, reported)
        self._begin_chore(self._ledger.book_evidence(order.client_order_id, reported))

    async def query_fees(self, order: Order) -> None:
        """Query the trades of an order: only they report fees. Raises ExchangeError."""
        reported = await self._trading.my_trades(
            order.symbol, order_id=order.order_id, purpose=query_purpose(order.role)
        )
        trades = trades_of(order, reported.rows)
        if trades:
            await self._ledger.book_evidence(order.client_order_id, from_trades(trades))

    async def unlisted_ms(self, order: Order) -> int | None:
        """Return the exchange time of a listing without the order; None: it was listed, and is booked.

        Raises ExchangeError, also for a list with malformed rows: the order may be one of them.
        """
        queried_ms = self._trading.now_ms()
        purpose = query_purpose(order.role)
        start_ms = order.created_ms - LISTED_BEFORE_MS
        now_open = await self._trading.open_orders((order.symbol,), purpose=purpose)
        recent = await self._trading.all_orders(order.symbol, start_ms=start_ms, purpose=purpose)
        reports = Rows((*now_open.rows, *recent.rows), (*now_open.skipped, *recent.skipped))
        return None if await self._is_among(order, reports, queried_ms) else queried_ms

    async def exists_despite_rejection(self, order: Order, refusal: Refusal) -> bool:
        """Return whether the exchange lists an order that it rejected; it is booked then.

        A definite rejection may be wrong: no other attempt is sent before this is resolved.
        Raises ExchangeError.
        """
        if refusal.http_status in UNPROCESSED:
            return False
        queried_ms = self._trading.now_ms()
        purpose = PURPOSES[order.role]
        start_ms = order.created_ms - LISTED_BEFORE_MS
        try:
            reports = await self._trading.all_orders(order.symbol, start_ms=start_ms, purpose=purpose)
        except RequestRefused as error:
            if error.refusal.code in NO_SUCH_PAIR:
                return False
            raise
        return await self._is_among(order, reports, queried_ms)

    async def wait_in_flight(self, deadline_s: float) -> bool:
        """Wait up to `deadline_s` for requests in flight; return whether all completed."""
        waiting = [asyncio.shield(task) for task in self._running]
        try:
            async with asyncio.timeout(deadline_s):
                await asyncio.gather(*waiting, return_exceptions=True)
        except TimeoutError:
            log.warning("%d requests did not complete in time", len(self._running))
        return not self._running

    # ---- internals

    async def _is_among(self, order: Order, reports: Rows[OrderReport], queried_ms: int) -> bool:
        """Book the report of this order if listed. Raises ExchangeError if a malformed row may be it."""
        for report in reports.rows:
            if report.client_order_id == order.client_order_id or report.order_id == order.order_id:
                await self._ledger.book_evidence(order.client_order_id, from_report(report, queried_ms))
                return True
        if reports.problem:
            raise BadResponse("GET", "order lists", reports.problem)
        return False

    async def _query_evidence(self, order: Order, purpose: Purpose | None) -> Evidence:
        report = await self._trading.order(
            order.symbol,
            client_order_id="" if order.order_id else order.client_order_id,
            order_id=order.order_id,
            purpose=purpose or query_purpose(order.role),
        )
        return from_report(report, self._trading.now_ms())

    def _begin(self, intent: Intent, order: NewOrder) -> Order:
        if order.client_order_id not in intent.client_ids:
            raise UnknownClientOrderId(f"{order.client_order_id!r} is not an attempt of {intent.id}")
        now_ms = self._trading.now_ms()
        return Order(
            client_order_id=order.client_order_id,
            intent_id=intent.id,
            symbol=order.symbol,
            side=order.side,
            type=order.type,
            role=intent.role,
            state=OrderState.SENT,
            price=order.price,
            quantity=order.quantity,
            quote_quantity=order.quote_quantity,
            snipe_id=intent.snipe_id,
            position_id=intent.position_id,
            bound=(intent.spend_cap or None) if intent.side is Side.BUY else None,
            created_ms=now_ms,
            reason="in flight",
        )

    async def _place(self, row: Order, order: NewOrder) -> SendResult:
        refusal = _unbounded(row) or self.refusal(row.role, row.symbol)
        if refusal:
            return SendResult(NotSent(refusal), row)
        self._ledger.register_sent(row)
        outcome = await self._trading.place(
            order, purpose=PURPOSES[row.role], recv_window_ms=self._window_ms()
        )
        return self._record_outcome(row, outcome)

    async def _fire(
        self,
        row: Order,
        line: FiringLine,
        signed: SignedOrder,
        *,
        at_ns: int | None,
        called_off: Callable[[], str] | None,
    ) -> SendResult:
        if refusal := _unbounded(row):
            return SendResult(NotSent(refusal), row)

        def may_send() -> bool:
            return not (self.refusal(row.role, row.symbol) or (called_off is not None and called_off()))

        self._ledger.register_sent(row)
        fired = await (
            line.fire(signed, may_send) if at_ns is None else line.fire_at(signed, at_ns, may_send)
        )
        return self._record_outcome(row, fired.outcome, fired)

    def _record_outcome(
        self, row: Order, outcome: SendOutcome[PlacedOrder], fired: FireResult | None = None
    ) -> SendResult:
        """Apply the response in memory without waiting for the disk: the next attempt's intent is durable."""
        outcome = check_response(row, outcome, self._window_ms())
        reported, name = from_outcome(outcome, self._trading.now_ms()), row.client_order_id
        self._ledger.apply_evidence(name, reported)
        self._begin_chore(self._ledger.book_evidence(name, reported))
        return SendResult(outcome, self._ledger.state.orders.get(name) or row, fired)

    async def _cancel_pair(self, symbol: str, orders: Sequence[Order], text: str) -> list[bool]:
        outcome = await self._cancel_open((symbol,), orders, text)
        if isinstance(outcome, NotSent):
            return [False] * len(orders)
        return await self._confirm_all_cancelled(orders)

    async def _cancel_pairs(self, symbols: Sequence[str], orders: Sequence[Order], text: str) -> bool:
        is_accepted = isinstance(await self._cancel_open(symbols, orders, text), Accepted)
        if is_accepted:
            await self._confirm_all_cancelled(orders)
        return is_accepted

    async def _cancel_open(
        self, symbols: Sequence[str], orders: Sequence[Order], text: str
    ) -> SendOutcome[tuple[CancelReport, ...]]:
        for order in orders:
            self._mark_cancelling(order, text)
        outcome = await self._trading.cancel_open(symbols, purpose=Purpose.STOP)
        log.info("cancel of all %s orders: %s", ", ".join(symbols), type(outcome).__name__)
        return outcome

    async def _confirm_all_cancelled(self, orders: Sequence[Order]) -> list[bool]:
        return await asyncio.gather(*(self._confirm_cancelled(order, Purpose.STOP) for order in orders))

    def _mark_cancelling(self, order: Order, text: str) -> None:
        marked = mark_cancelling(order, self._trading.now_ms(), text)
        if marked != order:
            self._ledger.state.put_order(marked)

    async def _cancel(self, order: Order, text: str, purpose: Purpose) -> bool:
        self._mark_cancelling(order, text)
        outcome = await self._trading.cancel(
            order.symbol,
            client_order_id="" if order.order_id else order.client_order_id,
            order_id=order.order_id,
            purpose=purpose,
        )
        log.info("cancel of %s: %s", order.client_order_id, type(outcome).__name__)
        return not isinstance(outcome, NotSent) and await self._confirm_cancelled(order, purpose)

    async def _confirm_cancelled(self, order: Order, purpose: Purpose) -> bool:
        """Confirm a cancel by stream or query; return the result of `cancel`."""
        if await self._is_reported_closed(order.client_order_id):
            return False
        queried_ms = self._trading.now_ms()
        try:
            await self.query(order, purpose)
        except ExchangeError as error:
            log.warning("%s after its cancel: %s", order.client_order_id, error)
            is_denied = isinstance(error, RequestRefused) and error.refusal.code in NO_SUCH_ORDER
            return is_denied and self._is_past_fence(order.client_order_id, queried_ms)
        return False

    def _is_past_fence(self, client_order_id: str, at_ms: int) -> bool:
        now = self._ledger.state.orders.get(client_order_id)
        is_unknown = now is not None and now.state is OrderState.UNKNOWN
        return now is not None and is_unknown and now.fence_ms is not None and at_ms >= now.fence_ms

    async def _is_reported_closed(self, client_order_id: str) -> bool:
        """Return whether the stream soon reports the order closed, which costs no request weight."""
        for _ in range(CANCEL_CONFIRM_CHECKS):
            now = self._ledger.state.orders.get(client_order_id)
            if now is None or now.state.is_terminal:
                return True
            await asyncio.sleep(CANCEL_CONFIRM_S / CANCEL_CONFIRM_CHECKS)
        return False

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Run in a separate task, which continues if the caller is cancelled."""
        return await asyncio.shield(self._begin_chore(work))

    def _begin_chore(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        task = asyncio.ensure_future(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


def _unbounded(row: Order) -> str:
    """Return why the price of an entry has no bound; empty: it has, or it is no entry."""
    return NO_BOUND if row.role is OrderRole.ENTRY and row.price is None else ""
