"""Log of own actions with results, and of alerts, newest first."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from mexc_tui.tui.widgets.cell import Tone

MAX_KEPT = 500
YOU = "you"


@dataclass(frozen=True, slots=True)
class ActivityEntry:
    """One entry: exchange time, author, action and result."""

    at_ms: int
    author: str
    action: str
    result: str
    tone: Tone = Tone.PLAIN
    key: str = ""
    """Entries with the same key replace each other; empty: never replaced."""


class ActivityLog:
    """The latest entries under increasing numbers."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: deque[tuple[int, ActivityEntry]] = deque(maxlen=MAX_KEPT)
        self._number = 0

    def add(self, new_entry: ActivityEntry) -> None:
        """Add an entry; it replaces the one with the same key."""
        for index, (number, entry) in enumerate(self._entries):
            if new_entry.key and entry.key == new_entry.key:
                self._entries[index] = (number, new_entry)
                return
        self._number += 1
        self._entries.appendleft((self._number, new_entry))

    def __iter__(self) -> Iterator[tuple[int, ActivityEntry]]:
        """Return number and entry, newest first."""
        return iter(tuple(self._entries))

    def __contains__(self, key: object) -> bool:
        """Whether an entry has this key."""
        return any(entry.key == key for _, entry in self._entries)
