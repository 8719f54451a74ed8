"""Log of slow queries, by name and without parameters."""

import logging

_log = logging.getLogger("mexc_tui.store")


class SlowLog:
    """Counts and logs slow queries: a warning above `slow_ms`, an error above `too_slow_ms`."""

    def __init__(self, slow_ms: int, too_slow_ms: int) -> None:
        self._slow_ns = slow_ms * 1_000_000
        self._too_slow_ns = too_slow_ms * 1_000_000
        self.slow = 0
        self.too_slow = 0
        self.slowest = ("", 0)
        """Name and duration (ms) of the slowest query so far."""

    def record(self, name: str, took_ns: int) -> None:
        """Count and log a query that took `took_ns`, if it is slow."""
        took_ms = took_ns // 1_000_000
        if took_ms > self.slowest[1]:
            self.slowest = (name, took_ms)
        if took_ns > self._too_slow_ns:
            self.too_slow += 1
            _log.error("query %s took %d ms", name, took_ms)
        elif took_ns > self._slow_ns:
            self.slow += 1
            _log.warning("query %s took %d ms", name, took_ms)
