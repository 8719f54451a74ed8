"""What a face is shown of a pair's market, as examples."""

from decimal import Decimal as D

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.engine.market.knowledge_store import PairHistory
from mexc_tui.engine.market.watched_symbols import CAPACITY, WatchedSymbols
from mexc_tui.engine.views.market_rows import best_of, is_exact, path_of, trade_rows
from mexc_tui.model.market_data import PublicTrade
from mexc_tui.model.order import Side
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels

NOW_MS = 1_800_000_000_000
DEEP = TopLevels(symbol="AUSDT", asks=((D("1.1"), D(1)),), bids=((D(1), D(2)),), version=1)


def quote(bid: str, ask: str) -> BestQuote:
    return BestQuote(
        symbol="AUSDT", bid_price=D(bid), bid_quantity=D(1), ask_price=D(ask), ask_quantity=D(1), version=2
    )


def deal(at_ms: int, price: str, number: int) -> StreamDeal:
    return StreamDeal(
        symbol="AUSDT",
        price=D(price),
        quantity=D(2),
        taker_side=Side.SELL,
        time_ms=at_ms,
        trade_id=str(number),
    )


def seen_of(*deals: StreamDeal) -> PairHistory:
    seen = PairHistory()
    for one in deals:
        seen.tape.add(one)
        seen.trades.append(one)
    return seen


def test_levels_are_exact_until_a_later_quote_differs() -> None:
    seen = PairHistory(
        deep_levels=DEEP, deep_levels_ms=NOW_MS, quote=quote("1", "1.1"), quoted_ms=NOW_MS + 100
    )
    assert is_exact(seen, NOW_MS + 200)
    seen.quote = quote("1.01", "1.1")
    assert not is_exact(seen, NOW_MS + 200)
    assert best_of(seen) == (D("1.01"), D("1.1"))


def test_old_or_crossed_levels_are_not_exact() -> None:
    assert not is_exact(PairHistory(deep_levels=DEEP, deep_levels_ms=NOW_MS), NOW_MS + 1_001)
    crossed = TopLevels(symbol="AUSDT", asks=((D(1), D(1)),), bids=((D(2), D(1)),), version=1)
    assert not is_exact(PairHistory(deep_levels=crossed, deep_levels_ms=NOW_MS), NOW_MS)
    assert not is_exact(PairHistory(), NOW_MS)


def test_levels_of_a_pair_that_does_not_trade_are_exact_while_its_quotes_confirm_them() -> None:
    seen = PairHistory(
        deep_levels=DEEP, deep_levels_ms=NOW_MS, quote=quote("1", "1.1"), quoted_ms=NOW_MS + 600_000
    )
    assert is_exact(seen, NOW_MS + 600_100)
    assert not is_exact(seen, NOW_MS + 601_001)


def test_fetched_trades_follow_streamed_trades() -> None:
    seen = seen_of(deal(NOW_MS, "1", 1), deal(NOW_MS + 1, "2", 2))
    seen.earlier_trades = tuple(
        PublicTrade(price=D(3), quantity=D(1), time=at_ms, buyer_is_maker=True)
        for at_ms in (NOW_MS + 1, NOW_MS - 1)
    )
    rows = trade_rows(seen, 50)
    assert [(one.at_ms, one.price) for one in rows] == [(NOW_MS + 1, 2), (NOW_MS, 1), (NOW_MS - 1, 3)]
    assert rows[2].side is Side.SELL


def test_a_price_path_begins_at_the_requested_time() -> None:
    seen = seen_of(*(deal(NOW_MS + at * 1_000, "1", at) for at in range(10)))
    path = path_of(seen, NOW_MS + 4_500, 240)
    assert [one.start_ms for one in path.spans] == [NOW_MS + at * 1_000 for at in range(4, 10)]


@given(
    st.lists(st.tuples(st.integers(0, 500_000), st.integers(1, 9)), min_size=1, max_size=60),
    st.integers(2, 240),
)
def test_a_price_path_keeps_low_high_and_last_price(moves: list[tuple[int, int]], most: int) -> None:
    ordered = sorted(moves, key=lambda move: move[0])
    deals = [deal(NOW_MS + at * 100, str(price), number) for number, (at, price) in enumerate(ordered)]
    path = path_of(seen_of(*deals), 0, most)
    prices = [float(one.price) for one in deals]
    assert len(path.spans) <= most
    assert min(one.low for one in path.spans) == min(prices)
    assert max(one.high for one in path.spans) == max(prices)
    assert path.spans[-1].last == prices[-1]
    assert [one.start_ms for one in path.spans] == sorted({one.start_ms for one in path.spans})


def test_a_shown_pair_is_watched_for_a_minute_after_the_last_query() -> None:
    at_ms = NOW_MS
    shown = WatchedSymbols(lambda: at_ms)
    assert shown.is_new("AUSDT")
    assert not shown.watch("AUSDT")
    at_ms += 50_000
    assert not shown.watch("AUSDT")
    at_ms += 50_000
    assert shown.symbols() == ("AUSDT",)
    assert shown.remaining_s("AUSDT") == 10
    at_ms += 10_001
    assert shown.symbols() == ()
    assert shown.remaining_s("AUSDT") == 0


def test_the_pair_with_the_oldest_query_is_dropped_first() -> None:
    at_ms = NOW_MS
    shown = WatchedSymbols(lambda: at_ms)
    for number in range(CAPACITY):
        assert not shown.watch(f"A{number}")
    assert "already watched" in shown.watch("NEW")
    at_ms += 5_000
    for number in range(1, CAPACITY):
        shown.watch(f"A{number}")
    assert not shown.watch("NEW")
    assert "A0" not in shown.symbols()
    assert len(shown.symbols()) == CAPACITY
