"""Schedule repaints: immediately after a pause, then a few times per second.

Around an opening only the rows of the opening symbols are painted; all others wait, for a second at most.
Clock and timers are parameters.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

USUAL_PER_S = 4.0
ECONOMY_PER_S = 1.0

MAX_WIRE_PER_S = 32_000
"""Maximum bytes per second to a terminal; above it repaints become rarer."""
ECONOMY_WIRE_PER_S = 1_000
_FULL, _EASY = 0.75, 0.375
"""Shares of that: above the first, halve the rate; below the second, double it."""
_SLOWEST_PER_S = 2 / 3
"""Minimum rate of full repaints: a shown age is never wrong by two seconds."""

QUIET_BEFORE_MS = 500
QUIET_AFTER_MS = 500
MAX_QUIET_S = 1.0
"""Maximum pause of full repaints, also with several openings in a row."""

Dirty = Mapping[str, frozenset[str]]
"""Changed row keys by view."""


def nothing_urgent(changed: Dirty) -> Dirty:
    """Treat no change as urgent."""
    del changed
    return {}


class Scheduled(Protocol):
    """A scheduled call."""

    def cancel(self) -> None:
        """Cancel it."""


@dataclass(frozen=True, slots=True)
class Time:
    """Event loop interface: monotonic clock in seconds and timers."""

    now_s: Callable[[], float]
    later: Callable[[float, Callable[[], None]], Scheduled]
    """Call back after a delay, never before this call returns."""


class RepaintScheduler:
    """Collects changed rows by view and paints them together."""

    def __init__(
        self,
        time: Time,
        *,
        paint: Callable[[Dirty], None],
        quiet_left_s: Callable[[], float] = lambda: 0.0,
        per_s: float = USUAL_PER_S,
        urgent: Callable[[Dirty], Dirty] = nothing_urgent,
    ) -> None:
        """`paint` receives the changes; `quiet_left_s` returns how long only `urgent` ones are painted."""
        self._time, self._paint, self._quiet_left_s, self._urgent = time, paint, quiet_left_s, urgent
        self._period_s = 1 / per_s
        self._dirty: dict[str, set[str]] = {}
        self._last_s = self._last_full_s = float("-inf")
        """Times of the last repaint and of the last full repaint."""
        self._is_requested = False
        self._timer: Scheduled | None = None
        self.painted = 0
        """Number of repaints."""

    @property
    def per_s(self) -> float:
        """Return the maximum repaint rate."""
        return 1 / self._period_s

    def set_rate(self, per_s: float) -> None:
        """Set the maximum repaint rate, from the next change."""
        if per_s == self.per_s:
            return
        self._period_s = 1 / per_s
        if self._timer is not None:
            self._reschedule()

    def changed(self, view: str, keys: Iterable[str]) -> None:
        """Record changed rows; no keys: the whole view."""
        self._dirty.setdefault(view, set()).update(keys)
        if self._timer is None:
            self._reschedule()

    def repaint_now(self, view: str) -> None:
        """Paint everything as soon as possible, for the response to a key."""
        self._dirty.setdefault(view, set())
        self._is_requested = True
        self.stop()
        self._timer = self._time.later(0.0, self._due)

    def stop(self) -> None:
        """Stop repaints."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _reschedule(self) -> None:
        self.stop()
        due_in_s = max(self._last_s + self._period_s - self._time.now_s(), 0.0)
        self._timer = self._time.later(due_in_s, self._due)

    def _due(self) -> None:
        self._timer = None
        now_s = self._time.now_s()
        dirty = {view: frozenset(keys) for view, keys in self._dirty.items()}
        urgent_only_s = 0.0 if self._is_requested else self._urgent_only_s(now_s)
        if urgent_only_s > 0:
            dirty = self._urgent(dirty)
            self._timer = self._time.later(min(urgent_only_s, self._period_s), self._due)
        else:
            self._last_full_s, self._is_requested = now_s, False
        if urgent_only_s <= 0 or dirty:
            self._paint_now(dirty, now_s)

    def _paint_now(self, dirty: Dirty, now_s: float) -> None:
        left = {view: keys - dirty[view] if view in dirty else keys for view, keys in self._dirty.items()}
        self._dirty = {view: keys for view, keys in left.items() if keys or view not in dirty}
        self._last_s = now_s
        self.painted += 1
        self._paint(dirty)

    def _urgent_only_s(self, now_s: float) -> float:
        """Return how long only urgent changes are painted."""
        return min(self._quiet_left_s(), self._last_full_s + MAX_QUIET_S - now_s)


def quiet_left_s(opens_ms: Sequence[int], now_ms: int) -> float:
    """Return the remaining quiet time around openings of armed symbols (exchange time)."""
    ends = [at_ms + QUIET_AFTER_MS for at_ms in opens_ms if is_opening(at_ms, now_ms)]
    return (max(ends) - now_ms) / 1_000 if ends else 0.0


def is_opening(at_ms: int, now_ms: int) -> bool:
    """Whether an opening is near."""
    return at_ms - QUIET_BEFORE_MS <= now_ms < at_ms + QUIET_AFTER_MS


def adapted_rate(
    per_s: float, wire_per_s: float | None, wanted_per_s: float, *, most_wire_per_s: float
) -> float:
    """Return the new repaint rate from the recent and the allowed bytes per second."""
    if wire_per_s is None:
        return wanted_per_s
    if wire_per_s > most_wire_per_s * _FULL:
        return max(per_s / 2, _SLOWEST_PER_S)
    return min(per_s * 2, wanted_per_s) if wire_per_s < most_wire_per_s * _EASY else per_s
