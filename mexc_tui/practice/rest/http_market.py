"""Public endpoints: connectivity, symbols, market data (protocol 4.1 to 4.3)."""

from decimal import Decimal

import msgspec

from mexc_tui.practice.matching.intervals import KlineInterval
from mexc_tui.practice.matching.numbers import padded, padded_levels, trimmed
from mexc_tui.practice.matching.pairs import LISTED_ORDER_TYPES, PairStatus, PracticePair
from mexc_tui.practice.matching.values import PracticeRefusal, PracticeTrade, Ticker
from mexc_tui.practice.rest.limits import Bucket
from mexc_tui.practice.rest.params import Params, mandatory
from mexc_tui.practice.rest.route import Call, Json, PracticeRoute, wrapped
from mexc_tui.practice.scenario import EmptySide
from mexc_tui.practice.session import ExchangeSession

MAX_DEPTH = 2_000
MAX_ROWS = 1_000
MAX_CANDLES = 500
"""Largest `limit`, whatever is requested (protocol 4.3)."""
NO_QUOTE: dict[EmptySide, str | None] = {EmptySide.NULL: None, EmptySide.EMPTY: "", EmptySide.ZERO: "0"}
FIVE_MINUTES = 5
BIZ_TYPE = "SPOT"
"""`bizType` is a text; its values are not documented."""


