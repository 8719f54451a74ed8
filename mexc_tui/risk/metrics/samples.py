"""Moments and quantiles of a sample, shared by the metrics."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

NO_VARIATION = 1e-12
"""A deviation below this share of the largest observation is rounding, not variation."""


def deviation(values: Sequence[float]) -> float:
    """Return the standard deviation (n - 1) of two or more values; 0 when only rounding varies."""
    found = stdev(values)
    return 0.0 if found <= NO_VARIATION * max(abs(value) for value in values) else found


def quantile(values: Sequence[float], share: float) -> float:
    """Return the quantile of type 7 (Hyndman & Fan 1996): linear between order statistics, as in R."""
    return quantile_of_sorted(sorted(values), share)


def quantile_of_sorted(ordered: Sequence[float], share: float) -> float:
    """Return the type-7 quantile of a sample in ascending order."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def skewness(values: Sequence[float]) -> float:
    """Return the third standardised moment `m3 / m2^1.5`; 0 without variation."""
    return _standardised(values, 3)


def excess_kurtosis(values: Sequence[float]) -> float:
    """Return the fourth standardised moment less 3, `m4 / m2^2 - 3`; -3 without variation."""
    return _standardised(values, 4) - 3


def _standardised(values: Sequence[float], power: int) -> float:
    """Scaled first, so that tiny returns do not vanish in their own powers."""
    middle = fmean(values)
    apart = [value - middle for value in values]
    scale = math.sqrt(fmean([difference * difference for difference in apart]))
    if scale <= NO_VARIATION * max(abs(value) for value in values):
        return 0.0
    return fmean([(difference / scale) ** power for difference in apart])
