"""Streams for what deserves them: first quotes and trades are openings, the rest fills tapes."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence

from mexc_tui.engine.market.bar_memory import bound_seen
from mexc_tui.engine.market.knowledge_store import KnowledgeStore, PairHistory
from mexc_tui.engine.market.prices import PriceCache
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.market.attention import StreamKind, in_a_hurry, may_have_opened, wanted_streams
from mexc_tui.market.listings import Update
from mexc_tui.market.tape import liquidity_of_levels, liquidity_of_quote
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.storage import StorageError
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from mexc_tui.ports.market import Market

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
CATCH_UP_AFTER_S = (0, 5, 10, 20, 40)


class StreamWorker:
    """One worker: keeps the right streams subscribed, and folds in what they bring."""

    def __init__(
        self,
        market: Market,
        known: KnowledgeStore,
        within_ms: Callable[[], int],
        maturity_ms: Callable[[], int],
    ) -> None:
        """`within_ms`: how long before an opening streams begin; `maturity_ms`: how long after they end."""
        self._market = market
        self._known = known
        self._within_ms = within_ms
        self._maturity_ms = maturity_ms
        self._updates: list[Update] = []
        self._unseen: set[str] = set()
        """Pairs that may have opened before their trades were heard."""
        self._wake = asyncio.Event()
        self.shown: Callable[[], Collection[str]] = tuple
        """Pairs that a face shows."""
        self.held: Callable[[], Collection[str]] = tuple
        """Pairs that money is in."""
        self.prices = tuple[PriceCache, ...]()
        """Who hears prices too, before anything else is done with them."""
        known.changed.append(self._wake.set)

    async def run(self, started: Started) -> None:
        """Serve until cancelled."""
        await self._known.load()
        self._want()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._market.run_streams(self))
            started()
            while True:
                await self._keep()
                self._want()
                for symbol in self._unseen:
                    group.create_task(self._catch_up(symbol))
                self._unseen.clear()
                self._wake.clear()
                if not self._updates:
                    await self._pause()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _keep(self) -> None:
        updates, self._updates = self._updates, []
        try:
            await self._known.load()
            await self._known.keep(updates, self._market.now_ms())
        except StorageError as error:  # prices go on: stops live on them
            log.warning("what the streams showed is not stored, it is learned again: %s", error)

    async def _catch_up(self, symbol: str) -> None:
        """Ask for the trades from before the stream: the first one is the opening, whenever we came.

        Asked in vain, it is asked again a few times, so rarely that polls do not suffer from it.
        """
        for pause_s in CATCH_UP_AFTER_S:
            await asyncio.sleep(pause_s)
            try:
                trades = await self._market.trades(symbol)
            except ExchangeError as error:
                log.info("no earlier trades of %s: %s", symbol, error)
                continue
            self._note(self._known.knowledge.note_trades(symbol, trades, self._market.now_ms()))
            return

    def look_again(self) -> None:
        """Subscribe soon to what is wanted anew."""
        self._wake.set()

    def _want(self) -> None:
        now_ms = self._market.now_ms()
        live = self._known.live(now_ms)
        wanted = wanted_streams(
            live,
            now_ms,
            self.shown(),
            within_ms=self._within_ms(),
            maturity_ms=self._maturity_ms(),
            held=self.held(),
        )
        self._market.stream(wanted, in_a_hurry(live, now_ms))
        streamed = {one.symbol for one in wanted}
        bound_seen(self._known.seen, streamed, {name for one in live for name in (one.symbol, *one.names)})
        for prices in self.prices:
            prices.bound(streamed)

    # ---- what comes in

    def on_deals(self, deals: Sequence[StreamDeal]) -> None:
        """Put trades on their pair's tape; the first of a listing is an opening."""
        for prices in self.prices:
            prices.on_deals(deals)
        for deal in deals:
            seen, now_ms = self._seen(deal.symbol), self._market.now_ms()
            if seen.tape.add(deal):
                seen.trades.append(deal)
            seen.heard_ms = now_ms
            self._note(self._known.knowledge.note_deal(deal, now_ms))

    def on_quote(self, quote: BestQuote) -> None:
        """Note best prices; the first ask of a listing is an opening.

        Levels tell more than a quote, but an empty side is told by a quote at once.
        """
        for prices in self.prices:
            prices.on_quote(quote)
        at_ms = self._market.now_ms()
        seen = self._seen(quote.symbol)
        seen.heard_ms = seen.quoted_ms = at_ms
        seen.quote = quote
        lacks_a_side = quote.bid_price is None or quote.ask_price is None
        if lacks_a_side or seen.liquidity is None or not seen.liquidity.ask_value:
            seen.liquidity = liquidity_of_quote(quote, at_ms)
        self._note(self._known.knowledge.note_quote(quote, at_ms))

    def on_levels(self, levels: TopLevels) -> None:
        """Note how much lies near the best prices."""
        for prices in self.prices:
            prices.on_levels(levels)
        seen, at_ms = self._seen(levels.symbol), self._market.now_ms()
        seen.liquidity, seen.heard_ms = liquidity_of_levels(levels, at_ms), at_ms

    def on_deep_levels(self, levels: TopLevels) -> None:
        """Keep more levels of a pair that a face shows; nothing is decided from them."""
        seen = self._seen(levels.symbol)
        seen.deep = levels
        seen.heard_ms = seen.deep_ms = self._market.now_ms()

    def on_gap(self, symbol: str, kind: StreamKind, *, is_closed: bool) -> None:
        """Note from when until when trades could not be seen."""
        if kind is StreamKind.DEEP_LEVELS:
            self._seen(symbol).deep = None
        elif is_closed:
            for prices in self.prices:
                prices.renew(symbol)
        if kind is not StreamKind.DEALS:
            return
        seen, now_ms = self._seen(symbol), self._market.now_ms()
        listing = self._known.knowledge.listings.named(symbol)
        if is_closed and listing is not None and may_have_opened(listing, now_ms):
            self._unseen.add(symbol)
            self._wake.set()
        if is_closed and seen.lost_since_ms is not None:
            seen.tape.note_gap(seen.lost_since_ms, now_ms)
            seen.lost_since_ms = None
        elif not is_closed and seen.lost_since_ms is None:
            seen.lost_since_ms = now_ms

    def _seen(self, symbol: str) -> PairHistory:
        return self._known.seen.setdefault(symbol, PairHistory())

    def _note(self, update: Update | None) -> None:
        if update is not None:
            self._updates.append(update)
            self._wake.set()
