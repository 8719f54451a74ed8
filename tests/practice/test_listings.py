"""A listing's life: calendar, symbolsV2, exchangeInfo and orders at each stage (protocol 10.3, 11.3)."""

from decimal import Decimal
from itertools import pairwise

import pytest

from mexc_tui.model.order import NewOrder, OrderStatus, OrderType, Side
from mexc_tui.practice.matching.intervals import KlineInterval
from mexc_tui.practice.matching.pairs import PairStatus, PracticePair
from mexc_tui.practice.matching.values import PracticeWebSymbol
from mexc_tui.practice.scenario import (
    EarlyOrder,
    Knobs,
    ListingPlan,
    ListingShape,
    MarketPolicy,
    Postponement,
)
from mexc_tui.practice.session import ExchangeSession
from tests.support.exchange.practice_session import START_MS, EventRecorder, refusal, session

pytestmark = pytest.mark.timeout(120)  # whole lives of listings

NEW = "NEWUSDT"
OPENS_S = 1_000.0


def plan(
    base: str = "NEW",
    every_s: float | None = None,
    api_allowed: bool = True,
    api_from_s: float | None = None,
    blocked: bool = False,
    in_calendar: bool = True,
    ceiling: Decimal | None = Decimal(2),
    policy: MarketPolicy = MarketPolicy.ALLOW,
    shape: ListingShape = ListingShape.RUSH,
    postponed: tuple[Postponement, ...] = (),
    cancelled_before_s: float | None = None,
    renamed_to: str = "",
    early_s: float = 0.0,
    suspended_after_s: float | None = None,
) -> ListingPlan:
    return ListingPlan(
        base=base,
        opens_s=OPENS_S,
        every_s=every_s,
        announced_before_s=900,
        prepared_before_s=600,
        visible_before_s=300,
        ready_before_s=100,
        api_allowed=api_allowed,
        api_from_s=api_from_s,
        blocked=blocked,
        in_calendar=in_calendar,
        jitter_ms=80,
        ceiling_factor=ceiling,
        market_policy=policy,
        shape=shape,
        postponed=postponed,
        cancelled_before_s=cancelled_before_s,
        renamed_before_s=200 if renamed_to else None,
        renamed_to=renamed_to,
        early_s=early_s,
        suspended_after_s=suspended_after_s,
    )


def at(found: ExchangeSession, seconds: float) -> ExchangeSession:
    found.advance(START_MS + round(seconds * 1000))
    return found


def buy(price: str = "0.05", quantity: int = 100) -> NewOrder:
    return NewOrder(
        symbol=NEW, side=Side.BUY, type=OrderType.LIMIT, price=Decimal(price), quantity=Decimal(quantity)
    )


def market_buy() -> NewOrder:
    return NewOrder(symbol=NEW, side=Side.BUY, type=OrderType.MARKET, quote_quantity=Decimal(10))


def code_of(found: ExchangeSession, asked: NewOrder) -> int | str:
    return refusal(lambda: found.place(asked)).code


def web_row(found: ExchangeSession, base: str = "NEW") -> PracticeWebSymbol | None:
    return next((row for row in found.web_symbols() if row.base == base), None)


def new_pair(found: ExchangeSession) -> PracticePair:
    pair = found.pair(NEW)
    assert pair is not None
    return pair


def test_calendar_and_symbols_v2_pass_through_their_states() -> None:
    found = session(plan())
    assert found.calendar() == []
    assert web_row(found) is None
    states: list[tuple[int, int, int]] = []
    for seconds in (100, 400, 900, 1001):
        row = web_row(at(found, seconds))
        assert row is not None
        states.append((row.state, row.spot, row.trading))
    assert states == [(1, 1, 1), (2, 1, 1), (2, 2, 4), (2, 2, 4)]
    entry = found.calendar()[0]
    assert (entry.base, entry.first_open_ms) == ("NEW", START_MS + 1_000_000)
    assert found.announcements()[0].posted_ms == START_MS + 100_000
    row = web_row(found)
    assert row is not None
    assert entry.coin_id == row.coin_id


def test_responses_to_orders_depend_on_the_stage() -> None:
    found = session(plan())
    assert code_of(found, buy()) == 30014
    assert code_of(at(found, 100), buy()) == 10007
    assert found.pair(NEW) is None
    assert code_of(at(found, 700), buy()) == 30001
    assert new_pair(found).first_open_ms == START_MS + 1_000_000
    assert code_of(at(found, 999.999), buy()) == 30001
    at(found, 1000.08).place(buy())
    assert found.all_orders(NEW)


