"""Execution costs: signs, references, and parts that add up."""

from decimal import Decimal as D

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.order import Side
from mexc_tui.risk.metrics.execution import (
    Reference,
    ReferencePrices,
    Shortfall,
    adverse_selection_bps,
    average_price,
    effective_spread_bps,
    fill_ratio,
    implementation_shortfall,
    realised_spread_bps,
    refusal_rates,
    slippage_bps,
    slippages,
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


def test_each_reference_price_there_was_has_its_own_label() -> None:
    known = ReferencePrices(decision=D(100), best_quote=D(101), limit=D("101.5"))
    found = slippages(Side.BUY, D("101.5"), known)
    assert [one.reference for one in found] == [Reference.DECISION, Reference.BEST_QUOTE, Reference.LIMIT]
    assert [one.bps.value for one in found] == near([150, 49.5049505, 0])


def test_a_listing_without_a_quote_is_held_against_its_first_trade_and_says_so() -> None:
    found = slippages(Side.BUY, D(11), ReferencePrices(first_trade=D(10)))
    assert len(found) == 1
    assert found[0].bps.value == 1000
    assert found[0].reference == "first public trade, as there was no quote before it"


def test_spreads_by_hand() -> None:
    # Bought at 100.1 around a mid of 100, which then fell to 99.9.
    assert effective_spread_bps(Side.BUY, D("100.1"), D(100)).value == near(20)
    assert realised_spread_bps(Side.BUY, D("100.1"), D(100), D("99.9")).value == near(40)
    assert adverse_selection_bps(Side.BUY, D(100), D("99.9")).value == near(-20)
    assert effective_spread_bps(Side.SELL, D("99.9"), D(100)).value == near(20)
    assert realised_spread_bps(Side.BUY, None, D(100), D(100)).value is None
    assert effective_spread_bps(Side.BUY, D(1), D(0)).value is None
    assert adverse_selection_bps(Side.BUY, D(0), D(1)).value is None


@given(sides, prices, prices, prices)
def test_effective_is_realised_and_adverse_selection(side: Side, average: D, mid: D, later: D) -> None:
    effective = effective_spread_bps(side, average, mid).value
    realised = realised_spread_bps(side, average, mid, later).value
    adverse = adverse_selection_bps(side, mid, later).value
    assert realised is not None
    assert adverse is not None
    assert effective == near(realised + adverse, rel=1e-9, abs=1e-6 * (abs(realised) + abs(adverse) + 1))


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
