"""Candle intervals, as REST and the streams name them (protocol 4.3, 7.5).

Boundaries are in UTC; weeks start on Monday.
"""

from datetime import UTC, datetime
from enum import Enum

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class KlineInterval(Enum):
    """(REST name, "" where REST does not offer it; stream name)."""

    MIN_1 = ("1m", "Min1")
    MIN_5 = ("5m", "Min5")
    MIN_15 = ("15m", "Min15")
    MIN_30 = ("30m", "Min30")
    MIN_60 = ("60m", "Min60")
    HOUR_4 = ("4h", "Hour4")
    HOUR_8 = ("", "Hour8")
    DAY = ("1d", "Day1")
    WEEK = ("1W", "Week1")
    MONTH = ("1M", "Month1")

    @property
    def rest_name(self) -> str:
        """Name in GET /klines; empty: not offered there."""
        return self.value[0]

    @property
    def stream_name(self) -> str:
        """Name in the kline channel."""
        return self.value[1]

    @staticmethod
    def of_rest(name: str) -> "KlineInterval | None":
        """Find an interval by its REST name."""
        return next((interval for interval in KlineInterval if name and interval.rest_name == name), None)

    @staticmethod
    def of_stream(name: str) -> "KlineInterval | None":
        """Find an interval by its stream name."""
        return next((interval for interval in KlineInterval if interval.stream_name == name), None)


_LENGTHS_MS = {
    KlineInterval.MIN_1: MINUTE_MS,
    KlineInterval.MIN_5: 5 * MINUTE_MS,
    KlineInterval.MIN_15: 15 * MINUTE_MS,
    KlineInterval.MIN_30: 30 * MINUTE_MS,
    KlineInterval.MIN_60: HOUR_MS,
    KlineInterval.HOUR_4: 4 * HOUR_MS,
    KlineInterval.HOUR_8: 8 * HOUR_MS,
    KlineInterval.DAY: DAY_MS,
}
_FIRST_MONDAY_MS = 4 * DAY_MS  # 1970-01-05


def fixed_length_ms(interval: KlineInterval) -> int | None:
    """Return the length of an interval; None for weeks and months, which consist of days."""
    return _LENGTHS_MS.get(interval)


def start_of(interval: KlineInterval, at_ms: int) -> int:
    """Return the start of the candle that contains `at_ms`."""
    if interval is KlineInterval.MONTH:
        day = datetime.fromtimestamp(at_ms / 1000, UTC)
        return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000
    if interval is KlineInterval.WEEK:
        return at_ms - (at_ms - _FIRST_MONDAY_MS) % (7 * DAY_MS)
    return at_ms - at_ms % _LENGTHS_MS[interval]


def end_of(interval: KlineInterval, start_ms: int) -> int:
    """Return the end of the candle that starts at `start_ms`."""
    if interval is KlineInterval.MONTH:
        return start_of(interval, start_ms + 32 * DAY_MS)
    return start_ms + (7 * DAY_MS if interval is KlineInterval.WEEK else _LENGTHS_MS[interval])


def before(interval: KlineInterval, start_ms: int, count: int) -> int:
    """Return the start of the candle `count` candles before the one that starts at `start_ms`."""
    if interval is not KlineInterval.MONTH:
        return start_ms - count * (7 * DAY_MS if interval is KlineInterval.WEEK else _LENGTHS_MS[interval])
    for _ in range(count):
        start_ms = start_of(interval, start_ms - 1)
    return start_ms
