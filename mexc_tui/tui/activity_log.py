"""What happened while somebody looked: own actions with their result, and alerts. Newest first. Pure."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from mexc_tui.tui.widgets.cell import Tone

MOST_KEPT = 500
YOU = "you"


@dataclass(frozen=True, slots=True)
class ActivityLog:
    """One thing that happened: when (exchange's time), who did it, what it was, and what came of it."""

    at_ms: int
    who: str
    what: str
    result: str
    tone: Tone = Tone.PLAIN
    key: str = ""
    """The same key again is the same thing, further on; empty: it stands alone."""


class Activity:
    """The last happenings, under numbers that only grow."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._kept: deque[tuple[int, ActivityLog]] = deque(maxlen=MOST_KEPT)
        self._number = 0

    def add(self, happening: ActivityLog) -> None:
        """Keep one; with a key it takes the place of the one with the same key."""
        for index, (number, kept) in enumerate(self._kept):
            if happening.key and kept.key == happening.key:
                self._kept[index] = (number, happening)
                return
        self._number += 1
        self._kept.appendleft((self._number, happening))

    def __iter__(self) -> Iterator[tuple[int, ActivityLog]]:
        """Return number and happening, newest first."""
        return iter(tuple(self._kept))

    def __contains__(self, key: object) -> bool:
        """Whether something with this key is kept."""
        return any(kept.key == key for _, kept in self._kept)
