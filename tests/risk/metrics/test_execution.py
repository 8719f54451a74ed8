"""Execution costs: signs, references and components that add up."""

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


def test_the_average_price_is_weighted_by_quantity() -> None:
    assert average_price([(D(10), D(1)), (D(13), D(2))]) == 12
    assert average_price([]) is None


@pytest.mark.parametrize(
    ("side", "average", "cost"),
    [(Side.BUY, "101", 100), (Side.BUY, "99", -100), (Side.SELL, "101", -100), (Side.SELL, "99", 100)],
)
def test_paying_more_or_receiving_less_is_a_positive_cost(side: Side, average: str, cost: float) -> None:
    assert slippage_bps(side, D(average), D(100)).value == cost


def test_slippage_needs_a_fill_and_a_reference() -> None:
    assert str(slippage_bps(Side.BUY, None, D(100))) == "n/a (nothing filled)"
    assert str(slippage_bps(Side.BUY, D(100), None)) == "n/a (no reference price)"
    assert slippage_bps(Side.BUY, D(100), D(0)).value is None


def shortfall(side: Side, ordered: str, fills: list[tuple[D, D]]) -> Shortfall:
    return implementation_shortfall(
        side=side, wanted=D(ordered), fills=fills, decision=D(100), arrival=D(101), end=D(110), fees=D("0.5")
    )


def test_a_partially_filled_buy() -> None:
    found = shortfall(Side.BUY, "10", [(D(102), D(4)), (D(103), D(4))])
    assert (found.delay, found.trading, found.opportunity, found.fees) == (8, 12, 20, D("0.5"))
    assert found.total == D("40.5")
    assert found.bps.value == near(405)


def test_a_rising_price_is_a_sellers_gain() -> None:
    found = shortfall(Side.SELL, "10", [(D(102), D(10))])
    assert (found.delay, found.trading, found.opportunity) == (-10, -10, 0)
    assert found.total == D("-19.5")


def test_an_order_that_never_filled_costs_its_opportunity() -> None:
    found = shortfall(Side.BUY, "10", [])
    assert (found.delay, found.trading, found.opportunity) == (0, 0, 100)


def test_a_shortfall_of_nothing_ordered_has_no_basis_points() -> None:
    assert shortfall(Side.BUY, "0", []).bps.value is None


@given(sides, fills_of_many, quantities, prices, prices, prices, quantities)
def test_shortfall_is_the_paper_portfolio_less_the_real_one(
    side: Side, fills: list[tuple[D, D]], rest: D, decision: D, arrival: D, end: D, fees: D
) -> None:
    # Perold's definition: an immediate fill at the decision price, compared with the actual fills.
    filled = sum((quantity for _, quantity in fills), D(0))
    ordered, sign = filled + rest, 1 if side is Side.BUY else -1
    paper = sign * ordered * (end - decision)
    real = sum((sign * quantity * (end - price) for price, quantity in fills), D(0)) - fees
    found = implementation_shortfall(
        side=side, wanted=ordered, fills=fills, decision=decision, arrival=arrival, end=end, fees=fees
    )
    assert float(found.total) == near(float(paper - real), rel=1e-9, abs=1e-9)


def test_the_fill_ratio_is_filled_over_ordered() -> None:
    assert fill_ratio(D(3), D(4)).value == 0.75
    assert fill_ratio(D(0), D(0)).value is None


def test_refusal_rates_are_per_code_most_frequent_first() -> None:
    found = refusal_rates([None] * 10 + [30010] * 2 + [30001] * 8)
    assert [(item.code, item.rate.value) for item in found] == [(30001, 0.4), (30010, 0.1)]
    assert found[0].rate.low is not None
    assert str(refusal_rates([30001, None])[0].rate) == "not enough data (2 of 20)"
    assert refusal_rates([]) == ()
