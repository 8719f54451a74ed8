"""Beta quantiles against values worked by hand; no statistics library is a dependency."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.detection.beta import cdf, quantile

WHOLE = st.integers(1, 40)
SHARES = st.floats(0.001, 0.999)


def exact_cdf(x: Fraction, a: int, b: int) -> Fraction:
    """Return the exact distribution function for integer parameters, a sum of binomial terms."""
    n = a + b - 1
    return sum((math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1)), Fraction(0))


@given(WHOLE, WHOLE, st.integers(1, 99))
def test_the_distribution_agrees_with_the_binomial_sum(a: int, b: int, hundredths: int) -> None:
    x = Fraction(hundredths, 100)
    assert abs(cdf(float(x), a, b) - (float(exact_cdf(x, a, b)))) < 1e-12


@given(SHARES, WHOLE)
def test_quantiles_with_a_parameter_of_one_are_powers(share: float, n: int) -> None:
    assert abs(quantile(share, n, 1) - (share ** (1 / n))) < 1e-10
    assert abs(quantile(share, 1, n) - (1 - (1 - share) ** (1 / n))) < 1e-10


@given(SHARES)
def test_quantiles_of_the_arcsine_distribution(share: float) -> None:
    assert abs(quantile(share, 0.5, 0.5) - (math.sin(math.pi * share / 2) ** 2)) < 1e-9


@given(st.floats(0.5, 300), st.floats(0.5, 300), SHARES)
def test_the_quantile_inverts_the_distribution_and_is_symmetric(a: float, b: float, share: float) -> None:
    x = quantile(share, a, b)
    assert abs(cdf(x, a, b) - share) < 1e-6
    assert abs(quantile(1 - share, b, a) - (1 - x)) < 1e-9


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        # Clopper-Pearson limits of the tables: 0 of 10 gives (0, 0.3085), 10 of 10 its mirror image; 5 of 10.
        (1, 10, 1 - 0.975**0.1, 1 - 0.025**0.1),
        (10, 1, 0.025**0.1, 0.975**0.1),
        (1, 1, 0.025, 0.975),
        (5, 6, 0.18708603, 0.73762192),
        (6, 5, 0.26237808, 0.81291397),
    ],
)
def test_intervals_match_published_tables(a: float, b: float, low: float, high: float) -> None:
    assert abs(quantile(0.025, a, b) - low) < 1e-8
    assert abs(quantile(0.975, a, b) - high) < 1e-8


def test_the_outermost_quantiles_are_zero_and_one() -> None:
    assert (cdf(0.0, 2, 3), cdf(1.0, 2, 3), cdf(-1.0, 2, 3), cdf(2.0, 2, 3)) == (0.0, 1.0, 0.0, 1.0)
