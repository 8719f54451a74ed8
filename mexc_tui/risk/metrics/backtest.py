"""Whether past VaR figures held (formulas E2)."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from mexc_tui.model.figure import Figure, too_few
from mexc_tui.risk.metrics.value_at_risk import ConfidenceLevel


@dataclass(frozen=True, slots=True)
class Backtest:
    """Days worse than their VaR, against how many there should be."""

    exceptions: int
    expected: float
    ratio: Figure
    """Likelihood ratio of Kupiec's test."""
    p_value: Figure
    """Small (below 0.05): the model is wrong, one way or the other."""


def count_exceptions(days: Iterable[tuple[float, float]]) -> int:
    """Return how many days, each (loss, VaR stated before), lost more than stated."""
    return sum(loss > stated for loss, stated in days)


def kupiec(exceptions: int, n: int, level: ConfidenceLevel) -> Backtest:
    """Return the proportion-of-failures test (Kupiec 1995, formulas E2).

    `LR = -2 ln[(1-p)^(n-x) p^x / ((1-x/n)^(n-x) (x/n)^x)]`, chi-square with one degree of freedom.
    """
    expected = n * level.tail
    if n < level.minimum:
        few = too_few(n, level.minimum)
        return Backtest(exceptions, expected, few, few)
    stated = _log_likelihood(exceptions, n, level.tail)
    seen = _log_likelihood(exceptions, n, exceptions / n)
    ratio = max(0.0, -2 * (stated - seen))
    p_value = math.erfc(math.sqrt(ratio / 2))
    return Backtest(exceptions, expected, Figure(ratio, n, level.minimum), Figure(p_value, n, level.minimum))


def _log_likelihood(hits: int, n: int, share: float) -> float:
    """With `0 ln 0 = 0`."""
    found = hits * math.log(share) if hits else 0.0
    return found + ((n - hits) * math.log1p(-share) if hits < n else 0.0)
