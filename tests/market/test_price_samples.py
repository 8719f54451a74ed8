"""Messages of a pair between two observations."""

from decimal import Decimal

from mexc_tui.market.price_rule_state import Observation
from mexc_tui.market.price_samples import PairSample
from mexc_tui.model.order import Side
from mexc_tui.model.stream import BestQuote, StreamDeal

D = Decimal


def deal(price: str, quantity: int, time_ms: int) -> StreamDeal:
    return StreamDeal(
        symbol="BTCUSDT",
        price=D(price),
        quantity=D(quantity),
        taker_side=Side.BUY,
        time_ms=time_ms,
        trade_id=str(time_ms),
    )


def quote(bid: str | None, ask: str | None) -> BestQuote:
    return BestQuote(
        symbol="BTCUSDT",
        bid_price=None if bid is None else D(bid),
        bid_quantity=D(1),
        ask_price=None if ask is None else D(ask),
        ask_quantity=D(1),
        version=0,
    )


def test_an_observation_contains_the_trades_since_the_previous_one() -> None:
    sample = PairSample()
    for one in (deal("1.0", 10, 5), deal("1.2", 1, 6), deal("1.1", 2, 7)):
        sample.on_deal(one)
    sample.on_quote(quote("1.0", "1.1"))
    assert sample.take(100) == Observation(
        at_ms=100,
        last=D("1.1"),
        low=D("1.0"),
        high=D("1.2"),
        value=D("13.4"),
        largest=D("10.0"),
        bid=D("1.0"),
        ask=D("1.1"),
    )
    assert sample.take(200) == Observation(at_ms=200, last=D("1.1"), bid=D("1.0"), ask=D("1.1"))


def test_a_late_trade_counts_but_does_not_set_the_last_price() -> None:
    sample = PairSample()
    sample.on_deal(deal("1.0", 1, 10))
    sample.on_deal(deal("0.5", 1, 9))
    taken = sample.take(100)
    assert (taken.last, taken.low, taken.value) == (D("1.0"), D("0.5"), D("1.5"))


def test_a_side_that_empties_has_no_price() -> None:
    sample = PairSample()
    sample.on_quote(quote("1.0", "1.1"))
    sample.on_quote(quote("1.0", None))
    assert sample.take(100) == Observation(at_ms=100, bid=D("1.0"))
