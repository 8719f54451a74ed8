"""Kupiec's test against the acceptance regions of the paper and the normal distribution."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.risk.metrics.backtest import Backtest, count_exceptions, kupiec
from mexc_tui.risk.metrics.value_at_risk import ConfidenceLevel
from tests.support.rounding import near


def p_value(test: Backtest) -> float:
    assert test.p_value.value is not None
    return test.p_value.value


@pytest.mark.parametrize(
    ("level", "n", "first", "last"),
    [
        (ConfidenceLevel.P95, 255, 7, 20),
        (ConfidenceLevel.P95, 510, 17, 35),
        (ConfidenceLevel.P95, 1000, 38, 64),
        (ConfidenceLevel.P99, 510, 2, 10),
        (ConfidenceLevel.P99, 1000, 5, 16),
    ],
)
def test_acceptance_regions_are_those_of_the_paper(
    level: ConfidenceLevel, n: int, first: int, last: int
) -> None:
    accepted = [count for count in range(n) if p_value(kupiec(count, n, level)) > 0.05]
    assert (accepted[0], accepted[-1]) == (first, last)


def test_as_many_as_expected_is_perfect() -> None:
    found = kupiec(10, 200, ConfidenceLevel.P95)
    assert found.expected == 10
    assert found.ratio.value == near(0, abs=1e-9)
    assert p_value(found) == near(1)


def test_no_exception_and_nothing_but_exceptions_have_a_ratio() -> None:
    assert kupiec(0, 100, ConfidenceLevel.P95).ratio.value == near(-200 * math.log(0.95))
    assert kupiec(100, 100, ConfidenceLevel.P95).ratio.value == near(-200 * math.log(0.05))


@given(st.integers(100, 400), st.floats(0, 1))
def test_the_p_value_is_the_tail_of_a_squared_normal(n: int, part: float) -> None:
    found = kupiec(round(n * part), n, ConfidenceLevel.P95)
    assert found.ratio.value is not None
    tail = 2 * NormalDist().cdf(-math.sqrt(found.ratio.value))
    assert p_value(found) == near(tail, abs=1e-9)


def test_too_few_days_are_no_test() -> None:
    assert str(kupiec(3, 99, ConfidenceLevel.P95).p_value) == "not enough data (99 of 100)"
    assert kupiec(3, 499, ConfidenceLevel.P99).ratio.value is None


def test_only_a_loss_beyond_the_stated_var_is_an_exception() -> None:
    assert count_exceptions([(5.0, 5.0), (5.1, 5.0), (-3.0, 1.0), (2.0, 1.0)]) == 2
