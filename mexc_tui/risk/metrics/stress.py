"""The portfolio's tail, with coins too new for one entering at stress loss (formulas E2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

import msgspec

from mexc_tui.model.figure import Figure, FigureUnit
from mexc_tui.risk.metrics.samples import deviation
from mexc_tui.risk.metrics.value_at_risk import (
    MIN_FOR_DEVIATION,
    ConfidenceLevel,
    historical_es,
    historical_var,
    parametric_es,
    parametric_var,
)

STRESS_VAR = 0.5
STRESS_ES = 1.0
"""Shares of a new coin's value that count as lost."""


class Sampling(Enum):
    """How far apart a coin's returns are; the value is how many it takes not to be new."""

    DAILY = 30
    ONE_MINUTE = 200


@dataclass(frozen=True, slots=True)
class CoinHistory:
    """A coin held now, and what its price did."""

    symbol: str
    value: Decimal
    """Quote units now."""
    returns: tuple[float, ...]
    """Simple returns, oldest first, the last ones of all coins at the same moments."""


@dataclass(frozen=True, slots=True)
class TailRisk:
    """VaR and ES of what is held, over one step of the sampling, in quote units."""

    historical_var: Figure
    historical_es: Figure
    parametric_var: Figure
    parametric_es: Figure
    stressed: tuple[str, ...]
    """Symbols that entered at stress loss."""


def is_new(coin: CoinHistory, sampling: Sampling) -> bool:
    """Whether a coin has fewer than 30 daily or 200 one-minute observations: no VaR (formulas E2)."""
    return len(coin.returns) < sampling.value


def coin_var(coin: CoinHistory, sampling: Sampling, level: ConfidenceLevel) -> Figure:
    """Return one coin's historical VaR, or its stress loss in words that say so (formulas E2)."""
    if is_new(coin, sampling):
        return _stress_loss(coin, sampling, STRESS_VAR)
    return historical_var(coin.returns, coin.value, level)


def coin_es(coin: CoinHistory, sampling: Sampling, level: ConfidenceLevel) -> Figure:
    """Return one coin's historical ES, or its stress loss in words that say so (formulas E2)."""
    if is_new(coin, sampling):
        return _stress_loss(coin, sampling, STRESS_ES)
    return historical_es(coin.returns, coin.value, level)


def profits_of_holdings(coins: Sequence[CoinHistory]) -> list[float]:
    """Return the gains of the present holdings at each past moment that all of them have (formulas E2)."""
    common = min((len(coin.returns) for coin in coins), default=0)
    if not common:
        return []
    columns = [
        [float(coin.value) * one for one in coin.returns[len(coin.returns) - common :]] for coin in coins
    ]
    return [math.fsum(moment) for moment in zip(*columns, strict=True)]


def portfolio_tail(coins: Sequence[CoinHistory], sampling: Sampling, level: ConfidenceLevel) -> TailRisk:
    """Return VaR and ES of the holdings together (historical simulation and normal), formulas E2.

    New coins add 50 % of their value to VaR and 100 % to ES, undiversified, and are named in the words.
    """
    new = [coin for coin in coins if is_new(coin, sampling)]
    old = [coin for coin in coins if not is_new(coin, sampling)]
    value = float(sum((coin.value for coin in new), Decimal(0)))
    bases = _tails(profits_of_holdings(old), level) if old else _nothing_seasoned(level)
    names = tuple(coin.symbol for coin in new)
    shares = (STRESS_VAR, STRESS_ES, STRESS_VAR, STRESS_ES)
    figures = [
        _with_stress(base, value * share, names, share) for base, share in zip(bases, shares, strict=True)
    ]
    return TailRisk(*figures, stressed=names)


def _tails(profits: Sequence[float], level: ConfidenceLevel) -> tuple[Figure, Figure, Figure, Figure]:
    """Of profits as returns on 1; no coin here is new, so there are 30 at least."""
    sigma, n = deviation(profits), len(profits)
    return (
        historical_var(profits, 1.0, level),
        historical_es(profits, 1.0, level),
        parametric_var(1.0, sigma, n, level),
        parametric_es(1.0, sigma, n, level),
    )


def _nothing_seasoned(level: ConfidenceLevel) -> tuple[Figure, Figure, Figure, Figure]:
    """Without a coin that has a history there is nothing to estimate: the estimate is 0."""
    empirical = Figure(0.0, 0, level.minimum, unit=FigureUnit.QUOTE)
    normal = Figure(0.0, 0, MIN_FOR_DEVIATION, unit=FigureUnit.QUOTE)
    return empirical, empirical, normal, normal


def _with_stress(base: Figure, loss: float, names: Sequence[str], share: float) -> Figure:
    if base.value is None or not names:
        return base
    words = f"new coins at {share:.0%} stress loss: {', '.join(names)}"
    return msgspec.structs.replace(base, value=base.value + loss, words=words)


def _stress_loss(coin: CoinHistory, sampling: Sampling, share: float) -> Figure:
    n = len(coin.returns)
    words = f"new coin ({n} of {sampling.value} observations): {share:.0%} of its value, no estimate"
    return Figure(float(coin.value) * share, n, sampling.value, words, FigureUnit.QUOTE)
