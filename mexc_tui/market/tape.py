"""Tape of a symbol: trades in bars of one second, and its current liquidity."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from mexc_tui.model.order import Side
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels

BAR_MS = 1_000
MAX_BARS = 4 * 3_600
"""Four hours of a symbol that trades every second."""
MOST_IDS = 1_000
"""Trades remembered to recognise duplicates around a reconnection."""
MOST_GAPS = 256
NEAR = Decimal("0.02")
"""Depth counts within two per cent of the best price."""


@dataclass(slots=True, kw_only=True)
class TapeBar:
    """Trades of one second."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    value: float
    """In quote units."""
    bought: float
    """Share of the value bought by takers."""
    trades: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeStats:
    """Trades within a span that ends now. Prices are None without trades."""

    trades: int
    value: float
    buy_share: float | None
    first_price: float | None
    last_price: float | None
    high: float | None
    low: float | None
    trades_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidity:
    """Best prices and depth near them, in quote units, at one moment."""

    at_ms: int
    bid: float | None
    ask: float | None
    bid_value: float
    ask_value: float

    @property
    def spread_ratio(self) -> float | None:
        """Spread over the mid price; None when a side is empty."""
        if self.bid is None or self.ask is None:
            return None
        return (self.ask - self.bid) / ((self.ask + self.bid) / 2)


class Tape:
    """Bars of one symbol. Duplicates and late trades are allowed, since streams reconnect."""

    def __init__(self, max_bars: int = MAX_BARS) -> None:
        """Keep the newest `max_bars` seconds that have trades."""
        self._max_bars = max_bars
        self._bars: deque[TapeBar] = deque()
        self._ids: set[str] = set()
        self._recent: deque[str] = deque(maxlen=MOST_IDS)
        self.first_ms: int | None = None
        self.trades = 0
        self.gaps: list[tuple[int, int]] = []
        """Spans without a stream, as (from_ms, until_ms)."""
        self._forgotten_ms: int | None = None
        """Start of the oldest dropped bar; None: none was dropped."""

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self._bars)

    @property
    def bars(self) -> tuple[TapeBar, ...]:
        """Return the bars, oldest first."""
        return tuple(self._bars)

    def add(self, deal: StreamDeal) -> bool:
        """Add a trade; return whether it was new and recent enough for a bar."""
        if deal.trade_id in self._ids:
            return False
        start_ms = deal.time_ms - deal.time_ms % BAR_MS
        bar = self._bar_at(start_ms)
        if bar is None and self._bars and start_ms < self._bars[-1].start_ms:
            return False
        self._remember(deal.trade_id)
        price, value = float(deal.price), float(deal.price * deal.quantity)
        bought = value if deal.taker_side is Side.BUY else 0.0
        if bar is None:
            self._bars.append(
                TapeBar(
                    start_ms=start_ms,
                    open=price,
                    high=price,
                    low=price,
                    close=price,
                    value=value,
                    bought=bought,
                )
            )
            self.keep_newest(self._max_bars)
        else:
            bar.high, bar.low = max(bar.high, price), min(bar.low, price)
            bar.close, bar.value, bar.bought = price, bar.value + value, bar.bought + bought
            bar.trades += 1
        self.trades += 1
        self.first_ms = deal.time_ms if self.first_ms is None else min(self.first_ms, deal.time_ms)
        return True

    def record_gap(self, from_ms: int, until_ms: int) -> None:
        """Record that no trade could be observed between two moments. The oldest of many gaps are merged."""
        if self.gaps and self.gaps[-1][0] <= from_ms <= self.gaps[-1][1]:
            from_ms, until_ms = self.gaps[-1][0], max(until_ms, self.gaps.pop()[1])
        self.gaps.append((from_ms, until_ms))
        if len(self.gaps) > MOST_GAPS:
            (first_ms, _), (_, last_ms) = self.gaps[:2]
            self.gaps[:2] = [(first_ms, last_ms)]

    def keep_newest(self, count: int) -> None:
        """Drop all bars but the newest `count`; the dropped span becomes a gap."""
        if len(self._bars) <= count:
            return
        first_ms = self._bars[0].start_ms if self._forgotten_ms is None else self._forgotten_ms
        until_ms = first_ms
        while len(self._bars) > count:
            until_ms = self._bars.popleft().start_ms + BAR_MS
        self._forgotten_ms = first_ms
        apart = [gap for gap in self.gaps if gap[1] < first_ms or gap[0] > until_ms]
        joined = [gap for gap in self.gaps if gap not in apart]
        from_ms = min([first_ms, *(gap[0] for gap in joined)])
        self.gaps = sorted([*apart, (from_ms, max([until_ms, *(gap[1] for gap in joined)]))])

    def stats(self, now_ms: int, span_ms: int) -> TapeStats:
        """Return statistics of the last `span_ms`."""
        bars = [bar for bar in self._bars if now_ms - span_ms <= bar.start_ms <= now_ms]
        if not bars:
            return TapeStats(
                trades=0,
                value=0.0,
                buy_share=None,
                first_price=None,
                last_price=None,
                high=None,
                low=None,
                trades_per_s=0.0,
            )
        value, trades = sum(bar.value for bar in bars), sum(bar.trades for bar in bars)
        return TapeStats(
            trades=trades,
            value=value,
            buy_share=sum(bar.bought for bar in bars) / value if value else None,
            first_price=bars[0].open,
            last_price=bars[-1].close,
            high=max(bar.high for bar in bars),
            low=min(bar.low for bar in bars),
            trades_per_s=trades / (span_ms / 1_000),
        )

    def _bar_at(self, start_ms: int) -> TapeBar | None:
        for bar in reversed(self._bars):
            if bar.start_ms <= start_ms:
                return bar if bar.start_ms == start_ms else None
        return None

    def _remember(self, trade_id: str) -> None:
        if len(self._recent) == self._recent.maxlen:
            self._ids.discard(self._recent[0])
        self._recent.append(trade_id)
        self._ids.add(trade_id)


def liquidity_of_quote(quote: BestQuote, at_ms: int) -> Liquidity:
    """Return the liquidity of the best quote alone: the value at the best price of each side."""
    bid, ask = quote.bid_price, quote.ask_price
    return Liquidity(
        at_ms=at_ms,
        bid=float(bid) if bid is not None else None,
        ask=float(ask) if ask is not None else None,
        bid_value=float(bid * quote.bid_quantity) if bid is not None else 0.0,
        ask_value=float(ask * quote.ask_quantity) if ask is not None else 0.0,
    )


def liquidity_of_levels(levels: TopLevels, at_ms: int) -> Liquidity:
    """Return the value within two per cent of the best price of each side."""
    bid = levels.bids[0][0] if levels.bids else None
    ask = levels.asks[0][0] if levels.asks else None
    return Liquidity(
        at_ms=at_ms,
        bid=float(bid) if bid is not None else None,
        ask=float(ask) if ask is not None else None,
        bid_value=_value(level for level in levels.bids if bid is not None and level[0] >= bid * (1 - NEAR)),
        ask_value=_value(level for level in levels.asks if ask is not None and level[0] <= ask * (1 + NEAR)),
    )


def _value(levels: Iterable[tuple[Decimal, Decimal]]) -> float:
    return float(sum((price * quantity for price, quantity in levels), Decimal(0)))
