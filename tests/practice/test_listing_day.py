"""The built-in day of listings: each kind happens, as visible in the public data."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

import msgspec
import pytest

from mexc_tui.model.order import NewOrder, OrderStatus, OrderType, Side
from mexc_tui.practice.matching.pairs import PairStatus
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.scenario import MarketPlan, Scenario, load
from mexc_tui.practice.session import ExchangeSession
from tests.support.exchange.practice_session import START_MS, EventRecorder

pytestmark = pytest.mark.timeout(120)  # a whole day of listings

DAY = load("listing-day")
SMALL = msgspec.structs.replace(DAY, market=MarketPlan(symbols=20, active_pairs=0))


@dataclass(frozen=True)
class PublicData:
    """Public data of one base at one time; openings in seconds of the day, None: absent."""

    calendar_s: float | None
    triple: tuple[int, int, int] | None
    pair_opens_s: float | None
    api: bool


def day(seconds: float = 0.0, *bases: str, seed: int = 1) -> ExchangeSession:
    """Return the day `seconds` after its start; `bases` restricts it to those, for speed."""
    return at(ExchangeSession(part(bases), seed, START_MS), seconds)


def part(bases: Sequence[str]) -> Scenario:
    plans = tuple(plan for plan in SMALL.listings if not bases or plan.base in bases)
    return msgspec.structs.replace(SMALL, listings=plans)


def at(session: ExchangeSession, seconds: float) -> ExchangeSession:
    session.advance(START_MS + round(seconds * 1000))
    return session


def in_day(moment_ms: int | None) -> float | None:
    return None if moment_ms is None else (moment_ms - START_MS) / 1000


def seen(session: ExchangeSession, base: str) -> PublicData:
    entry = next((one for one in session.calendar() if one.base == base), None)
    row = next((one for one in session.web_symbols() if one.base == base), None)
    pair = session.pair(f"{base}USDT")
    return PublicData(
        in_day(entry.first_open_ms) if entry else None,
        (row.state, row.spot, row.trading) if row else None,
        in_day(pair.first_open_ms) if pair else None,
        f"{base}USDT" in session.default_symbols(),
    )


def buy(
    session: ExchangeSession, base: str, *, market: bool = False, price: str = "0.05"
) -> int | str | OrderStatus:
    """Buy for about 10 USDT; return the code of the refusal, or the status of the order."""
    symbol = f"{base}USDT"
    if market:
        asked = NewOrder(symbol=symbol, side=Side.BUY, type=OrderType.MARKET, quote_quantity=Decimal(10))
    else:
        asked = NewOrder(
            symbol=symbol, side=Side.BUY, type=OrderType.LIMIT, price=Decimal(price), quantity=Decimal(100)
        )
    try:
        placed = session.place(asked)
    except PracticeRefusal as refused:
        return refused.code
    return session.order(symbol, order_id=placed.order_id).status


def prices(recorder: EventRecorder, base: str) -> Sequence[tuple[float, Decimal]]:
    """Return the time, in seconds of the day, and the price of each trade."""
    return [
        ((trade.time_ms - START_MS) / 1000, trade.price)
        for symbol, trade in recorder.trades
        if symbol == f"{base}USDT"
    ]


@pytest.fixture(scope="module")
def tape() -> EventRecorder:
    """Every trade of the day."""
    session, recorder = day(), EventRecorder()
    session.sinks.append(recorder)
    at(session, 240)
    return recorder


def first_trade_s(tape: EventRecorder, base: str) -> float:
    return prices(tape, base)[0][0]


def test_the_day_takes_four_minutes_with_openings_from_15_s_to_210_s(tape: EventRecorder) -> None:
    assert day().ends_ms == START_MS + 240_000
    bases = {plan.base for plan in DAY.listings} | {"NEWNAME"}
    opened = {base: first_trade_s(tape, base) for base in bases if prices(tape, base)}
    assert len(DAY.listings) >= 12
    assert 15 <= min(opened.values()) < 17
    assert max(opened.values()) < 210
    assert bases - set(opened) == {"GONER", "NEVERMIND", "OLDNAME", "TOMORROW"}


def test_no_listing_has_the_ticker_of_a_trading_pair() -> None:
    known = {pair.rules.base for pair in ExchangeSession(DAY, 1, START_MS).visible_pairs()}
    assert known & {plan.base for plan in DAY.listings} == set()


def test_the_day_depends_on_the_seed(tape: EventRecorder) -> None:
    def trades(seed: int) -> list[tuple[str, int, Decimal, Decimal]]:
        session, recorder = day(seed=seed), EventRecorder()
        session.sinks.append(recorder)
        for seconds in range(1, 35, 7):  # for any number of queries
            at(session, seconds)
        return events_of(recorder)

    one = trades(1)
    assert one
    assert one == events_of(tape)[: len(one)]
    assert one != trades(2)


def events_of(recorder: EventRecorder) -> list[tuple[str, int, Decimal, Decimal]]:
    return [(symbol, one.time_ms, one.price, one.quantity) for symbol, one in recorder.trades]


def test_clean_passes_through_every_state_and_opens_on_schedule(tape: EventRecorder) -> None:
    assert seen(day(1, "DAWN"), "DAWN") == PublicData(15, (2, 1, 1), None, False)
    assert buy(day(1, "DAWN"), "DAWN") == 10007
    assert seen(day(6, "DAWN"), "DAWN") == PublicData(15, (2, 1, 1), 15, True)
    assert buy(day(6, "DAWN"), "DAWN") == 30001
    assert seen(day(11, "DAWN"), "DAWN").triple == (2, 2, 4)
    assert buy(day(15.1, "DAWN"), "DAWN") in (
        OrderStatus.NEW,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.FILLED,
    )
    assert 15 <= first_trade_s(tape, "DAWN") < 16
    assert buy(day(15.1, "DAWN"), "DAWN", market=True) in (OrderStatus.FILLED, OrderStatus.PARTIALLY_CANCELED)


def test_crash_rises_steeply_and_falls_within_half_a_minute(tape: EventRecorder) -> None:
    price_multiple = prices(tape, "COMET")
    top = max(price for _, price in price_multiple)
    peak_s = next(seconds for seconds, price in price_multiple if price == top)
    after = [price for seconds, price in price_multiple if 55 < seconds < 60]
    assert top > price_multiple[0][1] * 3
    assert 27 < peak_s < 40
    assert max(after) < top / 3


def test_ceiling_refuses_with_its_price_in_the_first_seconds() -> None:
    assert buy(day(40.2, "VAULT"), "VAULT", price="0.06") == 30010
    assert buy(day(40.2, "VAULT"), "VAULT", price="0.055") != 30010
    assert buy(day(49, "VAULT"), "VAULT", price="0.06") != 30010


@pytest.mark.parametrize(("base", "opens_s", "code"), [("NOMKT", 52, 30019), ("LIMITO", 63, 30041)])
def test_market_is_refused_in_the_first_seconds_and_limit_is_not(
    base: str, opens_s: float, code: int
) -> None:
    session = day(opens_s + 0.2, base)
    assert buy(session, base, market=True) == code
    assert isinstance(buy(session, base), OrderStatus)
    assert isinstance(buy(at(session, opens_s + 21), base, market=True), OrderStatus)


def test_a_dud_has_few_trades(tape: EventRecorder) -> None:
    assert 0 < len(prices(tape, "DUDE")) * 20 < len(prices(tape, "DAWN"))


def test_cancelled_disappears_from_every_source_before_its_opening() -> None:
    assert seen(day(69, "GONER"), "GONER") == PublicData(85, (2, 2, 4), 85, True)
    assert seen(day(70.1, "GONER"), "GONER") == PublicData(None, None, None, False)
    assert buy(day(86, "GONER"), "GONER") == 30014


def test_cancelled_in_the_last_second_disappears_before_it_opens(tape: EventRecorder) -> None:
    assert seen(day(134.1, "NEVERMIND"), "NEVERMIND").pair_opens_s == 135
    assert seen(day(134.3, "NEVERMIND"), "NEVERMIND") == PublicData(None, None, None, False)
    assert prices(tape, "NEVERMIND") == []


def test_postponed_early_opens_at_its_new_time(tape: EventRecorder) -> None:
    assert seen(day(54, "LATER"), "LATER").calendar_s == 80
    assert seen(day(56, "LATER"), "LATER") == PublicData(95, (2, 1, 1), 95, True)
    assert buy(day(81, "LATER"), "LATER") == 30001
    assert 95 <= first_trade_s(tape, "LATER") < 97


def test_postponed_in_the_last_seconds_does_not_open_at_its_old_time(tape: EventRecorder) -> None:
    assert seen(day(122.9, "HOLDON"), "HOLDON").pair_opens_s == 125
    assert seen(day(123.1, "HOLDON"), "HOLDON") == PublicData(150, (2, 2, 4), 150, True)
    assert buy(day(125.5, "HOLDON"), "HOLDON") == 30001
    assert 150 <= first_trade_s(tape, "HOLDON") < 152


def test_postponed_past_the_end_of_the_day_has_not_opened_when_it_is_over() -> None:
    assert seen(day(240, "TOMORROW"), "TOMORROW").pair_opens_s == 808


def test_a_cluster_of_three_opens_together(tape: EventRecorder) -> None:
    assert [seen(day(100, base), base).pair_opens_s for base in ("TRIA", "TRIB", "TRIC")] == [105, 105, 105]
    assert all(105 <= first_trade_s(tape, base) < 106 for base in ("TRIA", "TRIB", "TRIC"))


def test_never_api_trades_and_accepts_no_order(tape: EventRecorder) -> None:
    assert len(prices(tape, "WEBONLY")) > 100
    for seconds in (110, 119, 239):
        assert not seen(day(seconds, "WEBONLY"), "WEBONLY").api
        assert buy(day(seconds, "WEBONLY"), "WEBONLY") == 10007


def test_thin_has_a_wide_spread_and_little_depth() -> None:
    session = day(141, "LEANY")
    spreads: list[Decimal] = []
    for seconds in range(142, 172):
        depth = at(session, seconds).depth("LEANYUSDT", 100)
        bid, ask = depth.bids[0].price, depth.asks[0].price
        near = [level for level in depth.asks if level.price <= ask * Decimal("1.02")]
        spreads.append((ask - bid) / ask)
        assert sum(level.price * level.quantity for level in near) < 500
    assert median(spreads) > Decimal("0.002")
    assert max(spreads) > Decimal("0.02")


def test_renamed_keeps_its_coin_under_another_ticker(tape: EventRecorder) -> None:
    def coin(session: ExchangeSession, base: str) -> str:
        return next(row.coin_id for row in session.web_symbols() if row.base == base)

    assert seen(day(144, "OLDNAME"), "OLDNAME").pair_opens_s == 160
    assert seen(day(146, "OLDNAME"), "OLDNAME") == PublicData(None, None, None, False)
    assert seen(day(146, "OLDNAME"), "NEWNAME").pair_opens_s == 160
    assert coin(day(144, "OLDNAME"), "OLDNAME") == coin(day(146, "OLDNAME"), "NEWNAME")
    assert 160 <= first_trade_s(tape, "NEWNAME") < 162


def test_early_opens_before_the_announced_time(tape: EventRecorder) -> None:
    assert seen(day(173, "EAGER"), "EAGER").calendar_s == 182
    assert 172 <= first_trade_s(tape, "EAGER") < 174
    assert isinstance(buy(day(173, "EAGER"), "EAGER"), OrderStatus)


def test_manual_listing_is_in_no_calendar_and_visible_just_before_its_opening(tape: EventRecorder) -> None:
    assert seen(day(185.9, "WHISPER"), "WHISPER") == PublicData(None, None, None, False)
    assert seen(day(186.1, "WHISPER"), "WHISPER") == PublicData(None, (2, 2, 4), 190, True)
    assert seen(day(192, "WHISPER"), "WHISPER").calendar_s is None
    assert not any("WHISPER" in one.title for one in day(240, "WHISPER", "EAGER").announcements())
    assert 190 <= first_trade_s(tape, "WHISPER") < 192


def test_api_access_can_follow_the_opening(tape: EventRecorder) -> None:
    assert 197 <= first_trade_s(tape, "TARDY") < 198
    assert buy(day(200, "TARDY"), "TARDY") == 10007
    assert isinstance(buy(day(201.1, "TARDY"), "TARDY"), OrderStatus)


def test_suspended_stops_after_its_opening(tape: EventRecorder) -> None:
    pair = day(213, "HALTED").pair("HALTEDUSDT")
    assert pair is not None
    assert pair.status is PairStatus.PAUSED
    assert first_trade_s(tape, "HALTED") >= 204
    assert prices(tape, "HALTED")[-1][0] < 212.1
