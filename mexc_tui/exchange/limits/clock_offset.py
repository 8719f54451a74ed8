"""Clock offset to the exchange: value, error bound, and when it is not usable.

Exchange time is mapped from the monotonic clock, so a step of this machine's wall clock changes nothing.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mexc_tui.model.errors import DeskError

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
SAMPLES = 10
"""Round trips of one measurement; the fastest of them counts."""
ROUNDING_MS = 1.0
"""The exchange reports whole milliseconds: use the middle of it, with half a one of rounding error."""
HISTORY = 64
MAX_PLAUSIBLE_DRIFT_PPM = 2_000.0
"""Measurements that contradict each other by more than this are a jump of a clock, not a drift."""


class ClockOutOfBounds(DeskError):
    """The exchange's time is not known well enough, so nothing may be signed.

    Raised by the clock offset. Measure the clock, then send again; the text names the reason.
    """


@dataclass(frozen=True, slots=True)
class OffsetLimits:
    """When to warn and when to refuse. The exchange refuses timestamps 1,000 ms ahead (protocol 2.4)."""

    warn_error_ms: float = 250.0
    max_error_ms: float = 900.0
    max_age_s: float = 7_200.0
    """Longer than a ban of ten minutes, in which nothing can be measured and exits must still be signed."""
    max_drift_ppm: float = 100.0
    """What two healthy clocks may drift apart; more is believed once history shows it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round trip to `/time`: left at `t0_ns`, back at `t1_ns` (monotonic), with the wall clock then."""

    t0_ns: int
    t1_ns: int
    server_ms: int
    wall_ms: int

    @property
    def round_trip_ms(self) -> float:
        """How long it took."""
        return (self.t1_ns - self.t0_ns) / NS_PER_MS

    @property
    def midpoint_ns(self) -> int:
        """The moment that the server's answer most likely belongs to."""
        return (self.t0_ns + self.t1_ns) // 2

    @property
    def error_ms(self) -> float:
        """How wrong `base_ms` can be, whichever way took longer."""
        return self.round_trip_ms / 2 + ROUNDING_MS

    @property
    def base_ms(self) -> float:
        """Exchange time minus the monotonic clock, in milliseconds."""
        return self.server_ms + 0.5 - self.midpoint_ns / NS_PER_MS


@dataclass(frozen=True, slots=True)
class Offset:
    """What is known of the exchange's clock at one moment."""

    offset_ms: float
    """Exchange time minus this machine's wall clock, as of the last measurement; for display."""
    error_ms: float
    """Error bound of the offset, plus or minus."""
    drift_ppm: float | None
    """How fast the monotonic clock loses against the exchange's; None before the second measurement."""
    drift_error_ppm: float | None
    """Error bound of the drift, plus or minus."""
    at_ns: int
    """When the held sample was taken (monotonic)."""
    age_s: float
    round_trip_ms: float
    jumps: int
    """How often a measurement contradicted the one before it."""
    warning: str
    """What is wrong, in plain words; empty if nothing."""


