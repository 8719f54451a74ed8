"""Public endpoints (protocol 4.1 to 4.3). Every method raises ExchangeError."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from mexc_tui.exchange.rest import routes
from mexc_tui.exchange.rest.requester import Requester
from mexc_tui.exchange.rest.responses import Reader, nothing, plain, wrapped
from mexc_tui.exchange.rest.rows import RowReader
from mexc_tui.model.announcement import Announcement, AnnouncementGroup
from mexc_tui.model.errors import BadResponse
from mexc_tui.model.market_data import (
    TICKER_FIELDS,
    AveragePrice,
    DepthSnapshot,
    Interval,
    Kline,
    PriceTicker,
    PublicTrade,
    ServerTime,
    Ticker24h,
)
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.rows import Rows, SkippedRow
from mexc_tui.model.symbol import DECORATIVE, ExchangeInfo, RawExchangeInfo, Symbol
from mexc_tui.model.text import clean_all

T = TypeVar("T")

_TIME = plain(ServerTime)
_RAW_INFO = plain(RawExchangeInfo)
_PAIRS = RowReader(Symbol, DECORATIVE)
_NAMES = wrapped(tuple[str, ...])
_ANNOUNCEMENTS = wrapped(tuple[AnnouncementGroup, ...])
_DEPTH = plain(DepthSnapshot)
_TRADES = RowReader(PublicTrade).list
_KLINES = RowReader(Kline).list
_AVG_PRICE = plain(AveragePrice)
_TICKERS = RowReader(Ticker24h, TICKER_FIELDS).one_or_all
_PRICES = RowReader(PriceTicker, TICKER_FIELDS).one_or_all

INFO_DEADLINE_FACTOR = 3.0
"""Deadline of a list of all pairs, as a multiple of the usual one."""
PAIRS_AT_ONCE = 100
"""Pairs decoded without yielding to the event loop: well below 5 ms."""


class RestMarket:
    """Public market-data endpoints. They need no key."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester
        self._info_deadline_s = INFO_DEADLINE_FACTOR * requester.limits.deadline_s

    async def ping(self) -> None:
        """Check that the exchange responds."""
        await self._requester.get(routes.PING, nothing)

    async def server_time_ms(self) -> int:
        """Return the exchange time. Never retried: a retry would spoil the round-trip measurement."""
        return (await self._requester.call(routes.TIME, _TIME)).server_time

    async def exchange_info(self, symbols: tuple[str, ...] = ()) -> ExchangeInfo:
        """Return all pairs, or those in `symbols`. An unknown pair is omitted, or refused with -1121."""
        info = await self._info(_symbols(symbols))
        found = _PAIRS.each(info.symbols)
        self._requester.skipped.record(routes.EXCHANGE_INFO, found.skipped, len(info.symbols))
        return ExchangeInfo(info.server_time, found.rows)

    async def all_pairs(self) -> Rows[Symbol]:
        """Return all pairs, decoded in slices: 2,000 at once would block the event loop for 15 ms."""
        raws = (await self._info([])).symbols
        pairs, skipped = list[Symbol](), list[SkippedRow]()
        for start in range(0, len(raws), PAIRS_AT_ONCE):
            found = _PAIRS.each(raws[start : start + PAIRS_AT_ONCE])
            pairs += found.rows
            skipped += found.skipped
            await asyncio.sleep(0)
        self._requester.skipped.record(routes.EXCHANGE_INFO, skipped, len(raws))
        return Rows(tuple(pairs), tuple(skipped))

    async def _info(self, params: list[tuple[str, str]]) -> RawExchangeInfo:
        return await self._requester.get(
            routes.EXCHANGE_INFO, _RAW_INFO, params, deadline_s=self._info_deadline_s
        )

    async def default_symbols(self) -> tuple[str, ...]:
        """Return the pairs that API keys may trade by default."""
        return clean_all(await self._requester.get(routes.DEFAULT_SYMBOLS, _NAMES))

    async def announcements(
        self, *, language: str = "en-US", page: int = 1, limit: int = 20
    ) -> tuple[Announcement, ...]:
        """Return announcement headlines in the order of the exchange."""
        params = [("language", language), ("page", str(page)), ("limit", str(limit))]
        groups = await self._requester.get(routes.ANNOUNCEMENTS, _ANNOUNCEMENTS, params)
        return tuple(entry for group in groups for entry in group.details)

    async def depth(
        self, symbol: str, limit: int = 1_000, *, purpose: Purpose = Purpose.ORDINARY
    ) -> DepthSnapshot:
        """Return an order book snapshot with at most 2,000 levels a side, whatever the limit."""
        params = [("symbol", symbol), ("limit", str(limit))]
        return await self._requester.get(routes.DEPTH, _DEPTH, params, purpose=purpose)

    async def trades(self, symbol: str, limit: int = 500) -> tuple[PublicTrade, ...]:
        """Return the latest trades, newest first."""
        params = [("symbol", symbol), ("limit", str(limit))]
        return await self._rows(routes.TRADES, _TRADES, params)

    async def klines(
        self,
        symbol: str,
        interval: Interval,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> tuple[Kline, ...]:
        """Return candles, oldest first."""
        params = [
            ("symbol", symbol),
            ("interval", interval.value),
            *_range(start_ms, end_ms),
            ("limit", str(limit)),
        ]
        return await self._rows(routes.KLINES, _KLINES, params)

    async def average_price(self, symbol: str) -> AveragePrice:
        """Return the average price of the last minutes."""
        return await self._requester.get(routes.AVG_PRICE, _AVG_PRICE, [("symbol", symbol)])

    async def tickers_24h(self) -> tuple[Ticker24h, ...]:
        """Return 24-hour statistics of every pair."""
        return await self._rows(routes.TICKER_24H, _TICKERS)

    async def prices(self) -> tuple[PriceTicker, ...]:
        """Return the last price of every pair."""
        return await self._rows(routes.TICKER_PRICE, _PRICES)

    async def price(self, symbol: str) -> PriceTicker:
        """Return the last price of one pair."""
        found = await self._rows(routes.TICKER_PRICE, _PRICES, [("symbol", symbol)])
        return _only(found, routes.TICKER_PRICE)

    async def _rows(
        self, route: routes.Route, read: Reader[Rows[T]], params: Sequence[tuple[str, str]] = ()
    ) -> tuple[T, ...]:
        """Return the readable rows; record the malformed ones."""
        return self._requester.skipped.rows_of(route, await self._requester.get(route, read, params))


def _symbols(symbols: tuple[str, ...]) -> list[tuple[str, str]]:
    if len(symbols) == 1:
        return [("symbol", symbols[0])]
    return [("symbols", ",".join(symbols))] if symbols else []


def _range(start_ms: int | None, end_ms: int | None) -> list[tuple[str, str]]:
    named = (("startTime", start_ms), ("endTime", end_ms))
    return [(name, str(value)) for name, value in named if value is not None]


def _only(found: tuple[T, ...], route: routes.Route) -> T:
    if len(found) != 1:
        raise BadResponse(route.method, route.path, f"requested one pair, received {len(found)}")
    return found[0]
