"""VaR and ES of open positions, from minute prices stored with equity (formulas E2)."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from mexc_tui.model.figure import Figure, FigureUnit, undefined
from mexc_tui.model.position import EquityPoint
from mexc_tui.risk.metrics.stress import CoinHistory, Sampling, profits_of_holdings
from mexc_tui.risk.metrics.value_at_risk import ConfidenceLevel, historical_es, historical_var

MINUTE_MS = 60_000
NEEDED = Sampling.ONE_MINUTE.value

Returns = Mapping[int, float]
"""Simple returns of one asset, by the minute in which they end."""


def minute_returns(points: Iterable[EquityPoint], symbol: str) -> Returns:
    """Return `p_t / p_(t-1) - 1` of the last bids of consecutive minutes; `points`: oldest first."""
    last: dict[int, Decimal] = {}
    for point in points:
        for held in point.prices:
            if held.symbol == symbol and held.bid > 0:
                last[point.at_ms // MINUTE_MS] = held.bid
    return {
        minute: float(last[minute] / last[before]) - 1
        for before, minute in pairwise(last)
        if minute == before + 1
    }


def holdings_tail(
    values: Mapping[str, Decimal], points: Sequence[EquityPoint], level: ConfidenceLevel
) -> tuple[Figure, Figure]:
    """Return historical VaR and ES over one minute: current holdings with past returns.

    `values`: quote units by symbol. Each coin needs 200 returns, and the minimum of the level (100 at
    95 %, 500 at 99 %) counts minutes with a return of every coin. With a newer coin there is no value: the
    gap stress measures its risk (formulas E1).
    """
    known = {symbol: minute_returns(points, symbol) for symbol in values}
    if not known:
        nothing = undefined(0, level.minimum, "nothing held", unit=FigureUnit.QUOTE)
        return nothing, nothing
    newest = min(known, key=lambda symbol: len(known[symbol]))
    n = len(known[newest])
    if n < NEEDED:
        few = Figure(
            value=None,
            n=n,
            minimum=NEEDED,
            text=f"not enough data ({n} of {NEEDED} minutes of {newest})",
            unit=FigureUnit.QUOTE,
        )
        return few, few
    common = sorted(
        minute for minute in known[newest] if all(minute in minutes for minutes in known.values())
    )
    profits = profits_of_holdings(
        [
            CoinHistory(symbol, value, tuple(known[symbol][minute] for minute in common))
            for symbol, value in values.items()
        ]
    )
    return historical_var(profits, 1.0, level), historical_es(profits, 1.0, level)
