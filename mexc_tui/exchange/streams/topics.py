"""Stream channels: builds and parses their names (protocol 7.5)."""

import re
from dataclasses import dataclass
from enum import Enum

MAX_TOPICS_PER_SOCKET = 30
"""Further topics are refused or silently never pushed (protocol 7.1)."""

KLINE_INTERVALS = ("Min1", "Min5", "Min15", "Min30", "Min60", "Hour4", "Hour8", "Day1", "Week1", "Month1")
DEPTH_LEVELS = (5, 10, 20)
ZONES = (
    "24H", "UTC-10", "UTC-8", "UTC-7", "UTC-6", "UTC-5", "UTC-4", "UTC-3", "UTC+0", "UTC+1", "UTC+2",
    "UTC+3", "UTC+4", "UTC+4:30", "UTC+5", "UTC+5:30", "UTC+6", "UTC+7", "UTC+8", "UTC+9", "UTC+10", "UTC+11",
    "UTC+12", "UTC+12:45", "UTC+13",
)  # fmt: skip


class Queueing(Enum):
    """How waiting messages are treated when the consumer is slow (reliability M9)."""

    LATEST = "latest"
    """Each message is a full state: only the newest is kept."""
    SERIES = "series"
    """Each message is an increment: kept in order up to a bound, then dropped with a gap report."""
    ALWAYS = "always"
    """Never dropped: orders, fills, balances."""


class TopicKind(Enum):
    """Kind of a topic: channel name, body field of `Push`, queueing."""

    DEALS = ("public.aggre.deals", "aggre_deals", Queueing.SERIES)
    DEPTH = ("public.aggre.depth", "aggre_depths", Queueing.SERIES)
    BEST_QUOTE = ("public.aggre.bookTicker", "aggre_book_ticker", Queueing.LATEST)
    TOP_LEVELS = ("public.limit.depth", "limit_depths", Queueing.LATEST)
    BEST_QUOTE_BATCH = ("public.bookTicker.batch", "book_ticker_batch", Queueing.LATEST)
    KLINE = ("public.kline", "kline", Queueing.LATEST)
    MINI_TICKER = ("public.miniTicker", "mini_ticker", Queueing.LATEST)
    MINI_TICKERS = ("public.miniTickers", "mini_tickers", Queueing.LATEST)
    ACCOUNT = ("private.account", "private_account", Queueing.ALWAYS)
    PRIVATE_DEALS = ("private.deals", "private_deal", Queueing.ALWAYS)
    PRIVATE_ORDERS = ("private.orders", "private_order", Queueing.ALWAYS)

    def __init__(self, channel: str, body: str, queueing: Queueing) -> None:
        """Set the attributes from the value."""
        self.channel = channel
        self.body = body
        self.queueing = queueing


class TopicPace(Enum):
    """Shortest push interval of an aggregated channel."""

    MS_10 = "10ms"
    MS_100 = "100ms"


@dataclass(frozen=True, slots=True)
class StreamTopic:
    """A topic to subscribe. `channel` is its full name and identity.

    `detail` is the pace, number of levels, interval or time zone, depending on the kind.
    """

    channel: str
    kind: TopicKind
    symbol: str = ""
    detail: str = ""


def deals(symbol: str, pace: TopicPace = TopicPace.MS_100) -> StreamTopic:
    """Return the topic of trades, batched per interval."""
    return _paced(TopicKind.DEALS, symbol, pace)


def depth(symbol: str, pace: TopicPace = TopicPace.MS_100) -> StreamTopic:
    """Return the topic of changed order-book levels per interval, with a version range."""
    return _paced(TopicKind.DEPTH, symbol, pace)


def best_quote(symbol: str, pace: TopicPace = TopicPace.MS_100) -> StreamTopic:
    """Return the topic of best bid and ask, pushed every interval."""
    return _paced(TopicKind.BEST_QUOTE, symbol, pace)


def top_levels(symbol: str, levels: int = 5) -> StreamTopic:
    """Return the topic of the best 5, 10 or 20 levels, pushed on change. Raises ValueError."""
    if levels not in DEPTH_LEVELS:
        raise ValueError(f"{levels} levels cannot be subscribed: choose one of {DEPTH_LEVELS}")
    return _topic(TopicKind.TOP_LEVELS, _checked(symbol), str(levels))


