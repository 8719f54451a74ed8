"""What is due when."""

import heapq
from collections.abc import Callable


class Schedule:
    """Events by time; those of the same millisecond run in the order in which they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._added = 0

    def add(self, at_ms: int, event: Callable[[int], None]) -> None:
        """Have `event(at_ms)` called when that time comes."""
        self._added += 1
        heapq.heappush(self._heap, (at_ms, self._added, event))

    def next_ms(self) -> int | None:
        """Return when the next event is due; None: never."""
        return self._heap[0][0] if self._heap else None

    def pop_due(self, until_ms: int) -> tuple[int, Callable[[int], None]] | None:
        """Take the earliest event that is due at `until_ms`."""
        if not self._heap or self._heap[0][0] > until_ms:
            return None
        at_ms, _, event = heapq.heappop(self._heap)
        return at_ms, event
