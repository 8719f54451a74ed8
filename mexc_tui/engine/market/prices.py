"""Cache of the latest streamed price per symbol, with callbacks for every change."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.market.lateness import as_of_ms
from mexc_tui.market.versions import VersionOrder
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from mexc_tui.ports.clock import Clock

QUOTE = "USDT"
"""Quote asset of all trades and of the ledger."""
NS_PER_MS = 1_000_000
RECENT_TRADE_NS = 60 * 1_000 * NS_PER_MS
MAX_IDLE = 256
"""Pairs kept in the cache after their streams ended."""
IMPLAUSIBLE_BID_RATIO = Decimal("0.05")
"""A bid below this share of the last trade is not used."""

Levels = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Latest prices of a pair. `_ns`: monotonic clock, None: never received; a late message has the time at
    which it was sent."""

    symbol: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    bids: Levels = ()
    """Best levels as (price, base units), best first."""
    asks: Levels = ()
    last_ms: int = 0
    """When `last` was traded, exchange time."""
    quoted_ns: int | None = None
    traded_ns: int | None = None
    levels_ns: int | None = None
    updated_ms: int | None = None
    """When the last message was received, or sent if it was late; exchange time."""
    version: int = 0
    """Order-book version of the bid; 0: unknown."""

    @property
    def bid_ns(self) -> int | None:
        """When the best bid and ask were last received; trades do not count."""
        return max((at for at in (self.quoted_ns, self.levels_ns) if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class PriceMove:
    """Price update of one pair with the trades that caused it, oldest first."""

    price: Price
    trades: tuple[StreamDeal, ...]
    received_ns: int


class PriceCache:
    """Latest streamed price per symbol."""

    def __init__(self, clock: Clock, now_ms: Callable[[], int]) -> None:
        """`now_ms`: exchange time."""
        self._clock = clock
        self._now_ms = now_ms
        self._versions = VersionOrder()
        self._of: dict[str, Price] = {}
        self._polled: dict[str, Decimal] = {QUOTE: Decimal(1)}
        self._listeners: list[Callable[[PriceMove], None]] = []

    def on_move(self, listener: Callable[[PriceMove], None]) -> None:
        """Register a callback for every price update; it is called synchronously and must be quick."""
        self._listeners.append(listener)

    def off_move(self, listener: Callable[[PriceMove], None]) -> None:
        """Remove a callback."""
        self._listeners.remove(listener)

    def of(self, symbol: str) -> Price:
        """Return the latest prices of a pair; empty if none were received."""
        return self._of.get(symbol) or Price(symbol=symbol)

    def age_ms(self, symbol: str) -> int | None:
        """Return how old a pair's best prices are; None: never received."""
        bid_ns = self.of(symbol).bid_ns
        return None if bid_ns is None else (self._clock.monotonic_ns() - bid_ns) // NS_PER_MS

    def believed_bid(self, symbol: str) -> Decimal | None:
        """Return the best bid; None: no bid, or one implausibly far below a recent trade.

        The bids of a thin book may vanish for a moment; loss limits must not act on that.
        """
        price, now_ns = self.of(symbol), self._clock.monotonic_ns()
        if price.bid is None or price.last is None or price.traded_ns is None:
            return price.bid
        is_recent = now_ns - price.traded_ns <= RECENT_TRADE_NS
        return None if is_recent and price.bid < price.last * IMPLAUSIBLE_BID_RATIO else price.bid

    def invalidate(self) -> None:
        """Mark all prices as stale, because their age is unknown after a gap."""
        self._versions.clear()
        self._of = {
            symbol: replace(price, quoted_ns=None, traded_ns=None, levels_ns=None)
            for symbol, price in self._of.items()
        }

    def in_quote(self) -> Mapping[str, Decimal]:
        """Return the value of one unit of each asset in the quote asset, where known."""
        streamed = {
            symbol.removesuffix(QUOTE): value
            for symbol, price in self._of.items()
            if symbol.endswith(QUOTE) and (value := price.bid or price.last) is not None
        }
        return {**self._polled, **streamed}

    def set_polled_value(self, asset: str, value: Decimal) -> None:
        """Set the value of an asset without a stream."""
        self._polled[asset] = value

    def reset_version(self, symbol: str) -> None:
        """Accept the next prices of a pair at any version, because its subscription was renewed."""
        self._versions.forget(symbol)

    def evict_idle(self, streamed: Collection[str]) -> None:
        """Drop pairs without a stream beyond `MAX_IDLE`, least recently updated first."""
        idle = [symbol for symbol in self._of if symbol not in streamed]
        idle.sort(key=lambda symbol: self._of[symbol].updated_ms or 0)
        for symbol in idle[: max(len(idle) - MAX_IDLE, 0)]:
            del self._of[symbol]
            self._versions.forget(symbol)

    # ---- stream messages

    def on_quote(self, quote: BestQuote) -> None:
        """Apply the best prices of a pair, unless newer ones were received before."""
        now_ns = self._clock.monotonic_ns()
        if not self._versions.accepts(quote.symbol, quote.version, now_ns):
            return
        now_ms = self._now_ms()
        sent_ms = as_of_ms(quote.sent_ms, now_ms)
        moved = replace(
            self.of(quote.symbol),
            bid=quote.bid_price,
            ask=quote.ask_price,
            quoted_ns=now_ns - (now_ms - sent_ms) * NS_PER_MS,
            updated_ms=sent_ms,
            version=quote.version,
        )
        self._put(moved, (), now_ns)

    def on_deals(self, deals: Sequence[StreamDeal]) -> None:
        """Apply trades of one pair, oldest first; the trade with the latest timestamp sets the last price."""
        if not deals:
            return
        now_ns, now_ms = self._clock.monotonic_ns(), self._now_ms()
        newest = max(reversed(deals), key=lambda deal: deal.time_ms)
        moved = replace(self.of(newest.symbol), updated_ms=now_ms)
        if newest.time_ms >= moved.last_ms:
            last_ms = min(newest.time_ms, now_ms)
            moved = replace(moved, last=newest.price, last_ms=last_ms, traded_ns=now_ns)
        self._put(moved, tuple(deals), now_ns)

    def on_levels(self, levels: TopLevels) -> None:
        """Apply the best levels of a pair, including its quote; drop levels older than the last quote."""
        now_ns = self._clock.monotonic_ns()
        if not self._versions.accepts(levels.symbol, levels.version, now_ns):
            return
        now_ms = self._now_ms()
        sent_ms = as_of_ms(levels.sent_ms, now_ms)
        bid = levels.bids[0][0] if levels.bids else None
        ask = levels.asks[0][0] if levels.asks else None
        moved = replace(
            self.of(levels.symbol),
            bid=bid,
            ask=ask,
            bids=levels.bids,
            asks=levels.asks,
            levels_ns=now_ns - (now_ms - sent_ms) * NS_PER_MS,
            updated_ms=sent_ms,
            version=levels.version,
        )
        self._put(moved, (), now_ns)

    def _put(self, price: Price, trades: tuple[StreamDeal, ...], now_ns: int) -> None:
        self._of[price.symbol] = price
        move = PriceMove(price, trades, now_ns)
        for listener in self._listeners:
            listener(move)
