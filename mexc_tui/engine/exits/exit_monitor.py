"""Monitor the prices of open positions and start their exits; `sniping` decides, `ExitExecution` sells.

A price move of an open position is evaluated immediately, in the stream's own call. A timer handles the
rest: time stops, confirmations, prices that no stream delivers (reliability M2, M3), and unfinished exits.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.exits.exit_connection import ExitConnection
from mexc_tui.engine.exits.exit_execution import ExitExecution
from mexc_tui.engine.exits.sellability import SellabilityTracker
from mexc_tui.engine.exits.take_profits import TakeProfits
from mexc_tui.engine.exits.watched_position import WatchedPosition
from mexc_tui.engine.market.polled_price import poll_price
from mexc_tui.engine.market.prices import PriceCache, PriceMove
from mexc_tui.engine.market.symbol_filters import SymbolFilters
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.model.intent import ZERO, CloseReason, Order, OrderRole
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.position import Position, PositionState
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.storage import StorageError
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping import exit_decision as exits
from mexc_tui.sniping.exit_decision import ExitHolding, ExitMemory, Tick
from mexc_tui.sniping.ladder import rungs_done
from mexc_tui.sniping.rounding import Grid
from mexc_tui.sniping.sellable import Sellability
from mexc_tui.sniping.slippage_cap import SlippageCap
from mexc_tui.sniping.stop_confirmation import exclude_gap

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.25
SAVE_MS = 1_000
POLL_MS = 1_000
TOUCHED_POLL_MS = 250
"""Interval of order book queries while a touch of the stop is unconfirmed: a second source."""
STANDSTILL_MS = 1_000
"""Without a check for this time the process was blocked: messages sent meanwhile are still unread."""
AGAIN_MS = 1_000
"""Delay before a sale that left a remainder restarts."""
ALIGN_MS = 5_000
BY_PRICE = (CloseReason.STOP, CloseReason.TRAILING, CloseReason.BREAK_EVEN)


class ExitMonitor:
    """Worker that monitors all open positions."""

    def __init__(
        self,
        *,
        trading: TradingPort,
        ledger: LedgerWriter,
        prices: PriceCache,
        exit_execution: ExitExecution,
        take_profits: TakeProfits,
        symbol_filters: SymbolFilters,
        connection: ExitConnection,
        sellability: SellabilityTracker,
        stale_ms: Callable[[], int],
    ) -> None:
        """`stale_ms`: maximum age of a price."""
        self._trading = trading
        self._ledger = ledger
        self._prices = prices
        self._exit_execution = exit_execution
        self._take_profits = take_profits
        self._symbol_filters = symbol_filters
        self._connection = connection
        self._sellability = sellability
        self._stale_ms = stale_ms
        self._watches: dict[str, WatchedPosition] = {}
        self._chores: set[asyncio.Future[None]] = set()
        self._busy: set[str] = set()
        self._wake = asyncio.Event()
        self._wake_ms = 0
        self._is_running = False
        prices.on_move(self._on_move)
        ledger.on_change(self._on_change)

    async def run(self, started: Started) -> None:
        """Monitor until cancelled. Positions from before the start are treated as after a gap."""
        self._is_running = True
        try:
            for position in self._ledger.state.positions.values():
                self._watch(position).is_after_gap = True
                self._resume_sale(position)
            started()
            while True:
                self.check_all()
                await self._until_next()
        finally:
            self._is_running = False
            for chore in self._chores:
                chore.cancel()
            await self._take_profits.stop()
            await self._exit_execution.stop()
            await self._connection.close()

    def heartbeat_ms(self, position: Position) -> int | None:
        """Return the exchange time of a position's last check; None: not monitored (reliability I9)."""
        watch = self._watches.get(position.id)
        return None if watch is None else watch.checked_ms

    def memory_of(self, position: Position) -> ExitMemory | None:
        """Return the exit state of a position; None: not monitored."""
        watch = self._watches.get(position.id)
        return None if watch is None else watch.memory

    def apply_exits(self, position_id: str, plan: ExitPlan, stop_price: Decimal) -> None:
        """Monitor with other exits from now on and reset the touch; the caller stores them."""
        watch = self._watches.get(position_id)
        if watch is not None:
            watch.apply_exits(plan, stop_price)

    # ---- events

    def _on_move(self, move: PriceMove) -> None:
        """Decide immediately, in the stream's own call."""
        if not self._is_running:
            return
        for watch in tuple(self._watches.values()):
            if watch.position.symbol == move.price.symbol:
                self._on_price(watch, move)

    def _on_price(self, watch: WatchedPosition, move: PriceMove) -> None:
        """Evaluate one message as one observation: the newest of its trades."""
        now_ms, price = self._trading.now_ms(), move.price
        if move.trades:
            newest = max(reversed(move.trades), key=lambda trade: trade.time_ms)
            self._decide(watch, Tick(price=newest.price, at_ms=newest.time_ms, is_trade=True), now_ms)
        elif price.bid is not None:
            tick = Tick(price=price.bid, at_ms=now_ms, is_after_gap=watch.is_after_gap, version=price.version)
            self._decide(watch, tick, now_ms)
            watch.is_after_gap = watch.is_after_gap and watch.holding is None

    def _on_change(self, written: LedgerChanges) -> None:
        """Monitor positions from their first fill on; drop closed ones."""
        for position in written.positions:
            if position.is_open:
                self._watch(position)
            else:
                self._watches.pop(position.id, None)
        for order in written.orders:
            watch = self._watches.get(order.position_id)
            if watch is not None:
                watch.is_changed, watch.aligned_ms = True, 0

    def _watch(self, position: Position) -> WatchedPosition:
        now_ms = self._trading.now_ms()
        watch = self._watches.get(position.id)
        if watch is None:
            watch = WatchedPosition(
                position=position,
                memory=exits.remember(position),
                checked_ms=now_ms,
                begun_ms=now_ms - AGAIN_MS,
            )
            watch.saved = (position.stop_price, position.high_price, position.fired)
            self._watches[position.id] = watch
            self._wake.set()
            return watch
        old = watch.position
        if old.initial_stop != position.initial_stop and watch.memory.stop_price == old.initial_stop:
            watch.memory = replace(watch.memory, stop_price=position.initial_stop)
        is_other = (old.remaining, old.state) != (position.remaining, position.state)
        watch.aligned_ms = 0 if is_other else watch.aligned_ms
        watch.position, watch.is_changed = position, True
        return watch

    # ---- decisions

    def _holding(self, watch: WatchedPosition) -> ExitHolding | None:
        if not watch.is_changed and watch.holding is not None:
            return watch.holding
        position = watch.position
        grid = self._symbol_filters.of(position.symbol)
        if grid is None:
            return None
        resting, sold = self._take_profits.resting(position), self._take_profits.sold(position)
        done = position.rungs_done
        if position.plan.ladder and sold:
            done = rungs_done(position, sold, grid, resting=resting)
        if done != position.rungs_done:
            position = watch.position = msgspec.structs.replace(position, rungs_done=done)
            watch.text = f"rung {done[-1]} sold"
        held = sum((order.open_quantity for order in resting), ZERO)
        watch.holding = ExitHolding(
            position=position, grid=grid, free=position.remaining - held, resting=resting, sold=sold
        )
        watch.is_changed = False
        return watch.holding

    def _decide(self, watch: WatchedPosition, tick: Tick | None, now_ms: int) -> None:
        """Evaluate an observation, or (None) time alone."""
        holding = self._holding(watch)
        if holding is None:
            return
        was_fired = watch.memory.fired
        decision = exits.decide(holding, watch.memory, tick, now_ms=now_ms)
        watch.memory, watch.checked_ms = decision.memory, now_ms
        if watch.memory.fired is not was_fired:
            self._fire(watch, now_ms)
        elif watch.memory.observed.touch is not None and not watch.memory.fired:
            self._poll(watch, now_ms, TOUCHED_POLL_MS)
        if decision.stop_move:
            watch.text = watch.text or f"stop moved {decision.stop_move}"
        if decision.is_rung_reached:
            self._take_profits.begin(watch.position.id)
        if decision.wake_ms is not None and decision.wake_ms < self._wake_ms:
            self._wake_ms = decision.wake_ms
            self._wake.set()

    def _fire(self, watch: WatchedPosition, now_ms: int) -> None:
        """Start the sale, then store the triggered exit, so that a restart resumes it at any price."""
        self._sell(watch, now_ms)
        watch.text = watch.text or f"{watch.memory.fired} fired: {watch.memory.fired_text}"
        watch.saved_ms = 0
        self._save_if_changed(watch, now_ms)

    def _sell(self, watch: WatchedPosition, now_ms: int) -> None:
        """Close a position for the reason that triggered, or continue the running sale."""
        watch.begun_ms = now_ms
        reason = watch.memory.fired
        role = OrderRole.STOP if reason in BY_PRICE else OrderRole.CLOSE
        self._exit_execution.begin(watch.position, ZERO, role, reason=reason, text=watch.memory.fired_text)

    def _resume_sale(self, position: Position) -> None:
        """Resume a sale that the previous engine began, less what it already sold."""
        memory = self._ledger.state
        for intent in memory.intents_of(position.id):
            if intent.role not in (OrderRole.CLOSE, OrderRole.FLATTEN):
                continue
            orders = [order for order in memory.orders_of(position.id) if order.intent_id == intent.id]
            sold = sum((order.filled_quantity for order in orders), ZERO)
            goal = max(position.remaining - max(intent.quantity - sold, ZERO), ZERO)
            sale = self._exit_execution.begin(
                position, goal, intent.role, reason=intent.close_reason, text=intent.reason
            )
            if sale.is_manual:
                sale.cap = _cap_of(orders, position.plan.slippage_pct)

    # ---- timer

    async def _until_next(self) -> None:
        now_ms = self._trading.now_ms()
        wait_s = min(max(self._wake_ms - now_ms, 1) / 1_000, CHECK_INTERVAL_S)
        self._wake.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def check_all(self) -> None:
        """Check every position once; slow work runs in the background."""
        self._wake_ms = self._trading.now_ms() + int(CHECK_INTERVAL_S * 1_000)
        for watch in tuple(self._watches.values()):
            self._check(watch)
        if self._watches:
            self._begin(None, "line", self._connection.keep_warm())

    def _check(self, watch: WatchedPosition) -> None:
        now_ms, symbol = self._trading.now_ms(), watch.position.symbol
        age_ms = self._prices.age_ms(symbol)
        gap_ms = now_ms - watch.checked_ms
        if not 0 <= gap_ms <= STANDSTILL_MS:
            observed = exclude_gap(watch.memory.observed, gap_ms)
            watch.memory = replace(watch.memory, observed=observed)
        if gap_ms < 0:
            watch.end_pauses()
        watch.checked_ms = now_ms
        is_stale = age_ms is None or age_ms > self._stale_ms()
        if age_ms is None or age_ms > self._stale_ms() // 2:
            self._poll(watch, now_ms, POLL_MS)
        if is_stale:
            self._report_stale_price(watch, age_ms)
        else:
            watch.is_price_stale = False
            self._decide(watch, None, now_ms)
        self._check_time_stop(watch, now_ms)
        if watch.memory.fired and now_ms - watch.begun_ms >= AGAIN_MS:
            self._sell(watch, now_ms)
        self._maintain(watch, now_ms)

    def _poll(self, watch: WatchedPosition, now_ms: int, pause_ms: int) -> None:
        """Query the order book beside the streams, at most every `pause_ms`."""
        if now_ms - watch.polled_ms >= pause_ms:
            watch.polled_ms = now_ms
            purpose = Purpose.ORDINARY if watch.memory.observed.touch is None else Purpose.EXIT
            purpose = Purpose.STOP if watch.memory.fired else purpose
            query = poll_price(self._trading, self._prices, watch.position.symbol, purpose=purpose)
            self._begin(watch, "poll", query)

    def _check_time_stop(self, watch: WatchedPosition, now_ms: int) -> None:
        """Trigger the time stop, which needs no price."""
        at_ms = exits.time_stop_ms(watch.position)
        if at_ms is None or now_ms < at_ms or watch.memory.fired:
            return
        text = f"held for {watch.position.plan.time_stop_s} s"
        watch.memory = exits.stop_now(watch.memory, CloseReason.TIME, text)
        self._fire(watch, now_ms)

    def _maintain(self, watch: WatchedPosition, now_ms: int) -> None:
        """Store decisions, align the ladder, and check whether the position can be sold."""
        memory = watch.memory
        self._save_if_changed(watch, now_ms)
        if not memory.fired and now_ms - watch.aligned_ms >= ALIGN_MS:
            watch.aligned_ms = now_ms
            self._take_profits.begin(watch.position.id)
        self._judge(watch)

    def _save_if_changed(self, watch: WatchedPosition, now_ms: int) -> None:
        memory = watch.memory
        is_moved = watch.saved != (memory.stop_price, memory.high_price, memory.fired)
        if (is_moved or watch.text) and now_ms - watch.saved_ms >= SAVE_MS:
            watch.saved_ms = now_ms
            self._begin(watch, "save", self._save(watch))

    def _judge(self, watch: WatchedPosition) -> None:
        """Write off a remainder that is dust; record one that the filters refuse.

        Running sales do this themselves.
        """
        position, grid = watch.position, self._symbol_filters.of(watch.position.symbol)
        is_busy = self._exit_execution.is_selling(position.id) or self._ledger.is_behind
        if grid is None or is_busy or position.state is not PositionState.OPEN or not position.remaining:
            return
        judged = self._sellability.of(position, position.remaining, grid)
        if judged.sellability is Sellability.DUST:
            orders = self._ledger.state.orders_of(position.id)
            if _is_remainder(position, grid) and not any(order.state.is_on_exchange for order in orders):
                self._begin(watch, "dust", self._write_off(position, judged.text))
        trapped = judged.text if judged.sellability is Sellability.TRAPPED else ""
        if trapped != position.trapped:
            self._begin(watch, "trapped", self._save_trapped(position, trapped))

    def _report_stale_price(self, watch: WatchedPosition, age_ms: int | None) -> None:
        watch.is_after_gap = True
        if watch.is_price_stale:
            return
        watch.is_price_stale = True
        age = "no price yet" if age_ms is None else f"the last price is {age_ms} ms old"
        text = f"{watch.position.symbol}: {age}, no current price for the stop; querying the order book"
        log.warning("%s", text)
        symbol = watch.position.symbol
        self._begin(watch, "alert", self._alert(symbol, text))

    # ---- background tasks

    async def _save(self, watch: WatchedPosition) -> None:
        memory, text, watch.text = watch.memory, watch.text, ""
        after = msgspec.structs.replace(
            watch.position,
            stop_price=memory.stop_price,
            high_price=memory.high_price,
            low_price=memory.low_price,
            fired=memory.fired,
            fired_text=memory.fired_text,
        )
        await self._ledger.save_exits(after, text)
        watch.saved = (memory.stop_price, memory.high_price, memory.fired)

    async def _write_off(self, position: Position, why: str) -> None:
        text = f"dust: {why}"
        await self._ledger.write_off(position.id, text, left=position.remaining)

    async def _save_trapped(self, position: Position, text: str) -> None:
        await self._ledger.save_trapped(position.id, text)
        if text:
            await self._alert(position.symbol, f"{position.symbol} cannot be sold: {text}")

    async def _alert(self, symbol: str, text: str) -> None:
        await self._ledger.write("alert", lambda desk: desk.alert("guardian", symbol, text))

    def _begin(self, watch: WatchedPosition | None, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run a task in the background, at most one of a kind per position."""
        busy = self._busy if watch is None else watch.busy
        if name in busy:
            work.close()
            return
        busy.add(name)
        chore = asyncio.ensure_future(work)
        self._chores.add(chore)

        def ended(done: "asyncio.Future[None]") -> None:
            busy.discard(name)
            self._chores.discard(done)
            if not done.cancelled() and (error := done.exception()) is not None:
                level = logging.WARNING if isinstance(error, StorageError) else logging.ERROR
                log.log(level, "exit monitor, %s: %s", name, error)

        chore.add_done_callback(ended)


def _cap_of(orders: Sequence[Order], slippage_pct: Decimal) -> SlippageCap | None:
    """Return the slippage cap of a manual sale: its first order was priced at the first bid."""
    first = min(orders, key=lambda order: order.created_ms, default=None)
    if first is None or first.price is None:
        return None
    return SlippageCap(first_bid=first.price, slippage_pct=slippage_pct, is_manual=True)


def _is_remainder(position: Position, grid: Grid) -> bool:
    """Whether the position only holds a remainder: less than any order, or after a completed ladder."""
    ladder, least = position.plan.ladder, max(grid.quantity_step, grid.min_quantity)
    return position.remaining < least or (bool(ladder) and len(position.rungs_done) == len(ladder))