@pytest.mark.parametrize(("knob", "code"), [(each, int(each.value)) for each in EarlyOrder])
def test_the_response_to_an_early_order_is_configurable(knob: EarlyOrder, code: int) -> None:
    assert code_of(at(session(plan(), knobs=Knobs(early_order=knob)), 900), buy()) == code


def test_it_opens_within_the_jitter_with_asks_above_bids() -> None:
    found, seen = session(plan()), EventRecorder()
    found.sinks.append(seen)
    at(found, 1000)
    opened_ms = [
        found.now_ms for _ in range(81) if not new_pair(found).trading and not found.advance(found.now_ms + 1)
    ]
    assert len(opened_ms) <= 80
    assert new_pair(found).trading
    top = new_pair(found).top()
    assert top.ask is not None
    assert top.bid is not None
    assert top.bid.price < Decimal("0.05") <= top.ask.price
    at(found, 1060)
    trades = [trade for symbol, trade in seen.trades if symbol == NEW]
    assert len(trades) > 200
    assert max(trade.price for trade in trades) > Decimal("0.08")


def test_the_ceiling_is_refused_with_its_price_in_the_exact_text() -> None:
    found = at(session(plan(ceiling=Decimal(1))), 1000.08)
    refused = refusal(lambda: found.place(buy("0.051")))
    assert (refused.code, refused.message) == (30010, "The price cannot be higher than 0.05USDT")
    found.place(buy("0.05"))
    at(found, 1006).test(buy("0.0501"))


def test_simulated_traders_respect_the_ceiling() -> None:
    found, seen = session(plan(ceiling=Decimal("1.05"), shape=ListingShape.SPIKE)), EventRecorder()
    found.sinks.append(seen)
    at(found, 1004.9)
    assert seen.trades
    taken = [trade for _, trade in seen.trades if trade.taker_side is Side.BUY]
    assert max(trade.price for trade in taken) <= Decimal("0.0525")


@pytest.mark.parametrize(
    ("policy", "code"), [(MarketPolicy.DISABLED_30019, 30019), (MarketPolicy.TYPE_REFUSED_30041, 30041)]
)
def test_market_orders_can_be_refused_in_the_first_seconds(policy: MarketPolicy, code: int) -> None:
    found = at(session(plan(policy=policy)), 1000.08)
    assert code_of(found, market_buy()) == code
    at(found, 1031).place(market_buy())


def test_immediate_orders_can_be_refused_too_in_the_first_seconds() -> None:
    found = at(session(plan(policy=MarketPolicy.LIMIT_ONLY)), 1000.08)
    immediate = NewOrder(
        symbol=NEW,
        side=Side.BUY,
        type=OrderType.IMMEDIATE_OR_CANCEL,
        quantity=Decimal(100),
        price=Decimal("0.05"),
    )
    assert (code_of(found, market_buy()), code_of(found, immediate)) == (30041, 30041)


@pytest.mark.parametrize("policy", [MarketPolicy.CANCEL_UNFILLED, MarketPolicy.ALLOW])
def test_market_on_an_empty_book_is_cancelled_or_refused_by_policy(policy: MarketPolicy) -> None:
    empty = ListingPlan(
        base="NEW",
        opens_s=10,
        depth_quote=Decimal("0.0001"),
        peak=1.0,
        trades_per_s=0.001,
        market_policy=policy,
    )
    found = at(session(empty), 10.08)
    found.place(buy("0.1", 500))
    assert found.depth(NEW).asks == []
    if policy is MarketPolicy.ALLOW:
        assert code_of(found, market_buy()) == 30025
    else:
        placed = found.place(market_buy())
        assert found.order(NEW, order_id=placed.order_id).status is OrderStatus.CANCELED


def test_M13_a_postponement_in_the_last_second_moves_everything() -> None:
    found = session(plan(postponed=(Postponement(at_s=1, by_s=600),)))
    at(found, 999)
    assert found.calendar()[0].first_open_ms == START_MS + 1_600_000
    assert new_pair(found).first_open_ms == START_MS + 1_600_000
    assert code_of(at(found, 1500), buy()) == 30001
    at(found, 1600.08).place(buy())


def test_M13_postponed_twice_then_moved_forward() -> None:
    moves = (Postponement(at_s=500, by_s=300), Postponement(at_s=400, by_s=-100))
    found = at(session(plan(postponed=moves)), 950)
    assert found.calendar()[0].first_open_ms == START_MS + 1_200_000


def test_M13_a_cancelled_listing_disappears_everywhere() -> None:
    found = at(session(plan(cancelled_before_s=50)), 949)
    assert found.pair(NEW) is not None
    at(found, 950)
    assert found.pair(NEW) is None
    assert found.calendar() == []
    assert web_row(found) is None
    assert code_of(at(found, 1100), buy()) == 30014


