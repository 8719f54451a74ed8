"""WebSocket channels: subscription requests and their acknowledgements (protocol 7.2 to 7.5)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from mexc_tui.practice.matching.intervals import KlineInterval

ZONES = frozenset(
    (
        "24H",
        *(f"UTC-{hour}" for hour in (10, 8, 7, 6, 5, 4, 3)),
        *(f"UTC+{hour}" for hour in range(14)),
        *("UTC+4:30", "UTC+5:30", "UTC+12:45"),
    )
)


class ChannelKind(Enum):
    """Channel names, as in the parameter and in `eventType`."""

    AGGRE_DEALS = "spot@public.aggre.deals.v3.api.pb"
    AGGRE_DEPTH = "spot@public.aggre.depth.v3.api.pb"
    AGGRE_BOOK_TICKER = "spot@public.aggre.bookTicker.v3.api.pb"
    LIMIT_DEPTH = "spot@public.limit.depth.v3.api.pb"
    BOOK_TICKER_BATCH = "spot@public.bookTicker.batch.v3.api.pb"
    KLINE = "spot@public.kline.v3.api.pb"
    MINI_TICKER = "spot@public.miniTicker.v3.api.pb"
    MINI_TICKERS = "spot@public.miniTickers.v3.api.pb"
    ACCOUNT = "spot@private.account.v3.api.pb"
    DEALS = "spot@private.deals.v3.api.pb"
    ORDERS = "spot@private.orders.v3.api.pb"


PRIVATE = frozenset({ChannelKind.ACCOUNT, ChannelKind.DEALS, ChannelKind.ORDERS})
_AGGREGATED = frozenset({ChannelKind.AGGRE_DEALS, ChannelKind.AGGRE_DEPTH, ChannelKind.AGGRE_BOOK_TICKER})
_SPEEDS_MS = {"10ms": 10, "100ms": 100}
_DEPTHS = {"5": 5, "10": 10, "20": 20}


@dataclass(frozen=True, slots=True)
class ChannelTopic:
    """One channel with its arguments; `text` is the parameter as the client wrote it."""

    text: str
    kind: ChannelKind
    symbol: str = ""
    period_ms: int = 0
    """Of the aggregated channels."""
    depth: int = 0
    """Of limit.depth."""
    interval: KlineInterval = KlineInterval.MIN_1
    """Of kline."""
    zone: str = ""
    """Of the mini tickers."""

    @property
    def event_type(self) -> str:
        """The parameter without its symbol, as repeated in the body."""
        speed = f"@{self.period_ms}ms" if self.period_ms else ""
        return self.kind.value + speed


def parse(text: str) -> ChannelTopic | None:
    """Parse a parameter of SUBSCRIPTION; None: unknown channel (obsolete and JSON channels included)."""
    name, *rest = _split(text)
    kind = _KINDS.get(name)
    if kind is None:
        return None
    if kind in _AGGREGATED:
        return _aggregated(text, kind, rest)
    if kind in PRIVATE:
        return ChannelTopic(text, kind) if not rest else None
    if kind is ChannelKind.BOOK_TICKER_BATCH:
        return ChannelTopic(text, kind, rest[0]) if len(rest) == 1 else None
    if kind is ChannelKind.MINI_TICKERS:
        return ChannelTopic(text, kind, zone=rest[0]) if len(rest) == 1 and rest[0] in ZONES else None
    return _of_symbol_and_argument(text, kind, rest)


_KINDS = {kind.value: kind for kind in ChannelKind}


def _split(text: str) -> list[str]:
    market, _, rest = text.partition("@")
    name, *arguments = rest.split("@")
    return [f"{market}@{name}", *arguments]


def _aggregated(text: str, kind: ChannelKind, rest: Sequence[str]) -> ChannelTopic | None:
    if len(rest) != 2 or rest[0] not in _SPEEDS_MS:
        return None
    return ChannelTopic(text, kind, rest[1], period_ms=_SPEEDS_MS[rest[0]])


def _of_symbol_and_argument(text: str, kind: ChannelKind, rest: Sequence[str]) -> ChannelTopic | None:
    if len(rest) != 2:
        return None
    symbol, argument = rest
    if kind is ChannelKind.LIMIT_DEPTH:
        return ChannelTopic(text, kind, symbol, depth=_DEPTHS[argument]) if argument in _DEPTHS else None
    if kind is ChannelKind.KLINE:
        interval = KlineInterval.of_stream(argument)
        return None if interval is None else ChannelTopic(text, kind, symbol, interval=interval)
    return ChannelTopic(text, kind, symbol, zone=argument) if argument in ZONES else None


_OFFSET = re.compile(r"UTC([+-])(\d+)(?::(\d+))?")


def zone_offset_min(zone: str) -> int | None:
    """Return a zone's offset from UTC in minutes; None: the rolling 24 hours."""
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3] or 0)
    return -minutes if match[1] == "-" else minutes


# Replies (protocol 7.3, 7.4). The two spaces, the full-width colon and the trailing space are MEXC's.

PONG = "PONG"
BAD_LISTEN_KEY = "Invalid listen key"


NO_SUBSCRIPTION = "no subscription"
"""Reply to UNSUBSCRIPTION without a subscribed topic (protocol 4.10)."""


def acknowledgement(accepted: Sequence[str], refused: Sequence[str]) -> str:
    """Return the `msg` for one SUBSCRIPTION; neither list contains channels subscribed before."""
    if not refused:
        return ",".join(accepted)
    if not accepted:
        return f"Not Subscribed successfully! [{','.join(refused)}].  Reason： Blocked! "
    return (
        f"Subscribed successful! [{','.join(accepted)}]. "
        f"Not Subscribed successfully! [{','.join(refused)}]. Reason： Blocked! "
    )
