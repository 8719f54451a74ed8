"""Pairs that faces look at: each is watched for a minute after a question, few at once."""

from collections.abc import Callable

WATCH_MS = 60_000
MOST = 8
"""Three streams each: with them the listings' own still fit onto few connections."""
OWN_MS = 5_000
"""Who asked within so long keeps its pair: two faces do not drive each other out in turns."""


class WatchedSymbols:
    """Which pairs are shown until when, by the exchange's clock."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._asked_ms: dict[str, int] = {}

    def ask(self, symbol: str) -> str:
        """Watch a pair for a while; return why that cannot be now, in plain words; empty: it is."""
        now_ms = self._now_ms()
        self._forget_old(now_ms)
        if symbol not in self._asked_ms and len(self._asked_ms) >= MOST:
            oldest = min(self._asked_ms, key=lambda name: self._asked_ms[name])
            if now_ms - self._asked_ms[oldest] < OWN_MS:
                return f"{MOST} symbols are already watched: close one, or wait a few seconds"
            del self._asked_ms[oldest]
        self._asked_ms[symbol] = now_ms
        return ""

    def is_new(self, symbol: str) -> bool:
        """Whether asking for it now begins to watch it."""
        self._forget_old(self._now_ms())
        return symbol not in self._asked_ms

    def left_s(self, symbol: str) -> float:
        """Return how long it is watched from now on; 0: it is not."""
        asked_ms = self._asked_ms.get(symbol)
        return 0.0 if asked_ms is None else max(asked_ms + WATCH_MS - self._now_ms(), 0) / 1_000

    def symbols(self) -> tuple[str, ...]:
        """Return what is shown now."""
        self._forget_old(self._now_ms())
        return tuple(self._asked_ms)

    def _forget_old(self, now_ms: int) -> None:
        for name in [one for one, at_ms in self._asked_ms.items() if now_ms - at_ms > WATCH_MS]:
            del self._asked_ms[name]
