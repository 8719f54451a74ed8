"""Queries for the screens of a running engine; a query changes nothing."""

from collections import Counter
from collections.abc import Callable, Sequence

from mexc_tui.engine.engine import Engine
from mexc_tui.engine.views.detector_rows import NEWEST, DetectorActivity, detector_rows, pass_row, scores
from mexc_tui.engine.views.equity_rows import equity_of
from mexc_tui.engine.views.latency_rows import latency_of
from mexc_tui.engine.views.symbol_view import SymbolRequest, SymbolView
from mexc_tui.model.engine_view import DetectorsRow, LatencyRow
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.market_view import MarketRow
from mexc_tui.model.plan_view import EquityRow
from mexc_tui.model.trading_view import PositionRow

NO_TRADING = "Unavailable: this engine runs without trading."


class ScreenQueries:
    """Answers the queries of the screens."""

    def __init__(self, engine: Engine, positions: Callable[[], Sequence[PositionRow]] = tuple) -> None:
        """`positions`: rows of the open positions."""
        self._engine = engine
        self._positions = positions
        self._symbol_view = SymbolView(engine, self._position)

    async def detectors(self) -> DetectorsRow:
        """Return the rows of the detectors. Raises StorageError."""
        engine = self._engine
        known, detection = engine.knowledge_store, engine.detection
        settings = engine.detection_settings()
        cards = await engine.parts.store.read("detectors", lambda stored: scores(stored, settings))
        active = Counter(key.detector for key in known.signals)
        raised = DetectorActivity(detection.counts, active, known.history)
        return DetectorsRow(
            at_ms=engine.parts.market.now_ms(),
            detectors=detector_rows(raised, cards),
            last_pass=None if detection.last is None else pass_row(detection.last, detection.passes),
            newest=NEWEST,
        )

    async def market(self, symbol: str, request: SymbolRequest) -> MarketRow:
        """Return the market view of a symbol and stream it. Raises CommandRefused, StorageError."""
        return await self._symbol_view.market(symbol, request)

    async def equity(self, since_ms: int, points: int) -> EquityRow:
        """Return stored equity since a time.

        Raises CommandRefused without trading, StorageError.
        """
        components = self._engine.trading_components
        if components is None:
            raise CommandRefused(NO_TRADING)
        scope, now_ms, live = (
            components.ledger.scope,
            components.port.now_ms(),
            components.ledger.state.equity,
        )
        return await self._engine.parts.store.read(
            "equity",
            lambda stored: equity_of(stored.trading(scope).equity, since_ms, now_ms, most=points, live=live),
        )

    async def latency(self, attempts: int) -> LatencyRow:
        """Return the last attempts, stage by stage.

        Raises CommandRefused without trading, StorageError.
        """
        components = self._engine.trading_components
        if components is None:
            raise CommandRefused(NO_TRADING)
        scope = components.ledger.scope
        return await self._engine.parts.store.read(
            "latency", lambda stored: latency_of(stored.trading(scope), attempts)
        )

    def _position(self, symbol: str) -> PositionRow | None:
        return next((position for position in self._positions() if position.symbol == symbol), None)