def test_M13_a_renamed_listing_keeps_its_coin_id() -> None:
    found = at(session(plan(renamed_to="NEWER")), 750)
    coin_id = found.calendar()[0].coin_id
    at(found, 800)
    assert found.pair(NEW) is None
    assert found.pair("NEWERUSDT") is not None
    assert (found.calendar()[0].base, found.calendar()[0].coin_id) == ("NEWER", coin_id)
    seen = EventRecorder()
    found.sinks.append(seen)
    at(found, 1001).place(
        NewOrder(symbol="NEWERUSDT", side=Side.BUY, type=OrderType.MARKET, quote_quantity=Decimal(10))
    )
    assert coin_id in {change.coin_id for change in seen.changes if change.asset == "NEWER"}


def test_M13_an_early_opening_precedes_its_announced_time() -> None:
    found = at(session(plan(early_s=400)), 600.08)
    assert found.calendar()[0].first_open_ms == START_MS + 1_000_000
    found.place(buy())


def test_a_pair_never_open_to_keys_refuses_orders_but_trades() -> None:
    found = at(session(plan(api_allowed=False)), 1200)
    refused = refusal(lambda: found.place(buy()))
    assert (refused.code, refused.message) == (10007, "symbol not support api")
    assert new_pair(found).trades
    assert NEW not in found.default_symbols()


def test_api_access_can_follow_visibility_and_opening() -> None:
    found = at(session(plan(api_from_s=10)), 989)
    assert not new_pair(found).api_allowed
    assert new_pair(at(found, 990)).api_allowed
    late = at(session(plan(api_from_s=-30)), 1029)
    assert code_of(late, buy()) == 10007
    assert new_pair(at(late, 1030)).api_allowed


def test_an_assessment_zone_pair_is_blocked() -> None:
    assert new_pair(at(session(plan(blocked=True)), 800)).blocked


def test_a_listing_outside_the_calendar_is_in_exchange_info_only() -> None:
    found = at(session(plan(in_calendar=False)), 800)
    assert found.calendar() == []
    assert found.announcements() == []
    assert found.pair(NEW) is not None


def test_M14_a_pair_suspended_after_its_opening_stops_trading() -> None:
    found = at(session(plan(suspended_after_s=60)), 1061)
    assert new_pair(found).status is PairStatus.PAUSED
    seen = EventRecorder()
    found.sinks.append(seen)
    assert code_of(at(found, 1200), buy()) == 30000
    assert seen.trades == []


def test_a_series_continues_with_numbered_or_generated_tickers() -> None:
    found = at(session(plan(base="RUN", every_s=500)), 2099)
    assert [entry.base for entry in found.calendar()] == ["RUN1", "RUN2", "RUN3", "RUN4"]
    made_up = at(session(plan(base="", every_s=500)), 2099)
    assert len({entry.base for entry in made_up.calendar()}) == 4


@pytest.mark.parametrize("shape", list(ListingShape))
def test_every_shape_maintains_a_two_sided_book(shape: ListingShape) -> None:
    found = session(plan(shape=shape))
    for seconds in (1002, 1010, 1040, 1120, 1600):
        top = new_pair(at(found, seconds)).top()
        assert top.bid is not None
        assert top.ask is not None
        assert top.bid.price < top.ask.price


def test_shapes_match_their_names() -> None:
    def price(shape: ListingShape, seconds: float) -> Decimal:
        return new_pair(at(session(plan(shape=shape)), OPENS_S + seconds)).last_price

    assert price(ListingShape.RUSH, 60) > Decimal("0.085")
    assert price(ListingShape.SPIKE, 7) > Decimal("0.08") > Decimal("0.05") > price(ListingShape.SPIKE, 90)
    assert price(ListingShape.FADE, 300) < Decimal("0.04")
    dud = at(session(plan(shape=ListingShape.DUD)), 1060)
    rush = at(session(plan(shape=ListingShape.RUSH)), 1060)
    assert len(new_pair(dud).trades) < len(new_pair(rush).trades) / 5


def test_a_new_pair_has_candles_from_its_first_trade() -> None:
    found = at(session(plan()), 900)
    assert found.klines(NEW, KlineInterval.MIN_1) == []
    assert found.candle(NEW, KlineInterval.MIN_1) is None
    at(found, 1130)
    rows = found.klines(NEW, KlineInterval.MIN_1, start_ms=START_MS)
    assert rows
    assert all(row.close == following.open for row, following in pairwise(rows))
    assert found.ticker(NEW).volume == sum(row.volume for row in rows)
