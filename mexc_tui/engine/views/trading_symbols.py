"""Symbols that a command refers to, and the context of its rows: quotes, filters, stop monitoring."""

from collections.abc import Callable, Collection
from functools import partial

from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.engine.views.trading_rows import BidQuote, RowContext, SymbolPrecision
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.pair_names import AmbiguousName, resolve
from mexc_tui.model.position import Position
from mexc_tui.model.reconciliation import delisted_text
from mexc_tui.sniping.protection import blocked_reason
from mexc_tui.sniping.rounding import Grid, grid_of


class TradingSymbols:
    """Resolves the symbols of commands and provides the context of rows. `stale_ms`: age limit of a bid."""

    def __init__(
        self, components: TradingComponents, knowledge_store: KnowledgeStore, stale_ms: Callable[[], int]
    ) -> None:
        self._components = components
        self._knowledge_store = knowledge_store
        self._stale_ms = stale_ms

    def held(self, symbol: str) -> str:
        """Return the symbol that a name refers to, preferring open positions.

        Raises CommandRefused.
        """
        return self._named(
            symbol, {position.symbol for position in self._components.ledger.state.positions.values()}
        )

    def armed(self, symbol: str) -> str:
        """Return the symbol that a name refers to, preferring armed snipes. Raises CommandRefused."""
        return self._named(symbol, {snipe.symbol for snipe in self._components.ledger.state.snipes.values()})

    def pair(self, symbol: str) -> str:
        """Return the listed or scheduled symbol that a name refers to. Raises CommandRefused."""
        return self._named(symbol, ())

    def _named(self, symbol: str, preferred: Collection[str]) -> str:
        try:
            # An ambiguous name is refused: never choose which of several symbols to sell or disarm.
            found = resolve(symbol, preferred.__contains__, prefers_usual=False)
            return found or self._knowledge_store.knowledge.named(symbol) or symbol
        except AmbiguousName as error:
            raise CommandRefused(str(error)) from None

    def context(self) -> RowContext:
        """Return the context of rows: current quotes, filters and the state of the exit monitor."""
        blind = (
            ""
            if self._components.safety.emergency_stop.closer is not None
            else "the exit monitor is not running"
        )
        gone = partial(delisted_text, self._components.ledger.state.reconciled)
        return RowContext(
            quote=self._quote,
            grid=self.grid,
            stale_ms=self._stale_ms(),
            blind=blind,
            precision=self._precision,
            blocked_reason=self._hindrance,
            delisted=gone,
        )

    def _hindrance(self, position: Position) -> str:
        components = self._components
        return blocked_reason(
            self._knowledge_store.knowledge.pairs.get(position.symbol),
            components.ledger.state.trading,
            components.exit_monitor.heartbeat_ms(position),
            now_ms=components.port.now_ms(),
        )

    def _quote(self, symbol: str) -> BidQuote:
        prices = self._components.prices
        price = prices.of(symbol)
        return BidQuote(
            bid=price.bid, age_ms=prices.age_ms(symbol), received_ms=price.updated_ms, last=price.last
        )

    def _precision(self, symbol: str) -> SymbolPrecision:
        pair = self._knowledge_store.knowledge.pairs.get(symbol)
        return (
            SymbolPrecision()
            if pair is None
            else SymbolPrecision(pair.price_precision, pair.quantity_precision)
        )

    def grid(self, symbol: str) -> Grid | None:
        """Return the tick and step sizes of a symbol; None: not on the exchange."""
        pair = self._knowledge_store.knowledge.pairs.get(symbol)
        return None if pair is None else grid_of(pair)
