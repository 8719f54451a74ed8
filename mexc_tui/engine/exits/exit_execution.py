"""Sell a position until it is sold, dust or trapped: one sale per position, whatever its cause.

A request of higher priority joins the running sale. The desk's orders resting on the same quantity are
confirmed closed before it is offered again; unknown outcomes are resolved first.
"""

import asyncio
import logging
from collections.abc import Callable
from decimal import Decimal

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.exits.exit_connection import ExitConnection
from mexc_tui.engine.exits.exit_intents import ExitIntents, ExitRequest
from mexc_tui.engine.exits.exit_job import ExitJob
from mexc_tui.engine.exits.exit_order_tracker import CHECK_INTERVAL_S, EVENT_WAIT_S, ExitOrderTracker
from mexc_tui.engine.exits.exit_result import CloseResult, ExitRecorder
from mexc_tui.engine.exits.sellability import SellabilityTracker
from mexc_tui.engine.market.prices import PriceCache, PriceMove
from mexc_tui.engine.market.symbol_filters import SymbolFilters
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.orders.order_resolution import OrderResolution
from mexc_tui.ledger.positions import holding
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.intent import ZERO, CloseReason, Intent, Order, OrderRole
from mexc_tui.model.order import NewOrder, Side
from mexc_tui.model.outcome import Accepted, Advice, NotSent, Purpose, Refusal, Rejected
from mexc_tui.model.position import Position
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping.escalation import STALE_BALANCE, Sale, SaleAttempt, SaleMethod, escalate
from mexc_tui.sniping.rounding import HUNDRED, Grid, floored
from mexc_tui.sniping.sale_terms import TERMS_TTL_MS, SaleTerms, SentOrder, learn
from mexc_tui.sniping.sellable import Sellability, order_fault
from mexc_tui.sniping.slippage_cap import observed

log = logging.getLogger(__name__)

REPORT_TIMEOUT_S = 10.0
"""Seconds after which a caller gets the progress of a sale; the sale continues."""
OnSale = Callable[[str, str], None]
ROLE_PRIORITY = (OrderRole.TAKE_PROFIT, OrderRole.CLOSE, OrderRole.STOP, OrderRole.FLATTEN)
UNSELLABLE = (Sellability.TRAPPED, Sellability.UNCONFIRMED, Sellability.DUST)
"""A part of a position in this state is given up; a whole position is checked again."""
FREE_MS = 3_000
"""Maximum time for which a balance response reduces a sale; then the whole is offered again."""
UNSENT_TRIES = 4
"""Retry count of a request that was not sent, so that it waits a second at most: it was already queued."""


