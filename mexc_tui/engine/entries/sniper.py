"""Follow armed snipes and their listings until the opening, fire them, and release what has ended."""

import asyncio
import gc
import logging
from collections.abc import Callable, Generator
from contextlib import contextmanager
from decimal import Decimal

import msgspec

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.accounting.reconciler import Reconciler
from mexc_tui.engine.entries.arming import Arming
from mexc_tui.engine.entries.entry_context import EntryParameters
from mexc_tui.engine.entries.firing import Firing, FiringResult
from mexc_tui.engine.entries.readiness import PairWatch, Readiness
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.prices import QUOTE, PriceCache
from mexc_tui.engine.orders.execution import Execution
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.engine.runtime.suspend_detector import SuspendDetector
from mexc_tui.ledger.order_absence import watch_is_over
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.intent import Intent, Order, OrderRole, OrderState
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.order import OrderType
from mexc_tui.model.snipe import Snipe, SnipeState
from mexc_tui.model.storage import StorageError
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.text import many
from mexc_tui.model.trading import TradingState
from mexc_tui.model.verdict import refusal_text, refusals
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.store import Store
from mexc_tui.ports.trading import TradingPort
from mexc_tui.sniping.plan import ended_state, result_text
from mexc_tui.sniping.reaction import FollowUp
from mexc_tui.sniping.rounding import grid_of
from mexc_tui.sniping.verdict_text import moment

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.25
LEAD_MS = 30_000
"""Lead time of a snipe's connection before the opening (performance 5)."""
WARM_MS = 3_000
"""Time before the opening at which the connection is warmed again and measured."""
CHECK_MS = 1_200
"""Time before the opening at which the checklist runs."""
COMMIT_MS = 400
"""Time before the opening at which the firing is stored: after a crash it is not fired again."""
EARLY_MS = 1_000
"""A pair that opened this much before its time differs from the one checked: the first prices are gone."""
QUIET_BEFORE_MS, QUIET_AFTER_MS = 2_000, 1_000
"""Time around an opening in which slow work waits (performance 10)."""


_RESTING = (OrderState.ACKNOWLEDGED, OrderState.PARTIAL, OrderState.CANCELLING)


