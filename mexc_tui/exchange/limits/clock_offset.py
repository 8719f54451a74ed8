"""Clock offset to the exchange, with an error bound.

Exchange time is derived from the monotonic clock, so a step of the local wall clock has no effect.
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
"""Round trips per measurement, of which the fastest is used."""
ROUNDING_MS = 1.0
"""Rounding error allowed for: the exchange reports whole milliseconds."""
HISTORY = 64
MAX_PLAUSIBLE_DRIFT_PPM = 2_000.0
"""Measurements that differ by more than this drift indicate a clock jump."""


class ClockOutOfBounds(DeskError):
    """The exchange time is too uncertain to sign requests.

    Raised by the clock offset. Measure the clock, then send again; the message names the reason.
    """


@dataclass(frozen=True, slots=True)
class OffsetLimits:
    """Limits for warning and refusing. The exchange rejects timestamps 1,000 ms ahead (protocol 2.4)."""

    warn_error_ms: float = 250.0
    max_error_ms: float = 900.0
    max_age_s: float = 7_200.0
    """Longer than a ten-minute ban, during which exits are still signed but no measurement is possible."""
    max_drift_ppm: float = 100.0
    """Assumed drift between two healthy clocks. A higher one is assumed only after it was measured."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One round trip to `/time`: sent at `t0_ns`, received at `t1_ns` (monotonic) and `wall_ms`."""

    t0_ns: int
    t1_ns: int
    server_ms: int
    wall_ms: int

    @property
    def round_trip_ms(self) -> float:
        """Duration of the round trip."""
        return (self.t1_ns - self.t0_ns) / NS_PER_MS

    @property
    def midpoint_ns(self) -> int:
        """Midpoint of the round trip: the best estimate of when the server read its clock."""
        return (self.t0_ns + self.t1_ns) // 2

    @property
    def error_ms(self) -> float:
        """Error bound of `base_ms`, for any split between the outward and the return path."""
        return self.round_trip_ms / 2 + ROUNDING_MS

    @property
    def base_ms(self) -> float:
        """Exchange time minus the monotonic clock, in milliseconds."""
        return self.server_ms + 0.5 - self.midpoint_ns / NS_PER_MS


@dataclass(frozen=True, slots=True)
class Offset:
    """Estimate of the exchange clock at one moment, for display."""

    offset_ms: float
    """Exchange time minus this machine's wall clock, as of the last measurement; for display."""
    error_ms: float
    """Error bound of the offset, plus or minus."""
    drift_ppm: float | None
    """Drift of the exchange clock against the monotonic clock; None before the second measurement."""
    drift_error_ppm: float | None
    """Error bound of the drift, plus or minus."""
    at_ns: int
    """Time of the reference sample (monotonic)."""
    age_s: float
    round_trip_ms: float
    jumps: int
    """Number of measurements that contradicted the previous one."""
    warning: str
    """Warning text; empty if none."""


class OffsetEstimator:
    """Estimates exchange time from samples. Pure: `now_ns` is passed in (monotonic clock)."""

    def __init__(self, limits: OffsetLimits | None = None) -> None:
        self._limits = limits or OffsetLimits()
        self._reference: Sample | None = None
        self._latest: Sample | None = None
        self._history: deque[Sample] = deque(maxlen=HISTORY)
        self._rate_ppm = self._limits.max_drift_ppm
        self._jumps = 0

    def add(self, sample: Sample) -> None:
        """Add the best sample of a measurement. It becomes the reference if its error bound is smaller."""
        if sample.t1_ns < sample.t0_ns:
            raise ValueError("a round trip cannot end before it starts")
        if self._reference is not None and self._contradicts(self._reference, sample):
            self._jumps += 1
            if not self._is_explained_by_drift(self._reference, sample):
                # One of the clocks jumped, or this machine was suspended: discard the history.
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
        """Return the current estimate for display; None before the first sample."""
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
        """Return the exchange time for signing. Raises `ClockOutOfBounds`."""
        problem = self._signing_problem(now_ns)
        if problem or self._reference is None:
            raise ClockOutOfBounds(problem)
        return int(now_ns / NS_PER_MS + self._reference.base_ms)

    def monotonic_ns_at(self, exchange_ms: float) -> int:
        """Return the monotonic time at which the exchange clock shows `exchange_ms`.

        Raises `ClockOutOfBounds`.
        """
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
        """Return the drift across the history and its error bound, both in ppm."""
        if len(self._history) < 2:
            return None
        first, last = self._history[0], self._history[-1]
        apart_ms = (last.midpoint_ns - first.midpoint_ns) / NS_PER_MS
        if apart_ms <= 0:
            return None
        slope_ppm = (last.base_ms - first.base_ms) / apart_ms * 1e6
        return slope_ppm, (first.error_ms + last.error_ms) / apart_ms * 1e6

    def _assumed_drift_ppm(self) -> float:
        """Return the drift by which error bounds grow: above the default only if the history proves it."""
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
    """Result of a series of round trips."""

    best: Sample | None
    """The fastest round trip; None if all failed."""
    tried: int
    failed: int
    first_failure: str
    """Error of the first failure; empty if none. Later failures may only report an open breaker."""


async def measure(
    get_server_time_ms: Callable[[], Awaitable[int]],
    clock: "Clock",
    *,
    errors: tuple[type[Exception], ...] = (OSError, TimeoutError),
    samples: int = SAMPLES,
) -> Measurement:
    """Query the exchange time `samples` times in sequence. `errors` fail a single round trip only."""
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
