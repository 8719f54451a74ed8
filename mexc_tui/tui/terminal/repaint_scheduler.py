"""When changes are painted: at once after a quiet time, then a few times a second.

Around an opening everything but the rows of the opening pairs waits, a second at most.
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
_SLOWEST_PER_S = 2 / 3
"""The clock and every age on the screen are painted so often at least: none may be wrong by two seconds."""

QUIET_BEFORE_MS = 500
QUIET_AFTER_MS = 500
MOST_QUIET_S = 1.0
"""However many openings come one after another, the screen as a whole is never older because of them."""

Dirty = Mapping[str, frozenset[str]]
"""The keys of the rows that changed, by their view."""


def nothing_urgent(changed: Dirty) -> Dirty:
    """Return that every change may wait for the end of a pause."""
    del changed
    return {}


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


class RepaintScheduler:
    """Gathers which rows of which view changed, and hands them over together."""

    def __init__(
        self,
        time: Time,
        paint: Callable[[Dirty], None],
        quiet_left_s: Callable[[], float] = lambda: 0.0,
        per_s: float = USUAL_PER_S,
        urgent: Callable[[Dirty], Dirty] = nothing_urgent,
    ) -> None:
        """`paint` gets what changed; `quiet_left_s` says how long only what is `urgent` should be painted."""
        self._time, self._paint, self._quiet_left_s, self._urgent = time, paint, quiet_left_s, urgent
        self._period_s = 1 / per_s
        self._dirty: dict[str, set[str]] = {}
        self._last_s = self._whole_s = float("-inf")
        """When anything was painted last, and when everything was."""
        self._is_asked_for = False
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
        """Paint everything as soon as the loop is free, pause or not: somebody pressed a key, and waits."""
        self._dirty.setdefault(view, set())
        self._is_asked_for = True
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
        dirty = {view: frozenset(keys) for view, keys in self._dirty.items()}
        still_s = 0.0 if self._is_asked_for else self._still_s(now_s)
        if still_s > 0:
            dirty = self._urgent(dirty)
            self._waiting = self._time.later(min(still_s, self._period_s), self._due)
        else:
            self._whole_s, self._is_asked_for = now_s, False
        if still_s <= 0 or dirty:
            self._paint_now(dirty, now_s)

    def _paint_now(self, dirty: Dirty, now_s: float) -> None:
        left = {view: keys - dirty[view] if view in dirty else keys for view, keys in self._dirty.items()}
        self._dirty = {view: keys for view, keys in left.items() if keys or view not in dirty}
        self._last_s = now_s
        self.painted += 1
        self._paint(dirty)

    def _still_s(self, now_s: float) -> float:
        """Return for how long only what is urgent is painted, because an opening is near."""
        return min(self._quiet_left_s(), self._whole_s + MOST_QUIET_S - now_s)


def quiet_left_s(opens_ms: Sequence[int], now_ms: int) -> float:
    """Return how long to stay quiet now, given when armed pairs open (exchange time)."""
    ends = [at_ms + QUIET_AFTER_MS for at_ms in opens_ms if is_opening(at_ms, now_ms)]
    return (max(ends) - now_ms) / 1_000 if ends else 0.0


def is_opening(at_ms: int, now_ms: int) -> bool:
    """Return whether it opens about now."""
    return at_ms - QUIET_BEFORE_MS <= now_ms < at_ms + QUIET_AFTER_MS


def adapted(per_s: float, wire_per_s: float | None, wanted_per_s: float, most_wire_per_s: float) -> float:
    """Return how often to paint from now on, given what the terminal was sent a second lately, and may be."""
    if wire_per_s is None:
        return wanted_per_s
    if wire_per_s > most_wire_per_s * _FULL:
        return max(per_s / 2, _SLOWEST_PER_S)
    return min(per_s * 2, wanted_per_s) if wire_per_s < most_wire_per_s * _EASY else per_s
