"""Candles: intervals are consistent, and history continues in live trades without a gap."""

from functools import cache
from itertools import pairwise

import pytest

from mexc_tui.practice.matching.intervals import DAY_MS, HOUR_MS, KlineInterval, end_of, start_of
from mexc_tui.practice.matching.values import Candle
from mexc_tui.practice.session import ExchangeSession
from tests.support.exchange.practice_session import ACTIVE_WITH_MX, MX, START_MS, session

pytestmark = pytest.mark.timeout(120)  # months of candles

START = START_MS + 37 * 60_000 + 12_345


@cache
def traded_for(duration_ms: int) -> ExchangeSession:
    """Return a session after minutes of trading. Tests share it: they only read candles."""
    found = session(active=ACTIVE_WITH_MX)
    found.advance(START_MS + duration_ms)
    return found


@pytest.mark.parametrize("interval", list(KlineInterval))
def test_candles_are_contiguous(interval: KlineInterval) -> None:
    found = traded_for(400_000)
    rows = found.klines(MX, interval, limit=200)
    assert len(rows) > 30
    for row, following in pairwise(rows):
        assert row.close_ms == following.open_ms
        assert row.close == following.open
    for row in rows:
        assert row.low <= min(row.open, row.close) <= max(row.open, row.close) <= row.high
        assert row.volume >= 0
    assert rows[-1].open_ms == start_of(interval, found.now_ms)
    assert rows[-1].close == found.trades(MX, 1)[0].price


def joined(rows: list[Candle]) -> tuple[object, ...]:
    return (
        rows[0].open,
        max(row.high for row in rows),
        min(row.low for row in rows),
        rows[-1].close,
        sum(row.volume for row in rows),
        sum(row.quote_volume for row in rows),
    )


@pytest.mark.parametrize(
    ("small", "large"),
    [
        (KlineInterval.MIN_1, KlineInterval.MIN_5),
        (KlineInterval.MIN_5, KlineInterval.MIN_60),
        (KlineInterval.MIN_15, KlineInterval.HOUR_4),
        (KlineInterval.MIN_60, KlineInterval.DAY),
        (KlineInterval.HOUR_8, KlineInterval.WEEK),
        (KlineInterval.DAY, KlineInterval.MONTH),
    ],
)
def test_small_candles_add_up_to_large_ones_across_the_start_of_the_session(
    small: KlineInterval, large: KlineInterval
) -> None:
    found = traded_for(3 * 60_000)
    for whole in found.klines(MX, large, limit=2):
        parts = found.klines(MX, small, start_ms=whole.open_ms, end_ms=whole.close_ms - 1, limit=1000)
        assert joined(parts) == joined([whole])


def test_a_window_is_the_same_for_every_form_of_query() -> None:
    found = session()
    whole = found.klines(MX, KlineInterval.MIN_5, limit=300)
    part = found.klines(MX, KlineInterval.MIN_5, start_ms=whole[100].open_ms, limit=50)
    assert part == whole[100:150]
    before = found.klines(MX, KlineInterval.MIN_5, end_ms=whole[149].open_ms, limit=50)
    assert before == whole[100:150]


def test_history_covers_years_and_then_ends() -> None:
    found = session()
    rows = found.klines(MX, KlineInterval.DAY, start_ms=0, limit=1000)
    pair = found.pair(MX)
    assert pair is not None
    assert rows[0].open_ms == pair.rules.history_from_ms < START_MS - 900 * DAY_MS
    assert found.klines(MX, KlineInterval.DAY, end_ms=rows[0].open_ms - 1) == []


def test_minutes_without_a_trade_are_flat() -> None:
    found = session()
    found.advance(START_MS + HOUR_MS)
    rows = found.klines(MX, KlineInterval.MIN_1, limit=10)
    last = found.trades(MX, 1)[0].price
    assert {(row.open, row.high, row.low, row.close, row.volume) for row in rows} == {(last,) * 4 + (0,)}


def test_live_trades_are_in_the_current_candle_ticker_and_average() -> None:
    found = session(active=ACTIVE_WITH_MX)
    before = found.candle(MX, KlineInterval.DAY)
    found.advance(START_MS + 60_000)
    after = found.candle(MX, KlineInterval.DAY)
    assert before is not None
    assert after is not None
    assert after.volume > before.volume
    ticker = found.ticker(MX)
    day = found.klines(MX, KlineInterval.MIN_60, limit=24)
    assert joined(day)[1:] == (
        ticker.high,
        ticker.low,
        ticker.last,
        ticker.volume,
        ticker.quote_volume,
    )
    assert ticker.low <= found.average_price(MX) <= ticker.high
    assert ticker.top.bid is not None
    assert ticker.top.bid.price <= ticker.last * 2


def test_a_quiet_pair_has_past_trades_at_its_quotes_and_a_day_of_volume() -> None:
    found = session()
    trades = found.trades(MX)
    assert len(trades) >= 10
    assert [trade.time_ms for trade in trades] == sorted((trade.time_ms for trade in trades), reverse=True)
    assert trades[0].price == found.ticker(MX).last
    assert found.ticker(MX).volume > 0
    assert all(trade.time_ms < START_MS for trade in trades)


@pytest.mark.parametrize("interval", list(KlineInterval))
def test_intervals_are_contiguous_and_have_rest_and_stream_names(interval: KlineInterval) -> None:
    begin = start_of(interval, START)
    assert begin <= START < end_of(interval, begin)
    assert start_of(interval, end_of(interval, begin)) == end_of(interval, begin)
    assert KlineInterval.of_stream(interval.stream_name) is interval
    assert KlineInterval.of_rest(interval.rest_name) is (interval if interval.rest_name else None)
