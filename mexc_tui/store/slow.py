"""Which queries are slow: by name, never with what they were asked."""

import logging

SLOW_MS = 100
TOO_SLOW_MS = 1_000

_log = logging.getLogger("mexc_tui.store")


class SlowLog:
    """Counts slow queries and says so: a warning above 100 ms, an error above 1 s."""

    def __init__(self) -> None:
        self.slow = 0
        self.too_slow = 0
        self.slowest = ("", 0)
        """Name and milliseconds of the slowest one so far."""

    def note(self, name: str, took_ns: int) -> None:
        """Judge one query that took `took_ns`."""
        took_ms = took_ns // 1_000_000
        if took_ms > self.slowest[1]:
            self.slowest = (name, took_ms)
        if took_ns > TOO_SLOW_MS * 1_000_000:
            self.too_slow += 1
            _log.error("query %s took %d ms", name, took_ms)
        elif took_ns > SLOW_MS * 1_000_000:
            self.slow += 1
            _log.warning("query %s took %d ms", name, took_ms)
