"""Trading rules (filters) of each pair, as last published by the exchange."""

from collections.abc import Callable, Mapping

from mexc_tui.model.symbol import Symbol
from mexc_tui.sniping.rounding import Grid, grid_of


class SymbolFilters:
    """Latest filters per pair. A delisted pair keeps its last ones, so that its positions can be sold."""

    def __init__(self, pairs: Callable[[], Mapping[str, Symbol]]) -> None:
        """`pairs`: pairs currently published by the exchange."""
        self._pairs = pairs
        self._known: dict[str, tuple[Symbol, Grid]] = {}

    def of(self, symbol: str) -> Grid | None:
        """Return the filters of a pair; None: never published."""
        pair, known = self._pairs().get(symbol), self._known.get(symbol)
        if pair is not None and (known is None or known[0] is not pair):
            known = self._known[symbol] = (pair, grid_of(pair))
        return None if known is None else known[1]