class ExitExecution:
    """Every sale that closes a position or a part of it; implements `Closer`."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        execution: Execution,
        order_resolution: OrderResolution,
        prices: PriceCache,
        symbol_filters: SymbolFilters,
        connection: ExitConnection,
        sellability: SellabilityTracker,
        on_sale: OnSale,
    ) -> None:
        """`on_sale`: called with symbol and reason before anything is offered, to end its entries first."""
        self._trading = trading
        self._ledger = ledger
        self._prices = prices
        self._symbol_filters = symbol_filters
        self._connection = connection
        self._sellability = sellability
        self._intents = ExitIntents(trading, ledger)
        self._orders = ExitOrderTracker(
            trading=trading, ledger=ledger, execution=execution, order_resolution=order_resolution
        )
        self._recorder = ExitRecorder(ledger, trading.now_ms)
        self._running: dict[str, ExitJob] = {}
        self._on_sale = on_sale
        ledger.on_change(self._on_ledger_change)
        prices.on_move(self._on_move)

    # ---- requests

    async def close(
        self,
        position: Position,
        share_pct: Decimal | None,
        role: OrderRole,
        *,
        reason: CloseReason,
        text: str,
    ) -> CloseResult:
        """Sell a share of a position now (None: all); return the progress after some seconds at most.

        The sale continues when the caller is cancelled, and after a result that reports a remainder.
        """
        now = self._ledger.state.positions.get(position.id)
        if now is None:
            return CloseResult(sold=ZERO, left=ZERO)
        left = self.left(now)
        part = self._part(now.symbol, left, share_pct)
        if part <= 0:
            return CloseResult(
                sold=ZERO, left=left, text=f"the share is less than one quantity step of {now.symbol}"
            )
        sale = self.begin(now, left - part, role, reason=reason, text=text)
        sold_before, goal = sale.sold, sale.goal
        try:
            async with asyncio.timeout(REPORT_TIMEOUT_S):
                await sale.reported.wait()
                await self._ledger.wait_until_booked()
        except TimeoutError:
            log.warning("%s is still being sold: %s", sale.symbol, sale.status or text)
        after = self._ledger.state.positions.get(position.id)
        left = ZERO if after is None else self.left(after)
        status = (sale.status or "sale still in progress") if left > goal else ""
        return CloseResult(sold=sale.sold - sold_before, left=left, text=status, dust=sale.dust)

    def _part(self, symbol: str, left: Decimal, share_pct: Decimal | None) -> Decimal:
        grid = self._symbol_filters.of(symbol)
        if share_pct is None or share_pct >= HUNDRED:
            return left
        part = left * share_pct / HUNDRED
        return part if grid is None else floored(part, grid.quantity_step)

    def begin(
        self, position: Position, goal: Decimal, role: OrderRole, *, reason: CloseReason, text: str
    ) -> ExitJob:
        """Start selling down to `goal` in the background, or join the running sale."""
        self._on_sale(position.symbol, text)
        sale = self._running.get(position.id)
        if sale is None:
            is_manual = reason is CloseReason.MANUAL
            sale = ExitJob(
                position_id=position.id,
                symbol=position.symbol,
                goal=goal,
                role=role,
                reason=reason,
                text=text,
                is_manual=is_manual,
            )
            self._running[position.id] = sale
            sale.task = asyncio.ensure_future(self._run(sale))
            return sale
        if reason is CloseReason.MANUAL and sale.cap is not None and sale.cap.below_since_ms is not None:
            sale.cap = sale.since_ms = None  # repeated manual close: accepts the current bid
            sale.reported.clear()
            sale.joined.set()
        if reason is not CloseReason.MANUAL and goal <= sale.goal:
            sale.is_manual = False
        has_priority = ROLE_PRIORITY.index(role) > ROLE_PRIORITY.index(sale.role)
        if has_priority or goal < sale.goal:
            sale.goal = min(goal, sale.goal)
            if has_priority or not sale.is_urgent:
                sale.role, sale.reason, sale.text = role, reason, text
            sale.reported.clear()
            sale.wake.set()
            sale.joined.set()
        return sale

    def is_selling(self, position_id: str) -> bool:
        """Whether a sale of this position is running."""
        return position_id in self._running

    def forbids_resting(self, symbol: str) -> str:
        """Return why no take-profit may be placed now, such as a running sale; empty: allowed."""
        is_sold = any(sale.symbol == symbol for sale in self._running.values())
        return "the position is being sold" if is_sold else ""

    def left(self, position: Position) -> Decimal:
        """Return the owned quantity of a position, including fills not booked yet."""
        if not self._ledger.is_behind:
            return position.remaining
        return holding(position, self._ledger.state.orders_of(position.id)).remaining

    async def stop(self) -> None:
        """Stop all sales; orders already sent are followed to the end."""
        sales = [sale for sale in self._running.values() if sale.task is not None]
        for sale in sales:
            assert sale.task is not None
            sale.task.cancel()
        await asyncio.gather(*(sale.task for sale in sales if sale.task), return_exceptions=True)

    # ---- a sale

    async def _run(self, sale: ExitJob) -> None:
        try:
            while True:
                try:
                    if not await self._step(sale):
                        return
                except (ExchangeError, StorageError) as error:
                    log.warning("selling %s: %s", sale.symbol, error)
                    sale.status = str(error)
                    await sale.pause(EVENT_WAIT_S)
        except Exception:
            log.exception("the sale of %s failed", sale.symbol)
            sale.status = "the sale failed; retrying"
        finally:
            self._running.pop(sale.position_id, None)
            sale.reported.set()

    async def _step(self, sale: ExitJob) -> bool:
        """Run the next step of a sale; return whether more steps follow."""
        position = self._ledger.state.positions.get(sale.position_id)
        if position is None:
            self._record_sold(sale, ZERO)
            return False
        left = self.left(position)
        if self._record_sold(sale, left) and position.trapped:
            self._recorder.begin(self._ledger.save_trapped(sale.position_id, ""))
        if await self._orders.clear_orders(
            sale, position, left, is_offered=self._is_offered(sale, position, left)
        ):
            return True
        if left <= sale.goal:
            self._recorder.finish(sale, position)
            return False
        grid = self._symbol_filters.of(sale.symbol)
        if grid is None:
            sale.status = "symbol filters unknown"
            await self._intent_of(sale, position)
            await sale.pause(EVENT_WAIT_S)
            return True
        return await self._try(sale, position, left, grid=grid)

    def _record_sold(self, sale: ExitJob, left: Decimal) -> bool:
        """Record the remaining quantity; return whether something was sold."""
        before, sale.left = sale.left, left
        if before is None or left >= before:
            return False
        sale.sold += before - left
        sale.tries, sale.status, sale.free = 0, "", None
        sale.since_ms, sale.alarmed_ms, sale.learned_ms = self._now_ms(), None, self._now_ms()
        return True

    async def _try(self, sale: ExitJob, position: Position, left: Decimal, *, grid: Grid) -> bool:
        if sale.refusal is not None and sale.refusal.advice in STALE_BALANCE:
            await self._query_free(sale, position)
        plan = self._plan(sale, position, left, grid=grid, now_ms=self._now_ms())
        if plan.method is SaleMethod.HOLD:
            return await self._recheck_later(sale, position, plan)
        sale.holds = 0
        self._recorder.report_blocked(sale, position, plan)
        if plan.method is SaleMethod.QUERY:
            sale.refusal = None
            return True
        if plan.method is SaleMethod.DUST and sale.goal > 0:
            self._recorder.leave_part(sale, position, plan.text)
            return False
        if plan.method is SaleMethod.DUST:
            return await self._recorder.leave_dust(sale, position, plan.text)
        if not plan.is_order:
            await self._wait_for_better(sale, position, plan)
            return True
        if plan.at_ms > self._now_ms():
            await self._wait_for(sale, plan.at_ms)
            if self._is_moved(sale):
                return True
            plan = self._plan(sale, position, left, grid=grid, now_ms=max(plan.at_ms, self._now_ms()))
        if plan.is_order:
            await self._send(sale, position, plan, grid=grid)
        return True

    def _plan(self, sale: ExitJob, position: Position, left: Decimal, *, grid: Grid, now_ms: int) -> Sale:
        self._update_cap_and_terms(sale, position)
        return escalate(
            self._sale_attempt(sale, position, left, grid=grid),
            grid,
            position.plan.slippage_pct,
            now_ms=now_ms,
        )

    async def _wait_for_better(self, sale: ExitJob, position: Position, plan: Sale) -> None:
        """Wait for a bid, or for quantity that is not free yet.

        The intent is durable, so a restart resumes the wait.
        """
        await self._intent_of(sale, position)
        sale.tries += plan.method is not SaleMethod.CAPPED
        sale.refusal, sale.status = None, plan.text
        if plan.method is SaleMethod.CAPPED:
            sale.reported.set()
        sale.wakes_at = plan.wakes_at
        await self._wait_for(sale, plan.at_ms + int(CHECK_INTERVAL_S * 1_000))
        sale.wakes_at = None
        sale.free = None
        if plan.refresh_balances:
            await self._query_free(sale, position)

    def _update_cap_and_terms(self, sale: ExitJob, position: Position) -> None:
        """Update the slippage cap from the current bid; reset expired terms."""
        now_ms, bid = self._now_ms(), self._prices.of(sale.symbol).bid
        sale.since_ms = now_ms if sale.since_ms is None else sale.since_ms
        if not 0 <= now_ms - sale.learned_ms < TERMS_TTL_MS:
            sale.terms = SaleTerms()
        if bid is not None and bid > 0:
            cap = observed(sale.cap, bid, position.plan.slippage_pct, now_ms=now_ms, is_manual=sale.is_manual)
            if sale.cap is not None and cap.first_bid != sale.cap.first_bid:
                sale.tries = 1
            sale.cap = cap

    async def _recheck_later(self, sale: ExitJob, position: Position, plan: Sale) -> bool:
        """Keep a sale whose remainder is not a valid order and check again; give up such a part.

        Its intent is stored first, so a restart resumes it.
        """
        if sale.goal > 0 and (plan.trapped or plan.sellability in UNSELLABLE):
            self._recorder.leave_part(sale, position, plan.text)
            return False
        sale.holds, sale.status = sale.holds + 1, plan.text
        self._recorder.report_blocked(sale, position, plan)
        await self._intent_of(sale, position)
        await self._wait_for(sale, plan.at_ms)
        return True

    def _sale_attempt(self, sale: ExitJob, position: Position, left: Decimal, *, grid: Grid) -> SaleAttempt:
        price = self._prices.of(sale.symbol)
        resting = sum(
            (
                order.open_quantity
                for order in self._ledger.state.orders_of(sale.position_id)
                if _is_sell(order) and sale.is_holding(order)
            ),
            ZERO,
        )
        if not 0 <= self._now_ms() - sale.free_ms < FREE_MS:
            sale.free = None
        free = left - resting
        return SaleAttempt(
            number=sale.tries,
            quantity=left - sale.goal,
            free=free if sale.free is None else min(free, sale.free),
            bid=price.bid,
            last=price.last,
            refusal=sale.refusal,
            is_urgent=sale.is_urgent,
            terms=sale.terms,
            cap=sale.cap,
            since_ms=sale.since_ms,
            tried=sale.tried,
            judged=self._sellability.of(position, left - sale.goal, grid),
            holds=sale.holds,
        )

    def _is_offered(self, sale: ExitJob, position: Position, left: Decimal) -> bool:
        """Whether a stop can already sell the free quantity while the rest is being freed.

        The rest must be a valid order too, at half the price.
        """
        grid = self._symbol_filters.of(sale.symbol)
        if not sale.is_urgent or grid is None:
            return False
        tried = self._sale_attempt(sale, position, left, grid=grid)
        if not tried.bid:
            return False
        now = floored(min(tried.quantity, tried.free), grid.quantity_step)
        rest = floored(tried.quantity - now, grid.quantity_step)
        is_split = rest > 0 and order_fault(rest, tried.bid / 2, grid)
        return not (order_fault(now, tried.bid, grid) or is_split)

    async def _send(self, sale: ExitJob, position: Position, plan: Sale, *, grid: Grid) -> None:
        wished = await self._intent_of(sale, position)
        if wished is None:
            return
        intent, name = await self._intents.next_id(wished)
        order = NewOrder(
            symbol=sale.symbol,
            side=Side.SELL,
            type=plan.type,
            client_order_id=name,
            price=plan.price,
            quantity=plan.quantity,
        )
        stored_reason = intent.close_reason or CloseReason.STOP
        if intent.role is OrderRole.STOP and stored_reason is not sale.reason:
            self._recorder.begin(self._intents.mark(intent.id, sale.reason))
        is_hot = sale.is_urgent and sale.tries == 0
        bid = self._prices.of(sale.symbol).bid or plan.price or ZERO
        sent = await self._connection.send(intent, order, is_hot=is_hot)
        sale.tries += 1 if plan.method is not SaleMethod.RESTING else not sale.tries
        sale.tried = plan.type
        sale.refusal = sent.outcome.refusal if isinstance(sent.outcome, Rejected) else None
        if sale.refusal is not None and await self._orders.exists_despite_rejection(sent.order, sale.refusal):
            sale.refusal = None
        if sale.refusal is not None:
            answered = SentOrder(type=plan.type, price=plan.price, quantity=plan.quantity, bid=bid)
            self._learn(sale, sale.refusal, answered, grid=grid)
        if isinstance(sent.outcome, NotSent):
            sale.status = sent.outcome.reason
            sale.tries = min(sale.tries, UNSENT_TRIES)
        elif not isinstance(sent.outcome, Accepted):
            sale.status = sent.order.reason

    def _learn(self, sale: ExitJob, refusal: Refusal, sent: SentOrder, *, grid: Grid) -> None:
        """Update the terms after a refusal; a changed order is tried immediately.

        The first "oversold" changes nothing: balances are queried, and usually explain it.
        """
        if refusal.advice is Advice.REFRESH_BALANCES and sale.free is None and sale.tries <= 1:
            return
        terms = learn(sale.terms, refusal, sent, grid=grid)
        if terms != sale.terms:
            sale.terms, sale.learned_ms, sale.tries = terms, self._now_ms(), 1

    async def _intent_of(self, sale: ExitJob, position: Position) -> Intent | None:
        """Return the intent to sell under; None: a stop joined during the write and does not wait for it."""
        wanted = ExitRequest(
            role=sale.role, reason=sale.reason, text=sale.text, quantity=self.left(position) - sale.goal
        )
        making = asyncio.ensure_future(self._intents.of(position, wanted, sale.intent))
        if sale.is_urgent:
            return self._adopt_intent(sale, await making)
        sale.joined.clear()
        joining = asyncio.ensure_future(sale.joined.wait())
        try:
            await asyncio.wait((making, joining), return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            making.cancel()
            raise
        finally:
            joining.cancel()
        if making.done():
            return self._adopt_intent(sale, making.result())
        self._recorder.begin(self._drop(making, sale.text))
        return None

    def _adopt_intent(self, sale: ExitJob, intent: Intent) -> Intent:
        self._recorder.end_intent(sale.replace_intent(intent), sale.text)
        return intent

    async def _drop(self, making: "asyncio.Future[Intent]", text: str) -> None:
        """Close an unused intent: the sale continues under one of higher priority."""
        self._recorder.end_intent(await making, text)

    # ---- waiting

    async def _query_free(self, sale: ExitJob, position: Position) -> None:
        """Query the free balance, which limits the sale for a while; no limit if the query fails."""
        sale.free, sale.free_ms = None, self._now_ms()
        try:
            account = await self._trading.account(purpose=Purpose.STOP)
        except ExchangeError as error:
            log.warning("balances could not be queried: %s", error)
        else:
            sale.free = account.free(position.base_asset)

    async def _wait_for(self, sale: ExitJob, exchange_ms: int) -> None:
        """Wait for a time of the exchange clock, or until a request of higher priority joins."""
        sale.joined.clear()
        try:
            async with asyncio.timeout(max(exchange_ms - self._trading.now_ms(), 0) / 1_000):
                await sale.joined.wait()
        except TimeoutError:
            return

    def _is_moved(self, sale: ExitJob) -> bool:
        """Whether something was sold, or an order needs resolving, since the last check."""
        now = self._ledger.state.positions.get(sale.position_id)
        orders = self._ledger.state.orders_of(sale.position_id)
        is_live = any(_is_sell(order) and order.role is not OrderRole.TAKE_PROFIT for order in orders)
        return now is None or self.left(now) != sale.left or is_live

    def _on_move(self, move: PriceMove) -> None:
        for sale in self._running.values():
            if sale.symbol == move.price.symbol:
                sale.wake_on_bid(move.price.bid)

    def _now_ms(self) -> int:
        return self._trading.now_ms()

    def _on_ledger_change(self, written: LedgerChanges) -> None:
        for order in written.orders:
            sale = self._running.get(order.position_id)
            if sale is not None:
                sale.wake.set()


def _is_sell(order: Order) -> bool:
    return order.side is Side.SELL and order.state.is_on_exchange
