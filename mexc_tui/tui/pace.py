"""When changes are painted: at once after a quiet time, then a few times a second, never around an opening.

Pure: the clock and the waiting are passed in.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

USUAL_PER_S = 4.0
ECONOMY_PER_S = 1.0

MOST_WIRE_PER_S = 32_000
"""Bytes a second that a terminal is sent at most: a slow line is painted more rarely."""
ECONOMY_WIRE_PER_S = 1_000
_FULL, _EASY = 0.75, 0.375
"""Shares of that: above the one it is painted half as often, below the other twice."""
_SLOWEST_PER_S = 0.25

QUIET_BEFORE_MS = 1_000
QUIET_AFTER_MS = 1_500
MOST_QUIET_S = 5.0
"""Openings behind one another never keep the screen still for longer."""


class Waiting(Protocol):
    """Something that is to happen later."""

    def cancel(self) -> None:
        """Let it not happen."""


@dataclass(frozen=True, slots=True)
class Time:
    """What a pace needs of a loop: a monotonic clock in seconds, and to be called back."""

    now_s: Callable[[], float]
    later: Callable[[float, Callable[[], None]], Waiting]
    """Call back after so many seconds, not before this call returns."""


class Pace:
    """Gathers which rows of which view changed, and hands them over together."""

    def __init__(
        self,
        time: Time,
        paint: Callable[[Mapping[str, frozenset[str]]], None],
        quiet_left_s: Callable[[], float] = lambda: 0.0,
        per_s: float = USUAL_PER_S,
    ) -> None:
        """`paint` gets the keys that changed by their view; `quiet_left_s` says how long to paint nothing."""
        self._time, self._paint, self._quiet_left_s = time, paint, quiet_left_s
        self._period_s = 1 / per_s
        self._dirty: dict[str, set[str]] = {}
        self._last_s = float("-inf")
        self._held_since_s: float | None = None
        self._waiting: Waiting | None = None
        self.painted = 0
        """How often it was."""

    @property
    def per_s(self) -> float:
        """Return how often is painted at most."""
        return 1 / self._period_s

    def set_rate(self, per_s: float) -> None:
        """Paint at most so often from the next change on."""
        if per_s == self.per_s:
            return
        self._period_s = 1 / per_s
        if self._waiting is not None:
            self._wait_anew()

    def changed(self, view: str, keys: Iterable[str]) -> None:
        """Take note of rows that are another; none: that the view itself is."""
        self._dirty.setdefault(view, set()).update(keys)
        if self._waiting is None:
            self._wait_anew()

    def at_once(self, view: str) -> None:
        """Paint as soon as the loop is free: somebody pressed a key, and waits."""
        self._dirty.setdefault(view, set())
        self.stop()
        self._waiting = self._time.later(0.0, self._due)

    def stop(self) -> None:
        """Paint nothing any more."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _wait_anew(self) -> None:
        self.stop()
        due_in_s = max(self._last_s + self._period_s - self._time.now_s(), 0.0)
        self._waiting = self._time.later(due_in_s, self._due)

    def _due(self) -> None:
        self._waiting = None
        now_s = self._time.now_s()
        still_s = self._still_s(now_s)
        if still_s > 0:
            self._held_since_s = now_s if self._held_since_s is None else self._held_since_s
            self._waiting = self._time.later(still_s, self._due)
            return
        self._held_since_s = None
        dirty, self._dirty = self._dirty, {}
        self._last_s = now_s
        self.painted += 1
        self._paint({view: frozenset(keys) for view, keys in dirty.items()})

    def _still_s(self, now_s: float) -> float:
        """Return for how long nothing is painted yet, because an opening is near."""
        held_s = 0.0 if self._held_since_s is None else now_s - self._held_since_s
        return min(self._quiet_left_s(), max(MOST_QUIET_S - held_s, 0.0))


def quiet_left_s(opens_ms: Sequence[int], now_ms: int) -> float:
    """Return how long to stay quiet now, given when armed pairs open (exchange time)."""
    ends = [
        at_ms + QUIET_AFTER_MS
        for at_ms in opens_ms
        if at_ms - QUIET_BEFORE_MS <= now_ms < at_ms + QUIET_AFTER_MS
    ]
    return (max(ends) - now_ms) / 1_000 if ends else 0.0


def adapted(per_s: float, wire_per_s: float | None, wanted_per_s: float, most_wire_per_s: float) -> float:
    """Return how often to paint from now on, given what the terminal was sent a second lately, and may be."""
    if wire_per_s is None:
        return wanted_per_s
    if wire_per_s > most_wire_per_s * _FULL:
        return max(per_s / 2, _SLOWEST_PER_S)
    return min(per_s * 2, wanted_per_s) if wire_per_s < most_wire_per_s * _EASY else per_s
