"""Whether a quantity can be sold: dust only by value at a confirmed price."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.sniping.rounding import Grid, floored, slice_of, too_small
from mexc_tui.sniping.sellable import (
    CONFIRM_MS,
    DUST_VALUE,
    GAP_MS,
    Confirmation,
    KnownPrices,
    Sellability,
    SellableJudgement,
    judge,
)
from tests.support.samples.sniping_samples import GRID, T0, D

NORMAL = KnownPrices(bid=D(1), last=D(1), entry=D(1), high=D("1.1"))
FLASH = replace(NORMAL, bid=D("0.00001"))


def state(quantity: str, prices: KnownPrices = NORMAL, grid: Grid = GRID) -> Sellability:
    return judge(D(quantity), grid, prices, now_ms=T0).sellability


def watched(quantity: str, prices: KnownPrices, seconds: int, step_ms: int = 500) -> SellableJudgement:
    """Return the last judgement after so many seconds of the same prices."""
    last = judge(D(quantity), GRID, prices, now_ms=T0)
    for at_ms in range(T0 + step_ms, T0 + seconds * 1_000 + 1, step_ms):
        last = judge(D(quantity), GRID, prices, now_ms=at_ms, confirmation=last.confirmation)
    return last


def test_a_low_bid_alone_never_makes_dust() -> None:
    assert state("20", FLASH) is Sellability.LOW_BID
    assert watched("20", FLASH, 3_600, 5_000).sellability is Sellability.LOW_BID


@pytest.mark.parametrize("bid", [None, D(0), D("1e-18")])
def test_a_missing_or_zero_bid_makes_no_dust(bid: Decimal | None) -> None:
    assert state("20", replace(NORMAL, bid=bid)) is not Sellability.DUST
    assert (
        watched("20", KnownPrices(bid=bid, last=None, entry=D(1), high=D(1)), 600).sellability
        is not Sellability.DUST
    )


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (replace(GRID, min_quantity=D(500), quantity_step=D(500)), "minimum 500"),
        (replace(GRID, quantity_step=D(100)), "minimum 100"),
        (replace(GRID, min_value=D(50)), "minimum notional 50"),
        (replace(GRID, max_value=D("0.5")), "maximum order value of 0.5"),
    ],
)
def test_a_changed_rule_traps_a_position_with_value(grid: Grid, words: str) -> None:
    found = judge(D(20), grid, NORMAL, now_ms=T0)
    assert found.sellability is Sellability.TRAPPED
    assert words in found.text
    assert judge(D(20), grid, FLASH, now_ms=T0).sellability is Sellability.TRAPPED


def test_a_quantity_nearly_worthless_by_every_source_is_dust_immediately() -> None:
    assert state("0.5") is Sellability.DUST
    assert state("0.004") is Sellability.DUST


def test_a_quantity_below_the_step_with_value_is_trapped() -> None:
    dear = KnownPrices(bid=D(60_000), last=D(60_000), entry=D(60_000), high=D(60_000))
    assert state("0.004", dear) is Sellability.TRAPPED


def test_a_cheaply_bought_remainder_is_not_dust_by_one_low_bid_after_a_start() -> None:
    cheap = KnownPrices(bid=D("0.00001"), last=None, entry=D("0.01"), high=D("0.01"))
    assert state("50", cheap) is Sellability.UNCONFIRMED


def test_a_crashed_price_is_dust_only_after_a_minute_of_bids_and_trades() -> None:
    crashed = KnownPrices(bid=D("0.001"), last=D("0.001"), entry=D(1), high=D("1.1"))
    assert watched("20", crashed, CONFIRM_MS // 1_000 - 1).sellability is Sellability.UNCONFIRMED
    assert watched("20", crashed, CONFIRM_MS // 1_000).sellability is Sellability.DUST


def test_a_last_trade_alone_makes_no_dust_without_a_bid() -> None:
    strict = replace(GRID, min_value=D(50))
    absurd, last = KnownPrices(bid=None, last=D("0.00001"), entry=D(1), high=D("1.1")), None
    for at_ms in range(T0, T0 + 2 * CONFIRM_MS, 500):
        last = judge(
            D(20), strict, absurd, now_ms=at_ms, confirmation=None if last is None else last.confirmation
        )
        assert last.sellability is not Sellability.DUST


def test_a_minute_with_two_observations_confirms_nothing() -> None:
    crashed = KnownPrices(bid=D("0.001"), last=D("0.001"), entry=D(1), high=D("1.1"))
    first = judge(D(20), GRID, crashed, now_ms=T0)
    late = judge(D(20), GRID, crashed, now_ms=T0 + CONFIRM_MS, confirmation=first.confirmation)
    assert late.sellability is Sellability.UNCONFIRMED
    assert late.confirmation == Confirmation(T0 + CONFIRM_MS, T0 + CONFIRM_MS)
    assert GAP_MS < CONFIRM_MS


def test_a_recovering_price_restarts_the_confirmation() -> None:
    crashed = KnownPrices(bid=D("0.001"), last=D("0.001"), entry=D(1), high=D("1.1"))
    seen = watched("20", crashed, 59).confirmation
    up = judge(D(20), GRID, NORMAL, now_ms=T0 + 59_500, confirmation=seen)
    assert (up.sellability, up.confirmation) == (Sellability.SELLABLE, None)


def test_a_position_above_the_maximum_order_is_sellable() -> None:
    assert state("38", grid=replace(GRID, max_value=D(5))) is Sellability.SELLABLE


prices = st.none() | st.decimals(min_value=0, max_value=10, places=5)


def with_rules(step: Decimal, low: Decimal, high: Decimal | None) -> Grid:
    return replace(GRID, quantity_step=step, min_value=low, max_value=high)


rules = st.builds(
    with_rules,
    st.sampled_from([D("0.01"), D(1), D(500)]),
    st.sampled_from([D(0), D(1), D(50)]),
    st.none() | st.sampled_from([D("0.5"), D(5), D(100)]),
)


@given(st.decimals(min_value="0.001", max_value=1_000, places=3), rules, prices, prices, prices)
def test_dust_after_one_observation_is_nearly_worthless_at_every_known_price(
    quantity: Decimal, grid: Grid, bid: Decimal | None, last: Decimal | None, entry: Decimal | None
) -> None:
    found = judge(quantity, grid, KnownPrices(bid=bid, last=last, entry=entry, high=entry), now_ms=T0)
    if found.sellability is Sellability.DUST:
        assert bid
        assert last
        assert all(quantity * one < DUST_VALUE for one in (bid, last, entry) if one is not None)
    assert bool(found.text) is (found.sellability is not Sellability.SELLABLE)


@given(
    st.integers(1, 100_000).map(lambda steps: steps * D("0.01")),
    st.decimals(min_value="0.01", max_value=10, places=2),
    st.integers(2, 50).map(D),
)
def test_slices_are_orders_and_sell_everything(quantity: Decimal, price: Decimal, most: Decimal) -> None:
    grid, left, count = replace(GRID, max_value=most), quantity, 0
    if too_small(quantity, price, grid):
        return
    while left:
        part = slice_of(left, price, grid)
        assert part * price <= most
        assert part == floored(part, grid.quantity_step)
        assert not too_small(part, price, grid) or most < 2 * (grid.min_value + price * grid.quantity_step)
        if too_small(part, price, grid):
            return
        left, count = left - part, count + 1
    assert count <= quantity * price / most * 2 + 1
