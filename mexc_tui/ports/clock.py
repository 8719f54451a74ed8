"""Port of time."""

from typing import Protocol


class Clock(Protocol):
    """Source of time. Waiting uses asyncio: a virtual event loop advances both."""

    def now_ms(self) -> int:
        """Return this machine's wall clock as Unix milliseconds (not the exchange's)."""
        ...

    def monotonic_ns(self) -> int:
        """Return a clock that never steps, in nanoseconds from an arbitrary start."""
        ...
