"""Candles of a pair: history before the session started, live trades after it."""

from collections import OrderedDict
from collections.abc import Iterator

from mexc_tui.practice.matching.history import HistoryBar, PairHistoryStore, joined
from mexc_tui.practice.matching.intervals import (
    DAY_MS,
    KlineInterval,
    before,
    end_of,
    fixed_length_ms,
    start_of,
)

MAX_LIVE_CANDLES = 1_500
"""Number of recent candles per interval."""
LIMIT = 1_000
"""Largest number of candles in one response (protocol 4.3)."""


class _Running:
    """Candles of one interval since the start of the session; the last one is open."""

    def __init__(self, interval: KlineInterval) -> None:
        self.interval = interval
        self.bars: OrderedDict[int, HistoryBar] = OrderedDict()
        self.bar: HistoryBar | None = None
        self.end_ms = 0
        self.dropped_before_ms = 0

    def begin(self, bar: HistoryBar) -> None:
        self.bar = bar
        self.end_ms = end_of(self.interval, bar.start_ms)
        self.bars[bar.start_ms] = bar
        if len(self.bars) > MAX_LIVE_CANDLES:
            start_ms, _ = self.bars.popitem(last=False)
            self.dropped_before_ms = end_of(self.interval, start_ms)


class Candles:
    """All intervals of one pair. `history` is None for a pair that opens after the session started."""

    def __init__(self, history: PairHistoryStore | None, last_ticks: int | None) -> None:
        self._history = history
        self._last = last_ticks
        self._live_from_ms = history.until_ms if history else None
        self._running: list[_Running] = []

    @property
    def is_live(self) -> bool:
        """Whether a trade happened since the session started."""
        return bool(self._running)

    def first_ms(self, interval: KlineInterval) -> int:
        """Return the start of the oldest candle; 0 before a new pair's first trade."""
        oldest_ms = self._history.from_ms if self._history is not None else self._live_from_ms
        return 0 if oldest_ms is None else start_of(interval, oldest_ms)

    def add(self, at_ms: int, ticks: int, lots: int) -> None:
        """Add a trade to the open candles."""
        if not self._running:
            self._running = [_Running(interval) for interval in KlineInterval]
            self._live_from_ms = self._live_from_ms if self._live_from_ms is not None else at_ms
        value = ticks * lots
        for running in self._running:
            bar = running.bar
            if bar is None or at_ms >= running.end_ms:
                bar = self._next_bar(running, at_ms, ticks)
            if ticks > bar.high:
                bar.high = ticks
            if ticks < bar.low:
                bar.low = ticks
            bar.close = ticks
            bar.volume += lots
            bar.value += value
        self._last = ticks

    def _next_bar(self, running: _Running, at_ms: int, ticks: int) -> HistoryBar:
        start_ms = start_of(running.interval, at_ms)
        first = self._last if self._last is not None else ticks
        bar = self._past_part(start_ms) or _flat(start_ms, first)
        running.begin(bar)
        return bar

    def _past_part(self, start_ms: int) -> HistoryBar | None:
        if self._history is None or start_ms >= self._history.until_ms:
            return None
        return self._history.part(start_ms, self._history.until_ms)

    def bars(self, interval: KlineInterval, lo_ms: int, hi_ms: int, *, now_ms: int) -> list[HistoryBar]:
        """Return the candles that start in [lo, hi], oldest first, up to the one running at `now_ms`."""
        hi_ms = min(hi_ms, now_ms)
        found: list[HistoryBar] = list(self._past(interval, lo_ms, hi_ms))
        found.extend(self._recent(interval, lo_ms, hi_ms))
        return found

    def last_bars(self, interval: KlineInterval, hi_ms: int, count: int, *, now_ms: int) -> list[HistoryBar]:
        """Return the last `count` candles that start at or before `hi_ms`."""
        last_ms = start_of(interval, min(hi_ms, now_ms))
        return self.bars(interval, before(interval, last_ms, count - 1), hi_ms, now_ms=now_ms)[-count:]

    def running(self, interval: KlineInterval, now_ms: int) -> HistoryBar | None:
        """Return the current candle; None before the first trade of a pair without history."""
        bars = self.last_bars(interval, now_ms, 1, now_ms=now_ms)
        return bars[0] if bars else None

    def _past(self, interval: KlineInterval, lo_ms: int, hi_ms: int) -> Iterator[HistoryBar]:
        """Yield candles before the start of the session."""
        history = self._history
        if history is None:
            return
        border_ms = start_of(interval, history.until_ms)
        length_ms = fixed_length_ms(interval)
        if length_ms is not None:
            yield from history.bars(length_ms, lo_ms, min(hi_ms + 1, border_ms))
            return
        start_ms = start_of(interval, max(lo_ms, history.from_ms))
        while start_ms <= hi_ms and start_ms < border_ms:
            end_ms = end_of(interval, start_ms)
            bar = joined(history.bars(DAY_MS, start_ms, end_ms), start_ms)
            if bar is not None and start_ms >= lo_ms:
                yield bar
            start_ms = end_ms

    def _recent(self, interval: KlineInterval, lo_ms: int, hi_ms: int) -> Iterator[HistoryBar]:
        """Yield candles since the session started; flat without a trade."""
        if self._live_from_ms is None or self._last is None:
            return
        running = next((each for each in self._running if each.interval is interval), None)
        border_ms = start_of(interval, self._live_from_ms)
        if running is not None and running.dropped_before_ms > border_ms:
            border_ms = running.dropped_before_ms
        start_ms = max(border_ms, start_of(interval, lo_ms))
        close = self._close_before(running, start_ms)
        while start_ms <= hi_ms:
            bar = running.bars.get(start_ms) if running is not None else None
            if bar is None:
                bar = self._past_part(start_ms) or _flat(start_ms, close)
            if start_ms >= lo_ms:
                yield bar
            close = bar.close
            start_ms = end_of(interval, start_ms)

    def _close_before(self, running: _Running | None, start_ms: int) -> int:
        if running is not None:
            for bar in reversed(running.bars.values()):
                if bar.start_ms < start_ms:
                    return bar.close
            if running.bars:
                return next(iter(running.bars.values())).open
        return self._last or 0


def _flat(start_ms: int, ticks: int) -> HistoryBar:
    return HistoryBar(start_ms, ticks, ticks, ticks, ticks, 0, 0)