class Sniper:
    """Worker that fires snipes, with the commands to disarm them."""

    def __init__(
        self,
        *,
        knowledge_store: KnowledgeStore,
        trading: TradingPort,
        ledger: LedgerWriter,
        execution: Execution,
        prices: PriceCache,
        store: Store,
        clock: Clock,
        arming: Arming,
        reconciler: Reconciler,
        suspend_detector: SuspendDetector,
        parameters: Callable[[], EntryParameters],
        window_ms: Callable[[], int],
        streams: PairWatch,
    ) -> None:
        """`window_ms`: recvWindow of an order."""
        self._knowledge_store = knowledge_store
        self._trading = trading
        self._ledger = ledger
        self._execution = execution
        self._prices = prices
        self._store = store
        self._clock = clock
        self._arming = arming
        self._reconciler = reconciler
        self._suspend_detector = suspend_detector
        self.readiness = Readiness(
            knowledge_store=knowledge_store,
            trading=trading,
            ledger=ledger,
            arming=arming,
            reconciler=reconciler,
            suspend_detector=suspend_detector,
            parameters=parameters,
            streams=streams,
        )
        self._parameters = parameters
        self._window_ms = window_ms
        self._wake = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._sold_reasons: dict[str, str] = {}
        """Why firing snipes buy nothing more: their pair is being sold."""
        knowledge_store.on_change(self._wake.set)

    async def run(self, started: Started) -> None:
        """Process snipes until cancelled; interrupted snipes stay armed in the ledger."""
        started()
        try:
            while True:
                try:
                    await self.process()
                except StorageError as error:
                    log.error("snipes: the store failed: %s", error)  # firing snipes continue
                try:
                    async with asyncio.timeout(CHECK_INTERVAL_S):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()

    async def process(self) -> None:
        """Arm what signals allow, follow armed snipes, release what has ended."""
        self._drop_finished_tasks()
        if not self._reconciler.is_done:
            return  # orders of the previous engine are unknown yet
        for snipe in list(self._ledger.state.snipes.values()):
            if snipe.id not in self._tasks:
                await self._follow(snipe)
            elif snipe.state.is_unfired and (off := self._cancel_reason(snipe)):
                await self._disarm(snipe, off)
        await self._free_intents()
        await self._arming.process()

    def is_opening(self) -> bool:
        """Whether a snipe is about to fire or fires: slow work waits (performance 10)."""
        now_ms = self._trading.now_ms()
        return any(
            snipe.opens_ms - QUIET_BEFORE_MS <= now_ms <= snipe.opens_ms + QUIET_AFTER_MS
            for snipe in self._ledger.state.snipes.values()
        )

    def end_buying(self, symbol: str, text: str) -> None:
        """End the firing of a pair for good, because it is being sold."""
        for snipe in self._ledger.state.snipes.values():
            if snipe.symbol == symbol and snipe.id in self._tasks:
                self._sold_reasons.setdefault(snipe.id, f"{symbol} is being sold: {text}")

    def _drop_finished_tasks(self) -> None:
        for name, task in list(self._tasks.items()):
            if not task.done():
                continue
            del self._tasks[name]
            self._sold_reasons.pop(name, None)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                fault = None if isinstance(error, StorageError) else error  # its text is sufficient
                log.error("%s failed and is restarted: %s", task.get_name(), error, exc_info=fault)

    # ---- commands

    async def disarm(self, symbol: str, by: str, text: str = "disarmed manually") -> Snipe:
        """Disarm the snipe of a pair. Raises CommandRefused if there is none, or it is firing."""
        snipe = self._ledger.state.snipe_of(symbol)
        if snipe is None:
            raise CommandRefused(f"No snipe is armed for {symbol}.")
        if snipe.state in (SnipeState.FIRING, SnipeState.UNKNOWN):
            raise CommandRefused(f"{symbol} is already firing: halt to stop it, or close the position.")
        self._arming.block_rearming(snipe)
        return await self._disarm(snipe, f"{text} ({by})")

    async def disarm_all(self, text: str) -> int:
        """Disarm every snipe that is not firing yet; return how many."""
        waiting = [snipe for snipe in self._ledger.state.snipes.values() if snipe.state.is_unfired]
        for snipe in waiting:
            await self._disarm(snipe, text)
        return len(waiting)

    # ---- following

    async def _follow(self, snipe: Snipe) -> None:
        if snipe.state in (SnipeState.FIRING, SnipeState.UNKNOWN):
            await self._settle(snipe)
            return
        off, now_ms = self._cancel_reason(snipe), self._trading.now_ms()
        if off:
            await self._disarm(snipe, off)
        elif now_ms > snipe.opens_ms + self._parameters().fire.window_ms:
            await self._end(
                snipe, FiringResult(SnipeState.MISSED, "the engine was not running at the opening", 0)
            )
        elif snipe.opens_ms - now_ms <= LEAD_MS:
            self._tasks[snipe.id] = asyncio.create_task(self._run_firing(snipe), name=f"snipe {snipe.symbol}")

    def _cancel_reason(self, snipe: Snipe) -> str:
        """Return why an armed snipe may not fire any more; empty: it may."""
        listing = self._knowledge_store.knowledge.listings.get(snipe.listing_id)
        if snipe.id in self._sold_reasons:
            return self._sold_reasons[snipe.id]
        if self._ledger.state.trading.state in (TradingState.HALTED, TradingState.FLATTENING):
            return f"trading is {self._ledger.state.trading.state}"
        if listing is None:
            listing = self._knowledge_store.knowledge.listings.named(snipe.symbol)
        if listing is None or listing.stage is ListingStage.CANCELLED:
            return "the listing was cancelled"
        if listing.symbol != snipe.symbol:
            return f"renamed to {listing.symbol}"
        if listing.opened_ms is None and listing.opens_ms != snipe.opens_ms:
            return f"the opening moved to {moment(listing.opens_ms)}"
        if listing.opened_ms is not None and listing.opened_ms < snipe.opens_ms - EARLY_MS:
            return f"opened early, at {moment(listing.opened_ms)}"
        return ""

    async def _settle(self, snipe: Snipe) -> None:
        """End a snipe with an open outcome once every attempt is resolved.

        An attempt without a stored order may have been sent: only the pair's history proves that it was
        not.
        """
        if snipe.symbol in self._reconciler.unlisted:
            return
        orders = await self._orders_of(snipe.id)
        resting = [one for one in orders if one.type is OrderType.LIMIT and one.state in _RESTING]
        if resting:
            cancelling = self._cancel_resting(resting)
            self._tasks[snipe.id] = asyncio.create_task(cancelling, name=f"cancel of {snipe.symbol}")
        if any(not order.state.is_terminal for order in orders):
            return
        bought = sum((order.filled_value for order in orders), Decimal(0))
        state = ended_state(
            snipe.filled_quantity,
            is_complete=bought >= snipe.spend_cap * 9 / 10,
            was_refused=any(order.state is OrderState.REJECTED for order in orders),
        )
        text = f"all attempts resolved: {result_text(state, bought, QUOTE)}"
        await self._end(snipe, FiringResult(state, text, len(orders)))

    async def _cancel_resting(self, orders: list[Order]) -> None:
        """Cancel entries that a firing left open, such as one that a crash ended."""
        for order in orders:
            await self._execution.cancel(order, "the firing that sent it has ended")

    async def _orders_of(self, intent_id: str) -> tuple[Order, ...]:
        """Return an intent's orders: the stored ones and those not stored yet."""
        scope = self._ledger.scope
        stored = await self._store.read(
            "orders of an intent", lambda found: found.trading(scope).orders.of_intent(intent_id)
        )
        rows = {order.client_order_id: order for order in stored}
        for order in self._ledger.state.orders.values():
            if order.intent_id == intent_id:
                rows[order.client_order_id] = order
        return tuple(rows.values())

    async def _disarm(self, snipe: Snipe, text: str) -> Snipe:
        task = self._tasks.pop(snipe.id, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._end(snipe, FiringResult(SnipeState.DISARMED, text, 0))
        return snipe

    async def _end(self, snipe: Snipe, ended: FiringResult) -> None:
        after = msgspec.structs.replace(
            snipe,
            state=ended.state,
            reason=ended.reason,
            attempts=max(ended.attempts, snipe.attempts),
            ended_ms=self._trading.now_ms() if ended.state.is_over else None,
        )
        await self._ledger.save_snipe(after)
        if after.state is SnipeState.REJECTED:
            await self._alert_failed(after)
        await self._free_intents()

    async def _alert_failed(self, snipe: Snipe) -> None:
        text = f"entry of {snipe.symbol} after {many(snipe.attempts, 'attempt')}: {snipe.reason}"
        await self._ledger.write("failed entry", lambda desk: desk.alert_failed_order(snipe.symbol, text))

    async def _free_intents(self) -> None:
        """End the entry intents of ended snipes.

        Keep those with an unresolved order, or with an absent one that is still watched, and all while
        evidence cannot be stored: the next engine searches unstored orders of open intents only.
        """
        memory, now_ms = self._ledger.state, self._trading.now_ms()
        if self._ledger.problem:
            return
        for intent in list(memory.intents.values()):
            if intent.role is not OrderRole.ENTRY or intent.snipe_id in memory.snipes:
                continue
            orders = await self._orders_of(intent.id)
            waits = intent.symbol in self._reconciler.unlisted or any(
                not order.state.is_terminal
                or (order.state is OrderState.ABSENT and not watch_is_over(order, now_ms))
                for order in orders
            )
            if not waits:
                await self._ledger.end_intent(intent.id, "the snipe has ended")

    # ---- firing

    async def _run_firing(self, snipe: Snipe) -> None:
        """Warm up, check a second before the opening, fire, and store the result."""
        intent, pair = (
            self._ledger.state.intents.get(snipe.id),
            self._knowledge_store.knowledge.pairs.get(snipe.symbol),
        )
        if intent is None or pair is None:
            await self._end(snipe, FiringResult(SnipeState.DISARMED, "not in exchangeInfo", 0))
            return
        firing = self._firing(snipe, intent, pair)
        try:
            self.readiness.probe(snipe.symbol)
            await firing.warm()
            await self._sleep_until(snipe.opens_ms - WARM_MS)
            firing = await self._with_current_filters(firing, intent, pair)
            self.readiness.probe(snipe.symbol)
            await firing.warm()
            await self._sleep_until(snipe.opens_ms - CHECK_MS)
            refused = await self._check(firing)
            if refused:
                await self._end(snipe, FiringResult(SnipeState.DISARMED, refused, 0))
                return
            await self._fire(snipe, firing)
        finally:
            await firing.close()

    async def _check(self, firing: Firing) -> str:
        """Return the failed checks; empty: none."""
        refused = refusals(await self.readiness.check(firing))
        return f"checklist: {'; '.join(refusal_text(verdict) for verdict in refused)}" if refused else ""

    async def _with_current_filters(self, firing: Firing, intent: Intent, pair: Symbol) -> Firing:
        """Return the firing with the current symbol filters of the pair (reliability O11)."""
        now = self._knowledge_store.knowledge.pairs.get(pair.symbol, pair)
        if grid_of(now) == grid_of(pair):
            return firing
        log.warning("steps or bounds of %s changed while it was armed", pair.symbol)
        await firing.close()
        return self._firing(firing.snipe, intent, now)

    def _firing(self, snipe: Snipe, intent: Intent, pair: Symbol) -> Firing:
        return Firing(
            snipe=snipe,
            intent=intent,
            grid=grid_of(pair),
            rules=self._parameters().fire,
            trading=self._trading,
            ledger=self._ledger,
            execution=self._execution,
            prices=self._prices,
            clock=self._clock,
            window_ms=self._window_ms,
            on_follow_up=self._run_follow_up,
            cancel_reason=lambda: (
                self._cancel_reason(snipe) or self._execution.refusal(OrderRole.ENTRY, snipe.symbol)
            ),
            suspend_detector=self._suspend_detector,
            check=self._check,
        )

    async def _fire(self, snipe: Snipe, firing: Firing) -> None:
        ready = msgspec.structs.replace(snipe, state=SnipeState.READY, reason="checklist passed")
        await self._ledger.save_snipe(ready)
        await self._sleep_until(snipe.opens_ms - COMMIT_MS)
        off = self._cancel_reason(snipe)
        if off:
            await self._end(ready, FiringResult(SnipeState.DISARMED, off, 0))
            return
        fired = msgspec.structs.replace(ready, state=SnipeState.FIRING, reason="firing")
        await self._ledger.save_snipe(fired)
        with paused_garbage_collection():
            ended = await firing.fire()
        for attempt in firing.attempts:
            await self._ledger.save_attempt(attempt, snipe.symbol)
        await self._end(firing.bounded(fired), ended)

    async def _sleep_until(self, exchange_ms: int) -> None:
        left_ns = self._trading.exchange_ns(exchange_ms) - self._clock.monotonic_ns()
        await asyncio.sleep(max(left_ns / 1e9, 0.0))

    def _run_follow_up(self, follow_up: FollowUp, reason: str) -> None:
        log.info("%s: %s", follow_up, reason)
        match follow_up:
            case FollowUp.REFRESH_BALANCES | FollowUp.ALERT:
                self._reconciler.request_comparison()
            case FollowUp.REFRESH_SYMBOLS:
                self._wake.set()


@contextmanager
def paused_garbage_collection() -> Generator[None]:
    """Pause garbage collection during an opening (performance 10)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
