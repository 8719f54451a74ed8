"""The whole session: money is conserved, books are consistent, equal calls give equal responses."""

import hashlib
import os
import subprocess
import sys
from decimal import Decimal
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.model.order import NewOrder, OrderStatus, OrderType, Side
from mexc_tui.practice.matching.pairs import PracticeTradeSides
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.scenario import Knobs, ListingPlan, load
from mexc_tui.practice.session import ExchangeSession
from tests.support.exchange.practice_session import (
    ACTIVE_WITH_MX,
    MX,
    START_MS,
    EventRecorder,
    scenario,
    session,
)

pytestmark = pytest.mark.timeout(120)  # many random histories

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from([*OrderType, "cancel", "wait"]),
        st.sampled_from(list(Side)),
        st.integers(-30, 30),
        st.integers(50, 30_000),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)
Action = tuple[OrderType | str, Side, int, int, bool]


EXPECTED = (30002, 30004, 30005, 30025, 30087)


def attempt(found: ExchangeSession, asked: NewOrder) -> PracticeRefusal | None:
    try:
        found.place(asked)
    except PracticeRefusal as refused:
        return refused
    return None


def act(found: ExchangeSession, action: Action) -> None:
    kind, side, ticks, lots, by_quote = action
    if kind == "wait":
        found.advance(found.now_ms + lots)
        return
    if kind == "cancel":
        for open_order in found.open_orders()[:1]:
            found.cancel(MX, order_id=open_order.order_id)
        return
    pair = found.pair(MX)
    assert pair is not None
    quantity = Decimal(lots).scaleb(-2)
    by_quote = by_quote and kind is OrderType.MARKET and side is Side.BUY
    asked = NewOrder(
        symbol=MX,
        side=side,
        type=OrderType(kind),
        price=None if kind is OrderType.MARKET else pair.last_price + Decimal(ticks).scaleb(-4),
        quantity=None if by_quote else quantity,
        quote_quantity=quantity if by_quote else None,
    )
    refused = attempt(found, asked)
    assert refused is None or refused.code in EXPECTED, refused


@settings(max_examples=60)
@given(ACTIONS, st.integers(0, 3), st.booleans())
def test_money_is_conserved_under_any_sequence_of_orders(
    actions: list[Action], seed: int, deducts: bool
) -> None:
    knobs = Knobs(maker_fee=Decimal("0.0002"), mx_deduction=deducts)
    found, seen = session(seed=seed, active=ACTIVE_WITH_MX, knobs=knobs), EventRecorder()
    start = {balance.asset: balance.free for balance in found.balances()}
    found.sinks.append(seen)
    for action in actions:
        act(found, action)
        for balance in found.balances():
            assert balance.free >= 0
            assert balance.locked >= 0
    flows = dict(start)
    for fill in seen.fills:
        sign = 1 if fill.side is Side.BUY else -1
        flows["MX"] += sign * fill.quantity
        flows["USDT"] -= sign * fill.quote_quantity
        flows[fill.fee_asset] -= fill.fee
    assert {each.asset: each.free + each.locked for each in found.balances()} == {
        asset: amount for asset, amount in flows.items() if amount
    }
    found.cancel_all(None)
    assert all(balance.locked == 0 for balance in found.balances())


@settings(max_examples=25)
@given(ACTIONS, st.integers(0, 3))
def test_versions_are_contiguous_and_events_rebuild_the_book(actions: list[Action], seed: int) -> None:
    found, seen = session(seed=seed, active=ACTIVE_WITH_MX), EventRecorder()
    before = found.depth(MX, 2000)
    book = {Side.BUY: dict(before.bids), Side.SELL: dict(before.asks)}
    found.sinks.append(seen)
    for action in actions:
        act(found, action)
    found.advance(found.now_ms + 5_000)
    told = [level for level in seen.levels if level[0] == MX]
    assert [level[4] for level in told] == [*range(before.version + 1, before.version + 1 + len(told))]
    for _, side, price, quantity, _ in told:
        if quantity:
            book[side][price] = quantity
        else:
            del book[side][price]
    after = found.depth(MX, 2000)
    assert after.version == before.version + len(told)
    assert dict(after.bids) == book[Side.BUY]
    assert dict(after.asks) == book[Side.SELL]
    assert after.bids[0].price < after.asks[0].price


@settings(max_examples=25)
@given(ACTIONS)
def test_fok_orders_fill_completely_or_not_and_terminal_orders_lock_nothing(actions: list[Action]) -> None:
    found = session(active=ACTIVE_WITH_MX)
    for action in actions:
        act(found, action)
    for each in found.all_orders(MX):
        if each.type is OrderType.FILL_OR_KILL:
            assert (each.status, each.executed) in (
                (OrderStatus.FILLED, each.quantity),
                (OrderStatus.CANCELED, Decimal(0)),
            )
        if each.type is not OrderType.LIMIT and each.type is not OrderType.LIMIT_MAKER:
            assert each.status.is_terminal
    open_ids = {each.order_id for each in found.open_orders()}
    assert open_ids == {each.order_id for each in found.all_orders(MX) if not each.status.is_terminal}


LISTING = ListingPlan(opens_s=20, announced_before_s=15, visible_before_s=10, trades_per_s=30)


