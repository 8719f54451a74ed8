"""Clocks of a simulation."""

import asyncio

START_MS = 1_764_547_200_000
"""2025-12-01 00:00 UTC: default start of simulated wall clocks."""


class VirtualClock:
    """A machine's two clocks on the loop's time: a monotonic one and a wall clock that can step.

    `drift_ppm` makes both run fast (or slow) against the loop, `ahead_ms` puts the wall clock ahead.
    Use a separate clock for the exchange of a simulation to test clock offset.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        start_ms: int = START_MS,
        ahead_ms: float = 0.0,
        drift_ppm: float = 0.0,
    ) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._wall_ms = start_ms + ahead_ms
        self._rate = 1 + drift_ppm / 1e6

    def now_ms(self) -> int:
        """Return the wall clock as Unix milliseconds."""
        return int(self._wall_ms + self.monotonic_ns() / 1e6)

    def now_ns(self) -> int:
        """Return the wall clock as Unix nanoseconds."""
        return round(self._wall_ms * 1e6) + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        """Return the monotonic clock."""
        return round(self._loop.time() * self._rate * 1e9)

    def step_wall(self, by_ms: float) -> None:
        """Step the wall clock, as a time service or a user does."""
        self._wall_ms += by_ms
