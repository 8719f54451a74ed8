"""Portfolio tail losses, including those of coins too new to have their own."""

from decimal import Decimal as D
from random import Random

import pytest

from mexc_tui.risk.metrics.stress import (
    CoinHistory,
    Sampling,
    is_new,
    profits_of_holdings,
)
from tests.support.rounding import near


def coin(symbol: str, value: int, n: int) -> CoinHistory:
    random = Random(symbol)
    return CoinHistory(symbol, D(value), tuple(random.gauss(0, 0.05) for _ in range(n)))


@pytest.mark.parametrize(("sampling", "enough"), [(Sampling.DAILY, 30), (Sampling.ONE_MINUTE, 200)])
def test_a_coin_is_new_until_it_has_enough_observations(sampling: Sampling, enough: int) -> None:
    assert is_new(coin("NEWUSDT", 10, enough - 1), sampling)
    assert not is_new(coin("NEWUSDT", 10, enough), sampling)


def test_current_holdings_are_revalued_on_the_days_they_have_in_common() -> None:
    long = CoinHistory("LUSDT", D(100), (0.5, 0.1, -0.2))
    short = CoinHistory("SUSDT", D(50), (0.4, 0.2))
    assert profits_of_holdings([long, short]) == near([10 + 20, -20 + 10])
    assert profits_of_holdings([]) == []
