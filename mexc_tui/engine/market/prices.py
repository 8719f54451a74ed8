"""Prices of now, as streams bring them: who trades on them is told at once, who shows them looks here."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from mexc_tui.market.versions import VersionOrder
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from mexc_tui.ports.clock import Clock

QUOTE = "USDT"
"""The one quote asset that the desk trades in and keeps its books in."""
NS_PER_MS = 1_000_000
TRADED_NS = 60 * 1_000 * NS_PER_MS
MOST_IDLE = 256
"""Pairs whose prices are kept after their streams ended."""
LOWBALL = Decimal("0.05")

Levels = tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True, slots=True)
class Price:
    """A pair's newest prices. Moments are of the monotonic clock; None: never seen."""

    symbol: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    bids: Levels = ()
    """Best levels as (price, base units), best first."""
    asks: Levels = ()
    last_ms: int = 0
    """When `last` was traded, exchange's time."""
    quoted_ns: int | None = None
    traded_ns: int | None = None
    levels_ns: int | None = None
    heard_ms: int | None = None
    """When anything was last heard of it, exchange's time."""
    version: int = 0
    """Version of the order book that the bid is from; 0: unknown."""

    @property
    def bid_ns(self) -> int | None:
        """When the best prices were last received; a trade does not renew them."""
        return max((at for at in (self.quoted_ns, self.levels_ns) if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class PriceMove:
    """What just came of one pair: its price now, and the trades that brought it, oldest first."""

    price: Price
    trades: tuple[StreamDeal, ...]
    received_ns: int


class PriceCache:
    """Hears the streams beside the engine's other ears."""

    def __init__(self, clock: Clock, now_ms: Callable[[], int]) -> None:
        """`now_ms`: the exchange's time."""
        self._clock = clock
        self._now_ms = now_ms
        self._versions = VersionOrder()
        self._of: dict[str, Price] = {}
        self._asked: dict[str, Decimal] = {QUOTE: Decimal(1)}
        self._listeners: list[Callable[[PriceMove], None]] = []

    def on_move(self, listener: Callable[[PriceMove], None]) -> None:
        """Call with every move, at once; it must be quick."""
        self._listeners.append(listener)

    def off_move(self, listener: Callable[[PriceMove], None]) -> None:
        """Call it no more."""
        self._listeners.remove(listener)

    def of(self, symbol: str) -> Price:
        """Return a pair's newest prices, an empty one if nothing was seen."""
        return self._of.get(symbol) or Price(symbol)

    def age_ms(self, symbol: str) -> int | None:
        """Return how old a pair's best prices are; None: never received."""
        bid_ns = self.of(symbol).bid_ns
        return None if bid_ns is None else (self._clock.monotonic_ns() - bid_ns) // NS_PER_MS

    def believed_bid(self, symbol: str) -> Decimal | None:
        """Return a pair's best bid; None while it is next to nothing beside what was just traded.

        Bids of a thin book are gone for a moment, and a limit on losses must not act on that.
        """
        price, now_ns = self.of(symbol), self._clock.monotonic_ns()
        if price.bid is None or price.last is None or price.traded_ns is None:
            return price.bid
        is_of_now = now_ns - price.traded_ns <= TRADED_NS
        return None if is_of_now and price.bid < price.last * LOWBALL else price.bid

    def distrust(self) -> None:
        """Let nothing that was heard until now count as heard: nobody knows how long ago it was."""
        self._versions.clear()
        self._of = {
            symbol: replace(price, quoted_ns=None, traded_ns=None, levels_ns=None)
            for symbol, price in self._of.items()
        }

    def in_quote(self) -> Mapping[str, Decimal]:
        """Return what one of each asset is worth, where known: to value fees and differences."""
        seen = {
            symbol.removesuffix(QUOTE): worth
            for symbol, price in self._of.items()
            if symbol.endswith(QUOTE) and (worth := price.bid or price.last) is not None
        }
        return {**self._asked, **seen}

    def note_asked(self, asset: str, worth: Decimal) -> None:
        """Take the worth of an asset that no stream tells."""
        self._asked[asset] = worth

    def renew(self, symbol: str) -> None:
        """Take the next prices of a pair whatever their version: its subscription began anew."""
        self._versions.forget(symbol)

    def bound(self, streamed: Collection[str]) -> None:
        """Forget pairs that are not streamed any more, the longest silent ones first, beyond `MOST_IDLE`."""
        idle = [symbol for symbol in self._of if symbol not in streamed]
        idle.sort(key=lambda symbol: self._of[symbol].heard_ms or 0)
        for symbol in idle[: max(len(idle) - MOST_IDLE, 0)]:
            del self._of[symbol]
            self._versions.forget(symbol)

    # ---- what comes in

    def on_quote(self, quote: BestQuote) -> None:
        """Take a pair's best prices, unless newer ones were received before."""
        now_ns = self._clock.monotonic_ns()
        if not self._versions.accepts(quote.symbol, quote.version, now_ns):
            return
        moved = replace(
            self.of(quote.symbol),
            bid=quote.bid_price,
            ask=quote.ask_price,
            quoted_ns=now_ns,
            heard_ms=self._now_ms(),
            version=quote.version,
        )
        self._put(moved, (), now_ns)

    def on_deals(self, deals: Sequence[StreamDeal]) -> None:
        """Take trades of one pair, oldest first; the last price is that of the newest by its own time."""
        if not deals:
            return
        now_ns, now_ms = self._clock.monotonic_ns(), self._now_ms()
        newest = max(reversed(deals), key=lambda one: one.time_ms)
        moved = replace(self.of(newest.symbol), heard_ms=now_ms)
        if newest.time_ms >= moved.last_ms:
            last_ms = min(newest.time_ms, now_ms)
            moved = replace(moved, last=newest.price, last_ms=last_ms, traded_ns=now_ns)
        self._put(moved, tuple(deals), now_ns)

    def on_levels(self, levels: TopLevels) -> None:
        """Take a pair's best levels; they are a quote too. Older ones than the newest quote are dropped."""
        now_ns = self._clock.monotonic_ns()
        if not self._versions.accepts(levels.symbol, levels.version, now_ns):
            return
        bid = levels.bids[0][0] if levels.bids else None
        ask = levels.asks[0][0] if levels.asks else None
        moved = replace(
            self.of(levels.symbol),
            bid=bid,
            ask=ask,
            bids=levels.bids,
            asks=levels.asks,
            levels_ns=now_ns,
            heard_ms=self._now_ms(),
            version=levels.version,
        )
        self._put(moved, (), now_ns)

    def _put(self, price: Price, trades: tuple[StreamDeal, ...], now_ns: int) -> None:
        self._of[price.symbol] = price
        move = PriceMove(price, trades, now_ns)
        for listener in self._listeners:
            listener(move)
