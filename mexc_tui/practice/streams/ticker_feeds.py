"""Feeds of candles and tickers: kline each second while trading, mini tickers every 3 s (protocol 7.5)."""

from decimal import Decimal

from mexc_tui.model.order import Side
from mexc_tui.practice.matching.intervals import DAY_MS, MINUTE_MS, KlineInterval
from mexc_tui.practice.matching.numbers import trimmed
from mexc_tui.practice.matching.pairs import PracticePair
from mexc_tui.practice.matching.values import PracticeTrade, Ticker
from mexc_tui.practice.session import ExchangeSession
from mexc_tui.practice.streams.channels import ChannelTopic, zone_offset_min
from mexc_tui.practice.streams.feeds import PairFeed
from mexc_tui.practice.streams.frames import created_at, head, nested, sent_at
from mexc_tui.proto import stream_pb2 as pb

KLINE_MS = 1_000
TICKER_MS = 3_000


class KlineFeed(PairFeed):
    """kline: the open candle, in each second with a trade. createTime instead of sendTime."""

    def __init__(self, topic: ChannelTopic, pair: PracticePair, session: ExchangeSession) -> None:
        super().__init__(topic, pair, KLINE_MS)
        self._session = session
        self._head = head(topic.text, pair.symbol, pair.rules.symbol_id)

    def on_trade(self, trade: PracticeTrade) -> bool:
        """Record that the candle changed."""
        del trade
        return True

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the candle."""
        if self._session.pair(self.topic.symbol) is None:
            return None
        candle = self._session.candle(self.topic.symbol, self.topic.interval)
        if candle is None:
            return None
        body = pb.Kline(
            interval=self.topic.interval.stream_name,
            window_start=candle.open_ms // 1000,
            opening_price=trimmed(candle.open),
            closing_price=trimmed(candle.close),
            highest_price=trimmed(candle.high),
            lowest_price=trimmed(candle.low),
            volume=trimmed(candle.volume),
            amount=trimmed(candle.quote_volume),
            window_end=candle.close_ms // 1000,
        )
        return self._head + created_at(shown_ms) + pb.Push(kline=body).SerializeToString()


class MiniTickerFeed(PairFeed):
    """miniTicker: price and change of the day, every 3 s."""

    is_steady = True

    def __init__(self, topic: ChannelTopic, pair: PracticePair, session: ExchangeSession) -> None:
        super().__init__(topic, pair, TICKER_MS)
        self._days = DayStarts(session)
        self._session = session

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the ticker."""
        if self._session.pair(self.topic.symbol) is None:
            return None
        body = self._days.mini_ticker(self.topic.symbol, self.topic.zone)
        return self._wrap(shown_ms, pb.Push(mini_ticker=body))


class MiniTickersFeed:
    """miniTickers: the same of all pairs in one large frame, every 3 s."""

    is_steady = True
    period_ms = TICKER_MS

    def __init__(self, topic: ChannelTopic, session: ExchangeSession) -> None:
        self.topic = topic
        self._head = head(topic.text)
        self._days = DayStarts(session)
        self._session = session
        self._written: dict[str, tuple[tuple[str, int], bytes]] = {}

    def on_trade(self, trade: PracticeTrade) -> bool:
        """Ignored."""
        del trade
        return False

    def on_level(self, side: Side, price: Decimal, quantity: Decimal, *, version: int) -> bool:
        """Ignored."""
        del side, price, quantity, version
        return False

    def message(self, shown_ms: int) -> bytes | None:
        """Encode the tickers of all public pairs."""
        items = b"".join(self._item(pair) for pair in self._session.visible_pairs() if not pair.blocked)
        return self._head + sent_at(shown_ms) + nested(pb.Push.MINI_TICKERS_FIELD_NUMBER, items)

    def _item(self, pair: PracticePair) -> bytes:
        """Encode one ticker; without a trade it is reused for a minute, since encoding 2,000 takes long."""
        state = (pair.trades[-1].trade_id if pair.trades else "", self._session.now_ms // MINUTE_MS)
        written = self._written.get(pair.symbol)
        if written is None or written[0] != state:
            ticker = self._days.mini_ticker(pair.symbol, self.topic.zone)
            written = (state, pb.MiniTickers(items=[ticker]).SerializeToString())
            self._written[pair.symbol] = written
        return written[1]


class DayStarts:
    """Prices at the start of the day in a time zone, cached for the day."""

    def __init__(self, session: ExchangeSession) -> None:
        self._session = session
        self._prices: dict[str, Decimal] = {}
        self._day = -1

    def mini_ticker(self, symbol: str, zone: str) -> pb.MiniTicker:
        """Return the mini ticker of a pair; `volume` is quote turnover, `quantity` base (protocol 7.6)."""
        ticker = self._session.ticker(symbol)
        rate = _rate(ticker.last, ticker.open)
        zoned = _rate(ticker.last, self._start(symbol, zone, ticker))
        high, low = trimmed(ticker.high), trimmed(ticker.low)
        return pb.MiniTicker(
            symbol=symbol,
            price=trimmed(ticker.last),
            rate=rate,
            zoned_rate=zoned,
            high=high,
            low=low,
            volume=trimmed(ticker.quote_volume),
            quantity=trimmed(ticker.volume),
            last_close_rate=rate,
            last_close_zoned_rate=zoned,
            last_close_high=high,
            last_close_low=low,
        )

    def _start(self, symbol: str, zone: str, ticker: Ticker) -> Decimal:
        offset_min = zone_offset_min(zone)
        if offset_min is None:
            return ticker.open
        day, since_ms = divmod(self._session.now_ms + offset_min * MINUTE_MS, DAY_MS)
        if day != self._day:
            self._day = day
            self._prices.clear()
        price = self._prices.get(symbol)
        if price is None:
            start_ms = self._session.now_ms - since_ms
            candles = self._session.klines(symbol, KlineInterval.MIN_15, start_ms=start_ms, limit=1)
            price = candles[0].open if candles else ticker.open
            self._prices[symbol] = price
        return price


def _rate(price: Decimal, start: Decimal) -> str:
    return trimmed(((price - start) / start).quantize(Decimal("0.0001"))) if start else "0"
