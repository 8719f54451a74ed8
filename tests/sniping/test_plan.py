"""Time, price and number of a snipe's attempts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.order import OrderType
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.symbol import PriceBand
from mexc_tui.sniping.plan import (
    FireRules,
    aim,
    book_price,
    cancel_at_ms,
    ended_state,
    first_order,
    has_moved_away,
    next_at_ms,
    price_cap,
    result_text,
)
from tests.support.samples.sniping_samples import GRID, T0, D

RULES = FireRules()


def test_the_first_byte_leaves_one_one_way_time_before_the_opening() -> None:
    aimed = aim(T0, 10_000_000_000, 60_000_000, clock_error_ms=5, rules=RULES)
    assert (aimed.arrive_ms, aimed.leave_ns) == (T0, 9_940_000_000)


@given(st.floats(0, 900), st.integers(0, 1_000))
def test_no_attempt_arrives_earlier_than_allowed_whatever_the_clock_error(
    error_ms: float, early_ms: int
) -> None:
    aimed = aim(T0, 10**12, 0, clock_error_ms=error_ms, rules=FireRules(early_ms=early_ms))
    assert aimed.arrive_ms - error_ms >= T0 - early_ms - 0.001
    assert aimed.arrive_ms >= T0


def test_cap_is_the_lower_of_premium_and_band() -> None:

    banded = replace(GRID, band=PriceBand(D("0.2"), D("0.2")))
    assert price_cap(D(1), GRID, RULES) == D("1.25")
    assert price_cap(D(1), banded, RULES, last=D(1)) == D("1.2")
    assert price_cap(None, GRID, RULES) is None


def test_a_price_from_the_book_stays_below_the_cap() -> None:
    assert book_price(D(1), None, GRID, rules=RULES) == D("1.03")
    assert book_price(D(1), D("1.01"), GRID, rules=RULES) == D("1.01")


@pytest.mark.parametrize("kind", list(OrderType))
def test_every_type_of_entry_has_a_limit_price_and_a_quantity_in_base_units(kind: OrderType) -> None:
    order = first_order(kind, D("0.5"), D(10), grid=GRID)
    assert order is not None
    assert (order.price, order.quantity) == (D("0.5"), D("19.99"))
    assert order.type is (OrderType.IMMEDIATE_OR_CANCEL if kind is OrderType.MARKET else kind)


def test_a_spend_cap_below_one_step_gives_no_order() -> None:
    assert first_order(OrderType.LIMIT, D(100_000), D(10), grid=GRID) is None


def test_attempts_end_at_their_maximum_or_with_the_window() -> None:
    assert next_at_ms(20, T0, T0, rules=RULES, now_ms=T0) is None
    assert next_at_ms(1, T0, T0, rules=RULES, now_ms=T0 + 10) == T0 + 84
    assert next_at_ms(1, T0, T0, rules=RULES, now_ms=T0 + 5_001) is None
    assert next_at_ms(20, T0, T0, rules=FireRules(attempts=99), now_ms=T0) is None


def test_the_remainder_of_an_entry_is_cancelled_after_the_price_moved_away() -> None:
    assert has_moved_away(D("1.1"), D(1))
    assert not has_moved_away(None, D(1))
    assert cancel_at_ms(T0, RULES) == T0 + 500
    assert cancel_at_ms(None, RULES) is None


def test_the_final_state_of_a_snipe_follows_from_its_fills() -> None:
    assert ended_state(D(5), is_complete=True, was_refused=True) is SnipeState.FILLED
    assert ended_state(D(5), is_complete=False, was_refused=True) is SnipeState.PARTIAL
    assert ended_state(D(0), is_complete=False, was_refused=True) is SnipeState.REJECTED
    assert ended_state(D(0), is_complete=False, was_refused=False) is SnipeState.MISSED


def test_the_result_text_of_an_entry_describes_its_end() -> None:
    assert result_text(SnipeState.FILLED, D("24.9875"), "USDT") == "filled for 24.9875 USDT"
    assert result_text(SnipeState.PARTIAL, D(5), "USDT") == "partially filled for 5 USDT"
    assert result_text(SnipeState.MISSED, D(0), "USDT") == "not filled"
    assert result_text(SnipeState.REJECTED, D(0), "USDT") == "refused"
    assert result_text(SnipeState.UNKNOWN, D(5), "USDT") == "sent; fills unknown"
