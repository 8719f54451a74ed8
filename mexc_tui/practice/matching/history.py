"""Candles before the session started: a closed form of (pair, seed), so that any window is cheap to compute.

A day is drawn from the seed; 8 hours are parts of their day, 4 hours of their 8, and so on down to the
minute, each drawn from its parent. So all intervals are consistent, in any order of access. All numbers are
integers: prices in ticks, volumes in lots, values in ticks x lots.
"""

import math
import random
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from mexc_tui.practice.matching.intervals import DAY_MS, HOUR_MS, MINUTE_MS

LADDER_MS = (
    DAY_MS,
    8 * HOUR_MS,
    4 * HOUR_MS,
    HOUR_MS,
    30 * MINUTE_MS,
    15 * MINUTE_MS,
    5 * MINUTE_MS,
    MINUTE_MS,
)
"""Each length divides the one before it."""

_OCTAVES = ((64, 0.6), (16, 0.25), (4, 0.1), (1, 0.025))
"""(days, amplitude of the logarithm of the price)"""
_MASK = (1 << 64) - 1


class HistoryBar(msgspec.Struct):
    """One candle in ticks and lots."""

    start_ms: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int

    def absorb(self, later: "HistoryBar") -> None:
        """Extend by the next bar."""
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.value += later.value


def joined(bars: Iterator[HistoryBar], start_ms: int) -> HistoryBar | None:
    """Merge consecutive bars; None if there are none."""
    whole: HistoryBar | None = None
    for bar in bars:
        if whole is None:
            whole = msgspec.structs.replace(bar, start_ms=start_ms)
        else:
            whole.absorb(bar)
    return whole


