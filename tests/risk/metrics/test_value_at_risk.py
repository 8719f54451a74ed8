"""VaR and ES against the standard library's quantiles, closed forms and brute force."""

import math
from random import Random
from statistics import quantiles

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.figure import Figure, FigureUnit
from mexc_tui.risk.metrics.samples import excess_kurtosis, quantile, skewness
from mexc_tui.risk.metrics.value_at_risk import (
    ConfidenceLevel,
    historical_es,
    historical_var,
)
from tests.support.rounding import near

WHOLE_PERCENTS = [place / 100 for place in range(-50, 50)]
"""100 returns: -50 % to +49 %."""


def seeded(seed: int, n: int, sigma: float = 0.05) -> list[float]:
    random = Random(seed)
    return [random.gauss(0.001, sigma) for _ in range(n)]


returns_in_plenty = st.builds(seeded, st.integers(0, 2**32), st.integers(500, 700))


def number(figure: Figure) -> float:
    assert figure.value is not None, str(figure)
    return figure.value


@pytest.mark.parametrize("n", [2, 5, 99, 100, 101, 250])
def test_quantiles_equal_those_of_the_standard_librarys_inclusive_method(n: int) -> None:
    sample = seeded(n, n)
    expected = quantiles(sample, n=100, method="inclusive")
    assert [quantile(sample, place / 100) for place in range(1, 100)] == near(expected)


def test_the_outer_quantiles_are_the_extremes() -> None:
    assert (quantile([3.0, 1.0, 2.0], 0), quantile([3.0, 1.0, 2.0], 1)) == (1.0, 3.0)
    assert quantile([7.0], 0.3) == 7.0


def test_historical_var_of_a_worked_example() -> None:
    # Rank 0.05 * 99 = 4.95 of the sorted returns: between -46 % and -45 %.
    assert number(historical_var(WHOLE_PERCENTS, 1000.0, ConfidenceLevel.P95)) == near(450.5)


def test_historical_es_of_a_worked_example_with_a_whole_tail() -> None:
    assert number(historical_es(WHOLE_PERCENTS, 1000.0, ConfidenceLevel.P95)) == near(480.0)


def test_the_tail_includes_a_fraction_of_its_last_return() -> None:
    # 110 returns: the tail is 5.5 of them, -0.50 to -0.46 and half of -0.45.
    returns = WHOLE_PERCENTS + [0.5] * 10
    expected = (0.50 + 0.49 + 0.48 + 0.47 + 0.46 + 0.5 * 0.45) / 5.5
    assert number(historical_es(returns, 1000.0, ConfidenceLevel.P95)) == near(1000 * expected)


def test_the_order_of_days_does_not_affect_the_historical_tail() -> None:
    shuffled = WHOLE_PERCENTS.copy()
    Random(4).shuffle(shuffled)
    assert historical_var(shuffled, 1.0, ConfidenceLevel.P95) == historical_var(
        WHOLE_PERCENTS, 1.0, ConfidenceLevel.P95
    )
    assert historical_es(shuffled, 1.0, ConfidenceLevel.P95) == historical_es(
        WHOLE_PERCENTS, 1.0, ConfidenceLevel.P95
    )


@pytest.mark.parametrize(("level", "minimum"), [(ConfidenceLevel.P95, 100), (ConfidenceLevel.P99, 500)])
def test_one_day_too_few_gives_no_var_and_states_the_count(level: ConfidenceLevel, minimum: int) -> None:
    for figure in (
        historical_var([0.01] * (minimum - 1), 1000.0, level),
        historical_es([0.01] * (minimum - 1), 1000.0, level),
    ):
        assert figure.value is None
        assert str(figure) == f"not enough data ({minimum - 1} of {minimum})"
    assert historical_var([0.01] * minimum, 1000.0, level).value is not None


@given(returns_in_plenty)
def test_es_is_at_least_var_and_grows_with_the_confidence_level(returns: list[float]) -> None:
    var95, var99 = (number(historical_var(returns, 1.0, level)) for level in ConfidenceLevel)
    es95, es99 = (number(historical_es(returns, 1.0, level)) for level in ConfidenceLevel)
    assert es95 >= var95 - 1e-12
    assert es99 >= var99 - 1e-12
    assert var99 >= var95
    assert es99 >= es95 - 1e-12


@given(st.integers(0, 2**32))
def test_es_of_two_holdings_together_is_at_most_the_sum(seed: int) -> None:
    # Subadditivity, which makes ES coherent (Artzner et al. 1999).
    one, two = seeded(seed, 130), seeded(seed + 1, 130)
    together = [left + right for left, right in zip(one, two, strict=True)]
    apart = number(historical_es(one, 1.0, ConfidenceLevel.P95)) + number(
        historical_es(two, 1.0, ConfidenceLevel.P95)
    )
    assert number(historical_es(together, 1.0, ConfidenceLevel.P95)) <= apart + 1e-12


@given(returns_in_plenty, st.floats(1, 1e6))
def test_var_is_proportional_to_equity(returns: list[float], equity: float) -> None:
    single = number(historical_var(returns, 1.0, ConfidenceLevel.P95))
    assert number(historical_var(returns, equity, ConfidenceLevel.P95)) == near(equity * single)


def test_normal_quantiles_match_the_textbook() -> None:
    assert (ConfidenceLevel.P95.z, ConfidenceLevel.P99.z) == near((1.645, 2.326), abs=5e-4)


def test_the_moments_of_a_worked_example() -> None:
    # m2 = 2, m3 = 0, m4 = 34/5 for 1..5; a single outlier in four has skewness 2/sqrt(3).
    assert skewness([1.0, 2.0, 3.0, 4.0, 5.0]) == near(0)
    assert excess_kurtosis([1.0, 2.0, 3.0, 4.0, 5.0]) == near(6.8 / 4 - 3)
    assert skewness([0.0, 0.0, 0.0, 1.0]) == near(2 / math.sqrt(3))


def test_every_figure_in_money_is_marked_as_such() -> None:
    assert historical_var(WHOLE_PERCENTS, 1.0, ConfidenceLevel.P95).unit is FigureUnit.QUOTE
