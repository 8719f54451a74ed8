"""The channels that can be subscribed: their texts, built and read (protocol 7.5)."""

import re
from dataclasses import dataclass
from enum import Enum

MAX_TOPICS_PER_SOCKET = 30
"""More are refused, or silently never pushed (protocol 7.1)."""

KLINE_INTERVALS = ("Min1", "Min5", "Min15", "Min30", "Min60", "Hour4", "Hour8", "Day1", "Week1", "Month1")
DEPTH_LEVELS = (5, 10, 20)
ZONES = (
    "24H", "UTC-10", "UTC-8", "UTC-7", "UTC-6", "UTC-5", "UTC-4", "UTC-3", "UTC+0", "UTC+1", "UTC+2",
    "UTC+3", "UTC+4", "UTC+4:30", "UTC+5", "UTC+5:30", "UTC+6", "UTC+7", "UTC+8", "UTC+9", "UTC+10", "UTC+11",
    "UTC+12", "UTC+12:45", "UTC+13",
)  # fmt: skip


class Queueing(Enum):
    """What may be done with waiting messages of a topic when the consumer is slow (reliability M9)."""

    LATEST = "latest"
    """Each message is the whole truth: only the newest is kept."""
    SERIES = "series"
    """Each message is a part: kept in order up to a bound; then the oldest are dropped and a gap reported."""
    ALWAYS = "always"
    """Never dropped: orders, fills, balances."""


class TopicKind(Enum):
    """What a topic carries: channel name, field of `Push`, and how it waits."""

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
        """Take the three apart."""
        self.channel = channel
        self.body = body
        self.queueing = queueing


class TopicPace(Enum):
    """How often an aggregated channel pushes at most."""

    MS_10 = "10ms"
    MS_100 = "100ms"


@dataclass(frozen=True, slots=True)
class StreamTopic:
    """One subscription. `channel` is its full text and its identity.

    `detail` is pace, number of levels, interval or zone, as the kind has it.
    """

    channel: str
    kind: TopicKind
    symbol: str = ""
    detail: str = ""


def deals(symbol: str, pace: TopicPace = TopicPace.MS_100) -> StreamTopic:
    """Trades, batched per interval."""
    return _paced(TopicKind.DEALS, symbol, pace)


def depth(symbol: str, pace: TopicPace = TopicPace.MS_100) -> StreamTopic:
    """Changed levels of the book per interval, with a version range."""
    return _paced(TopicKind.DEPTH, symbol, pace)


def best_quote(symbol: str, pace: TopicPace = TopicPace.MS_100) -> StreamTopic:
    """Best bid and ask every interval, even if unchanged."""
    return _paced(TopicKind.BEST_QUOTE, symbol, pace)


def top_levels(symbol: str, levels: int = 5) -> StreamTopic:
    """Return the full best 5, 10 or 20 levels on change."""
    if levels not in DEPTH_LEVELS:
        raise ValueError(f"{levels} levels cannot be subscribed: choose one of {DEPTH_LEVELS}")
    return _topic(TopicKind.TOP_LEVELS, _checked(symbol), str(levels))


def best_quote_batch(symbol: str) -> StreamTopic:
    """Best quotes in batches."""
    return _topic(TopicKind.BEST_QUOTE_BATCH, _checked(symbol))


def kline(symbol: str, interval: str = "Min1") -> StreamTopic:
    """Candles of one of KLINE_INTERVALS, each second while trading."""
    if interval not in KLINE_INTERVALS:
        raise ValueError(f"interval {interval!r} is unknown: choose one of {KLINE_INTERVALS}")
    return _topic(TopicKind.KLINE, _checked(symbol), interval)


def mini_ticker(symbol: str, zone: str = "24H") -> StreamTopic:
    """One symbol's day every 3 s."""
    return _topic(TopicKind.MINI_TICKER, _checked(symbol), _checked_zone(zone))


def mini_tickers(zone: str = "24H") -> StreamTopic:
    """All symbols' days every 3 s, in large frames."""
    return _topic(TopicKind.MINI_TICKERS, "", _checked_zone(zone))


def private_topics() -> tuple[StreamTopic, StreamTopic, StreamTopic]:
    """Orders, deals and account; they need a listen key (protocol 9)."""
    return _topic(TopicKind.PRIVATE_ORDERS), _topic(TopicKind.PRIVATE_DEALS), _topic(TopicKind.ACCOUNT)


_SYMBOL = re.compile(r"[^@,\[\]\"\\\s]{1,64}")
_KINDS = {kind.channel: kind for kind in TopicKind}
_CHANNEL = re.compile(r"spot@([A-Za-z.]+)\.v3\.api\.pb((?:@[^@]+){0,2})")


def parse(channel: str) -> StreamTopic:
    """Read a channel's text. Raises ValueError when it is none of ours, or not written as we write it."""
    match = _CHANNEL.fullmatch(channel)
    kind = _KINDS.get(match[1]) if match else None
    if match is None or kind is None:
        raise ValueError(f"unknown channel: {channel[:80]!a}")
    topic = _build(kind, match[2].split("@")[1:])
    if topic is None or topic.channel != channel:
        raise ValueError(f"not a well-formed channel: {channel[:80]!a}")
    return topic


def _build(kind: TopicKind, parts: list[str]) -> StreamTopic | None:
    """Rebuild a topic from the parts of its text; None when they are too many or too few."""
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
    """Refuse lower case, as the exchange does (protocol 7.2), and what would break the channel's text."""
    if _SYMBOL.fullmatch(symbol) is None or symbol != symbol.upper() or not symbol.isprintable():
        raise ValueError(f"not a symbol in upper case: {symbol[:80]!a}")
    return symbol


def _checked_zone(zone: str) -> str:
    if zone not in ZONES:
        raise ValueError(f"time zone {zone!r} is unknown to the exchange: choose one of {ZONES}")
    return zone