class PairHistoryStore:
    """Candles in [from_ms, until_ms); `until_ms` is a whole minute, `from_ms` a whole day."""

    def __init__(
        self, *, salt: int, start_ticks: float, daily_volume: float, from_ms: int, until_ms: int
    ) -> None:
        self._salt = salt
        self._start_ticks = start_ticks
        self._daily_volume = daily_volume
        self.from_ms = from_ms
        self.until_ms = until_ms
        self._last_level = self._log_price(until_ms // DAY_MS)

    def last_ticks(self) -> int:
        """Return the price at `until_ms`."""
        lo = self.until_ms - self.until_ms % MINUTE_MS
        return next(self._bars_whole(MINUTE_MS, lo, lo + MINUTE_MS)).open

    def bars(self, length_ms: int, lo_ms: int, hi_ms: int) -> Iterator[HistoryBar]:
        """Return bars of one length of LADDER_MS that start in [lo, hi); the last may be incomplete."""
        lo_ms = max(lo_ms, self.from_ms)
        hi_ms = min(hi_ms, self.until_ms)
        if lo_ms >= hi_ms:
            return
        lo_ms += -lo_ms % length_ms
        broken_ms = self.until_ms - self.until_ms % length_ms
        yield from self._bars_whole(length_ms, lo_ms, min(hi_ms, broken_ms))
        if lo_ms <= broken_ms < hi_ms:
            part = self.part(broken_ms, self.until_ms)
            if part is not None:
                yield part

    def part(self, lo_ms: int, hi_ms: int) -> HistoryBar | None:
        """Return one bar for [lo, hi), both whole minutes, built from the longest bars that fit."""
        return joined(self._pieces(max(lo_ms, self.from_ms), min(hi_ms, self.until_ms)), lo_ms)

    def _pieces(self, lo_ms: int, hi_ms: int) -> Iterator[HistoryBar]:
        while lo_ms < hi_ms:
            length_ms = next(
                (each for each in LADDER_MS if lo_ms % each == 0 and lo_ms + each <= hi_ms), MINUTE_MS
            )
            end_ms = lo_ms + length_ms
            while (
                end_ms % LADDER_MS[0]
                and end_ms + length_ms <= hi_ms
                and not _longer_fits(end_ms, hi_ms, length_ms)
            ):
                end_ms += length_ms
            yield from self._bars_whole(length_ms, lo_ms, end_ms)
            lo_ms = end_ms

    def _bars_whole(self, length_ms: int, lo_ms: int, hi_ms: int) -> Iterator[HistoryBar]:
        for day in range(lo_ms // DAY_MS, (hi_ms - 1) // DAY_MS + 1):
            yield from self._within(self._day(day), 0, length_ms, lo_ms=lo_ms, hi_ms=hi_ms)

    def _within(
        self, bar: HistoryBar, rung: int, length_ms: int, *, lo_ms: int, hi_ms: int
    ) -> Iterator[HistoryBar]:
        if LADDER_MS[rung] == length_ms:
            yield bar
            return
        part_ms = LADDER_MS[rung + 1]
        for child in self._split(bar, rung):
            if child.start_ms < hi_ms and child.start_ms + part_ms > lo_ms:
                yield from self._within(child, rung + 1, length_ms, lo_ms=lo_ms, hi_ms=hi_ms)

    def _log_price(self, day: int) -> float:
        total = 0.0
        for octave, (days, amplitude) in enumerate(_OCTAVES):
            left, offset = divmod(day, days)
            share = offset / days
            noise = self._noise(octave, left) * (1 - share) + self._noise(octave, left + 1) * share
            total += amplitude * noise
        return total

    def _noise(self, octave: int, index: int) -> float:
        return _mix(self._salt + octave * 0x9E3779B97F4A7C15 + index) / (1 << 63) - 1.0

    def _day_open(self, day: int) -> int:
        return max(round(self._start_ticks * math.exp(self._log_price(day) - self._last_level)), 4)

    def _day(self, day: int) -> HistoryBar:
        rng = random.Random(_mix(self._salt ^ day * 0x632BE59BD9B4E019))
        first, last = self._day_open(day), self._day_open(day + 1)
        high = round(max(first, last) * (1 + 0.03 * rng.random()))
        low = max(round(min(first, last) * (1 - 0.03 * rng.random())), 1)
        volume = round(self._daily_volume * rng.uniform(0.5, 1.6) * self._start_ticks / first) + 1_440
        value = volume * (first + last + high + low) // 4
        return HistoryBar(day * DAY_MS, first, high, low, last, volume, value)

    def _split(self, bar: HistoryBar, rung: int) -> list[HistoryBar]:
        part_ms = LADDER_MS[rung + 1]
        count = LADDER_MS[rung] // part_ms
        rng = random.Random(_mix(self._salt + rung * 0xD6E8FEB86659FD93 ^ bar.start_ms))
        points = _path(bar, count, rng)
        tops, bottoms = rng.randrange(count), rng.randrange(count)
        weights = [0.4 + rng.random() for _ in range(count)]
        volumes = _shares(bar.volume, weights)
        values = _shares(
            bar.value, [weight * (a + b) for weight, (a, b) in zip(weights, pairwise(points), strict=True)]
        )
        parts: list[HistoryBar] = []
        for index, (first, last) in enumerate(pairwise(points)):
            high, low = max(first, last), min(first, last)
            high += int((bar.high - high) * 0.3 * rng.random())
            low -= int((low - bar.low) * 0.3 * rng.random())
            parts.append(
                HistoryBar(
                    bar.start_ms + index * part_ms,
                    first,
                    bar.high if index == tops else high,
                    bar.low if index == bottoms else low,
                    last,
                    volumes[index],
                    values[index],
                )
            )
        return parts


def _longer_fits(at_ms: int, hi_ms: int, length_ms: int) -> bool:
    return any(each > length_ms and at_ms % each == 0 and at_ms + each <= hi_ms for each in LADDER_MS)


def _path(bar: HistoryBar, count: int, rng: random.Random) -> list[int]:
    swing = (bar.high - bar.low) * 0.6
    points = [bar.open]
    for index in range(1, count):
        straight = bar.open + (bar.close - bar.open) * index / count
        points.append(min(max(round(straight + swing * (rng.random() - 0.5)), bar.low), bar.high))
    points.append(bar.close)
    return points


def _shares(total: int, weights: list[float]) -> list[int]:
    """Split a whole number by weights; the parts add up to it."""
    whole = sum(weights)
    parts: list[int] = []
    reached, given = 0.0, 0
    for weight in weights[:-1]:
        reached += weight
        upto = int(total * (reached / whole))
        parts.append(upto - given)
        given = upto
    parts.append(total - given)
    return parts


def _mix(value: int) -> int:
    """Scramble 64 bits (splitmix64's finaliser)."""
    value &= _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
