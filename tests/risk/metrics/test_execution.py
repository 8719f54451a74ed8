"""Execution costs: signs, references, and parts that add up."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.order import Side
from mexc_tui.risk.metrics.execution import (
    Shortfall,
    average_price,
    fill_ratio,
    implementation_shortfall,
    refusal_rates,
    slippage_bps,
)
from tests.support.rounding import near

prices = st.decimals(min_value="0.0001", max_value="1000", places=4)
quantities = st.decimals(min_value="0.01", max_value="1000", places=2)
fills_of_many = st.lists(st.tuples(prices, quantities), max_size=6)
sides = st.sampled_from(Side)


def test_average_price_weighs_by_quantity() -> None:
    assert average_price([(D(10), D(1)), (D(13), D(2))]) == 12
    assert average_price([]) is None


@pytest.mark.parametrize(
    ("side", "average", "cost"),
    [(Side.BUY, "101", 100), (Side.BUY, "99", -100), (Side.SELL, "101", -100), (Side.SELL, "99", 100)],
)
def test_paying_more_or_getting_less_is_a_positive_cost(side: Side, average: str, cost: float) -> None:
    assert slippage_bps(side, D(average), D(100)).value == cost


def test_slippage_without_a_fill_or_a_reference_is_not_a_number() -> None:
    assert str(slippage_bps(Side.BUY, None, D(100))) == "n/a (nothing filled)"
    assert str(slippage_bps(Side.BUY, D(100), None)) == "n/a (no reference price)"
    assert slippage_bps(Side.BUY, D(100), D(0)).value is None


def shortfall(side: Side, wanted: str, fills: list[tuple[D, D]]) -> Shortfall:
    return implementation_shortfall(
        side=side, wanted=D(wanted), fills=fills, decision=D(100), arrival=D(101), end=D(110), fees=D("0.5")
    )


def test_a_buy_that_filled_in_part() -> None:
    found = shortfall(Side.BUY, "10", [(D(102), D(4)), (D(103), D(4))])
    assert (found.delay, found.trading, found.opportunity, found.fees) == (8, 12, 20, D("0.5"))
    assert found.total == D("40.5")
    assert found.bps.value == near(405)


def test_a_rising_price_is_a_seller_s_gain() -> None:
    found = shortfall(Side.SELL, "10", [(D(102), D(10))])
    assert (found.delay, found.trading, found.opportunity) == (-10, -10, 0)
    assert found.total == D("-19.5")


def test_an_order_that_never_filled_costs_its_opportunity() -> None:
    found = shortfall(Side.BUY, "10", [])
    assert (found.delay, found.trading, found.opportunity) == (0, 0, 100)


def test_nothing_wanted_has_no_basis_points() -> None:
    assert shortfall(Side.BUY, "0", []).bps.value is None


@given(sides, fills_of_many, quantities, prices, prices, prices, quantities)
def test_shortfall_is_the_paper_portfolio_less_the_real_one(
    side: Side, fills: list[tuple[D, D]], rest: D, decision: D, arrival: D, end: D, fees: D
) -> None:
    # Perold's own definition: everything at once at the decision's price, against what was done.
    filled = sum((quantity for _, quantity in fills), D(0))
    wanted, sign = filled + rest, 1 if side is Side.BUY else -1
    paper = sign * wanted * (end - decision)
    real = sum((sign * quantity * (end - price) for price, quantity in fills), D(0)) - fees
    found = implementation_shortfall(
        side=side, wanted=wanted, fills=fills, decision=decision, arrival=arrival, end=end, fees=fees
    )
    assert float(found.total) == near(float(paper - real), rel=1e-9, abs=1e-9)


def test_fill_ratio() -> None:
    assert fill_ratio(D(3), D(4)).value == 0.75
    assert fill_ratio(D(0), D(0)).value is None


def test_refusals_are_rated_by_code_the_commonest_first() -> None:
    found = refusal_rates([None] * 10 + [30010] * 2 + [30001] * 8)
    assert [(one.code, one.rate.value) for one in found] == [(30001, 0.4), (30010, 0.1)]
    assert found[0].rate.low is not None
    assert str(refusal_rates([30001, None])[0].rate) == "not enough data (2 of 20)"
    assert refusal_rates([]) == ()
