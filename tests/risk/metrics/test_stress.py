"""Portfolio tails, and coins too new to have one."""

from decimal import Decimal as D
from random import Random
from statistics import stdev

import pytest

from mexc_tui.model.figure import Figure
from mexc_tui.risk.metrics.stress import (
    CoinHistory,
    Sampling,
    coin_es,
    coin_var,
    is_new,
    portfolio_tail,
    profits_of_holdings,
)
from mexc_tui.risk.metrics.value_at_risk import (
    ConfidenceLevel,
    historical_es,
    historical_var,
    parametric_es,
    parametric_var,
    portfolio_deviation,
)
from tests.support.rounding import near


def coin(symbol: str, value: int, n: int) -> CoinHistory:
    random = Random(symbol)
    return CoinHistory(symbol, D(value), tuple(random.gauss(0, 0.05) for _ in range(n)))


def number(figure: Figure) -> float:
    assert figure.value is not None, str(figure)
    return figure.value


@pytest.mark.parametrize(("sampling", "enough"), [(Sampling.DAILY, 30), (Sampling.ONE_MINUTE, 200)])
def test_a_coin_is_new_until_it_has_enough_observations(sampling: Sampling, enough: int) -> None:
    assert is_new(coin("NEWUSDT", 10, enough - 1), sampling)
    assert not is_new(coin("NEWUSDT", 10, enough), sampling)


def test_a_new_coin_counts_half_in_var_and_whole_in_es_and_says_so() -> None:
    new = coin("NEWUSDT", 80, 12)
    var, es = (
        coin_var(new, Sampling.DAILY, ConfidenceLevel.P95),
        coin_es(new, Sampling.DAILY, ConfidenceLevel.P95),
    )
    assert (var.value, es.value) == (40.0, 80.0)
    assert str(var) == "40.00, n 12, new coin (12 of 30 observations): 50% of its value, no estimate"
    assert "100% of its value" in str(es)


def test_between_thirty_and_a_hundred_days_a_coin_is_neither_stressed_nor_estimated() -> None:
    young = coin("YOUNGUSDT", 80, 60)
    assert str(coin_var(young, Sampling.DAILY, ConfidenceLevel.P95)) == "not enough data (60 of 100)"
    tail = portfolio_tail([young], Sampling.DAILY, ConfidenceLevel.P95)
    assert (tail.historical_var.value, tail.stressed) == (None, ())
    assert tail.parametric_var.value is not None


def test_an_old_coin_has_its_own_var() -> None:
    old = coin("OLDUSDT", 80, 150)
    assert coin_var(old, Sampling.DAILY, ConfidenceLevel.P95) == historical_var(
        old.returns, 80.0, ConfidenceLevel.P95
    )
    assert coin_es(old, Sampling.DAILY, ConfidenceLevel.P95) == historical_es(
        old.returns, 80.0, ConfidenceLevel.P95
    )


def test_present_holdings_are_revalued_on_the_days_all_of_them_know() -> None:
    long = CoinHistory("LUSDT", D(100), (0.5, 0.1, -0.2))
    short = CoinHistory("SUSDT", D(50), (0.4, 0.2))
    assert profits_of_holdings([long, short]) == near([10 + 20, -20 + 10])
    assert profits_of_holdings([]) == []


def test_normal_var_of_holdings_is_that_of_their_weights_and_covariance() -> None:
    one, two = coin("AUSDT", 300, 120), coin("BUSDT", 700, 120)
    sigma = portfolio_deviation([0.3, 0.7], [one.returns, two.returns])
    tail = portfolio_tail([one, two], Sampling.DAILY, ConfidenceLevel.P95)
    assert tail.parametric_var.value == near(number(parametric_var(1000.0, sigma, 120, ConfidenceLevel.P95)))


def test_a_portfolio_of_one_old_coin_has_that_coins_tail() -> None:
    old = coin("OLDUSDT", 80, 600)
    for level in ConfidenceLevel:
        tail = portfolio_tail([old], Sampling.DAILY, level)
        assert tail.historical_var.value == near(number(coin_var(old, Sampling.DAILY, level)))
        assert tail.historical_es.value == near(number(coin_es(old, Sampling.DAILY, level)))
        assert tail.parametric_var.value == near(number(parametric_var(80.0, stdev(old.returns), 600, level)))
        assert tail.parametric_es.value == near(number(parametric_es(80.0, stdev(old.returns), 600, level)))


def test_new_coins_are_added_on_top_and_named() -> None:
    old, new = coin("OLDUSDT", 300, 150), coin("NEWUSDT", 80, 5)
    without = portfolio_tail([old], Sampling.DAILY, ConfidenceLevel.P95)
    found = portfolio_tail([old, new], Sampling.DAILY, ConfidenceLevel.P95)
    assert found.historical_var.value == near(number(without.historical_var) + 40)
    assert found.historical_es.value == near(number(without.historical_es) + 80)
    assert found.parametric_var.value == near(number(without.parametric_var) + 40)
    assert found.parametric_es.value == near(number(without.parametric_es) + 80)
    assert found.stressed == ("NEWUSDT",)
    assert "new coins at 50% stress loss: NEWUSDT" in str(found.historical_var)
    assert "100% stress loss" in str(found.historical_es)


def test_new_coins_alone_are_all_stress() -> None:
    tail = portfolio_tail([coin("NUSDT", 80, 5), coin("MUSDT", 20, 0)], Sampling.DAILY, ConfidenceLevel.P99)
    assert (tail.historical_var.value, tail.historical_es.value) == (50.0, 100.0)
    assert (tail.parametric_var.value, tail.parametric_es.value) == (50.0, 100.0)
    assert tail.stressed == ("NUSDT", "MUSDT")


def test_nothing_held_loses_nothing() -> None:
    tail = portfolio_tail([], Sampling.DAILY, ConfidenceLevel.P95)
    assert (tail.historical_var.value, tail.historical_es.value, tail.stressed) == (0.0, 0.0, ())
