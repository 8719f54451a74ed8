"""Everything an engine can be given another of."""

from typing import Protocol

from mexc_tui.model.market_data import DepthSnapshot


class Clock(Protocol):
    """Where the time comes from. Waiting is asyncio's: a virtual loop moves both."""

    def now_ms(self) -> int:
        """Return this machine's wall clock as Unix milliseconds (not the exchange's)."""
        ...

    def monotonic_ns(self) -> int:
        """Return a clock that never steps, in nanoseconds from an arbitrary start."""
        ...


class SnapshotSource(Protocol):
    """Where a book's snapshot comes from: GET depth."""

    async def depth(self, symbol: str, limit: int = 1000) -> DepthSnapshot:
        """Return both sides at one version. Raises ExchangeError when none could be had."""
        ...
