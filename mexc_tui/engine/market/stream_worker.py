"""Subscribes market streams and applies their messages: openings, tapes, prices."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence

from mexc_tui.engine.market.bar_memory import limit_histories
from mexc_tui.engine.market.knowledge_store import KnowledgeStore, PairHistory
from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.market.attention import StreamKind, may_have_opened, opening_soon, wanted_streams
from mexc_tui.market.lateness import as_of_ms
from mexc_tui.market.listings import ListingUpdate
from mexc_tui.market.tape import liquidity_of_levels, liquidity_of_quote
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.storage import StorageError
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from mexc_tui.ports.market import Market

log = logging.getLogger(__name__)

UPDATE_INTERVAL_S = 1.0
EARLIER_TRADES_AFTER_S = (0, 5, 10, 20, 40)
"""Pauses before the attempts to query trades from before a subscription."""


class StreamWorker:
    """Worker that keeps the required streams subscribed and applies their messages."""

    def __init__(
        self,
        *,
        market: Market,
        knowledge_store: KnowledgeStore,
        within_ms: Callable[[], int],
        maturity_ms: Callable[[], int],
        watched: Callable[[], Collection[str]] = tuple,
        held: Callable[[], Collection[str]] = tuple,
        prices: PriceCache | None = None,
    ) -> None:
        """`within_ms`: how long before an opening streams begin; `maturity_ms`: how long after they end.

        `watched`: pairs displayed by front ends; `held`: pairs with a position; `prices`: price cache of the
        trading components, updated before anything else.
        """
        self._market = market
        self._knowledge_store = knowledge_store
        self._within_ms = within_ms
        self._maturity_ms = maturity_ms
        self._updates: list[ListingUpdate] = []
        self._missed_openings: set[str] = set()
        """Pairs that may have opened before their trades were streamed."""
        self._wake = asyncio.Event()
        self._watched = watched
        self._held = held
        self._prices = prices
        knowledge_store.on_change(self._wake.set)

    async def run(self, started: Started) -> None:
        """Update subscriptions and store changes until cancelled."""
        await self._knowledge_store.load()
        self._update_subscriptions()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._market.run_streams(self))
            started()
            while True:
                await self._save_updates()
                self._update_subscriptions()
                for symbol in self._missed_openings:
                    group.create_task(self._query_earlier_trades(symbol))
                self._missed_openings.clear()
                self._wake.clear()
                if not self._updates:
                    await self._wait_for_change()

    async def _wait_for_change(self) -> None:
        try:
            async with asyncio.timeout(UPDATE_INTERVAL_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _save_updates(self) -> None:
        updates, self._updates = self._updates, []
        try:
            await self._knowledge_store.load()
            await self._knowledge_store.save(updates, self._market.now_ms())
        except StorageError as error:  # price updates must continue for the stops
            log.warning("stream updates were not stored and will be reloaded: %s", error)

    async def _query_earlier_trades(self, symbol: str) -> None:
        """Query the trades from before the stream, because the first trade is the opening.

        A failed query is retried a few times, rarely enough to leave budget to the polls.
        """
        for pause_s in EARLIER_TRADES_AFTER_S:
            await asyncio.sleep(pause_s)
            try:
                trades = await self._market.trades(symbol)
            except ExchangeError as error:
                log.info("no earlier trades of %s: %s", symbol, error)
                continue
            self._queue_update(
                self._knowledge_store.knowledge.merge_trades(symbol, trades, self._market.now_ms())
            )
            return

    def request_update(self) -> None:
        """Update the subscriptions soon, for example for a newly watched pair."""
        self._wake.set()

    def _update_subscriptions(self) -> None:
        now_ms = self._market.now_ms()
        live = self._knowledge_store.live(now_ms)
        wanted = wanted_streams(
            live,
            now_ms,
            self._watched(),
            within_ms=self._within_ms(),
            maturity_ms=self._maturity_ms(),
            held=self._held(),
        )
        self._market.stream(wanted, opening_soon(live, now_ms))
        streamed = {stream.symbol for stream in wanted}
        limit_histories(
            self._knowledge_store.histories,
            streamed,
            {name for listing in live for name in (listing.symbol, *listing.names)},
        )
        if self._prices is not None:
            self._prices.evict_idle(streamed)

    # ---- stream messages

    def on_deals(self, deals: Sequence[StreamDeal]) -> None:
        """Add trades to the tape of their pair; the first trade of a listing is its opening."""
        if self._prices is not None:
            self._prices.on_deals(deals)
        for deal in deals:
            history, now_ms = self._history(deal.symbol), self._market.now_ms()
            if history.tape.add(deal):
                history.trades.append(deal)
            history.record(as_of_ms(deal.time_ms, now_ms))
            self._queue_update(self._knowledge_store.knowledge.merge_deal(deal, now_ms))

    def on_quote(self, quote: BestQuote) -> None:
        """Apply best prices; the first ask of a listing is its opening.

        Levels give better liquidity figures than a quote, but a quote reports an empty side at once.
        """
        if self._prices is not None:
            self._prices.on_quote(quote)
        at_ms = self._market.now_ms()
        history = self._history(quote.symbol)
        history.quote, history.quoted_ms = quote, as_of_ms(quote.sent_ms, at_ms)
        history.record(history.quoted_ms)
        lacks_a_side = quote.bid_price is None or quote.ask_price is None
        if lacks_a_side or history.liquidity is None or not history.liquidity.ask_value:
            history.liquidity = liquidity_of_quote(quote, at_ms)
        self._queue_update(self._knowledge_store.knowledge.merge_quote(quote, at_ms))

    def on_levels(self, levels: TopLevels) -> None:
        """Apply the best levels: liquidity near the best prices."""
        if self._prices is not None:
            self._prices.on_levels(levels)
        history, at_ms = self._history(levels.symbol), self._market.now_ms()
        history.liquidity = liquidity_of_levels(levels, at_ms)
        history.record(as_of_ms(levels.sent_ms, at_ms))

    def on_deep_levels(self, levels: TopLevels) -> None:
        """Store the deep order book of a displayed pair; for display only."""
        history = self._history(levels.symbol)
        history.deep_levels = levels
        history.deep_levels_ms = as_of_ms(levels.sent_ms, self._market.now_ms())
        history.record(history.deep_levels_ms)

    def on_gap(self, symbol: str, kind: StreamKind, *, is_closed: bool) -> None:
        """Record the start and end of a gap in the streams of a pair."""
        if kind is StreamKind.DEEP_LEVELS:
            self._history(symbol).deep_levels = None
        elif is_closed and self._prices is not None:
            self._prices.reset_version(symbol)
        if kind is not StreamKind.DEALS:
            return
        history, now_ms = self._history(symbol), self._market.now_ms()
        listing = self._knowledge_store.knowledge.listings.named(symbol)
        if is_closed and listing is not None and may_have_opened(listing, now_ms):
            self._missed_openings.add(symbol)
            self._wake.set()
        if is_closed and history.gap_since_ms is not None:
            history.tape.record_gap(history.gap_since_ms, now_ms)
            history.gap_since_ms = None
        elif not is_closed and history.gap_since_ms is None:
            history.gap_since_ms = now_ms

    def _history(self, symbol: str) -> PairHistory:
        return self._knowledge_store.histories.setdefault(symbol, PairHistory())

    def _queue_update(self, update: ListingUpdate | None) -> None:
        if update is not None:
            self._updates.append(update)
            self._wake.set()