def best_quote_batch(symbol: str) -> StreamTopic:
    """Return the topic of best quotes in batches."""
    return _topic(TopicKind.BEST_QUOTE_BATCH, _checked(symbol))


def kline(symbol: str, interval: str = "Min1") -> StreamTopic:
    """Return the topic of candles of one of KLINE_INTERVALS, pushed each second. Raises ValueError."""
    if interval not in KLINE_INTERVALS:
        raise ValueError(f"interval {interval!r} is unknown: choose one of {KLINE_INTERVALS}")
    return _topic(TopicKind.KLINE, _checked(symbol), interval)


def mini_ticker(symbol: str, zone: str = "24H") -> StreamTopic:
    """Return the topic of one symbol's 24-hour ticker, pushed every 3 s."""
    return _topic(TopicKind.MINI_TICKER, _checked(symbol), _checked_zone(zone))


def mini_tickers(zone: str = "24H") -> StreamTopic:
    """Return the topic of all 24-hour tickers, pushed every 3 s in large frames."""
    return _topic(TopicKind.MINI_TICKERS, "", _checked_zone(zone))


def private_topics() -> tuple[StreamTopic, StreamTopic, StreamTopic]:
    """Return the order, trade and account topics. They require a listen key (protocol 9)."""
    return _topic(TopicKind.PRIVATE_ORDERS), _topic(TopicKind.PRIVATE_DEALS), _topic(TopicKind.ACCOUNT)


_SYMBOL = re.compile(r"[^@,\[\]\"\\\s]{1,64}")
_KINDS = {kind.channel: kind for kind in TopicKind}
_CHANNEL = re.compile(r"spot@([A-Za-z.]+)\.v3\.api\.pb((?:@[^@]+){0,2})")


def parse(channel: str) -> StreamTopic:
    """Parse a channel name. Raises ValueError if it is unknown or not in canonical form."""
    match = _CHANNEL.fullmatch(channel)
    kind = _KINDS.get(match[1]) if match else None
    if match is None or kind is None:
        raise ValueError(f"unknown channel: {channel[:80]!a}")
    topic = _build(kind, match[2].split("@")[1:])
    if topic is None or topic.channel != channel:
        raise ValueError(f"not a well-formed channel: {channel[:80]!a}")
    return topic


def _build(kind: TopicKind, parts: list[str]) -> StreamTopic | None:
    """Build a topic from the parts of its name; None if their number is wrong."""
    match kind, parts:
        case ((TopicKind.DEALS | TopicKind.DEPTH | TopicKind.BEST_QUOTE), [pace, symbol]):
            return _paced(kind, symbol, TopicPace(pace))
        case TopicKind.TOP_LEVELS, [symbol, levels] if levels.isdecimal():
            return top_levels(symbol, int(levels))
        case TopicKind.BEST_QUOTE_BATCH, [symbol]:
            return best_quote_batch(symbol)
        case TopicKind.KLINE, [symbol, interval]:
            return kline(symbol, interval)
        case TopicKind.MINI_TICKER, [symbol, zone]:
            return mini_ticker(symbol, zone)
        case TopicKind.MINI_TICKERS, [zone]:
            return mini_tickers(zone)
        case ((TopicKind.ACCOUNT | TopicKind.PRIVATE_DEALS | TopicKind.PRIVATE_ORDERS), []):
            return _topic(kind)
        case _:
            return None


def _paced(kind: TopicKind, symbol: str, pace: TopicPace) -> StreamTopic:
    channel = f"spot@{kind.channel}.v3.api.pb@{pace.value}@{_checked(symbol)}"
    return StreamTopic(channel, kind, symbol, pace.value)


def _topic(kind: TopicKind, symbol: str = "", detail: str = "") -> StreamTopic:
    parts = [f"spot@{kind.channel}.v3.api.pb", *(part for part in (symbol, detail) if part)]
    return StreamTopic("@".join(parts), kind, symbol, detail)


def _checked(symbol: str) -> str:
    """Return the symbol. Raises ValueError for lower case (protocol 7.2) and for separators."""
    if _SYMBOL.fullmatch(symbol) is None or symbol != symbol.upper() or not symbol.isprintable():
        raise ValueError(f"not a symbol in upper case: {symbol[:80]!a}")
    return symbol


def _checked_zone(zone: str) -> str:
    if zone not in ZONES:
        raise ValueError(f"time zone {zone!r} is unknown to the exchange: choose one of {ZONES}")
    return zone
