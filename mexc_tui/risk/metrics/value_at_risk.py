"""Value at risk and expected shortfall of one return series (formulas E2).

Returns are simple returns over the horizon; equity and results are quote units, a loss is positive.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from statistics import NormalDist

from mexc_tui.model.figure import Figure, FigureUnit, too_few, undefined
from mexc_tui.risk.metrics.samples import deviation, excess_kurtosis, quantile, skewness

MIN_FOR_DEVIATION = 30
MIN_FOR_CORNISH_FISHER = 100
RISK_METRICS_DECAY = 0.94
_NORMAL = NormalDist()

Money = Decimal | float
"""Quote units; a Decimal is converted once, as estimates are floats."""


class ConfidenceLevel(Enum):
    """How sure; the value is the tail's share, as a decimal that is exact in print."""

    P95 = 0.05
    P99 = 0.01

    @property
    def tail(self) -> float:
        """Share of days that are worse."""
        return self.value

    @property
    def minimum(self) -> int:
        """Observations below which the empirical tail says nothing (formulas E2)."""
        return 100 if self is ConfidenceLevel.P95 else 500

    @property
    def z(self) -> float:
        """Normal quantile: 1.645 or 2.326."""
        return -_NORMAL.inv_cdf(self.value)


def historical_var(returns: Sequence[float], equity: Money, level: ConfidenceLevel) -> Figure:
    """Return `-Q_(1-alpha)(r) E`, `Q` the quantile of type 7 (formulas E2).

    `returns` are those of the current holdings revalued on past days. Negative: even that quantile gains.
    """
    n = len(returns)
    if n < level.minimum:
        return too_few(n, level.minimum, FigureUnit.QUOTE)
    return Figure(-quantile(returns, level.tail) * float(equity), n, level.minimum, unit=FigureUnit.QUOTE)


def historical_es(returns: Sequence[float], equity: Money, level: ConfidenceLevel) -> Figure:
    """Return `-E / (n t) * (sum of the m worst + (n t - m) r_(m+1))`, `m = floor(n t)`, `t` the tail.

    The mean of the tail, with fractional weight on its last member (Acerbi & Tasche 2002, formulas E2).
    """
    n = len(returns)
    if n < level.minimum:
        return too_few(n, level.minimum, FigureUnit.QUOTE)
    ordered, depth = sorted(returns), n * level.tail
    whole = math.floor(depth)
    tail = math.fsum(ordered[:whole]) + (depth - whole) * ordered[whole]
    return Figure(-float(equity) * tail / depth, n, level.minimum, unit=FigureUnit.QUOTE)


def parametric_var(
    equity: Money, sigma: float, n: int, level: ConfidenceLevel, *, days: float = 1.0, mean: float = 0.0
) -> Figure:
    """Return `E (z sigma sqrt(h) - mu h)` (RiskMetrics 1996, formulas E2); mu is 0 at one day.

    `sigma` is the daily deviation behind which `n` observations stand.
    """
    if n < MIN_FOR_DEVIATION:
        return too_few(n, MIN_FOR_DEVIATION, FigureUnit.QUOTE)
    loss = float(equity) * (level.z * sigma * math.sqrt(days) - mean * days)
    return Figure(loss, n, MIN_FOR_DEVIATION, unit=FigureUnit.QUOTE)


def parametric_es(
    equity: Money, sigma: float, n: int, level: ConfidenceLevel, *, days: float = 1.0
) -> Figure:
    """Return `E sigma sqrt(h) phi(z) / (1 - alpha)`: 2.063 sigma at 95 %, 2.665 at 99 % (formulas E2)."""
    if n < MIN_FOR_DEVIATION:
        return too_few(n, MIN_FOR_DEVIATION, FigureUnit.QUOTE)
    loss = float(equity) * sigma * math.sqrt(days) * _NORMAL.pdf(level.z) / level.tail
    return Figure(loss, n, MIN_FOR_DEVIATION, unit=FigureUnit.QUOTE)


