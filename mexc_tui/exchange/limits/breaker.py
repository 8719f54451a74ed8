"""Circuit breaker of one endpoint group. The caller decides what counts as a failure."""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from mexc_tui.model.outcome import Purpose

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

NS_PER_S = 1_000_000_000


class BreakerPhase(Enum):
    """State of a circuit breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens, how long it stays open and how many probes follow (rules 6)."""

    failures: int = 5
    window_s: float = 60.0
    open_s: float = 30.0
    probes: int = 3


@dataclass(frozen=True, slots=True)
class BreakerState:
    """A breaker for display."""

    phase: BreakerPhase
    failures: int
    """Failures inside the window."""
    retry_in_s: float
    """Seconds until the first probe; 0 unless open."""
    refused: int
    """Requests refused since the start."""


class Breaker:
    """Circuit breaker: opens after `failures` in `window_s`, and is half-open after `open_s`.

    Exits and stops always pass. While half-open, one success closes it and one failure opens it again.
    """

    def __init__(self, clock: "Clock", limits: BreakerLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits or BreakerLimits()
        self._failed_ns: deque[int] = deque()
        self.is_closed = True
        """Whether every request passes. A plain attribute, read on the hot path."""
        self._opened_ns: int | None = None
        self._half_open_since_ns = 0
        self._probes = 0
        self._refused = 0

    def allow(self, purpose: Purpose) -> bool:
        """Return whether a request may be sent now. While half-open this uses up one probe."""
        if self._opened_ns is None or purpose.reduces_risk:
            return True
        now_ns = self._clock.monotonic_ns()
        if self._phase(now_ns) is BreakerPhase.HALF_OPEN and self._take_probe(now_ns):
            return True
        self._refused += 1
        return False

    def record_success(self) -> None:
        """Record a response that shows the endpoint works. Closes a half-open breaker."""
        # While open, the response may belong to a request sent before the failures: it proves nothing.
        if self._phase(self._clock.monotonic_ns()) is BreakerPhase.HALF_OPEN:
            self._opened_ns = None
            self.is_closed = True
            self._failed_ns.clear()

    def record_failure(self) -> None:
        """Record a failure. May open the breaker."""
        now_ns = self._clock.monotonic_ns()
        phase = self._phase(now_ns)
        self._failed_ns.append(now_ns)
        self._expire(now_ns)
        # While open, a failing exit must not postpone the next probe.
        if phase is BreakerPhase.HALF_OPEN or (
            phase is BreakerPhase.CLOSED and len(self._failed_ns) >= self._limits.failures
        ):
            self._opened_ns = now_ns
            self.is_closed = False
            self._probes = 0

    def release_probe(self, purpose: Purpose) -> None:
        """Return the probe of an allowed request that ended without a result."""
        if not purpose.reduces_risk and self._probes:
            self._probes -= 1

    def state(self) -> BreakerState:
        """Return the breaker for display."""
        now_ns = self._clock.monotonic_ns()
        self._expire(now_ns)
        phase = self._phase(now_ns)
        left_ns = self._retry_at_ns() - now_ns if phase is BreakerPhase.OPEN else 0
        return BreakerState(phase, len(self._failed_ns), left_ns / NS_PER_S, self._refused)

    def _phase(self, now_ns: int) -> BreakerPhase:
        if self._opened_ns is None:
            return BreakerPhase.CLOSED
        return BreakerPhase.OPEN if now_ns < self._retry_at_ns() else BreakerPhase.HALF_OPEN

    def _retry_at_ns(self) -> int:
        return (self._opened_ns or 0) + round(self._limits.open_s * NS_PER_S)

    def _take_probe(self, now_ns: int) -> bool:
        # A cancelled probe never reports a result: grant it again after another open_s.
        if self._probes and now_ns - self._half_open_since_ns >= self._limits.open_s * NS_PER_S:
            self._probes = 0
        if self._probes >= self._limits.probes:
            return False
        if self._probes == 0:
            self._half_open_since_ns = now_ns
        self._probes += 1
        return True

    def _expire(self, now_ns: int) -> None:
        oldest_ns = now_ns - self._limits.window_s * NS_PER_S
        while self._failed_ns and self._failed_ns[0] <= oldest_ns:
            self._failed_ns.popleft()
