"""Follows armed snipes and their listings to the last second, has them fired, and frees what is over."""

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
from mexc_tui.ledger.fence import watch_is_over
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.intent import Intent, Order, OrderRole, OrderState
from mexc_tui.model.listing import ListingStage
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
from mexc_tui.sniping.reaction import Chore
from mexc_tui.sniping.rounding import grid_of
from mexc_tui.sniping.verdict_text import moment

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.25
LEAD_MS = 30_000
"""A snipe's connection is made so long before its opening (performance 5)."""
WARM_MS = 3_000
"""It is warmed once more, and measured, so long before."""
CHECK_MS = 1_200
"""The checklist comes so long before it."""
COMMIT_MS = 400
"""So long before it, the books are told that it fires: after a crash nobody fires it again."""
EARLY_MS = 1_000
"""Opened so long before its time, a pair is not the one that was judged: the first prices are gone."""
QUIET_BEFORE_MS, QUIET_AFTER_MS = 2_000, 1_000
"""What takes long waits from so long before an opening to so long after it (performance 10)."""


class Sniper:
    """One worker, and what a face may ask of it."""

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
        """`window_ms`: how long the exchange may take an order."""
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
        """Why snipes that fire buy nothing more: their pair is being sold."""
        knowledge_store.on_change(self._wake.set)

    async def run(self, started: Started) -> None:
        """Look again and again; armed snipes that are cut short stay armed in the books."""
        started()
        try:
            while True:
                try:
                    await self.process()
                except StorageError as error:
                    log.error("snipes wait for the store: %s", error)  # those that fire go on
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
        """Arm what signals allow, follow what is armed, free what is over."""
        self._drop_finished_tasks()
        if not self._reconciler.is_done:
            return  # what an engine before this one sent is not known yet
        for snipe in list(self._ledger.state.snipes.values()):
            if snipe.id not in self._tasks:
                await self._follow(snipe)
            elif snipe.state.is_unfired and (off := self._cancel_reason(snipe)):
                await self._disarm(snipe, off)
        await self._free_intents()
        await self._arming.process()

    def is_opening(self) -> bool:
        """Whether a snipe is about to fire or fires: what takes long waits (performance 10)."""
        now_ms = self._trading.now_ms()
        return any(
            one.opens_ms - QUIET_BEFORE_MS <= now_ms <= one.opens_ms + QUIET_AFTER_MS
            for one in self._ledger.state.snipes.values()
        )

    def end_buying(self, symbol: str, words: str) -> None:
        """End the firing of a pair, at once and for good: it is being sold."""
        for snipe in self._ledger.state.snipes.values():
            if snipe.symbol == symbol and snipe.id in self._tasks:
                self._sold_reasons.setdefault(snipe.id, f"{symbol} is being sold: {words}")

    def _drop_finished_tasks(self) -> None:
        for name, task in list(self._tasks.items()):
            if not task.done():
                continue
            del self._tasks[name]
            self._sold_reasons.pop(name, None)
            error = None if task.cancelled() else task.exception()
            if error is not None:
                fault = None if isinstance(error, StorageError) else error  # its words say it all
                log.error("%s broke off and is followed anew: %s", task.get_name(), error, exc_info=fault)

    # ---- request by faces

    async def disarm(self, symbol: str, by: str, words: str = "disarmed manually") -> Snipe:
        """Disarm a pair's snipe. Raises CommandRefused if there is none, or it fires already."""
        snipe = self._ledger.state.snipe_of(symbol)
        if snipe is None:
            raise CommandRefused(f"No snipe is armed for {symbol}.")
        if snipe.state in (SnipeState.FIRING, SnipeState.UNKNOWN):
            raise CommandRefused(f"{symbol} is already firing: halt to stop it, or close the position.")
        self._arming.block_rearming(snipe)
        return await self._disarm(snipe, f"{words} ({by})")

    async def disarm_all(self, words: str) -> int:
        """Disarm every snipe that does not fire yet; return how many."""
        waiting = [one for one in self._ledger.state.snipes.values() if one.state.is_unfired]
        for snipe in waiting:
            await self._disarm(snipe, words)
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
        """Say why an armed snipe may not fire any more; empty: it may."""
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
        """End a snipe whose outcome was open, once every attempt of it is settled.

        An attempt that has no row may have been sent: the pair's history alone says that it was not.
        """
        if snipe.symbol in self._reconciler.unlisted:
            return
        orders = await self._orders_of(snipe.id)
        if any(not order.state.is_terminal for order in orders):
            return
        bought = sum((order.filled_value for order in orders), Decimal(0))
        state = ended_state(
            snipe.filled_quantity,
            is_complete=bought >= snipe.spend_cap * 9 / 10,
            was_refused=any(order.state is OrderState.REJECTED for order in orders),
        )
        words = f"all attempts resolved: {result_text(state, bought, QUOTE)}"
        await self._end(snipe, FiringResult(state, words, len(orders)))

    async def _orders_of(self, intent_id: str) -> tuple[Order, ...]:
        """Return an intent's orders: as stored, and those that are on their way."""
        scope = self._ledger.scope
        stored = await self._store.read(
            "orders of an intent", lambda found: found.trading(scope).orders.of_intent(intent_id)
        )
        rows = {one.client_order_id: one for one in stored}
        for order in self._ledger.state.orders.values():
            if order.intent_id == intent_id:
                rows[order.client_order_id] = order
        return tuple(rows.values())

    async def _disarm(self, snipe: Snipe, words: str) -> Snipe:
        task = self._tasks.pop(snipe.id, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._end(snipe, FiringResult(SnipeState.DISARMED, words, 0))
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
        words = f"entry of {snipe.symbol} after {many(snipe.attempts, 'attempt')}: {snipe.reason}"
        await self._ledger.write("failed entry", lambda desk: desk.alert_failed_order(snipe.symbol, words))

    async def _free_intents(self) -> None:
        """End entries of snipes that are over, unless an order is unsettled or an absent one is watched."""
        memory, now_ms = self._ledger.state, self._trading.now_ms()
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
        """Warm, check a second before the opening, fire, and write down what came of it."""
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
        """Return what the checklist refuses; empty: nothing."""
        refused = refusals(await self.readiness.check(firing))
        return f"checklist: {'; '.join(refusal_text(one) for one in refused)}" if refused else ""

    async def _with_current_filters(self, firing: Firing, intent: Intent, pair: Symbol) -> Firing:
        """Aim with the steps and bounds that the pair has by now (reliability O11)."""
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
            on_chore=self._run_chore,
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

    def _run_chore(self, chore: Chore, reason: str) -> None:
        log.info("%s: %s", chore, reason)
        match chore:
            case Chore.REFRESH_BALANCES | Chore.ALERT:
                self._reconciler.request_comparison()
            case Chore.REFRESH_SYMBOLS:
                self._wake.set()


@contextmanager
def paused_garbage_collection() -> Generator[None]:
    """Keep the garbage collector away from an opening (performance 10)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
