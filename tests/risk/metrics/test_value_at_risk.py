"""VaR and ES against the standard library's quantiles, closed forms and brute force."""

import math
from itertools import pairwise
from random import Random
from statistics import NormalDist, quantiles, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.figure import Figure, FigureUnit
from mexc_tui.risk.metrics.samples import excess_kurtosis, quantile, skewness
from mexc_tui.risk.metrics.value_at_risk import (
    ConfidenceLevel,
    cornish_fisher_is_monotone,
    cornish_fisher_var,
    cornish_fisher_z,
    ewma_variance,
    historical_es,
    historical_var,
    parametric_es,
    parametric_var,
    portfolio_deviation,
    undiversified_var,
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
def test_quantiles_are_those_of_the_standard_librarys_inclusive_method(n: int) -> None:
    sample = seeded(n, n)
    expected = quantiles(sample, n=100, method="inclusive")
    assert [quantile(sample, place / 100) for place in range(1, 100)] == near(expected)


def test_quantile_ends_are_the_extremes() -> None:
    assert (quantile([3.0, 1.0, 2.0], 0), quantile([3.0, 1.0, 2.0], 1)) == (1.0, 3.0)
    assert quantile([7.0], 0.3) == 7.0


def test_historical_var_by_hand() -> None:
    # Place 0.05 * 99 = 4.95 of the ordered returns: between -46 % and -45 %.
    assert number(historical_var(WHOLE_PERCENTS, 1000.0, ConfidenceLevel.P95)) == near(450.5)


def test_historical_es_by_hand_where_the_tail_is_whole() -> None:
    assert number(historical_es(WHOLE_PERCENTS, 1000.0, ConfidenceLevel.P95)) == near(480.0)


def test_the_tail_takes_a_part_of_its_last_member() -> None:
    # 110 returns: the tail is 5.5 of them, -0.50 to -0.46 and half of -0.45.
    returns = WHOLE_PERCENTS + [0.5] * 10
    expected = (0.50 + 0.49 + 0.48 + 0.47 + 0.46 + 0.5 * 0.45) / 5.5
    assert number(historical_es(returns, 1000.0, ConfidenceLevel.P95)) == near(1000 * expected)


def test_the_order_of_days_does_not_matter_to_the_historical_tail() -> None:
    shuffled = WHOLE_PERCENTS.copy()
    Random(4).shuffle(shuffled)
    assert historical_var(shuffled, 1.0, ConfidenceLevel.P95) == historical_var(
        WHOLE_PERCENTS, 1.0, ConfidenceLevel.P95
    )
    assert historical_es(shuffled, 1.0, ConfidenceLevel.P95) == historical_es(
        WHOLE_PERCENTS, 1.0, ConfidenceLevel.P95
    )


@pytest.mark.parametrize(("level", "minimum"), [(ConfidenceLevel.P95, 100), (ConfidenceLevel.P99, 500)])
def test_one_day_too_few_gives_no_var_and_says_how_many(level: ConfidenceLevel, minimum: int) -> None:
    for figure in (
        historical_var([0.01] * (minimum - 1), 1000.0, level),
        historical_es([0.01] * (minimum - 1), 1000.0, level),
    ):
        assert figure.value is None
        assert str(figure) == f"not enough data ({minimum - 1} of {minimum})"
    assert historical_var([0.01] * minimum, 1000.0, level).value is not None


@given(returns_in_plenty)
def test_es_is_at_least_var_and_surer_is_at_least_as_much(returns: list[float]) -> None:
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
def test_var_grows_with_equity_in_proportion(returns: list[float], equity: float) -> None:
    single = number(historical_var(returns, 1.0, ConfidenceLevel.P95))
    assert number(historical_var(returns, equity, ConfidenceLevel.P95)) == near(equity * single)


def test_normal_levels_are_the_books() -> None:
    assert (ConfidenceLevel.P95.z, ConfidenceLevel.P99.z) == near((1.645, 2.326), abs=5e-4)


def test_parametric_var_and_es_by_the_books_multipliers() -> None:
    assert number(parametric_var(10_000.0, 0.02, 250, ConfidenceLevel.P99)) == near(465.3, abs=0.05)
    assert number(parametric_es(1.0, 1.0, 250, ConfidenceLevel.P95)) == near(2.063, abs=5e-4)
    assert number(parametric_es(1.0, 1.0, 250, ConfidenceLevel.P99)) == near(2.665, abs=5e-4)


def test_parametric_var_grows_with_the_root_of_time_less_the_mean() -> None:
    day = number(parametric_var(100.0, 0.03, 60, ConfidenceLevel.P95))
    assert number(parametric_var(100.0, 0.03, 60, ConfidenceLevel.P95, days=4.0)) == near(2 * day)
    drift = number(parametric_var(100.0, 0.03, 60, ConfidenceLevel.P95, days=4.0, mean=0.001))
    assert drift == near(2 * day - 0.4)
    assert number(parametric_es(100.0, 0.03, 60, ConfidenceLevel.P95, days=4.0)) == near(
        2 * number(parametric_es(100.0, 0.03, 60, ConfidenceLevel.P95))
    )


def test_normal_es_is_the_mean_of_the_normal_tail() -> None:
    # The tail's mean as a sum over its quantiles, without the closed form.
    steps, normal = 20_000, NormalDist()
    mean = sum(normal.inv_cdf(0.05 * (step + 0.5) / steps) for step in range(steps)) / steps
    assert number(parametric_es(1.0, 1.0, 30, ConfidenceLevel.P95)) == near(-mean, rel=1e-4)


def test_parametric_figures_need_thirty_days() -> None:
    assert str(parametric_var(1.0, 0.1, 29, ConfidenceLevel.P95)) == "not enough data (29 of 30)"
    assert parametric_es(1.0, 0.1, 29, ConfidenceLevel.P95).value is None


def test_portfolio_deviation_by_hand() -> None:
    # Variances 1 and 3, covariance -1.5, all with n - 1.
    first, second = [-1.0, 0.0, 1.0], [1.0, 1.0, -2.0]
    found = portfolio_deviation([0.5, 0.5], [first, second])
    assert found**2 == near(0.25 * 1 + 0.25 * 3 + 2 * 0.25 * -1.5)


@given(st.integers(0, 2**32), st.floats(0, 1))
def test_portfolio_deviation_is_that_of_the_combined_series(seed: int, weight: float) -> None:
    one, two = seeded(seed, 40), seeded(seed + 1, 40)
    combined = [weight * a + (1 - weight) * b for a, b in zip(one, two, strict=True)]
    found = portfolio_deviation([weight, 1 - weight], [one, two])
    assert found**2 == near(variance(combined))


def test_the_undiversified_sum_is_the_portfolios_var_at_correlation_one() -> None:
    series = seeded(3, 120)
    single = [historical_var(series, worth, ConfidenceLevel.P95) for worth in (300.0, 700.0)]
    total = undiversified_var(single)
    assert total.value == near(number(historical_var(series, 1000.0, ConfidenceLevel.P95)))
    assert "correlation 1" in str(total)


def test_a_coin_without_var_leaves_no_sum() -> None:
    known = historical_var(WHOLE_PERCENTS, 1.0, ConfidenceLevel.P95)
    assert (
        str(undiversified_var([known, historical_var([], 1.0, ConfidenceLevel.P95)]))
        == "n/a (a coin has no VaR)"
    )
    assert str(undiversified_var([])) == "n/a (nothing held)"


def test_ewma_is_the_weighted_sum_of_squares() -> None:
    returns = seeded(8, 50)
    newest_first = returns[::-1]
    expected = math.fsum(0.06 * 0.94**age * one**2 for age, one in enumerate(newest_first))
    expected += 0.94**50 * math.fsum(one**2 for one in returns) / 50
    assert number(ewma_variance(returns)) == near(expected)


def test_ewma_of_equal_squares_is_that_square_and_the_newest_weighs_most() -> None:
    assert number(ewma_variance([0.1, -0.1] * 20)) == near(0.01)
    calm = [0.01] * 39
    assert number(ewma_variance([*calm, 0.2])) > number(ewma_variance([0.2, *calm]))
    assert ewma_variance([0.1] * 29).value is None


def test_cornish_fisher_changes_nothing_of_a_normal_tail() -> None:
    assert cornish_fisher_z(-1.645, 0.0, 0.0) == -1.645


@pytest.mark.parametrize(("tail", "exact"), [(0.05, 77.9295), (0.01, 70.0649)])
def test_cornish_fisher_finds_the_quantiles_of_chi_square(tail: float, exact: float) -> None:
    # 100 degrees of freedom: mean 100, variance 200, skewness sqrt(8/100), excess kurtosis 12/100.
    z = cornish_fisher_z(NormalDist().inv_cdf(tail), math.sqrt(0.08), 0.12)
    assert 100 + z * math.sqrt(200) == near(exact, abs=0.01)


def rises_everywhere(skew: float, kurtosis: float) -> bool:
    """Return whether the map itself rises from step to step, far beyond any quantile in use."""
    mapped = [cornish_fisher_z(place / 50, skew, kurtosis) for place in range(-1500, 1501)]
    return all(left <= right for left, right in pairwise(mapped))


@pytest.mark.parametrize("skew", [-1.2, -0.5, 0.2, 0.8, 1.5])
def test_the_monotone_rule_ends_where_the_map_itself_falls(skew: float) -> None:
    for kurtosis in (place / 20 for place in range(-20, 200)):
        said = cornish_fisher_is_monotone(skew, kurtosis)
        # On the border itself the steps of the map are too coarse to tell.
        near_by = {cornish_fisher_is_monotone(skew, kurtosis + step) for step in (-0.02, 0.02)}
        assert said is rises_everywhere(skew, kurtosis) or near_by == {True, False}


@pytest.mark.parametrize(
    ("skew", "kurtosis", "monotone"),
    [
        (0, 0, True),
        (0, 3, True),
        (0, 8, True),
        (0, 8.1, False),
        (0, -0.1, False),
        (1, 0, False),
        (1, 3, True),
    ],
)
def test_where_the_map_is_monotone(skew: float, kurtosis: float, monotone: bool) -> None:
    assert cornish_fisher_is_monotone(skew, kurtosis) is monotone


def fat_tailed(n: int) -> list[float]:
    """Return a sample with a moderately fat tail: normal, of two deviations."""
    random = Random(5)
    return [random.gauss(0, 0.02 if random.random() < 0.8 else 0.045) for _ in range(n)]


def test_fat_tails_cost_more_than_normal_ones_at_99() -> None:
    returns = fat_tailed(1000)
    found = cornish_fisher_var(returns, 1.0, ConfidenceLevel.P99)
    sigma = math.sqrt(variance(returns))
    assert number(found) > number(parametric_var(1.0, sigma, 1000, ConfidenceLevel.P99))
    skew, kurtosis = skewness(returns), excess_kurtosis(returns)
    assert number(found) == near(-cornish_fisher_z(-ConfidenceLevel.P99.z, skew, kurtosis) * sigma)


def test_cornish_fisher_is_refused_off_its_ground() -> None:
    assert (
        str(cornish_fisher_var([0.01, -0.01] * 49, 1.0, ConfidenceLevel.P95)) == "not enough data (98 of 100)"
    )
    crash = [0.001, -0.001] * 100 + [-0.9]
    refused = cornish_fisher_var(crash, 1.0, ConfidenceLevel.P95)
    assert refused.value is None
    assert "outside its range" in str(refused)
    assert str(cornish_fisher_var([0.01] * 100, 1.0, ConfidenceLevel.P95)) == "n/a (no variation)"


def test_moments_by_hand() -> None:
    # m2 = 2, m3 = 0, m4 = 34/5 for 1..5; a single outlier in four has skewness 2/sqrt(3).
    assert skewness([1.0, 2.0, 3.0, 4.0, 5.0]) == near(0)
    assert excess_kurtosis([1.0, 2.0, 3.0, 4.0, 5.0]) == near(6.8 / 4 - 3)
    assert skewness([0.0, 0.0, 0.0, 1.0]) == near(2 / math.sqrt(3))


def test_every_figure_of_money_says_so() -> None:
    assert historical_var(WHOLE_PERCENTS, 1.0, ConfidenceLevel.P95).unit is FigureUnit.QUOTE
    assert parametric_var(1.0, 0.1, 5, ConfidenceLevel.P95).unit is FigureUnit.QUOTE