def recorded_day(seed: int, steps: list[int], warm: bool = False) -> str:
    """Run a day in the given steps, with an order at fixed times, and return all events."""
    found, seen = ExchangeSession(scenario(LISTING, active=5, symbols=120), seed, START_MS), EventRecorder()
    if warm:
        for _ in found.warm():
            pass
    found.sinks.append(seen)
    for at_ms in sorted({*steps, 10_000, 30_000}):
        found.advance(START_MS + at_ms)
        if at_ms in (10_000, 30_000):
            found.place(NewOrder(symbol=MX, side=Side.BUY, type=OrderType.MARKET, quote_quantity=Decimal(20)))
    found.advance(START_MS + 45_000)
    text = repr((seen, found.calendar(), found.balances(), found.depth("ETHUSDT"), found.ticker(MX)))
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def day_in_one_step() -> str:
    return recorded_day(3, [])


@settings(max_examples=8)
@given(st.lists(st.integers(1, 44_999), max_size=12))
def test_the_number_of_advance_calls_changes_nothing(steps: list[int]) -> None:
    assert recorded_day(3, steps) == day_in_one_step()


def test_warming_changes_nothing_and_another_seed_does() -> None:
    assert recorded_day(3, [], warm=True) == day_in_one_step()
    assert recorded_day(4, []) != day_in_one_step()


def test_I17_the_same_seed_gives_the_same_day_in_another_process() -> None:
    here = recorded_day(5, [])
    program = f"from {__name__} import recorded_day; print(recorded_day(5, []))"
    path = os.pathsep.join(each for each in sys.path if each)
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, env=environment
        )
        assert done.stdout.strip() == here, done.stderr


def test_a_quiet_market_does_not_depend_on_the_time_of_access() -> None:
    first, second = session(symbols=60), session(symbols=60)
    names = [pair.symbol for pair in first.visible_pairs()]
    one_way = {name: first.depth(name, 50)[:3] for name in names}
    second.advance(START_MS + 3_600_000)
    assert {name: second.depth(name, 50)[:3] for name in reversed(names)} == one_way


def test_a_stale_snapshot_is_an_older_book() -> None:
    found = session(active=ACTIVE_WITH_MX)
    then = found.depth(MX, 2000)
    found.advance(found.now_ms + 10_000)
    stale = found.depth(MX, 2000, at_ms=START_MS)
    assert (stale.version, stale.bids, stale.asks) == (then.version, then.bids, then.asks)
    assert stale.version < found.depth(MX).version


def test_events_are_in_time_order_and_next_event_is_their_time() -> None:
    found, seen = session(LISTING, active=5), EventRecorder()
    found.sinks.append(seen)
    for _ in range(50):
        coming = found.next_event_ms()
        assert coming is not None
        found.advance(coming)
        assert found.now_ms == coming
    times = [trade.time_ms for _, trade in seen.trades]
    assert all(earlier <= later for earlier, later in pairwise(times))
    now_ms = found.now_ms
    found.advance(START_MS)
    assert found.now_ms == now_ms


def test_books_of_busy_pairs_stay_two_sided_and_small_over_hours() -> None:
    found = ExchangeSession(scenario(active=2, symbols=10), 1, START_MS)
    for hour in range(1, 5):
        found.advance(START_MS + hour * 3_600_000)
        for symbol in ("BTCUSDT", "ETHUSDT"):
            book = found.depth(symbol, 2000)
            assert 100 < len(book.bids) <= 600
            assert 100 < len(book.asks) <= 600
            spread = book.asks[0].price / book.bids[0].price - 1
            assert 0 < spread < Decimal("0.005")
            assert len(found.trades(symbol, 1000)) <= 1000


def test_a_busy_pair_has_hundreds_of_levels_a_side_within_a_fifth_of_its_price_and_a_quiet_one_few() -> None:
    found = ExchangeSession(scenario(symbols=60), 1, START_MS)
    busy = found.depth("SOLUSDT", 1000)
    for side in (busy.bids, busy.asks):
        assert len(side) > 500
        assert len({level.price for level in side}) == len(side)
        assert 0.1 < abs(side[-1].price / side[0].price - 1) < 0.25
    sizes = [len(found.depth(pair.symbol, 1000).bids) for pair in found.visible_pairs()]
    assert min(sizes) == 25
    assert sorted(sizes)[len(sizes) // 2] < 300
    assert [len(found.depth("SOLUSDT", limit).asks) for limit in (5, 100)] == [5, 100]


def test_the_books_of_busy_pairs_move_between_their_trades() -> None:
    found, seen = ExchangeSession(scenario(active=1, symbols=10), 1, START_MS), EventRecorder()
    found.sinks.append(seen)
    moves = 0
    for second in range(1, 121):
        told = len(seen.levels)
        found.advance(START_MS + second * 1_000)
        moves += len(seen.levels) > told
    assert moves > 110
    assert 60 < len(seen.trades) < 240


def test_the_calm_scenario_opens_a_listing_a_minute_after_the_start_and_then_every_two() -> None:
    found = ExchangeSession(load("calm"), 1, START_MS)
    first, second = found.calendar()[:2]
    assert (first.first_open_ms, second.first_open_ms) == (START_MS + 60_000, START_MS + 180_000)
    found.advance(START_MS + 61_000)
    pair = found.pair(first.base + "USDT")
    assert pair is not None
    assert pair.trades
    assert [(each.asset, each.free) for each in found.balances()] == [("USDT", Decimal(1000))]


def test_quiet_pairs_can_trade_too() -> None:
    found, seen = session(quiet_rate=0.5), EventRecorder()
    found.sinks.append(seen)
    found.advance(START_MS + 20_000)
    closed = {pair.symbol for pair in found.visible_pairs() if pair.sides is PracticeTradeSides.CLOSED}
    assert len({symbol for symbol, _ in seen.trades} - closed) > 15


def test_the_session_has_an_id_and_an_end() -> None:
    found = session(seed=9)
    assert found.id == f"test-9-{START_MS}"
    assert found.ends_ms is None
