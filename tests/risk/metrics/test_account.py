"""Account ratios: worked examples, examples of the cited papers, and invariances."""

import math
from collections.abc import Callable
from random import Random
from statistics import NormalDist, mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.figure import Figure
from mexc_tui.risk.metrics.account import (
    cagr,
    calmar,
    chance_above,
    omega,
    probabilistic_sharpe,
    sharpe,
    sharpe_error,
    sortino,
    total_return,
    volatility,
)
from tests.support.rounding import near

UP_AND_DOWN = [0.03, -0.01] * 50
"""Mean 1 %; half of the days lose 1 %."""


def seeded(seed: int, n: int) -> list[float]:
    random = Random(seed)
    return [random.gauss(0.001, 0.02) for _ in range(n)]


days = st.builds(seeded, st.integers(0, 2**32), st.integers(90, 200))


def number(figure: Figure) -> float:
    assert figure.value is not None, str(figure)
    return figure.value


def test_total_return_compounds_daily_returns() -> None:
    assert number(total_return([0.1, 0.1, -0.5])) == near(1.1 * 1.1 * 0.5 - 1)
    assert total_return([]).value is None


def test_cagr_needs_ninety_days() -> None:
    assert str(cagr([0.01] * 89)) == "not enough data (89 of 90)"
    assert number(cagr([0.001] * 90)) == near(1.001**365 - 1)


def test_cagr_of_a_year_is_its_total_return() -> None:
    year = seeded(1, 365)
    assert number(cagr(year)) == near(number(total_return(year)))


def test_cagr_of_a_total_loss_is_minus_one() -> None:
    assert number(cagr([0.01] * 99 + [-1.0])) == -1


def test_volatility_is_the_sample_deviation_over_365_days() -> None:
    returns = seeded(2, 30)
    assert number(volatility(returns)) == near(stdev(returns) * math.sqrt(365))
    assert str(volatility(returns[:-1])) == "not enough data (29 of 30)"


def test_sharpe_of_a_worked_example() -> None:
    # Mean 0.01; 100 deviations of 0.02 over 99.
    deviation = math.sqrt(100 * 0.02**2 / 99)
    assert number(sharpe(UP_AND_DOWN)) == near(0.01 / deviation * math.sqrt(365))
    assert number(sharpe(UP_AND_DOWN, risk_free=0.01)) == near(0, abs=1e-12)


@pytest.mark.parametrize(("ratio", "n", "error"), [(0.5, 60, 0.137), (1.0, 24, 0.250), (3.0, 12, 0.677)])
def test_standard_errors_match_los_table(ratio: float, n: int, error: float) -> None:
    assert sharpe_error(ratio, n) / math.sqrt(365) == near(error, abs=5e-4)


def test_the_interval_of_a_sharpe_ratio_spans_two_standard_errors_each_way() -> None:
    found = sharpe(UP_AND_DOWN)
    per_day = number(found) / math.sqrt(365)
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == near(2 * 1.96 * sharpe_error(per_day, 100), rel=1e-4)


@given(days, st.floats(0.01, 100))
def test_ratios_do_not_depend_on_the_stake(returns: list[float], stake: float) -> None:
    scaled = [value * stake for value in returns]
    for ratio in (sharpe, sortino, omega, probabilistic_sharpe):
        assert number(ratio(scaled)) == near(number(ratio(returns)), rel=1e-6)


@given(days)
def test_reversing_every_return_reverses_the_sharpe_ratio(returns: list[float]) -> None:
    assert number(sharpe([-value for value in returns])) == near(-number(sharpe(returns)))


def test_days_without_variation_have_no_ratio() -> None:
    steady = [0.1] * 100
    assert str(sharpe(steady)) == str(probabilistic_sharpe(steady)) == "n/a (no variation)"
    assert str(sharpe([0.0] * 100)) == "n/a (no variation)"


