"""A trading pair: its exchangeInfo entry (`PairRules`) and current state (`PracticePair`)."""

from collections import deque
from decimal import Decimal
from enum import IntEnum, StrEnum
from itertools import islice

import msgspec

from mexc_tui.model.order import Side
from mexc_tui.practice.matching.book import Book, Ladder, RestingOrder
from mexc_tui.practice.matching.candles import Candles
from mexc_tui.practice.matching.hub import Hub
from mexc_tui.practice.matching.ids import number
from mexc_tui.practice.matching.market import Match, PastMarket, PracticeMarket, book_levels, past_market
from mexc_tui.practice.matching.values import BookTop, Depth, PracticeLevel, PracticeTrade

DEPTH_LIMIT = 2_000
"""Largest number of levels a side (protocol 4.3)."""

LISTED_ORDER_TYPES = ("LIMIT", "MARKET", "LIMIT_MAKER")
"""Order types in exchangeInfo; IOC and FOK are accepted although not listed (protocol 4.2)."""


class PairStatus(StrEnum):
    """exchangeInfo `status` (protocol 4.2)."""

    ONLINE = "1"
    PAUSED = "2"
    OFFLINE = "3"

    @property
    def is_online(self) -> bool:
        """Whether it trades."""
        return self is PairStatus.ONLINE


class PracticeTradeSides(IntEnum):
    """exchangeInfo `tradeSideType` (protocol 4.2)."""

    BOTH = 1
    BUY_ONLY = 2
    SELL_ONLY = 3
    CLOSED = 4


class PairRules(msgspec.Struct, frozen=True, kw_only=True):
    """Constant properties of a pair (protocol 4.2), with their wire names where they differ."""

    symbol: str
    base: str
    quote: str
    price_decimals: int
    """quotePrecision, quoteAssetPrecision, quoteCommissionPrecision."""
    quantity_decimals: int
    """baseAssetPrecision, baseCommissionPrecision."""
    min_quantity: Decimal
    """baseSizePrecision; 0: none."""
    min_value: Decimal
    """quoteAmountPrecision."""
    min_value_market: Decimal
    max_value: Decimal
    """maxQuoteAmount."""
    max_value_market: Decimal
    band_up: Decimal | None
    """bidMultiplierUp; None: `filters` is empty."""
    band_down: Decimal | None
    """askMultiplierDown."""
    full_name: str
    contract_address: str
    concept_plate_ids: tuple[int, ...]
    concept_plates: tuple[str, ...]
    permissions: tuple[str, ...] = ("SPOT",)
    special_treatment: bool = False
    """st."""
    maker_fee: Decimal = Decimal(0)
    taker_fee: Decimal = Decimal("0.0005")
    symbol_id: str
    coin_id: str
    market_coin_id: str
    start_price: Decimal
    """Price at the start of the session (of a listing: the reference price of its opening)."""
    turnover: Decimal
    """Usual quote volume of a day."""
    history_from_ms: int
    """Opening of the pair, and start of its klines."""


