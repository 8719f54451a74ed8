"""Changing state of one pair: versioned order book, trades and candles; seeded from its history."""

import math
import random
from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from mexc_tui.model.order import Side
from mexc_tui.practice.matching.book import Book, RestingOrder
from mexc_tui.practice.matching.candles import Candles
from mexc_tui.practice.matching.history import HistoryBar, PairHistoryStore
from mexc_tui.practice.matching.ids import number, past_trade_id, seeded
from mexc_tui.practice.matching.intervals import MINUTE_MS
from mexc_tui.practice.matching.values import PracticeTrade

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TRADES = 1_000
MAX_CHANGES = 2_000
"""Number of recorded level changes, the reach of a stale snapshot."""
PAST_TRADES = 12
MIN_LEVELS, MAX_LEVELS = 25, 600
"""Levels per side of a book at the start."""
NEAR_LEVELS = 24
"""Levels grow with their distance from the best one up to here, and shrink beyond it."""
BOOK_REACH = 0.15
"""Approximate depth of a book, as a share of the price."""


class Match(NamedTuple):
    """One trade between an incoming order and a resting one, in ticks and lots."""

    maker: RestingOrder
    taker: str
    taker_side: Side
    ticks: int
    lots: int
    trade: PracticeTrade


class _Change(msgspec.Struct, frozen=True, gc=False):
    time_ms: int
    side: Side
    ticks: int
    before: int


class PracticeMarket:
    """Book, tape and candles of one pair, in ticks and lots."""

    def __init__(
        self, history: PairHistoryStore | None = None, last_ticks: int = 0, version: int = 0
    ) -> None:
        self.book = Book(self._level_changed)
        self.candles = Candles(history, last_ticks or None)
        self.trades: deque[PracticeTrade] = deque(maxlen=MAX_TRADES)
        self.history = history
        self.day_of_quiet: HistoryBar | None = None
        """The last 24 hours of a pair without a trade since the session started."""
        self.last_ticks = last_ticks
        self.version = version
        self.now_ms = 0
        """Set before each change."""
        self.on_level: Callable[[Side, int, int, int], None] | None = None
        """Called with (side, ticks, lots, version)."""
        self._changes: deque[_Change] = deque(maxlen=MAX_CHANGES)

    def add_trade(self, trade: PracticeTrade, ticks: int, lots: int) -> None:
        """Add a trade to the recent trades and candles."""
        self.trades.append(trade)
        self.last_ticks = ticks
        self.day_of_quiet = None
        self.candles.add(trade.time_ms, ticks, lots)

    def totals(self, at_ms: int) -> tuple[int, dict[int, int], dict[int, int]]:
        """Return (version, bids, asks) as of `at_ms`; levels with 0 lots are omitted."""
        version = self.version
        bids, asks = dict(self.book.bids.totals), dict(self.book.asks.totals)
        for change in reversed(self._changes):
            if change.time_ms <= at_ms:
                break
            (bids if change.side is Side.BUY else asks)[change.ticks] = change.before
            version -= 1
        return version, bids, asks

    def _level_changed(self, side: Side, ticks: int, before: int, after: int) -> None:
        self.version += 1
        self._changes.append(_Change(self.now_ms, side, ticks, before))
        if self.on_level is not None:
            self.on_level(side, ticks, after, self.version)


class PastMarket(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of a pair's history. `daily_units` is value in ticks x lots."""

    symbol: str
    seed: int
    from_ms: int
    until_ms: int
    start_ticks: float
    daily_units: float
    price_decimals: int
    quantity_decimals: int
    levels: int
    """Levels per side of its book."""


def book_levels(turnover: Decimal) -> int:
    """Return the levels per side for a daily turnover in quote: hundreds for a busy pair."""
    return min(max(round(math.sqrt(turnover) / 9), MIN_LEVELS), MAX_LEVELS)


def past_market(past: PastMarket) -> PracticeMarket:
    """Create the market of a pair that traded before the session started; depends on (seed, symbol) only."""
    rng = seeded(past.seed, f"market/{past.symbol}")
    history = PairHistoryStore(
        salt=number(f"{past.seed}/history/{past.symbol}"),
        start_ticks=past.start_ticks,
        daily_volume=past.daily_units / past.start_ticks,
        from_ms=past.from_ms,
        until_ms=past.until_ms - past.until_ms % MINUTE_MS,
    )
    last = history.last_ticks()
    market = PracticeMarket(history, last)
    spread = max(rng.uniform(0.0001, 0.002), 1 / last)
    for side in Side:
        market.book.ladder(side).load(_first_orders(side, last, spread, past=past, rng=rng))
    _fill_tape(market, past, rng)
    market.version = rng.randrange(10**9, 9 * 10**10)
    return market


def _first_orders(
    side: Side, last: int, spread: float, *, past: PastMarket, rng: random.Random
) -> list[RestingOrder]:
    away = -1 if side is Side.BUY else 1
    distance = max(round(last * spread * rng.uniform(0.2, 0.8)), 0 if side is Side.BUY else 1)
    widest = BOOK_REACH * 2 / past.levels
    orders: list[RestingOrder] = []
    for depth in range(past.levels):
        ticks = last + away * distance
        if ticks < 1:
            break
        share = rng.random()
        near = min(depth, NEAR_LEVELS)
        value = past.daily_units / 2_000 * (1 + near / 6) * (share * share + 0.02)
        if depth > near:
            value *= near / depth
        orders.append(RestingOrder(side=side, ticks=ticks, lots=max(int(value / ticks), 1)))
        distance += 1 + int(last * min(spread * (1 + depth / 8), widest) * rng.random())
    return orders


def _fill_tape(market: PracticeMarket, past: PastMarket, rng: random.Random) -> None:
    """Add a few recent trades between the best quotes, the last one at the last price."""
    at_ms = past.until_ms - past.until_ms % MINUTE_MS
    bid, ask = market.book.bids.best() or 1, market.book.asks.best() or 1
    times = sorted(at_ms - rng.randrange(1, 15 * MINUTE_MS) for _ in range(PAST_TRADES))
    for index, time_ms in enumerate(times):
        ticks = market.last_ticks if index == PAST_TRADES - 1 else rng.choice((bid, ask))
        side = Side.SELL if ticks <= bid else Side.BUY
        lots = max(int(past.daily_units / 20_000 / ticks * (0.1 + rng.random())), 1)
        market.trades.append(
            PracticeTrade(
                Decimal(ticks).scaleb(-past.price_decimals),
                Decimal(lots).scaleb(-past.quantity_decimals),
                time_ms,
                side,
                past_trade_id(time_ms, rng.getrandbits(40)),
            )
        )
