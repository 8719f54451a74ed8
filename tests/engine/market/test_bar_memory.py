"""Memory of streamed pairs is bounded in total, and dropped bars are recorded as gaps."""

import tracemalloc
from decimal import Decimal as D

from mexc_tui.engine.market.bar_memory import MAX_PAIRS, MAX_TOTAL_BARS, MIN_BARS, limit_histories
from mexc_tui.engine.market.knowledge_store import PairHistory
from mexc_tui.engine.market.prices import MAX_IDLE, PriceCache
from mexc_tui.engine.runtime.recent_keys import RecentKeys
from mexc_tui.market.tape import MAX_BARS, MOST_GAPS, MOST_IDS, Tape
from mexc_tui.model.order import Side
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from tests.support.store_parts import ManualClock

HOUR_S = 3_600


def deal(symbol: str, at_s: int, number: int = 0) -> StreamDeal:
    return StreamDeal(
        symbol=symbol,
        price=D("1.5"),
        quantity=D(3),
        taker_side=Side.BUY,
        time_ms=at_s * 1_000 + number,
        trade_id=f"{symbol}-{at_s}-{number}",
    )


def add_deal(histories: dict[str, PairHistory], symbol: str, at_s: int) -> None:
    one = histories.setdefault(symbol, PairHistory())
    if one.tape.add(deal(symbol, at_s)):
        one.trades.append(deal(symbol, at_s))
    one.updated_ms = at_s * 1_000


def bars(histories: dict[str, PairHistory]) -> int:
    return sum(len(one.tape) for one in histories.values())


def test_memory_stays_constant_over_two_hours_of_changing_pairs() -> None:
    histories = dict[str, PairHistory]()
    sizes = dict[int, tuple[int, int, int]]()
    tracemalloc.start()
    try:
        for at_s in range(0, 2 * HOUR_S, 5):
            first = at_s // 60  # a new pair each minute, watched for half an hour
            streamed = [f"N{number}USDT" for number in range(max(first - 30, 0), first + 1)]
            for symbol in streamed:
                add_deal(histories, symbol, at_s)
            limit_histories(histories, streamed, streamed[-20:])
            if at_s % 900 == 895:
                sizes[at_s] = len(histories), bars(histories), tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert all(pairs <= MAX_PAIRS and held <= MAX_TOTAL_BARS for pairs, held, _ in sizes.values())
    after_an_hour = [size for at_s, (_, _, size) in sizes.items() if at_s >= HOUR_S]
    assert max(after_an_hour) <= min(after_an_hour) * 1.1
    assert max(after_an_hour) < 40_000_000


def test_streamed_and_expected_pairs_are_never_dropped() -> None:
    histories = dict[str, PairHistory]()
    names = [f"N{number}USDT" for number in range(2 * MAX_PAIRS)]
    for at_s, name in enumerate(names):
        add_deal(histories, name, at_s)
    limit_histories(histories, names[:10], names[10:20])
    assert len(histories) == MAX_PAIRS
    assert set(names[:20]) <= histories.keys()
    assert set(names[-20:]) <= histories.keys()


def test_bars_of_listings_are_dropped_last_and_leave_a_gap() -> None:
    histories = dict[str, PairHistory]()
    held, listed = [f"H{n}USDT" for n in range(8)], [f"L{n}USDT" for n in range(8)]
    for name in (*held, *listed):
        for at_s in range(5_000):
            add_deal(histories, name, at_s)
    limit_histories(histories, (*held, *listed), listed)
    assert bars(histories) <= MAX_TOTAL_BARS
    assert {len(histories[name].tape) for name in listed} == {5_000}
    assert {len(histories[name].tape) for name in held} == {(MAX_TOTAL_BARS - 40_000) // 8}
    assert histories[held[0]].tape.gaps == [(0, histories[held[0]].tape.bars[0].start_ms)]
    for name in listed:
        for at_s in range(5_000, 9_000):
            add_deal(histories, name, at_s)
    limit_histories(histories, (*held, *listed), listed)
    assert bars(histories) <= MAX_TOTAL_BARS
    assert {len(histories[name].tape) for name in held} == {MIN_BARS}
    assert histories[listed[0]].tape.gaps[0] == (0, histories[listed[0]].tape.bars[0].start_ms)


def test_a_long_tape_keeps_its_newest_hours_and_records_the_gap() -> None:
    tape = Tape()
    for at_s in range(3 * MAX_BARS):
        tape.add(deal("NEWUSDT", at_s))
    assert len(tape) == MAX_BARS
    assert tape.gaps == [(0, 2 * MAX_BARS * 1_000)]
    assert not tape.add(deal("NEWUSDT", 3 * MAX_BARS - MOST_IDS // 2))


def test_adjacent_gaps_are_merged_and_their_number_is_bounded() -> None:
    tape = Tape()
    for at_ms in range(0, 10_000, 10):
        tape.record_gap(at_ms, at_ms + 10)
    assert tape.gaps == [(0, 10_000)]
    for number in range(10 * MOST_GAPS):
        tape.record_gap(20_000 + number * 100, 20_000 + number * 100 + 10)
    assert len(tape.gaps) == MOST_GAPS
    assert tape.gaps[0][0] == 0
    assert tape.gaps[-1] == (20_000 + (10 * MOST_GAPS - 1) * 100, 20_010 + (10 * MOST_GAPS - 1) * 100)


def test_prices_of_pairs_without_a_stream_are_bounded() -> None:
    clock = ManualClock()
    prices = PriceCache(clock, clock.now_ms)
    levels = ((D(1), D(1)),)
    for number in range(5 * MAX_IDLE):
        clock.pass_s(1)
        name = f"N{number}USDT"
        prices.on_quote(
            BestQuote(
                symbol=name,
                bid_price=D(1),
                bid_quantity=D(1),
                ask_price=D(2),
                ask_quantity=D(1),
                version=number + 1,
            )
        )
        prices.on_levels(TopLevels(symbol=name, asks=levels, bids=levels, version=number + 2))
        prices.evict_idle(["N0USDT", name])
    assert len(prices.in_quote()) <= MAX_IDLE + 3
    assert prices.of("N0USDT").bid == 1
    assert prices.of("N1USDT").bid is None
    assert prices.of(f"N{5 * MAX_IDLE - 1}USDT").bid == 1


def test_recent_keys_keeps_the_newest() -> None:
    keys = RecentKeys[int](100)
    keys.update(range(1_000))
    keys.add(950)
    assert len(keys) == 100
    assert 900 in keys
    assert 899 not in keys
    keys.discard(950)
    assert 950 not in keys


def test_dropped_bars_of_a_thinly_traded_pair_are_one_gap_before_all_others() -> None:
    tape = Tape(max_bars=10)
    for number in range(2_000):
        tape.add(deal("NEWUSDT", number * 5))
        if number % 100 == 0:
            tape.record_gap(number * 5_000 + 1_500, number * 5_000 + 2_500)
    assert tape.gaps == [(0, 1_989 * 5_000 + 1_000)]
    assert tape.bars[0].start_ms == 1_990 * 5_000
    tape.record_gap(1_998 * 5_000, 1_998 * 5_000 + 10)
    tape.add(deal("NEWUSDT", 2_000 * 5))
    assert tape.gaps == [(0, 1_990 * 5_000 + 1_000), (1_998 * 5_000, 1_998 * 5_000 + 10)]
