"""The tape of a pair's first minutes, and its liquidity."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.market.tape import Tape, liquidity_of_levels, liquidity_of_quote
from mexc_tui.model.stream import TopLevels
from tests.support.samples.listing_sources import OPENS_MS, before, deal, quote


def test_trades_become_bars_of_a_second_with_the_buyers_share() -> None:
    tape = Tape()
    for at_s, price in ((0, "1"), (0.4, "3"), (0.9, "2"), (5, "4")):
        tape.add(deal(at_ms=before(-at_s), price=price, quantity="10"))
    first, second = tape.bars
    assert (first.open, first.high, first.low, first.close, first.trades) == (1.0, 3.0, 1.0, 2.0, 3)
    assert (second.start_ms, second.value) == (OPENS_MS + 5_000, 40.0)
    stats = tape.stats(before(-6), 10_000)
    assert (stats.trades, stats.value, stats.buy_share, stats.high, stats.last_price) == (
        4,
        100.0,
        1.0,
        4.0,
        4.0,
    )
    assert stats.trades_per_s == 0.4


def test_an_empty_tape_has_no_prices() -> None:
    stats = Tape().stats(OPENS_MS, 1_000)
    assert (stats.trades, stats.first_price, stats.buy_share) == (0, None, None)


@given(st.lists(st.integers(0, 30_000), max_size=40), st.data())
def test_duplicate_trades_count_once(times: list[int], data: st.DataObject) -> None:
    deals = [deal(at_ms=OPENS_MS + at, trade_id=str(n)) for n, at in enumerate(sorted(times))]
    once, twice = Tape(), Tape()
    for item in deals:
        once.add(item)
        twice.add(item)
        twice.add(data.draw(st.sampled_from(deals[: deals.index(item) + 1])))
    assert once.bars == twice.bars
    assert once.trades == twice.trades == len(deals)


def test_memory_is_bounded() -> None:
    tape = Tape(max_bars=60)
    for second in range(1_000):
        tape.add(deal(at_ms=OPENS_MS + second * 1_000))
    assert len(tape.bars) == 60
    assert tape.bars[-1].start_ms == OPENS_MS + 999_000


def test_depth_counts_orders_within_two_percent() -> None:
    levels = TopLevels(
        symbol="NEWUSDT",
        asks=((Decimal("1.00"), Decimal(10)), (Decimal("1.02"), Decimal(10)), (Decimal("1.03"), Decimal(99))),
        bids=((Decimal("0.98"), Decimal(10)), (Decimal("0.50"), Decimal(99))),
        version=1,
    )
    liquidity = liquidity_of_levels(levels, OPENS_MS)
    assert (liquidity.ask_value, liquidity.bid_value) == (20.2, 9.8)
    assert liquidity.spread_ratio is not None
    assert abs(liquidity.spread_ratio - 0.02 / 0.99) < 1e-12


def test_an_empty_quote_is_an_empty_book() -> None:
    nothing = liquidity_of_quote(quote(ask=None, bid=None), OPENS_MS)
    assert (nothing.bid_value, nothing.ask_value, nothing.spread_ratio) == (0.0, 0.0, None)


def test_a_book_with_one_side_has_no_spread() -> None:
    assert liquidity_of_quote(quote(bid=None), OPENS_MS).spread_ratio is None
