"""Clocks of the practice exchange; waiting is left to asyncio."""

import time
from collections.abc import Callable
from typing import Protocol


class PracticeClock(Protocol):
    """Time source of the exchange, in Unix milliseconds; never decreases."""

    def now_ms(self) -> int:
        """Return the time of the session."""
        ...

    def now_ns(self) -> int:
        """Return the same in nanoseconds."""
        ...


class SteadyClock:
    """A clock that starts at a given time and advances with a monotonic source of seconds."""

    def __init__(self, start_ms: int, seconds: Callable[[], float]) -> None:
        self._start_ms = start_ms
        self._seconds = seconds
        self._from_s = seconds()

    def now_ms(self) -> int:
        """Return the start time plus the elapsed milliseconds."""
        return self.now_ns() // 1_000_000

    def now_ns(self) -> int:
        """Return the same in nanoseconds."""
        return self._start_ms * 1_000_000 + int((self._seconds() - self._from_s) * 1e9)


def wall_clock() -> SteadyClock:
    """Return a clock that starts at this machine's wall time and never steps afterwards."""
    return SteadyClock(time.time_ns() // 1_000_000, time.monotonic)
