"""The rules of pairs as the exchange last showed them."""

from collections.abc import Callable, Mapping

from mexc_tui.model.symbol import Symbol
from mexc_tui.sniping.rounding import Grid, grid_of


class SymbolFilters:
    """A pair that the exchange no longer shows keeps its last rules: what is held of it wants to be sold."""

    def __init__(self, pairs: Callable[[], Mapping[str, Symbol]]) -> None:
        """`pairs`: what the exchange shows now."""
        self._pairs = pairs
        self._known: dict[str, tuple[Symbol, Grid]] = {}

    def of(self, symbol: str) -> Grid | None:
        """Return a pair's rules; None: never seen."""
        pair, known = self._pairs().get(symbol), self._known.get(symbol)
        if pair is not None and (known is None or known[0] is not pair):
            known = self._known[symbol] = (pair, grid_of(pair))
        return None if known is None else known[1]