def test_rounding_errors_are_not_variation() -> None:
    assert sharpe([0.1 + 0.2, 0.3] * 50).value is None


def test_sortino_divides_by_all_days() -> None:
    # Half of the days are 0.01 below 0: sqrt(50 * 0.0001 / 100).
    assert number(sortino(UP_AND_DOWN)) == near(0.01 / math.sqrt(0.00005) * math.sqrt(365))


def test_sortino_of_an_acceptable_return() -> None:
    downside = math.sqrt(50 * 0.015**2 / 100)
    assert number(sortino(UP_AND_DOWN, acceptable=0.005)) == near(0.005 / downside * math.sqrt(365))


def test_ratios_of_the_downside_need_a_losing_day() -> None:
    assert str(sortino([0.0, 0.01] * 40)) == "n/a (no day below the acceptable return)"
    assert str(omega([0.0, 0.01] * 40)) == "n/a (no day below the threshold)"


def test_calmar_is_growth_over_the_deepest_drawdown_and_states_its_window() -> None:
    # Down by half, then doubled: level after 100 days at 0.5 * 2 * 1.01.
    returns = [0.0] * 97 + [-0.5, 1.0, 0.01]
    found = calmar(returns)
    assert number(found) == near((1.01 ** (365 / 100) - 1) / 0.5)
    assert str(found).endswith("over 100 days")


def test_calmar_needs_a_drawdown_and_enough_days() -> None:
    assert str(calmar([0.01] * 90)) == "n/a (no drawdown yet)"
    assert str(calmar([0.01, -0.01] * 44)) == "not enough data (88 of 90)"


def test_omega_is_gain_over_loss() -> None:
    assert number(omega(UP_AND_DOWN)) == near(3)
    assert number(omega(UP_AND_DOWN, threshold=0.01)) == near(1)


@given(days)
def test_omega_at_the_mean_is_one(returns: list[float]) -> None:
    assert number(omega(returns, threshold=mean(returns))) == near(1, rel=1e-6)


def test_probability_of_skill_matches_the_papers_example() -> None:
    # Bailey & López de Prado 2012: 24 months at 0.458 a month; normal 0.982, as found 0.913.
    assert chance_above(0.458, 0.0, 24, skew=0.0, kurtosis=3.0) == near(0.982, abs=5e-4)
    assert chance_above(0.458, 0.0, 24, skew=-2.448, kurtosis=10.164) == near(0.913, abs=5e-4)


def test_a_tail_without_a_standard_error_has_no_probability_of_skill() -> None:
    assert chance_above(1.0, 0.0, 60, skew=3.0, kurtosis=3.0) is None


def test_probability_of_skill_of_a_nearly_normal_series() -> None:
    returns = seeded(11, 200)
    ratio = mean(returns) / stdev(returns)
    plain = NormalDist().cdf(ratio * math.sqrt(199) / math.sqrt(1 + ratio**2 / 2))
    assert number(probabilistic_sharpe(returns)) == near(plain, abs=0.01)
    assert number(probabilistic_sharpe(returns, benchmark=ratio)) == near(0.5)


def test_probability_of_skill_uses_the_samples_own_moments() -> None:
    # Two equally frequent values: skewness 0 and kurtosis 1, so the root in the error is 1.
    ratio = mean(UP_AND_DOWN) / stdev(UP_AND_DOWN)
    expected = NormalDist().cdf((ratio - 0.4) * math.sqrt(99))
    assert number(probabilistic_sharpe(UP_AND_DOWN, benchmark=0.4)) == near(expected)


@pytest.mark.parametrize("ratio", [sharpe, sortino, omega, probabilistic_sharpe])
def test_ratios_need_sixty_days(ratio: Callable[[list[float]], Figure]) -> None:
    assert ratio([0.01, -0.01] * 30).value is not None
    assert str(ratio([0.01, -0.01] * 29)) == "not enough data (58 of 60)"