def portfolio_deviation(weights: Sequence[float], returns: Sequence[Sequence[float]]) -> float:
    """Return `sqrt(w' S w)` with the sample covariance S (n - 1) of the coins' returns (formulas E2).

    Every coin's series covers the same moments, two at least.
    """
    means = [math.fsum(series) / len(series) for series in returns]
    apart = [[one - mean for one in series] for series, mean in zip(returns, means, strict=True)]
    variance = math.fsum(
        left_weight * right_weight * _covariance(left, right)
        for left_weight, left in zip(weights, apart, strict=True)
        for right_weight, right in zip(weights, apart, strict=True)
    )
    return math.sqrt(max(variance, 0.0))


def undiversified_var(single: Sequence[Figure]) -> Figure:
    """Return the sum of single VaRs, labelled undiversified: correlation 1 (formulas E2)."""
    n = min((one.n for one in single), default=0)
    known = [one.value for one in single if one.value is not None]
    if not single:
        return undefined(0, 1, "nothing held", FigureUnit.QUOTE)
    if len(known) < len(single):
        return undefined(n, single[0].minimum, "a coin has no VaR", FigureUnit.QUOTE)
    return Figure(math.fsum(known), n, single[0].minimum, "undiversified: correlation 1", FigureUnit.QUOTE)


def ewma_variance(returns: Sequence[float], decay: float = RISK_METRICS_DECAY) -> Figure:
    """Return `s2_t = decay s2_(t-1) + (1 - decay) r2_(t-1)`, squared returns (RiskMetrics 1996, formulas E2).

    The forecast for the next day, oldest return first. It begins at the mean square: a single first return
    would outweigh the newest until some fifty days have passed.
    """
    n = len(returns)
    if n < MIN_FOR_DEVIATION:
        return too_few(n, MIN_FOR_DEVIATION)
    variance = math.fsum(one**2 for one in returns) / n
    for one in returns:
        variance = decay * variance + (1 - decay) * one**2
    return Figure(variance, n, MIN_FOR_DEVIATION)


def cornish_fisher_z(z: float, skew: float, kurtosis: float) -> float:
    """Return `z + (z2-1)S/6 + (z3-3z)K/24 - (2z3-5z)S2/36`, z of the lower tail, K excess (formulas E2)."""
    bent = (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * kurtosis / 24
    return z + bent - (2 * z**3 - 5 * z) * skew**2 / 36


def cornish_fisher_is_monotone(skew: float, kurtosis: float) -> bool:
    """Whether the map keeps the order of quantiles everywhere (Maillard 2012): its slope is never negative.

    The slope is `a z2 + b z + c`, `a = K/8 - S2/6`, `b = S/3`, `c = 1 - K/8 + 5 S2/36`.
    """
    square = kurtosis / 8 - skew**2 / 6
    slope = skew / 3
    level = 1 - kurtosis / 8 + 5 * skew**2 / 36
    if square == 0:
        return slope == 0 and level >= 0
    return square > 0 and slope**2 <= 4 * square * level


def cornish_fisher_var(returns: Sequence[float], equity: Money, level: ConfidenceLevel) -> Figure:
    """Return `-z* sigma E`, z* bent by skewness and kurtosis, mu 0 (Cornish & Fisher, formulas E2).

    Only from 100 observations on, and where the map is monotone.
    """
    n = len(returns)
    if n < MIN_FOR_CORNISH_FISHER:
        return too_few(n, MIN_FOR_CORNISH_FISHER, FigureUnit.QUOTE)
    skew, kurtosis = skewness(returns), excess_kurtosis(returns)
    sigma = deviation(returns)
    if sigma == 0:
        return undefined(n, MIN_FOR_CORNISH_FISHER, "no variation", FigureUnit.QUOTE)
    if not cornish_fisher_is_monotone(skew, kurtosis):
        why = f"skewness {skew:.2f} and excess kurtosis {kurtosis:.2f} are outside its range"
        return undefined(n, MIN_FOR_CORNISH_FISHER, why, FigureUnit.QUOTE)
    loss = -cornish_fisher_z(-level.z, skew, kurtosis) * sigma * float(equity)
    return Figure(loss, n, MIN_FOR_CORNISH_FISHER, unit=FigureUnit.QUOTE)


def _covariance(left: Sequence[float], right: Sequence[float]) -> float:
    """Of two series without their means."""
    return math.fsum(a * b for a, b in zip(left, right, strict=True)) / (len(left) - 1)
