"""Exposure, concentration, open risk and exits into the order book."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.risk.metrics.exposure import (
    YOUNG_MS,
    ExposureHolding,
    concentration,
    effective_number,
    gap_loss,
    risk_at_stop,
    share_of_equity,
    weights,
)
from tests.support.rounding import near

A = ExposureHolding(symbol="AUSDT", quantity=D(10), price=D(6), stop=D(5), age_ms=0)
B = ExposureHolding(symbol="BUSDT", quantity=D(4), price=D(10), stop=None, age_ms=YOUNG_MS)

amounts = st.decimals(min_value="0.01", max_value="1000000", places=2)
holdings_of_many = st.lists(amounts, min_size=1, max_size=12).map(
    lambda values: [
        ExposureHolding(symbol=f"C{place}USDT", quantity=value, price=D(1))
        for place, value in enumerate(values)
    ]
)


def test_weights_and_cash_add_up_to_equity() -> None:
    cash, equity = D(300), D(400)
    coins = weights([A, B], equity)
    assert [(coin.symbol, coin.share.value) for coin in coins] == [("AUSDT", 0.15), ("BUSDT", 0.1)]
    assert share_of_equity(cash, equity).value == 0.75


def test_two_positions_in_one_coin_count_as_one() -> None:
    assert weights([A, A], D(240))[0].share.value == 0.5
    assert concentration([A, A]).value == 1


def test_a_share_without_equity_is_not_a_number() -> None:
    assert share_of_equity(D(5), D(0)).value is None
    assert str(share_of_equity(D(5), D(0))) == "n/a (no equity)"


def test_the_concentration_of_sixty_and_forty() -> None:
    assert concentration([A, B]).value == near(0.36 + 0.16)
    assert effective_number([A, B]).value == near(1 / 0.52)


def test_the_concentration_of_nothing_is_not_a_number() -> None:
    assert str(concentration([])) == str(effective_number([])) == "n/a (nothing held)"


@given(holdings_of_many)
def test_concentration_is_between_that_of_equal_shares_and_of_a_single_coin(
    held: list[ExposureHolding],
) -> None:
    hhi = concentration(held)
    assert hhi.value is not None
    assert 1 / hhi.n - 1e-12 <= hhi.value <= 1 + 1e-12
    number = effective_number(held).value
    assert number is not None
    assert 1 - 1e-9 <= number <= hhi.n + 1e-9


def test_the_effective_number_of_equal_holdings_is_their_count() -> None:
    equal = [ExposureHolding(symbol=f"C{place}USDT", quantity=D(3), price=D(7)) for place in range(8)]
    assert effective_number(equal).value == near(8)


def test_risk_at_stop_includes_the_cost_of_selling() -> None:
    heat = risk_at_stop([A], D("0.01"), D(1000))
    assert heat.amount == D(10) * (D(6) - D(5)) + D(50) * D("0.01")
    assert heat.of_equity.value == near(0.0105)
    assert heat.unprotected == ()


def test_a_position_without_a_stop_risks_its_whole_value_and_is_named() -> None:
    heat = risk_at_stop([A, B], D(0), D(1000))
    assert heat.amount == 10 + 40
    assert heat.unprotected == ("BUSDT",)


def test_a_stop_above_the_price_does_not_reduce_the_risk_of_others() -> None:
    trailing = ExposureHolding(symbol="TUSDT", quantity=D(10), price=D(6), stop=D(8))
    assert risk_at_stop([A, trailing], D(0), D(1000)).amount == 10


@pytest.mark.parametrize(("gap", "loss"), [(D("0.3"), D(18)), (D("0.5"), D(30)), (D(1), D(60))])
def test_gap_risk_applies_only_to_coins_younger_than_a_day(gap: D, loss: D) -> None:
    assert gap_loss([A, B], gap) == loss
