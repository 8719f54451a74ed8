"""The reference price of a premium, and its text."""

from decimal import Decimal as D

import pytest

from mexc_tui.sniping.reference import confirmed_price, price_bound_text


@pytest.mark.parametrize(
    ("bid", "ask", "last", "price"),
    [
        (None, None, None, None),
        (D("0.9"), None, None, None),
        (None, None, D(1), D(1)),
        (D("0.9"), D(1), None, D(1)),
        (D("0.8"), D(1), None, D(1)),
        (D("0.79"), D(1), None, None),
        (None, D(1_000), None, None),
        (D(1), D(1_000), None, None),
        (None, D(1_000), D(1), D(1)),
        (D("0.9"), D(1), D(2), D(1)),
    ],
)
def test_an_ask_far_from_bid_and_trades_is_no_reference(
    bid: D | None, ask: D | None, last: D | None, price: D | None
) -> None:
    assert confirmed_price(bid, ask, last, premium_pct=D(25)) == price


def test_the_text_states_the_price_bound_or_that_there_is_none() -> None:
    assert price_bound_text(D("1.25"), D(25), is_ahead=True) == "at most 1.25"
    assert price_bound_text(None, D(25), is_ahead=True) == "at most 25 % over the first price at the opening"
    assert price_bound_text(None, D(25), is_ahead=False) == ""
