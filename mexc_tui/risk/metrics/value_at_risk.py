"""Value at risk and expected shortfall of one return series (formulas E2).

Returns are simple returns over the horizon; equity and results are quote units, a loss is positive.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from statistics import NormalDist

from mexc_tui.model.figure import Figure, FigureUnit, too_few
from mexc_tui.risk.metrics.samples import quantile

_NORMAL = NormalDist()

Money = Decimal | float
"""Quote units; a Decimal is converted once, as estimates are floats."""


class ConfidenceLevel(Enum):
    """Confidence level; the value is the share of the tail, as an exact decimal."""

    P95 = 0.05
    P99 = 0.01

    @property
    def tail(self) -> float:
        """Share of worse days."""
        return self.value

    @property
    def minimum(self) -> int:
        """Minimum number of observations for an empirical tail (formulas E2)."""
        return 100 if self is ConfidenceLevel.P95 else 500

    @property
    def z(self) -> float:
        """Normal quantile: 1.645 or 2.326."""
        return -_NORMAL.inv_cdf(self.value)


def historical_var(returns: Sequence[float], equity: Money, level: ConfidenceLevel) -> Figure:
    """Return `-Q_(1-alpha)(r) E`, `Q` the quantile of type 7 (formulas E2).

    `returns`: of the current holdings, revalued on past days. Negative: even that quantile is a gain.
    """
    n = len(returns)
    if n < level.minimum:
        return too_few(n, level.minimum, FigureUnit.QUOTE)
    return Figure(
        value=-quantile(returns, level.tail) * float(equity),
        n=n,
        minimum=level.minimum,
        unit=FigureUnit.QUOTE,
    )


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
    return Figure(value=-float(equity) * tail / depth, n=n, minimum=level.minimum, unit=FigureUnit.QUOTE)
