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
"""So many times as long as other questions may a list of all pairs take."""
PAIRS_AT_ONCE = 100
"""Read in one go, well below 5 ms."""


class RestMarket:
    """What anybody may ask."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester
        self._info_deadline_s = INFO_DEADLINE_FACTOR * requester.limits.deadline_s

    async def ping(self) -> None:
        """Ask whether the exchange answers at all."""
        await self._requester.get(routes.PING, nothing)

    async def server_time_ms(self) -> int:
        """Ask for the exchange's time, once: a repeated question would be no measure of a round trip."""
        return (await self._requester.call(routes.TIME, _TIME)).server_time

    async def exchange_info(self, symbols: tuple[str, ...] = ()) -> ExchangeInfo:
        """Return all pairs, or the named ones. An unknown pair is missing, or Refused with -1121."""
        info = await self._info(_symbols(symbols))
        found = _PAIRS.each(info.symbols)
        self._requester.skipped.record(routes.EXCHANGE_INFO, found.skipped, len(info.symbols))
        return ExchangeInfo(info.server_time, found.rows)

    async def all_pairs(self) -> Rows[Symbol]:
        """Return all pairs, read in slices that do not hold the loop (2,000 at once take 15 ms)."""
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
        """Pairs that ordinary keys may trade."""
        return clean_all(await self._requester.get(routes.DEFAULT_SYMBOLS, _NAMES))

    async def announcements(
        self, *, language: str = "en-US", page: int = 1, limit: int = 20
    ) -> tuple[Announcement, ...]:
        """Headlines, as the exchange orders them."""
        params = [("language", language), ("page", str(page)), ("limit", str(limit))]
        groups = await self._requester.get(routes.ANNOUNCEMENTS, _ANNOUNCEMENTS, params)
        return tuple(entry for group in groups for entry in group.details)

    async def depth(
        self, symbol: str, limit: int = 1_000, *, purpose: Purpose = Purpose.ORDINARY
    ) -> DepthSnapshot:
        """The book; at most 2,000 levels a side come back, whatever the limit."""
        params = [("symbol", symbol), ("limit", str(limit))]
        return await self._requester.get(routes.DEPTH, _DEPTH, params, purpose=purpose)

    async def trades(self, symbol: str, limit: int = 500) -> tuple[PublicTrade, ...]:
        """Latest trades, newest first."""
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
        """Candles, oldest first."""
        params = [
            ("symbol", symbol),
            ("interval", interval.value),
            *_range(start_ms, end_ms),
            ("limit", str(limit)),
        ]
        return await self._rows(routes.KLINES, _KLINES, params)

    async def average_price(self, symbol: str) -> AveragePrice:
        """The average of the last minutes."""
        return await self._requester.get(routes.AVG_PRICE, _AVG_PRICE, [("symbol", symbol)])

    async def tickers_24h(self) -> tuple[Ticker24h, ...]:
        """A day's figures of every pair."""
        return await self._rows(routes.TICKER_24H, _TICKERS)

    async def prices(self) -> tuple[PriceTicker, ...]:
        """Last price of every pair."""
        return await self._rows(routes.TICKER_PRICE, _PRICES)

    async def price(self, symbol: str) -> PriceTicker:
        """Last price of one pair."""
        found = await self._rows(routes.TICKER_PRICE, _PRICES, [("symbol", symbol)])
        return _only(found, routes.TICKER_PRICE)

    async def _rows(
        self, route: routes.Route, read: Reader[Rows[T]], params: Sequence[tuple[str, str]] = ()
    ) -> tuple[T, ...]:
        """Return the rows that could be read; the others are counted."""
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
