"""Candle intervals, as REST and the streams name them (reference 4.3, 7.5).

Borders are UTC; weeks start on Monday.
"""

from enum import Enum

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


class Interval(Enum):
    """(REST name or "" where REST lacks it, stream name)."""

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
    def of_rest(name: str) -> "Interval | None":
        """Find an interval by its REST name."""
        return next((interval for interval in Interval if name and interval.rest_name == name), None)

    @staticmethod
    def of_stream(name: str) -> "Interval | None":
        """Find an interval by its stream name."""
        return next((interval for interval in Interval if interval.stream_name == name), None)
