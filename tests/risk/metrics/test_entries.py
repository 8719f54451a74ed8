"""Entry costs against the prices known during firing, by worked examples."""

from decimal import Decimal as D

import msgspec
import pytest

from mexc_tui.model.intent import Fee, Order
from mexc_tui.model.snipe import Attempt, Snipe, Stamps
from mexc_tui.risk.metrics.entries import EntryPrices, entry_prices, entry_shortfall
from tests.support.rounding import near
from tests.support.samples import trading_samples as samples


def snipe(quantity: str = "8", value: str = "816", reference: str | None = "100") -> Snipe:
    return msgspec.structs.replace(
        samples.snipe(),
        spend_cap=D(1_000),
        reference_price=None if reference is None else D(reference),
        filled_quantity=D(quantity),
        filled_value=D(value),
    )


def attempt(number: int, ask: str | None, *, fills: bool = False) -> Attempt:
    return msgspec.structs.replace(
        samples.attempt(number),
        best_ask=None if ask is None else D(ask),
        stamps=Stamps(filled_ns=1 if fills else None),
    )


def order(*fees: Fee) -> Order:
    return msgspec.structs.replace(
        samples.order("s1-1"), filled_quantity=D(8), filled_value=D(816), fees=fees
    )


TRIED = (attempt(3, "110"), attempt(1, None), attempt(2, "101", fills=True))


def test_the_arrival_price_is_the_ask_at_the_send_of_the_filled_attempt() -> None:
    assert entry_prices(snipe(), TRIED) == EntryPrices(D(100), D(101), D(110))


def test_without_a_price_at_arming_the_decision_price_is_the_first_ask_seen() -> None:
    assert entry_prices(snipe(reference=None), TRIED) == EntryPrices(D(101), D(101), D(110))
    assert entry_prices(snipe(reference=None), ()) == EntryPrices(None, None, None)


def test_the_shortfall_of_a_partially_filled_buy() -> None:
    # Ten were ordered at 100; eight filled at 102 on average, two would have cost 110 at the end.
    found = entry_shortfall(snipe(), entry_prices(snipe(), TRIED), [order()])
    assert found is not None
    assert (found.delay, found.trading, found.opportunity, found.fees) == (8, 8, 20, 0)
    assert found.bps.value == near(360)


def test_an_unfilled_order_costs_its_opportunity() -> None:
    never = snipe("0", "0")
    found = entry_shortfall(never, entry_prices(never, (attempt(1, "105"),)), [])
    assert found is not None
    assert (found.delay, found.trading, found.opportunity) == (0, 0, 50)


@pytest.mark.parametrize(
    ("fee", "paid"),
    [
        (Fee(asset="USDT", amount=D(2), value=D(2)), D(2)),
        (Fee(asset="NEW", amount=D("0.01")), D("1.02")),
        (Fee(asset="MX", amount=D(3), value=D("1.5")), D("1.5")),
        (Fee(asset="MX", amount=D(3), value=D(0), unvalued=D(3)), D(0)),
    ],
    ids=["quote", "coins of the pair, at the average of 102", "another asset", "no price known yet"],
)
def test_fees_count_at_their_value(fee: Fee, paid: D) -> None:
    found = entry_shortfall(snipe(), entry_prices(snipe(), TRIED), [order(fee)])
    assert found is not None
    assert found.fees == paid


def test_without_a_reference_price_there_is_no_shortfall() -> None:
    assert entry_shortfall(snipe(reference=None), EntryPrices(None, None, None), []) is None
    assert entry_shortfall(snipe(), EntryPrices(D(100), None, None), []) is None