class PracticePair:
    """Current state of a pair. Read it freely; only the session changes it.

    Order book, trades and candles are created on first access from (seed, symbol) alone.
    """

    def __init__(self, *, rules: PairRules, hub: Hub, seed: int, past_until_ms: int | None) -> None:
        """`past_until_ms`: start of the session; None: the pair has no history (a listing)."""
        self.rules = rules
        self.status = PairStatus.ONLINE
        self.sides = PracticeTradeSides.BOTH
        self.api_allowed = True
        """isSpotTradingAllowed, and member of defaultSymbols."""
        self.blocked = False
        """Assessment zone: streams reply Blocked!, public market data is refused (protocol 5.5)."""
        self.first_open_ms: int | None = rules.history_from_ms
        """firstOpenTime; None: unknown."""
        self.trading = past_until_ms is not None
        """False: visible, but not opened yet."""
        self.last_order_ms = past_until_ms or 0
        """Time of the last order of any account (lastOrderCreateTime)."""
        self._hub = hub
        self._seed = seed
        self._past_until_ms = past_until_ms
        self._market: PracticeMarket | None = None

    @property
    def symbol(self) -> str:
        """Name of the pair."""
        return self.rules.symbol

    @property
    def last_price(self) -> Decimal:
        """Price of the last trade; 0 before the first one."""
        return self.price(self.market.last_ticks)

    @property
    def trades(self) -> deque[PracticeTrade]:
        """The last trades, oldest first, at most 1,000."""
        return self.market.trades

    @property
    def version(self) -> int:
        """Version of the last change of a level."""
        return self.market.version

    @property
    def book(self) -> Book:
        """The book, in ticks and lots."""
        return self.market.book

    @property
    def candles(self) -> Candles:
        """The candles, in ticks and lots."""
        return self.market.candles

    def price(self, ticks: int) -> Decimal:
        """Return a number of ticks as a price."""
        return Decimal(ticks).scaleb(-self.rules.price_decimals)

    def quantity(self, lots: int) -> Decimal:
        """Return a number of lots as base units."""
        return Decimal(lots).scaleb(-self.rules.quantity_decimals)

    def value(self, units: int) -> Decimal:
        """Return ticks x lots as quote units."""
        return Decimal(units).scaleb(-self.rules.price_decimals - self.rules.quantity_decimals)

    def units(self, value: Decimal) -> float:
        """Return quote units in ticks x lots."""
        return float(value.scaleb(self.rules.price_decimals + self.rules.quantity_decimals))

    def ticks(self, price: Decimal) -> int:
        """Return a price in whole ticks, rounded down."""
        return int(price.scaleb(self.rules.price_decimals))

    def lots(self, quantity: Decimal) -> int:
        """Return base units in whole lots, rounded down."""
        return int(quantity.scaleb(self.rules.quantity_decimals))

    def top(self) -> BookTop:
        """Return the best quotes."""
        market = self.market
        return BookTop(self._best(market.book.bids), self._best(market.book.asks), market.version)

    def _best(self, ladder: Ladder) -> PracticeLevel | None:
        ticks = ladder.best()
        return (
            None if ticks is None else PracticeLevel(self.price(ticks), self.quantity(ladder.totals[ticks]))
        )

    def depth(self, limit: int, now_ms: int, at_ms: int | None = None) -> Depth:
        """Return a snapshot; with `at_ms`, as of that time, within the recorded changes."""
        limit = min(limit, DEPTH_LIMIT)
        if at_ms is None:
            book = self.market.book
            return Depth(self.version, self._first(book.bids, limit), self._first(book.asks, limit), now_ms)
        version, bids, asks = self.market.totals(at_ms)
        return Depth(
            version,
            self._levels(bids, limit, best_is_high=True),
            self._levels(asks, limit, best_is_high=False),
            now_ms,
        )

    def _first(self, ladder: Ladder, limit: int) -> list[PracticeLevel]:
        totals = ladder.totals
        return [
            PracticeLevel(self.price(ticks), self.quantity(totals[ticks]))
            for ticks in islice(ladder.prices(), limit)
        ]

    def _levels(self, totals: dict[int, int], limit: int, *, best_is_high: bool) -> list[PracticeLevel]:
        ordered = sorted((ticks for ticks, lots in totals.items() if lots), reverse=best_is_high)
        return [PracticeLevel(self.price(ticks), self.quantity(totals[ticks])) for ticks in ordered[:limit]]

    # For the session only

    @property
    def market(self) -> PracticeMarket:
        """Order book, tape and candles; created at the first access."""
        if self._market is None:
            self._market = self._past_market() if self._past_until_ms is not None else self._new_market()
            self._market.on_level = self._level_changed
        return self._market

    def _new_market(self) -> PracticeMarket:
        return PracticeMarket(version=number(f"{self._seed}/version/{self.symbol}") % 10**9 + 10**9)

    def _past_market(self) -> PracticeMarket:
        rules = self.rules
        value_decimals = rules.price_decimals + rules.quantity_decimals
        return past_market(
            PastMarket(
                symbol=rules.symbol,
                seed=self._seed,
                from_ms=rules.history_from_ms,
                until_ms=self._past_until_ms or 0,
                start_ticks=float(rules.start_price.scaleb(rules.price_decimals)),
                daily_units=float(rules.turnover.scaleb(value_decimals)),
                price_decimals=rules.price_decimals,
                quantity_decimals=rules.quantity_decimals,
                levels=book_levels(rules.turnover),
            )
        )

    def take(
        self, side: Side, limit: int | None, lots: int | None, *, budget: int | None = None, owner: str = ""
    ) -> list[Match]:
        """Match an incoming order against the order book; update tape, candles, subscribers and account."""
        hub, market = self._hub, self.market
        market.now_ms = hub.now_ms
        self.last_order_ms = hub.now_ms
        matches: list[Match] = []
        for maker, ticks, filled in market.book.take(side, limit, lots, budget=budget):
            trade = PracticeTrade(
                self.price(ticks), self.quantity(filled), hub.now_ms, side, hub.counters.trade_id()
            )
            market.add_trade(trade, ticks, filled)
            for sink in hub.sinks:
                sink.on_trade(self.symbol, trade)
            match = Match(maker, owner, side, ticks, filled, trade)
            matches.append(match)
            if maker.owner:
                hub.maker_filled(match)
        return matches

    def rest(self, order: RestingOrder) -> None:
        """Add an order that does not cross."""
        self.last_order_ms = self.market.now_ms = self._hub.now_ms
        self.market.book.rest(order)

    def remove(self, order: RestingOrder) -> None:
        """Remove an order from the book."""
        self.market.now_ms = self._hub.now_ms
        self.market.book.remove(order)

    def _level_changed(self, side: Side, ticks: int, lots: int, version: int) -> None:
        if not self._hub.sinks:
            return
        price, quantity = self.price(ticks), self.quantity(lots)
        for sink in self._hub.sinks:
            sink.on_level(self.symbol, side, price, quantity=quantity, version=version)
