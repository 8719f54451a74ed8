"""Lanes: what the exchange counts, how much of it may go in a window, and an exact log of what went."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from mexc_tui.model.outcome import Purpose

NS_PER_S = 1_000_000_000


class LaneName(Enum):
    """What is counted (protocol 3.1, 3.2)."""

    WEIGHT = "weight"
    REQUESTS = "requests"
    ORDERS = "orders"
    ACCOUNT = "account"
    ANNOUNCEMENTS = "announcements"


@dataclass(frozen=True, slots=True)
class LaneLimit:
    """At most `limit` in any `window_s`; the last `reserve` of it is for exits and stops.

    The `entries` before that are for entries alone, so that no shot waits behind housekeeping.
    `margin_s` stretches the window. We count when a request leaves, the exchange when it arrives: if one
    takes 200 ms longer on its way than those after it, they arrive 200 ms closer together than they left.
    """

    name: LaneName
    limit: int
    window_s: float
    reserve: int = 0
    margin_s: float = 0.0
    entries: int = 0

    def cap(self, purpose: Purpose) -> int:
        """Return how much of the window requests of this purpose may fill."""
        if purpose.reduces_risk:
            return self.limit
        return self.limit - self.reserve - (self.entries if purpose is Purpose.ORDINARY else 0)


DEFAULT_LANES = (
    LaneLimit(LaneName.WEIGHT, limit=300, window_s=10.0, reserve=60, margin_s=1.0, entries=40),
    # 20 a second in total is what support names; 15 is the advice for ordinary use (protocol 3.1).
    LaneLimit(LaneName.REQUESTS, limit=20, window_s=1.0, reserve=5, margin_s=0.2, entries=5),
    LaneLimit(LaneName.ORDERS, limit=12, window_s=1.0, reserve=4, margin_s=0.2, entries=6),
    # These are asked rarely, often over a new connection, which takes several ways longer than a kept one.
    LaneLimit(LaneName.ACCOUNT, limit=2, window_s=1.0, margin_s=1.0, entries=1),
    LaneLimit(LaneName.ANNOUNCEMENTS, limit=5, window_s=2.0, margin_s=1.0),
)


class Lane:
    """The log of one lane: what was taken, and when each of it is free again."""

    def __init__(self, limit: LaneLimit) -> None:
        self.limit = limit
        self._window_ns = round((limit.window_s + limit.margin_s) * NS_PER_S)
        self._log: deque[tuple[int, int]] = deque()
        self._caps = {purpose: limit.cap(purpose) for purpose in Purpose}
        self.used = 0

    def cap(self, purpose: Purpose) -> int:
        """Return how much of the window requests of this purpose may fill."""
        return self._caps[purpose]

    def expire(self, now_ns: int) -> None:
        """Drop what no window that ends now or later can hold."""
        log = self._log
        # An arrival exactly one window later still counts against some windows: hence `<`.
        while log and log[0][0] < now_ns:
            self.used -= log.popleft()[1]

    def record(self, amount: int, now_ns: int) -> None:
        """Log what goes now."""
        self._log.append((now_ns + self._window_ns, amount))
        self.used += amount

    def release(self, amount: int, taken_ns: int) -> None:
        """Undo a `take` of that moment: its request never left."""
        entry = (taken_ns + self._window_ns, amount)
        if entry in self._log:
            self._log.remove(entry)
            self.used -= amount

    def fits_at_ns(self, amount: int, cap: int, now_ns: int) -> int:
        """Return when `amount` fits under `cap` without other requests; now if it already fits."""
        used = self.used
        free_ns = now_ns
        for ends_ns, taken in self._log:
            if used + amount <= cap:
                break
            used -= taken
            free_ns = ends_ns + 1
        return free_ns
