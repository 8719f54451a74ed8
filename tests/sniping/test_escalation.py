"""Sales that the exchange refuses."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Advice
from mexc_tui.model.symbol import PriceBand
from mexc_tui.sniping.escalation import SaleAttempt, SaleMethod, escalate, fillable_quantity
from mexc_tui.sniping.sale_terms import SaleTerms, SentOrder, learn
from mexc_tui.sniping.sellable import KnownPrices, Sellability, SellableJudgement, judge
from tests.support.samples.sniping_samples import GRID, T0, D, refusal

FIRST = SaleAttempt(number=0, quantity=D(100), free=D(100), bid=D(1), last=D(1))
SLIPPAGE = D(10)
SENT = SentOrder(type=OrderType.IMMEDIATE_OR_CANCEL, price=D("0.9"), quantity=D(100), bid=D(1))


def test_a_sale_starts_at_the_bid_then_goes_through_the_book_then_alerts() -> None:
    sales = [escalate(replace(FIRST, number=number), GRID, SLIPPAGE, now_ms=T0) for number in (0, 1, 4)]
    assert [(sale.method, sale.price) for sale in sales] == [
        (SaleMethod.AT_BID, D(1)), (SaleMethod.THROUGH, D("0.9")), (SaleMethod.THROUGH, D("0.9")),
    ]  # fmt: skip
    assert [sale.is_alarm for sale in sales] == [False, False, True]
    assert {sale.type for sale in sales} == {OrderType.IMMEDIATE_OR_CANCEL}


def test_a_stop_goes_through_the_book_immediately() -> None:
    sale = escalate(replace(FIRST, is_urgent=True), GRID, SLIPPAGE, now_ms=T0)
    assert (sale.method, sale.at_ms) == (SaleMethod.THROUGH, T0)


def test_the_pairs_band_bounds_the_lowest_price() -> None:
    banded = replace(GRID, band=PriceBand(D("0.05"), D("0.05")))
    assert escalate(replace(FIRST, is_urgent=True), banded, SLIPPAGE, now_ms=T0).price == D("0.95")


def test_an_unknown_price_band_is_approached_up_to_the_bid() -> None:
    told = replace(FIRST, is_urgent=True, refusal=refusal(30087, Advice.REPRICE))
    tried = [escalate(replace(told, number=number), GRID, SLIPPAGE, now_ms=T0).price for number in (1, 2, 3)]
    assert tried == [D("0.95"), D("0.975"), D("0.9875")]


def test_oversold_offers_a_step_less_and_queries_balances() -> None:
    oversold = refusal(30005, Advice.REFRESH_BALANCES)
    terms = learn(SaleTerms(), oversold, SENT, grid=GRID)
    sale = escalate(replace(FIRST, number=1, refusal=oversold, terms=terms), GRID, SLIPPAGE, now_ms=T0)
    assert (sale.quantity, sale.refresh_balances) == (D("99.99"), True)


def test_suspended_selling_traps_the_position_alerts_and_is_retried() -> None:
    told = replace(FIRST, number=1, refusal=refusal(30028, Advice.WAIT))
    sale = escalate(told, GRID, SLIPPAGE, now_ms=T0)
    assert sale.trapped
    assert sale.is_alarm
    assert sale.at_ms == T0 + 30_000


def test_an_unknown_outcome_is_queried_before_anything_is_sold_again() -> None:
    told = replace(FIRST, number=1, refusal=refusal(500, Advice.QUERY, definite=False))
    assert escalate(told, GRID, SLIPPAGE, now_ms=T0).method is SaleMethod.QUERY


def test_dust_is_never_retried_but_a_lock_delays_the_sale() -> None:
    dust = SellableJudgement(Sellability.DUST, "worth too little")
    assert (
        escalate(replace(FIRST, quantity=D("0.5"), judged=dust), GRID, SLIPPAGE, now_ms=T0).method
        is SaleMethod.DUST
    )
    assert escalate(replace(FIRST, free=D(0)), GRID, SLIPPAGE, now_ms=T0).method is SaleMethod.WAIT


def test_a_position_too_small_at_one_low_bid_is_trapped_only_if_that_lasts() -> None:
    low = judge(D(100), GRID, KnownPrices(bid=D("0.001"), last=D(1), entry=D(1), high=D(1)), now_ms=T0)
    held = replace(FIRST, bid=D("0.001"), judged=low)
    sale = escalate(held, GRID, SLIPPAGE, now_ms=T0)
    assert (sale.method, sale.price, sale.trapped, sale.at_ms) == (SaleMethod.HOLD, None, "", T0 + 500)
    lasting = escalate(replace(held, holds=20), GRID, SLIPPAGE, now_ms=T0)
    assert (lasting.method, lasting.is_alarm, lasting.trapped) == (SaleMethod.HOLD, True, low.text)


def test_a_rule_that_refuses_the_position_traps_it_immediately() -> None:
    grid = replace(GRID, min_quantity=D(500))
    judged = judge(D(100), grid, KnownPrices(bid=D(1), last=D(1), entry=D(1), high=D(1)), now_ms=T0)
    sale = escalate(replace(FIRST, judged=judged), grid, SLIPPAGE, now_ms=T0)
    assert (sale.method, sale.is_alarm) == (SaleMethod.HOLD, True)
    assert "minimum 500" in sale.trapped


def test_a_sale_above_the_maximum_order_is_sliced() -> None:
    grid = replace(GRID, max_value=D(30))
    sale = escalate(replace(FIRST, is_urgent=True), grid, SLIPPAGE, now_ms=T0)
    assert (sale.method, sale.quantity) == (SaleMethod.THROUGH, D(25))


@pytest.mark.parametrize("bid", [None, D(0)])
def test_a_zero_bid_counts_as_no_bid(bid: Decimal | None) -> None:
    sale = escalate(replace(FIRST, bid=bid, is_urgent=True), GRID, SLIPPAGE, now_ms=T0)
    assert (sale.price, sale.text) == (None, "no bid")


def test_a_missing_bid_keeps_the_plan_and_schedules_the_next_check() -> None:
    sale = escalate(replace(FIRST, bid=None, number=9), GRID, SLIPPAGE, now_ms=T0)
    assert (sale.price, sale.at_ms, sale.is_alarm) == (None, T0 + 5_000, True)


def test_fillable_quantity_counts_levels_down_to_the_price() -> None:
    assert fillable_quantity(((1.0, 5.0), (0.9, 50.0)), 20, 0.95) == 5
    assert fillable_quantity(((1.0, 5.0), (0.9, 50.0)), 20, 0.9) == 20


@given(
    st.integers(0, 20),
    st.decimals(min_value=0, max_value=200, places=4),
    st.decimals(min_value=0, max_value=200, places=4),
    st.decimals(min_value="0.001", max_value=10, places=5),
    st.sampled_from([None, 30005, 30028, 30010, 429]),
)
def test_no_sale_exceeds_the_free_quantity_or_the_slippage_cap(
    number: int, quantity: Decimal, free: Decimal, bid: Decimal, code: int | None
) -> None:
    told = None if code is None else refusal(code, Advice.WAIT)
    sale = escalate(
        SaleAttempt(number=number, quantity=quantity, free=free, bid=bid, last=bid, refusal=told),
        GRID,
        SLIPPAGE,
        now_ms=T0,
    )
    assert sale.at_ms >= T0
    if sale.price is not None:
        assert sale.quantity <= min(quantity, free)
        assert bid * D("0.9") <= sale.price <= max(bid, GRID.price_tick)


@given(
    st.decimals(min_value="0.0001", max_value="0.9", places=4),
    st.decimals(min_value="0.001", max_value=1, places=3),
)
def test_O8_a_rest_below_the_minimum_notional_is_dust_and_no_order(quantity: Decimal, price: Decimal) -> None:
    judged = judge(quantity, GRID, KnownPrices(bid=price, last=price, entry=price, high=price), now_ms=T0)
    assert judged.sellability is Sellability.DUST
    for number in range(8):
        sale = escalate(
            replace(FIRST, number=number, quantity=quantity, judged=judged), GRID, SLIPPAGE, now_ms=T0
        )
        assert sale.method is SaleMethod.DUST
