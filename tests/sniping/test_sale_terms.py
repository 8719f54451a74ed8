"""Each refusal of a sale leads to another order, or to a wait that ends."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.rest.error_codes import TABLE
from mexc_tui.model.order import OrderType
from mexc_tui.model.outcome import Advice
from mexc_tui.model.symbol import PriceBand
from mexc_tui.sniping.escalation import TRAPPED_AFTER_MS, SaleAttempt, SaleMethod, escalate
from mexc_tui.sniping.rounding import floored, too_small
from mexc_tui.sniping.sale_terms import KINDS, SaleTerms, SentOrder, learn
from mexc_tui.sniping.slippage_cap import SlippageCap
from tests.support.samples.sniping_samples import GRID, T0, D, refusal

IOC, LIMIT, MARKET = KINDS
FIRST = SaleAttempt(number=0, quantity=D(100), free=D(100), bid=D(1), last=D(1), is_urgent=True)
SENT = SentOrder(type=IOC, price=D("0.9"), quantity=D(100), bid=D(1))
SLIPPAGE = D(10)
BANDED = replace(GRID, band=PriceBand(D("0.2"), D("0.2")))
WIDE_CAP = SlippageCap(first_bid=D(1), slippage_pct=D(60))


def test_a_refused_type_is_replaced_by_the_next_until_all_are_retried() -> None:
    terms, tried = SaleTerms(), list[OrderType]()
    for _ in range(4):
        sale = escalate(replace(FIRST, terms=terms), GRID, SLIPPAGE, now_ms=T0)
        tried.append(sale.type)
        terms = learn(terms, refusal(30041, Advice.CHANGE_TYPE), replace(SENT, type=sale.type), grid=GRID)
    assert tried == [IOC, LIMIT, MARKET, IOC]


def test_a_disabled_market_order_leaves_limits() -> None:
    terms = learn(SaleTerms(), refusal(30019, Advice.CHANGE_TYPE), replace(SENT, type=MARKET), grid=BANDED)
    below = replace(FIRST, bid=D("0.5"), terms=terms, cap=WIDE_CAP)
    sale = escalate(below, BANDED, SLIPPAGE, now_ms=T0)
    assert (sale.method, sale.type, sale.price) == (SaleMethod.RESTING, LIMIT, D("0.8"))


def test_a_bid_below_the_band_leads_to_market_then_a_resting_limit() -> None:
    below = replace(FIRST, bid=D("0.5"), cap=WIDE_CAP)
    first = escalate(below, BANDED, SLIPPAGE, now_ms=T0)
    assert (first.method, first.type, first.price, first.quantity) == (
        SaleMethod.MARKET,
        MARKET,
        None,
        D(100),
    )
    second = escalate(replace(below, number=1, tried=MARKET), BANDED, SLIPPAGE, now_ms=T0)
    assert (second.method, second.type, second.price) == (SaleMethod.RESTING, LIMIT, D("0.8"))


def test_no_market_order_is_sent_that_could_fill_below_the_slippage_cap() -> None:
    below = replace(FIRST, bid=D("0.93"), cap=SlippageCap(first_bid=D(1), slippage_pct=D(10)))
    sale = escalate(below, replace(GRID, band=PriceBand(D("0.05"), D("0.05"))), SLIPPAGE, now_ms=T0)
    assert (sale.method, sale.price) == (SaleMethod.RESTING, D("0.95"))


def test_a_named_lowest_price_above_the_bid_rests_there() -> None:
    named = refusal(30010, Advice.REPRICE, D("1.2"))
    sale = escalate(replace(FIRST, number=1, refusal=named, tried=MARKET), GRID, SLIPPAGE, now_ms=T0)
    assert (sale.method, sale.price) == (SaleMethod.RESTING, D("1.2"))


def test_a_band_without_a_number_that_refuses_every_price_ends_at_market() -> None:
    refused = refusal(30087, Advice.REPRICE)
    sale = escalate(replace(FIRST, number=6, refusal=refused), GRID, SLIPPAGE, now_ms=T0)
    assert sale.method is SaleMethod.MARKET


def test_a_quantity_above_the_maximum_is_halved_until_accepted() -> None:
    terms, offered = SaleTerms(), D(100)
    for _ in range(3):
        terms = learn(terms, refusal(30003, Advice.REDUCE_SIZE), replace(SENT, quantity=offered), grid=GRID)
        offered = escalate(replace(FIRST, terms=terms), GRID, SLIPPAGE, now_ms=T0).quantity
    assert offered == D("12.5")


def test_halving_stops_at_the_minimum_order() -> None:
    sent = replace(SENT, quantity=D("1.5"))
    assert learn(SaleTerms(), refusal(30003, Advice.REDUCE_SIZE), sent, grid=GRID) == SaleTerms()


def test_refused_decimals_coarsen_the_step() -> None:
    terms = learn(
        SaleTerms(), refusal(10096, Advice.REDUCE_SIZE), replace(SENT, quantity=D("99.99")), grid=GRID
    )
    sale = escalate(replace(FIRST, quantity=D("99.99"), terms=terms), GRID, SLIPPAGE, now_ms=T0)
    assert sale.quantity == D("99.9")


def test_a_minimum_value_named_in_a_refusal_is_used() -> None:
    small = refusal(30002, Advice.RAISE_SIZE, D(97))
    terms = learn(SaleTerms(), small, SENT, grid=GRID)
    sale = escalate(replace(FIRST, terms=terms, number=1, refusal=small), GRID, SLIPPAGE, now_ms=T0)
    assert sale.price is not None
    assert sale.price * sale.quantity >= 97
    too_much = learn(SaleTerms(), refusal(30002, Advice.RAISE_SIZE, D(500)), SENT, grid=GRID)
    assert escalate(replace(FIRST, terms=too_much), GRID, SLIPPAGE, now_ms=T0).method is SaleMethod.HOLD


def test_a_repeated_oversold_withholds_twice_as_much() -> None:
    terms = SaleTerms()
    for _ in range(3):
        terms = learn(terms, refusal(30005, Advice.REFRESH_BALANCES), SENT, grid=GRID)
    assert escalate(replace(FIRST, terms=terms), GRID, SLIPPAGE, now_ms=T0).quantity == D("99.96")


def test_retry_after_decides_the_wait_up_to_five_seconds() -> None:
    told = replace(refusal(429, Advice.WAIT), retry_after_ms=700)
    assert escalate(replace(FIRST, number=6, refusal=told), GRID, SLIPPAGE, now_ms=T0).at_ms == T0 + 700
    banned = replace(told, retry_after_ms=600_000)
    assert escalate(replace(FIRST, number=0, refusal=banned), GRID, SLIPPAGE, now_ms=T0).at_ms == T0 + 5_000


@pytest.mark.parametrize("code", [30016, 30041, 30000, 10007, 700007, 30087, -1121])
def test_a_sale_refused_for_ten_seconds_is_trapped_whatever_the_code(code: int) -> None:
    told = refusal(code, TABLE[code].advice)
    late = replace(FIRST, number=5, refusal=told, since_ms=T0 - TRAPPED_AFTER_MS)
    sale = escalate(late, GRID, SLIPPAGE, now_ms=T0)
    assert (sale.is_alarm, sale.trapped) == (True, f"{code} no")
    assert not escalate(replace(late, since_ms=T0 - 4_000), GRID, SLIPPAGE, now_ms=T0).trapped


def test_unfilled_orders_and_a_missing_bid_also_trap_a_position() -> None:
    late = replace(FIRST, number=5, since_ms=T0 - TRAPPED_AFTER_MS)
    assert escalate(late, GRID, SLIPPAGE, now_ms=T0).trapped == "orders accepted but not filled"
    assert escalate(replace(late, bid=None), GRID, SLIPPAGE, now_ms=T0).trapped == "no bid"


@given(st.lists(st.sampled_from(sorted(TABLE)), max_size=12), st.decimals("0.5", 1, places=3))
def test_no_sequence_of_refusals_ends_a_sale_or_breaks_its_bounds(codes: list[int], bid: D) -> None:
    """For any response: an order within free quantity and cap, or a wait of seconds."""
    sale = replace(FIRST, bid=bid, cap=SlippageCap(first_bid=D(1), slippage_pct=SLIPPAGE), since_ms=T0)
    for number, code in enumerate(codes, start=1):
        plan = escalate(sale, BANDED, SLIPPAGE, now_ms=T0)
        told = refusal(code, TABLE[code].advice, definite=TABLE[code].definite)
        assert plan.at_ms - T0 <= 30_000
        if not plan.is_order:
            sale = replace(sale, number=number, refusal=None)
            continue
        assert plan.quantity <= sale.free
        assert plan.quantity == floored(plan.quantity, GRID.quantity_step)
        assert not too_small(plan.quantity, bid, GRID)
        assert plan.price is None or plan.price >= D("0.9")
        assert plan.price is not None or bid * D("0.95") >= D("0.9")
        sent = SentOrder(type=plan.type, price=plan.price, quantity=plan.quantity, bid=bid)
        terms = learn(sale.terms, told, sent, grid=BANDED)
        sale = replace(sale, number=number, refusal=told, terms=terms, tried=plan.type)


def test_a_maximum_value_named_in_a_refusal_is_used_in_equal_slices() -> None:
    large = refusal(30003, Advice.REDUCE_SIZE, D(40))
    terms = learn(SaleTerms(), large, SENT, grid=GRID)
    sale = escalate(replace(FIRST, terms=terms, number=1, refusal=large), GRID, SLIPPAGE, now_ms=T0)
    assert sale.quantity == D("33.34")


def test_a_quantity_halved_below_the_minimum_value_is_raised_again() -> None:
    """Values from 30 to 40 are taken, and no answer names them."""
    terms, offered = SaleTerms(), D(100)
    for _ in range(8):
        offered = escalate(replace(FIRST, terms=terms), GRID, SLIPPAGE, now_ms=T0).quantity
        if 30 <= offered <= 40:
            return
        told = refusal(30003, Advice.REDUCE_SIZE) if offered > 40 else refusal(30002, Advice.RAISE_SIZE)
        terms = learn(terms, told, replace(SENT, quantity=offered), grid=GRID)
    pytest.fail(f"{offered} is offered")


def test_decimals_refused_again_lead_to_an_order_without_a_price() -> None:
    told = refusal(10096, Advice.REDUCE_SIZE)
    terms = learn(learn(SaleTerms(), told, SENT, grid=GRID), told, SENT, grid=GRID)
    assert escalate(replace(FIRST, terms=terms), GRID, SLIPPAGE, now_ms=T0).type is MARKET


def test_a_malformed_request_is_not_repeated_unchanged() -> None:
    terms = learn(SaleTerms(), refusal(33333, Advice.MEND), SENT, grid=GRID)
    assert escalate(replace(FIRST, terms=terms), GRID, SLIPPAGE, now_ms=T0).type is LIMIT


def test_a_smallest_quantity_leaves_nothing_of_value_behind_unless_it_is_a_step() -> None:
    coarse = replace(GRID, min_quantity=D(60), quantity_step=D(60), exact_step=D("0.01"))
    assert escalate(FIRST, coarse, SLIPPAGE, now_ms=T0).quantity == 100
    sent = replace(SENT, quantity=D(100))
    terms = learn(SaleTerms(), refusal(10096, Advice.REDUCE_SIZE), sent, grid=coarse)
    assert escalate(replace(FIRST, terms=terms), coarse, SLIPPAGE, now_ms=T0).quantity == 60
    fine = replace(coarse, min_quantity=D("0.3"), quantity_step=D("0.3"))
    assert escalate(FIRST, fine, SLIPPAGE, now_ms=T0).quantity == D("99.9")
