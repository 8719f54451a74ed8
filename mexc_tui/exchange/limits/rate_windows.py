"""Rate-limit lanes: the limit per window and an exact log of what was sent."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from mexc_tui.model.outcome import Purpose

NS_PER_S = 1_000_000_000


class LaneName(Enum):
    """Quantities that the exchange limits (protocol 3.1, 3.2)."""

    WEIGHT = "weight"
    REQUESTS = "requests"
    ORDERS = "orders"
    ACCOUNT = "account"
    ANNOUNCEMENTS = "announcements"


@dataclass(frozen=True, slots=True)
class LaneLimit:
    """At most `limit` per `window_s`, of which `reserve` is for exits and stops only.

    A further `entries` is for entries only, so that no entry waits behind background requests. `margin_s`
    extends the window: requests are counted when sent, but the exchange counts them on arrival. If one takes
    200 ms longer than the next, they arrive 200 ms closer together than they were sent.
    """

    name: LaneName
    limit: int
    window_s: float
    reserve: int = 0
    margin_s: float = 0.0
    entries: int = 0

    def cap(self, purpose: Purpose) -> int:
        """Return how much of the window requests with this purpose may fill."""
        if purpose.reduces_risk:
            return self.limit
        return self.limit - self.reserve - (self.entries if purpose is Purpose.ORDINARY else 0)


DEFAULT_LANES = (
    LaneLimit(LaneName.WEIGHT, limit=300, window_s=10.0, reserve=60, margin_s=1.0, entries=40),
    # Support names 20 a second in total and recommends 15 for ordinary use (protocol 3.1).
    LaneLimit(LaneName.REQUESTS, limit=20, window_s=1.0, reserve=5, margin_s=0.2, entries=5),
    LaneLimit(LaneName.ORDERS, limit=12, window_s=1.0, reserve=4, margin_s=0.2, entries=6),
    # Rare queries, often over a new connection, which needs several round trips more than an open one.
    LaneLimit(LaneName.ACCOUNT, limit=2, window_s=1.0, margin_s=1.0, entries=1),
    LaneLimit(LaneName.ANNOUNCEMENTS, limit=5, window_s=2.0, margin_s=1.0),
)


class Lane:
    """Sliding log of one lane: each amount sent and the time it leaves the window."""

    def __init__(self, limit: LaneLimit) -> None:
        self.limit = limit
        self._window_ns = round((limit.window_s + limit.margin_s) * NS_PER_S)
        self._log: deque[tuple[int, int]] = deque()
        self._caps = {purpose: limit.cap(purpose) for purpose in Purpose}
        self.used = 0

    def cap(self, purpose: Purpose) -> int:
        """Return how much of the window requests with this purpose may fill."""
        return self._caps[purpose]

    def expire(self, now_ns: int) -> None:
        """Remove amounts that are in no window ending now or later."""
        log = self._log
        # An amount exactly one window old still counts: hence `<`.
        while log and log[0][0] < now_ns:
            self.used -= log.popleft()[1]

    def record(self, amount: int, now_ns: int) -> None:
        """Log an amount sent at `now_ns`."""
        self._log.append((now_ns + self._window_ns, amount))
        self.used += amount

    def release(self, amount: int, taken_ns: int) -> None:
        """Undo a `record` made at `taken_ns`: the request was not sent."""
        entry = (taken_ns + self._window_ns, amount)
        if entry in self._log:
            self._log.remove(entry)
            self.used -= amount

    def fits_at_ns(self, amount: int, cap: int, now_ns: int) -> int:
        """Return when `amount` fits under `cap` if nothing else is sent; `now_ns` if it fits now."""
        used = self.used
        free_ns = now_ns
        for ends_ns, taken in self._log:
            if used + amount <= cap:
                break
            used -= taken
            free_ns = ends_ns + 1
        return free_ns