class OffsetEstimator:
    """Pure: takes samples, answers what time it is at the exchange. `now_ns` is the monotonic clock."""

    def __init__(self, limits: OffsetLimits | None = None) -> None:
        self._limits = limits or OffsetLimits()
        self._reference: Sample | None = None
        self._latest: Sample | None = None
        self._history: deque[Sample] = deque(maxlen=HISTORY)
        self._rate_ppm = self._limits.max_drift_ppm
        self._jumps = 0

    def add(self, sample: Sample) -> None:
        """Take the best sample of a measurement; hold it if it bounds the time better than the one held."""
        if sample.t1_ns < sample.t0_ns:
            raise ValueError("a round trip cannot end before it starts")
        if self._reference is not None and self._contradicts(self._reference, sample):
            self._jumps += 1
            if not self._is_explained_by_drift(self._reference, sample):
                # One of the clocks jumped, or this machine slept: what was known is worth nothing.
                self._history.clear()
            self._reference = None
        self._latest = sample
        self._history.append(sample)
        self._rate_ppm = self._assumed_drift_ppm()
        if self._reference is None or self._error_ms(sample, sample.t1_ns) <= self._error_ms(
            self._reference, sample.t1_ns
        ):
            self._reference = sample

    def estimate(self, now_ns: int) -> Offset | None:
        """Return what is known, for display; None before the first sample."""
        reference, latest = self._reference, self._latest
        if reference is None or latest is None:
            return None
        wall_ms = latest.wall_ms - latest.t1_ns / NS_PER_MS
        error_ms = self._error_ms(reference, now_ns)
        drift = self._drift()
        return Offset(
            offset_ms=reference.base_ms - wall_ms,
            error_ms=error_ms,
            drift_ppm=drift[0] if drift is not None else None,
            drift_error_ppm=drift[1] if drift is not None else None,
            at_ns=reference.midpoint_ns,
            age_s=(now_ns - reference.t1_ns) / NS_PER_S,
            round_trip_ms=reference.round_trip_ms,
            jumps=self._jumps,
            warning=self._signing_problem(now_ns) or self._warning(error_ms),
        )

    def exchange_now_ms(self, now_ns: int) -> int:
        """Return the exchange's time to sign with. Raises `ClockOutOfBounds`."""
        problem = self._signing_problem(now_ns)
        if problem or self._reference is None:
            raise ClockOutOfBounds(problem)
        return int(now_ns / NS_PER_MS + self._reference.base_ms)

    def monotonic_ns_at(self, exchange_ms: float) -> int:
        """Return when the exchange will say `exchange_ms`, monotonic. Raises `ClockOutOfBounds`."""
        if self._reference is None:
            raise ClockOutOfBounds(_NO_SAMPLE)
        return round((exchange_ms - self._reference.base_ms) * NS_PER_MS)

    def _error_ms(self, sample: Sample, now_ns: int) -> float:
        age_ms = abs(now_ns - sample.midpoint_ns) / NS_PER_MS
        return sample.error_ms + age_ms * self._rate_ppm / 1e6

    def _contradicts(self, reference: Sample, sample: Sample) -> bool:
        apart_ms = abs(sample.base_ms - reference.base_ms)
        return apart_ms > self._error_ms(reference, sample.midpoint_ns) + sample.error_ms

    def _is_explained_by_drift(self, reference: Sample, sample: Sample) -> bool:
        passed_ms = abs(sample.midpoint_ns - reference.midpoint_ns) / NS_PER_MS
        apart_ms = abs(sample.base_ms - reference.base_ms)
        return apart_ms <= reference.error_ms + sample.error_ms + passed_ms * MAX_PLAUSIBLE_DRIFT_PPM / 1e6

    def _drift(self) -> tuple[float, float] | None:
        """Return the slope between the ends of history and how wrong it can be, both in ppm."""
        if len(self._history) < 2:
            return None
        first, last = self._history[0], self._history[-1]
        apart_ms = (last.midpoint_ns - first.midpoint_ns) / NS_PER_MS
        if apart_ms <= 0:
            return None
        slope_ppm = (last.base_ms - first.base_ms) / apart_ms * 1e6
        return slope_ppm, (first.error_ms + last.error_ms) / apart_ms * 1e6

    def _assumed_drift_ppm(self) -> float:
        """Return the drift that error bounds grow by: more than the usual only where history proves more."""
        usual_ppm = self._limits.max_drift_ppm
        drift = self._drift()
        if drift is None or abs(drift[0]) - drift[1] <= usual_ppm:
            return usual_ppm
        return abs(drift[0]) + drift[1]

    def _signing_problem(self, now_ns: int) -> str:
        if self._reference is None:
            return _NO_SAMPLE
        age_s = (now_ns - self._reference.t1_ns) / NS_PER_S
        if age_s > self._limits.max_age_s:
            return f"The clock offset was last measured {age_s:.0f} s ago. Measure it again before signing."
        error_ms = self._error_ms(self._reference, now_ns)
        if error_ms > self._limits.max_error_ms:
            return (
                f"The clock offset is known to ±{error_ms:.0f} ms only: a timestamp could be more than "
                f"{self._limits.max_error_ms:.0f} ms ahead and be refused. Measure it again over a faster "
                "connection."
            )
        return ""

    def _warning(self, error_ms: float) -> str:
        if error_ms > self._limits.warn_error_ms:
            return f"The clock offset is known to ±{error_ms:.0f} ms only. Measure it again."
        if self._rate_ppm > self._limits.max_drift_ppm:
            return (
                f"This machine's clock drifts up to {self._rate_ppm:.0f} ppm against the exchange's. "
                "Check its time service."
            )
        return ""


_NO_SAMPLE = "The clock offset is unknown. Measure it (GET /api/v3/time) before signing."


@dataclass(frozen=True, slots=True)
class Measurement:
    """What a burst of round trips brought."""

    best: Sample | None
    """The fastest round trip; None if all failed."""
    tried: int
    failed: int
    first_failure: str
    """Error of the first failed one; empty if none. Later ones may only report an open breaker."""


async def measure(
    get_server_time_ms: Callable[[], Awaitable[int]],
    clock: "Clock",
    *,
    errors: tuple[type[Exception], ...] = (OSError, TimeoutError),
    samples: int = SAMPLES,
) -> Measurement:
    """Ask for the time `samples` times, one after the other. One of `errors` fails a round trip, no more."""
    taken: list[Sample] = []
    first_failure = ""
    for _ in range(samples):
        t0_ns = clock.monotonic_ns()
        try:
            server_ms = await get_server_time_ms()
        except errors as error:
            first_failure = first_failure or str(error) or type(error).__name__
            continue
        taken.append(Sample(t0_ns, clock.monotonic_ns(), server_ms, clock.now_ms()))
    best = min(taken, key=lambda sample: sample.round_trip_ms, default=None)
    return Measurement(best, samples, samples - len(taken), first_failure)
