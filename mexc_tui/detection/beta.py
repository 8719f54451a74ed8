"""Quantiles of the Beta distribution, by the continued fraction of its distribution function."""

import math
from functools import lru_cache

_TINY = 1e-300
_EPSILON = 1e-14
_MAX_STEPS = 500


def cdf(x: float, a: float, b: float) -> float:
    """Return the probability that a Beta(a, b) variable is at most `x` (regularised incomplete beta)."""
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    front = math.exp(log_front)
    # The fraction converges fast below the mean; above it, evaluate the mirrored one.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1.0 - x, b, a) / b


@lru_cache(maxsize=4_096)
def quantile(share: float, a: float, b: float) -> float:
    """Return the value below which `share` of Beta(a, b) falls, to 1e-12. `a` and `b` are above 0."""
    low, high = 0.0, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        if cdf(middle, a, b) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _fraction(x: float, a: float, b: float) -> float:
    """Evaluate the continued fraction by Lentz's method (Abramowitz and Stegun 26.5.8)."""
    c, d = 1.0, _inverse(1.0 - (a + b) * x / (a + 1.0))
    result = d
    for m in range(1, _MAX_STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            d = _inverse(1.0 + step * d)
            c = _nonzero(1.0 + step / c)
            result *= d * c
        if abs(d * c - 1.0) < _EPSILON:
            break
    return result


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _inverse(value: float) -> float:
    return 1.0 / _nonzero(value)
