"""Schedule of future events."""

import heapq
from collections.abc import Callable


class Schedule:
    """Events by time; events of the same millisecond run in insertion order."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._added = 0

    def add(self, at_ms: int, event: Callable[[int], None]) -> None:
        """Schedule a call of `event(at_ms)`."""
        self._added += 1
        heapq.heappush(self._heap, (at_ms, self._added, event))

    def next_ms(self) -> int | None:
        """Return the time of the next event; None: none."""
        return self._heap[0][0] if self._heap else None

    def pop_due(self, until_ms: int) -> tuple[int, Callable[[int], None]] | None:
        """Remove and return the earliest event due at `until_ms`."""
        if not self._heap or self._heap[0][0] > until_ms:
            return None
        at_ms, _, event = heapq.heappop(self._heap)
        return at_ms, event
