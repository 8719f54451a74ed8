"""Account performance from daily simple returns, adjusted for flows (formulas E4).

A year has 365 days. `returns`: oldest first, days without trades included.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from statistics import NormalDist, fmean

from mexc_tui.model.figure import Z95, Figure, FigureUnit, too_few, undefined
from mexc_tui.risk.metrics.drawdown import Moment, max_drawdown
from mexc_tui.risk.metrics.equity import DAY_MS, index_of
from mexc_tui.risk.metrics.samples import deviation, excess_kurtosis, skewness

YEAR_DAYS = 365
MIN_FOR_CAGR = 90
MIN_FOR_VOLATILITY = 30
MIN_FOR_RATIO = 60
_NORMAL = NormalDist()


def total_return(returns: Sequence[float]) -> Figure:
    """Return `E_T / E_0 - 1` adjusted for flows: the product of `1 + r`, less 1 (formulas E4)."""
    n = len(returns)
    if n < 1:
        return too_few(n, 1, FigureUnit.SHARE)
    return Figure(value=index_of(returns)[-1] - 1, n=n, minimum=1, unit=FigureUnit.SHARE)


def cagr(returns: Sequence[float]) -> Figure:
    """Return `(E_T / E_0)^(365 / days) - 1`, a share per year; undefined below 90 days (formulas E4)."""
    n = len(returns)
    if n < MIN_FOR_CAGR:
        return too_few(n, MIN_FOR_CAGR, FigureUnit.SHARE)
    growth = max(index_of(returns)[-1], 0.0)
    return Figure(value=growth ** (YEAR_DAYS / n) - 1, n=n, minimum=MIN_FOR_CAGR, unit=FigureUnit.SHARE)


def volatility(returns: Sequence[float]) -> Figure:
    """Return `s(r) sqrt(365)`, s with n - 1; a share per square root of a year (formulas E4)."""
    n = len(returns)
    if n < MIN_FOR_VOLATILITY:
        return too_few(n, MIN_FOR_VOLATILITY, FigureUnit.SHARE)
    return Figure(
        value=deviation(returns) * math.sqrt(YEAR_DAYS),
        n=n,
        minimum=MIN_FOR_VOLATILITY,
        unit=FigureUnit.SHARE,
    )


def sharpe(returns: Sequence[float], risk_free: float = 0.0) -> Figure:
    """Return `(mean(r) - r_f) / s(r) sqrt(365)` with a 95 % interval (Sharpe 1994, formulas E4).

    `risk_free` is per day. Standard error `sqrt((1 + SR_d^2 / 2) / n) sqrt(365)` (Lo 2002).
    """
    n = len(returns)
    if n < MIN_FOR_RATIO:
        return too_few(n, MIN_FOR_RATIO)
    spread = deviation(returns)
    if spread == 0:
        return undefined(n, MIN_FOR_RATIO, "no variation")
    per_day = (fmean(returns) - risk_free) / spread
    half = Z95 * sharpe_error(per_day, n)
    value = per_day * math.sqrt(YEAR_DAYS)
    return Figure(value=value, n=n, minimum=MIN_FOR_RATIO, low=value - half, high=value + half)


def sharpe_error(per_day: float, n: int) -> float:
    """Return the standard error of a yearly Sharpe ratio from its daily one (Lo 2002, formulas E4)."""
    return math.sqrt((1 + per_day**2 / 2) / n) * math.sqrt(YEAR_DAYS)


def sortino(returns: Sequence[float], acceptable: float = 0.0) -> Figure:
    """Return `(mean(r) - MAR) / DD sqrt(365)`, `DD = sqrt(sum min(0, r - MAR)^2 / n)` (formulas E4).

    DD divides by all n, not by the number of losing days (Sortino & Price 1994). MAR is per day.
    """
    n = len(returns)
    if n < MIN_FOR_RATIO:
        return too_few(n, MIN_FOR_RATIO)
    downside = math.sqrt(fmean([min(0.0, value - acceptable) ** 2 for value in returns]))
    if downside == 0:
        return undefined(n, MIN_FOR_RATIO, "no day below the acceptable return")
    return Figure(
        value=(fmean(returns) - acceptable) / downside * math.sqrt(YEAR_DAYS), n=n, minimum=MIN_FOR_RATIO
    )


def calmar(returns: Sequence[float]) -> Figure:
    """Return `CAGR / MDD` over the given days, whose number its text states (Young 1991, formulas E4)."""
    n = len(returns)
    growth = cagr(returns)
    if growth.value is None:
        return too_few(n, MIN_FOR_CAGR)
    index = index_of(returns)
    fall = max_drawdown([Moment(day * DAY_MS, Decimal(level)) for day, level in enumerate(index)])
    if not fall.value:
        return undefined(n, MIN_FOR_CAGR, "no drawdown yet")
    return Figure(value=growth.value / fall.value, n=n, minimum=MIN_FOR_CAGR, text=f"over {n} days")


def omega(returns: Sequence[float], threshold: float = 0.0) -> Figure:
    """Return `sum max(r - t, 0) / sum max(t - r, 0)` (Keating & Shadwick 2002, formulas E4)."""
    n = len(returns)
    if n < MIN_FOR_RATIO:
        return too_few(n, MIN_FOR_RATIO)
    below = math.fsum(max(threshold - value, 0.0) for value in returns)
    if below == 0:
        return undefined(n, MIN_FOR_RATIO, "no day below the threshold")
    above = math.fsum(max(value - threshold, 0.0) for value in returns)
    return Figure(value=above / below, n=n, minimum=MIN_FOR_RATIO)


def probabilistic_sharpe(returns: Sequence[float], benchmark: float = 0.0) -> Figure:
    """Return the probability that the true daily Sharpe ratio exceeds `benchmark`; a share (formulas E4).

    With the expected best of several trials as the benchmark it is the deflated Sharpe ratio.
    """
    n = len(returns)
    if n < MIN_FOR_RATIO:
        return too_few(n, MIN_FOR_RATIO, FigureUnit.SHARE)
    spread = deviation(returns)
    if spread == 0:
        return undefined(n, MIN_FOR_RATIO, "no variation", unit=FigureUnit.SHARE)
    ratio = fmean(returns) / spread
    chance = chance_above(ratio, benchmark, n, skew=skewness(returns), kurtosis=excess_kurtosis(returns) + 3)
    if chance is None:
        return undefined(n, MIN_FOR_RATIO, "its error is undefined", unit=FigureUnit.SHARE)
    return Figure(value=chance, n=n, minimum=MIN_FOR_RATIO, unit=FigureUnit.SHARE)


def chance_above(ratio: float, benchmark: float, n: int, *, skew: float, kurtosis: float) -> float | None:
    """Return `PSR = Phi((SR - SR*) sqrt(n-1) / sqrt(1 - S SR + (K-1)/4 SR^2))` (formulas E4).

    Ratios are per period, K is total kurtosis (Bailey & López de Prado 2012); None: the root is not positive.
    """
    variance = 1 - skew * ratio + (kurtosis - 1) / 4 * ratio**2
    if variance <= 0:
        return None
    return _NORMAL.cdf((ratio - benchmark) * math.sqrt(n - 1) / math.sqrt(variance))
