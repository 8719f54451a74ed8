"""Resolves orders: unknown ones by the fence, live ones by query when the stream is silent.

An ambiguous request keeps its reservation until a response contains the order, or every required proof
shows that it never existed (reliability 1.4). A failed query proves nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from decimal import Decimal

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.orders.execution import NO_SUCH_ORDER, Execution, query_purpose
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.ledger.checks import BalanceDifference, balance_differences
from mexc_tui.ledger.order_absence import Proofs, conclude, may_explain
from mexc_tui.ledger.orders import needs_query, needs_trades_query
from mexc_tui.model.account import is_read
from mexc_tui.model.errors import ExchangeError, RequestRefused
from mexc_tui.model.intent import Order, OrderRole, OrderState
from mexc_tui.model.outcome import MAX_WINDOW_MS, SETTLE_MS, Purpose
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.trading import TradingPort

log = logging.getLogger(__name__)

STEP_S = 1.0
LIVE_EVERY_MS = 10_000
"""Query interval of live orders, in case the user stream lost an update (reliability M12)."""
FEES_AFTER_MS = 2_000
SALES = (OrderRole.STOP, OrderRole.CLOSE, OrderRole.FLATTEN)
OLD_MS, OLD_EVERY_MS = 10_000, 5_000
"""Age after its fence, and query interval, of an old unknown order: other queries need weight too."""
TOLERANCE = Decimal("1e-8")
"""Tolerance of balances, in units of the asset."""


class OrderResolution:
    """Worker that resolves orders."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        execution: Execution,
        window_ms: Callable[[], int],
    ) -> None:
        """`window_ms`: how long after its timestamp the exchange may accept an order."""
        self._trading = trading
        self._ledger = ledger
        self._execution = execution
        self._window_ms = window_ms
        self._queried_ms: dict[str, int] = {}
        self._proofs: dict[str, Proofs] = {}
        """Proofs per unknown order since its fence: one failed query costs only that proof."""
        self._wakes = {True: asyncio.Event(), False: asyncio.Event()}
        """Wake-up events: of sales, and of other orders."""

    def wake(self) -> None:
        """Check all orders now."""
        for wake in self._wakes.values():
            wake.set()

    async def run(self, started: Started) -> None:
        """Check orders each second until cancelled. Sales do not wait for queries of other orders."""
        started()
        loops = [asyncio.ensure_future(self._serve(is_sale=is_sale)) for is_sale in (True, False)]
        try:
            await asyncio.gather(*loops)
        finally:
            for loop in loops:
                loop.cancel()

    # ---- internals

    async def _serve(self, *, is_sale: bool) -> None:
        wake = self._wakes[is_sale]
        while True:
            await self._check_orders(is_sale=is_sale)
            try:
                async with asyncio.timeout(self._pause_s(is_sale=is_sale)):
                    await wake.wait()
            except TimeoutError:
                pass
            wake.clear()

    def _pause_s(self, *, is_sale: bool) -> float:
        """Return the pause before the next check, which ends at the next fence at the latest."""
        now_ms = self._trading.now_ms()
        fences = (order.fence_ms for order in self._orders(is_sale=is_sale) if needs_query(order))
        waits_ms = (fence_ms + 1 - now_ms for fence_ms in fences if fence_ms is not None)
        return min((STEP_S, *(wait_ms / 1_000 for wait_ms in waits_ms if wait_ms > 0)))

    def _orders(self, *, is_sale: bool) -> list[Order]:
        return [order for order in self._ledger.state.orders.values() if (order.role in SALES) is is_sale]

    async def _check_orders(self, *, is_sale: bool) -> None:
        known = self._ledger.state.orders
        self._queried_ms = {name: at for name, at in self._queried_ms.items() if name in known}
        self._proofs = {name: proofs for name, proofs in self._proofs.items() if _is_unknown(known.get(name))}
        for order in self._orders(is_sale=is_sale):
            try:
                await self._check_order(order)
                await self._ledger.revalue(order)
            except (ExchangeError, StorageError) as error:
                log.info("%s not resolved yet: %s", order.client_order_id, error)

    async def _check_order(self, order: Order) -> None:
        now_ms, name = self._trading.now_ms(), order.client_order_id
        waited_ms = now_ms - max(self._queried_ms.get(name, 0), order.created_ms)
        if waited_ms < 0:  # the clock stepped back, as at its first measurement
            waited_ms = OLD_EVERY_MS
        is_quiet = order.state.is_on_exchange and waited_ms >= LIVE_EVERY_MS
        silent_ms = now_ms - order.updated_ms
        is_late = min(waited_ms, silent_ms) >= FEES_AFTER_MS and waited_ms >= silent_ms // 10
        is_unpaid = is_late and needs_trades_query(order)
        is_old = order.fence_ms is not None and now_ms > order.fence_ms + OLD_MS
        is_resting = is_old and waited_ms < OLD_EVERY_MS and not self._is_due(name, now_ms)
        if not (needs_query(order) or is_quiet or is_unpaid) or is_resting:
            return
        self._queried_ms[name] = now_ms
        if order.state is OrderState.UNKNOWN:
            await self._settle(order)
        elif needs_query(order) or is_quiet:
            await self._query(order)
        else:
            await self._execution.query_fees(order)

    def _is_due(self, name: str, now_ms: int) -> bool:
        """Whether the next balance response may complete a proof that the last one did not."""
        due_ms = self._proofs.get(name, Proofs()).due_ms
        return due_ms is not None and self._queried_ms.get(name, 0) < due_ms <= now_ms

    async def _query(self, order: Order) -> None:
        """Query a live order; if the exchange denies it and does not list it, mark it unknown."""
        try:
            await self._execution.query(order)
        except RequestRefused as error:
            if error.refusal.code not in NO_SUCH_ORDER:
                raise
            if await self._execution.unlisted_ms(order) is not None:
                await self._mark_unknown(order, "no longer found by id or in a listing")

    async def _mark_unknown(self, order: Order, text: str) -> None:
        """Mark an order as unknown, with a fence from now."""
        now_ms, window_ms = self._trading.now_ms(), self._window_ms()
        await self._ledger.mark_order_unknown(order.client_order_id, now_ms, window_ms, text=text)

    async def _settle(self, order: Order) -> None:
        """Query by id; after the fence also list orders and compare balances, and apply the conclusion.

        Before the fence only the order itself is proof, and a listing weighs five times as much.
        """
        if _is_fence_wrong(order, self._trading.now_ms()):
            await self._mark_unknown(order, order.reason)
            return
        if order.fence_ms is not None and self._trading.now_ms() <= order.fence_ms:
            await self._denied(order)
            return
        name = order.client_order_id
        known = self._proofs.get(name, Proofs()).not_after(self._trading.now_ms())
        after_ms = known.valid_after_ms(order.fence_ms or 0)
        answers = await asyncio.gather(
            _proof(known.denied_ms, after_ms, self._denied, order=order),
            _proof(known.listed_ms, after_ms, self._execution.unlisted_ms, order=order),
            self._compare_balances(known, order),
            return_exceptions=True,
        )
        denied_ms, listed_ms = (time_ms if isinstance(time_ms, int) else None for time_ms in answers[:2])
        proofs = known if isinstance(answers[2], BaseException) else answers[2]
        if proofs is not known and proofs.agreed_ms is None:
            denied_ms = None  # balances may show its fill: query it again
        proofs = replace(proofs, denied_ms=denied_ms, listed_ms=listed_ms)
        self._proofs[name] = proofs
        now = self._ledger.state.orders.get(name)
        if now is not None and now.state is OrderState.UNKNOWN:
            found = conclude(now, proofs, self._trading.now_ms())
            if found.evidence is not None:
                await self._ledger.book_evidence(name, found.evidence)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer

    async def _denied(self, order: Order) -> int | None:
        """Return the exchange time at which it denied the order; None: it exists."""
        queried_ms = self._trading.now_ms()
        try:
            await self._execution.query(order)
        except RequestRefused as error:
            if error.refusal.code in NO_SUCH_ORDER:
                return queried_ms
            raise
        return None

    async def _compare_balances(self, known: Proofs, order: Order) -> Proofs:
        """Return the proofs with a new response of balances, if one is needed."""
        if known.balanced_ms is not None and known.balanced_ms > (order.fence_ms or 0):
            return known
        queried_ms, differences = self._trading.now_ms(), await self._differences(order)
        if differences is None:
            return known.with_balances(None, order.fence_ms or 0)
        return known.with_balances(queried_ms, order.fence_ms or 0, differences)

    async def _differences(self, order: Order) -> tuple[BalanceDifference, ...] | None:
        """Return by what balances differ from the ledger; None: the order may explain it, or unreadable."""
        purpose = query_purpose(order.role)
        if not purpose.reduces_risk:
            purpose = Purpose.EXIT
        account = await self._trading.account(purpose=purpose)
        intent = self._ledger.state.intents.get(order.intent_id)
        if intent is None:
            return ()
        assets = (intent.base_asset, intent.quote_asset)
        if not all(is_read(asset, account.balances, account.skipped) for asset in assets):
            return None
        found = balance_differences(
            self._ledger.state.balances, account.balances, assets, tolerance=TOLERANCE
        )
        return None if may_explain(intent, found) else found


def _is_fence_wrong(order: Order, now_ms: int) -> bool:
    """Return whether the fence is later than any request can be accepted: the clock stepped back since."""
    return order.fence_ms is not None and order.fence_ms > now_ms + MAX_WINDOW_MS + SETTLE_MS


async def _proof(
    known_ms: int | None, after_ms: int, query: Callable[[Order], Awaitable[int | None]], *, order: Order
) -> int | None:
    """Return the time of a proof; query it again if the known one is too old."""
    return known_ms if known_ms is not None and known_ms > after_ms else await query(order)


def _is_unknown(order: Order | None) -> bool:
    return order is not None and order.state is OrderState.UNKNOWN