class MarketRoutes:
    """Endpoints of the market."""

    def __init__(self, session: ExchangeSession) -> None:
        self._session = session
        self._knobs = session.scenario.knobs
        self._written: dict[str, tuple[object, msgspec.Raw]] = {}

    def routes(self) -> list[PracticeRoute]:
        """Return the endpoints of this module."""
        return [
            PracticeRoute("GET", "/api/v3/ping", lambda call: {}),
            PracticeRoute("GET", "/api/v3/time", lambda call: {"serverTime": call.now_ms}),
            PracticeRoute("GET", "/api/v3/defaultSymbols", self._default_symbols),
            PracticeRoute("GET", "/api/v3/symbol/offline", self._offline, weight=10),
            PracticeRoute(
                "GET",
                "/api/v3/announcements",
                self._announcements,
                weight=8,
                buckets=(Bucket.ANNOUNCEMENTS,),
            ),
            PracticeRoute("GET", "/api/v3/exchangeInfo", self._exchange_info, weight=25),
            PracticeRoute("GET", "/api/v3/depth", self._depth, weight=3),
            PracticeRoute("GET", "/api/v3/trades", self._trades, weight=5),
            PracticeRoute("GET", "/api/v3/historicalTrades", self._trades, weight=5),
            PracticeRoute("GET", "/api/v3/aggTrades", self._agg_trades),
            PracticeRoute("GET", "/api/v3/klines", self._klines),
            PracticeRoute("GET", "/api/v3/avgPrice", self._average_price),
            PracticeRoute("GET", "/api/v3/ticker/24hr", self._tickers, weight=25),
            PracticeRoute("GET", "/api/v3/ticker/price", self._prices, weight=10),
            PracticeRoute("GET", "/api/v3/ticker/bookTicker", self._book_tickers, weight=10),
            PracticeRoute("GET", "/api/v3/etf/info", self._etf_info),
            PracticeRoute("GET", "/api/v1/contract/detail", _no_contracts),
        ]

    # Symbols

    def _default_symbols(self, call: Call) -> Json:
        return wrapped(self._session.default_symbols(), call.now_ms)

    def _offline(self, call: Call) -> Json:
        data: list[Json] = [
            {"symbol": pair.symbol, "state": int(pair.status)}
            for pair in self._session.visible_pairs()
            if pair.status is not PairStatus.ONLINE
        ]
        return wrapped(data, call.now_ms)

    def _announcements(self, call: Call) -> Json:
        page = max(call.params.whole("page") or 1, 1)
        limit = min(max(call.params.whole("limit") or 10, 1), 50)
        language = call.params.get("language", "en-US")
        every = self._session.announcements()
        details: list[Json] = [
            {"title": entry.title, "url": entry.url, "language": language, "postTime": entry.posted_ms}
            for entry in every[(page - 1) * limit : page * limit]
        ]
        pages = max(-(-len(every) // limit), 1)
        return wrapped([{"details": details, "totalPage": str(pages)}], call.now_ms)

    def _exchange_info(self, call: Call) -> Json:
        return {
            "timezone": "CST",
            "serverTime": call.now_ms,
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": [self._symbol(pair) for pair in self._requested_pairs(call.params)],
        }

    def _requested_pairs(self, params: Params) -> list[PracticePair]:
        wanted = params.get("symbols") or params.get("symbol")
        if not wanted:
            return list(self._session.visible_pairs())
        pairs = [self._session.pair(symbol) for symbol in wanted.split(",")]
        if None in pairs and not self._knobs.unknown_symbol_empty:
            raise PracticeRefusal(-1121, "Invalid symbol.")
        return [pair for pair in pairs if pair is not None]

    def _symbol(self, pair: PracticePair) -> msgspec.Raw:
        """Encode a symbol; the text is reused until the symbol changes."""
        state = (pair.rules, pair.status, pair.sides, pair.api_allowed, pair.first_open_ms)
        written = self._written.get(pair.symbol)
        if written is None or written[0] != state:
            text = msgspec.json.encode(symbol_fields(pair, with_opening=self._knobs.first_open_time))
            written = (state, msgspec.Raw(text))
            self._written[pair.symbol] = written
        return written[1]

    # Market data

    def _pair(self, params: Params) -> PracticePair:
        pair = self._session.pair(params.need("symbol"))
        if pair is None:
            raise PracticeRefusal(-1121, "Invalid symbol.")
        if pair.blocked:
            raise PracticeRefusal(10007, "symbol not support api")
        return pair

    def _depth(self, call: Call) -> Json:
        pair = self._pair(call.params)
        limit = _limit(call.params, default=100, most=MAX_DEPTH)
        at_ms = self._session.now_ms - call.stale_ms if call.stale_ms else None
        depth = self._session.depth(pair.symbol, limit, at_ms)
        decimals = (pair.rules.price_decimals, pair.rules.quantity_decimals)
        return {
            "lastUpdateId": depth.version,
            "bids": padded_levels(depth.bids, *decimals),
            "asks": padded_levels(depth.asks, *decimals),
            "timestamp": call.now_ms,
        }

    def _trades(self, call: Call) -> Json:
        pair = self._pair(call.params)
        limit = _limit(call.params, default=500, most=MAX_ROWS)
        return [_trade(pair, trade) for trade in self._session.trades(pair.symbol, limit)]

    def _agg_trades(self, call: Call) -> Json:
        pair = self._pair(call.params)
        start_ms, end_ms = call.params.whole("startTime"), call.params.whole("endTime")
        if (start_ms is None) != (end_ms is None):
            raise PracticeRefusal(-1128, "Combination of optional parameters invalid.")
        limit = _limit(call.params, default=500, most=MAX_ROWS)
        trades = self._session.trades(pair.symbol, MAX_ROWS)
        if start_ms is not None and end_ms is not None:
            trades = [trade for trade in trades if start_ms <= trade.time_ms <= end_ms]
        return [_agg_trade(trade) for trade in trades[:limit]]

    def _klines(self, call: Call) -> Json:
        pair = self._pair(call.params)
        interval = KlineInterval.of_rest(call.params.need("interval"))
        if interval is None:
            raise PracticeRefusal(-1128, "Combination of optional parameters invalid.")
        start_ms, end_ms = call.params.whole("startTime"), call.params.whole("endTime")
        limit = _limit(call.params, default=500, most=MAX_CANDLES)
        return [
            [
                candle.open_ms,
                trimmed(candle.open),
                trimmed(candle.high),
                trimmed(candle.low),
                trimmed(candle.close),
                trimmed(candle.volume),
                candle.close_ms,
                _turnover(pair, candle.quote_volume),
            ]
            for candle in self._session.klines(pair.symbol, interval, start_ms, end_ms=end_ms, limit=limit)
        ]

    def _average_price(self, call: Call) -> Json:
        pair = self._pair(call.params)
        price = self._session.average_price(pair.symbol)
        return {"mins": FIVE_MINUTES, "price": padded(price, pair.rules.price_decimals)}

    # Tickers: an object for one symbol, an array without a symbol; `symbols` is ignored (protocol 4.3)

    def _public_pairs(self) -> list[PracticePair]:
        return [pair for pair in self._session.visible_pairs() if not pair.blocked]

    def _tickers(self, call: Call) -> Json:
        if call.params.get("symbol"):
            return self._ticker(self._pair(call.params))
        return [self._ticker(pair) for pair in self._public_pairs()]

    def _ticker(self, pair: PracticePair) -> Json:
        return _ticker(pair, self._session.ticker(pair.symbol), NO_QUOTE[self._knobs.empty_side])

    def _prices(self, call: Call) -> Json:
        if call.params.get("symbol"):
            return _price(self._pair(call.params))
        return [_price(pair) for pair in self._public_pairs()]

    def _book_tickers(self, call: Call) -> Json:
        if call.params.get("symbol"):
            return self._book_ticker(self._pair(call.params))
        return [self._book_ticker(pair) for pair in self._public_pairs()]

    def _book_ticker(self, pair: PracticePair) -> Json:
        return _book_ticker(pair, NO_QUOTE[self._knobs.empty_side])

    def _etf_info(self, call: Call) -> Json:
        """Return the empty list of leveraged tokens."""
        if call.params.get("symbol"):
            raise PracticeRefusal(-1121, "Invalid symbol.")
        return []


def symbol_fields(pair: PracticePair, *, with_opening: bool) -> dict[str, Json]:
    """Return one element of exchangeInfo `symbols` (protocol 4.2)."""
    rules = pair.rules
    fields: dict[str, Json] = {
        "symbol": rules.symbol,
        "status": pair.status.value,
        "baseAsset": rules.base,
        "baseAssetPrecision": rules.quantity_decimals,
        "quoteAsset": rules.quote,
        "quotePrecision": rules.price_decimals,
        "quoteAssetPrecision": rules.price_decimals,
        "baseCommissionPrecision": rules.quantity_decimals,
        "quoteCommissionPrecision": rules.price_decimals,
        "orderTypes": LISTED_ORDER_TYPES,
        "isSpotTradingAllowed": pair.api_allowed,
        "isMarginTradingAllowed": False,
        "quoteAmountPrecision": trimmed(rules.min_value),
        "baseSizePrecision": trimmed(rules.min_quantity),
        "permissions": rules.permissions,
        "filters": _filters(pair),
        "maxQuoteAmount": trimmed(rules.max_value),
        "makerCommission": trimmed(rules.maker_fee),
        "takerCommission": trimmed(rules.taker_fee),
        "quoteAmountPrecisionMarket": trimmed(rules.min_value_market),
        "maxQuoteAmountMarket": trimmed(rules.max_value_market),
        "fullName": rules.full_name,
        "tradeSideType": int(pair.sides),
        "contractAddress": rules.contract_address,
        "conceptPlateIds": rules.concept_plate_ids,
        "conceptPlates": rules.concept_plates,
        "st": rules.special_treatment,
        "bizType": BIZ_TYPE,
    }
    if with_opening and pair.first_open_ms is not None:
        fields["firstOpenTime"] = pair.first_open_ms
    return fields


def _filters(pair: PracticePair) -> list[Json]:
    up, down = pair.rules.band_up, pair.rules.band_down
    if up is None or down is None:
        return []
    return [
        {
            "filterType": "PERCENT_PRICE_BY_SIDE",
            "bidMultiplierUp": trimmed(up),
            "askMultiplierDown": trimmed(down),
        }
    ]


def _limit(params: Params, default: int, most: int) -> int:
    """Return `limit`, capped at the endpoint's maximum (larger values are accepted: protocol 4.3)."""
    limit = params.whole("limit")
    if limit is None:
        return default
    if limit < 1:
        raise mandatory("limit")
    return min(limit, most)


def _no_contracts(call: Call) -> Json:
    """Return the list of futures that some clients query while they load markets."""
    del call
    return {"success": True, "code": 0, "data": []}


def _trade(pair: PracticePair, trade: PracticeTrade) -> Json:
    is_sell = trade.taker_side == "SELL"
    return {
        "id": None,
        "price": padded(trade.price, pair.rules.price_decimals),
        "qty": padded(trade.quantity, pair.rules.quantity_decimals),
        "quoteQty": trimmed(trade.price * trade.quantity),
        "time": trade.time_ms,
        "isBuyerMaker": is_sell,
        "isBestMatch": True,
        "tradeType": "ASK" if is_sell else "BID",
    }


def _agg_trade(trade: PracticeTrade) -> Json:
    return {
        "a": None,
        "f": None,
        "l": None,
        "p": trimmed(trade.price),
        "q": trimmed(trade.quantity),
        "T": trade.time_ms // 1000 * 1000,
        "m": trade.taker_side == "SELL",
        "M": True,
    }


def _ticker(pair: PracticePair, ticker: Ticker, no_quote: str | None) -> Json:
    bid, ask, _ = ticker.top
    change = ticker.last - ticker.open
    ratio = round(change / ticker.open, 4) if ticker.open else change
    return {
        "symbol": ticker.symbol,
        "priceChange": trimmed(change),
        "priceChangePercent": trimmed(ratio),
        "prevClosePrice": trimmed(ticker.open),
        "lastPrice": trimmed(ticker.last),
        "bidPrice": no_quote if bid is None else trimmed(bid.price),
        "bidQty": no_quote if bid is None else trimmed(bid.quantity),
        "askPrice": no_quote if ask is None else trimmed(ask.price),
        "askQty": no_quote if ask is None else trimmed(ask.quantity),
        "openPrice": trimmed(ticker.open),
        "highPrice": trimmed(ticker.high),
        "lowPrice": trimmed(ticker.low),
        "volume": trimmed(ticker.volume),
        "quoteVolume": _turnover(pair, ticker.quote_volume),
        "openTime": ticker.open_ms,
        "closeTime": ticker.close_ms,
        "count": None,
    }


def _turnover(pair: PracticePair, value: Decimal) -> str:
    """Format a quote volume with the decimals of a price, as recorded."""
    return trimmed(round(value, pair.rules.price_decimals))


def _price(pair: PracticePair) -> Json:
    return {"symbol": pair.symbol, "price": trimmed(pair.last_price)}


def _book_ticker(pair: PracticePair, no_quote: str | None) -> Json:
    bid, ask, _ = pair.top()
    rules = pair.rules
    return {
        "symbol": pair.symbol,
        "bidPrice": no_quote if bid is None else padded(bid.price, rules.price_decimals),
        "bidQty": no_quote if bid is None else padded(bid.quantity, rules.quantity_decimals),
        "askPrice": no_quote if ask is None else padded(ask.price, rules.price_decimals),
        "askQty": no_quote if ask is None else padded(ask.quantity, rules.quantity_decimals),
    }
