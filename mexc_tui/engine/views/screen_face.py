"""What screens ask of a running engine to draw, on the engine's own loop. Asking changes nothing."""

from typing import Protocol

from mexc_tui.engine.views.symbol_view import SymbolRequest
from mexc_tui.model.engine_view import DetectorsRow, LatencyRow
from mexc_tui.model.market_view import MarketRow
from mexc_tui.model.plan_view import EquityRow


class ScreenFace(Protocol):
    """One engine, as its screens draw it."""

    async def detectors(self) -> DetectorsRow:
        """Return how each detector does. Raises StorageError."""
        ...

    async def market(self, symbol: str, wish: SymbolRequest) -> MarketRow:
        """Return a pair, and have it watched for a while. Raises CommandRefused, StorageError."""
        ...

    async def equity(self, since_ms: int, points: int) -> EquityRow:
        """Return stored equity from a moment on. Raises CommandRefused without trading, StorageError."""
        ...

    async def latency(self, shots: int) -> LatencyRow:
        """Return the last shots, stage by stage. Raises CommandRefused without trading, StorageError."""
        ...
