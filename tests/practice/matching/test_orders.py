"""Matching of the account's orders: types, statuses and the order of pushes (protocol 5, 9)."""

from decimal import Decimal

import pytest

from mexc_tui.model.order import OrderStatus, OrderType, Side
from mexc_tui.practice.matching.values import BookChangeKind
from mexc_tui.practice.scenario import CancelAnswer, DuplicateClientId, Knobs, PostOnlyCrossing
from tests.support.exchange.practice_session import (
    ACTIVE_WITH_MX,
    MX,
    EventRecorder,
    best_ask,
    best_bid,
    limit,
    order,
    refusal,
    session,
)

pytestmark = pytest.mark.timeout(120)  # many random histories


def test_an_immediate_buy_pushes_order_freeze_deal_assets_fee_order() -> None:
    found, recorder = session(), EventRecorder()
    found.sinks.append(recorder)
    found.place(limit(Side.BUY, best_ask(found), 1))
    assert recorder.kinds == [
        "NEW",
        "ENTRUST_PLACE USDT",
        "deal",
        "ENTRUST USDT",
        "ENTRUST MX",
        "TRADE_FEE USDT",
        "FILLED",
    ]


def test_price_improvement_returns_the_surplus_before_the_fee() -> None:
    found, recorder = session(), EventRecorder()
    ask = best_ask(found)
    found.sinks.append(recorder)
    found.place(limit(Side.BUY, ask + Decimal("0.01"), 1))
    assert "ENTRUST_UNFROZEN USDT" in recorder.kinds
    assert recorder.fills[0].price == ask
    assert recorder.fills[0].fee == ask * Decimal("0.0005")
    usdt = found.balances()[-1]
    assert (usdt.asset, usdt.free, usdt.locked) == ("USDT", 1000 - ask - recorder.fills[0].fee, 0)


def test_a_buy_of_the_whole_balance_pays_its_fee_from_price_improvement() -> None:
    found, recorder = session(), EventRecorder()
    price = best_ask(found) + Decimal("0.01")
    found.deposit("USDT", price * 4 - 1000)
    found.sinks.append(recorder)
    found.place(limit(Side.BUY, price, 4))
    assert [fill.fee for fill in recorder.fills] == [
        fill.quote_quantity * Decimal("0.0005") for fill in recorder.fills
    ]


def test_a_resting_order_is_queued_visible_and_unlocked_by_its_cancel() -> None:
    found, recorder = session(), EventRecorder()
    found.sinks.append(recorder)
    price = best_bid(found) - Decimal("0.01")
    placed = found.place(limit(Side.BUY, price, 10, "mine"))
    assert found.open_orders(MX) == [placed]
    assert found.order(MX, client_order_id="mine").status is OrderStatus.NEW
    answer = found.cancel(MX, order_id=placed.order_id)
    assert answer.status is OrderStatus.NEW
    assert found.order(MX, order_id=placed.order_id).status is OrderStatus.CANCELED
    assert recorder.kinds[-2:] == ["ENTRUST_CANCEL USDT", "CANCELED"]
    assert found.open_orders() == []
    assert refusal(lambda: found.cancel(MX, order_id=placed.order_id)).code == -2011


def test_the_cancel_response_can_show_the_order_after_the_cancel() -> None:
    found = session(knobs=Knobs(cancel_answer=CancelAnswer.AFTER))
    placed = found.place(limit(Side.BUY, best_bid(found) - Decimal("0.01"), 10))
    assert found.cancel(MX, order_id=placed.order_id).status is OrderStatus.CANCELED


def test_ioc_fills_the_crossing_part_and_cancels_the_remainder() -> None:
    found = session()
    level = found.depth(MX, 1).asks[0]
    wanted = level.quantity + 1
    found_money = level.price * wanted
    found.deposit("USDT", found_money)
    placed = found.place(order(Side.BUY, OrderType.IMMEDIATE_OR_CANCEL, price=level.price, quantity=wanted))
    ended = found.order(MX, order_id=placed.order_id)
    assert (ended.status, ended.executed) == (OrderStatus.PARTIALLY_CANCELED, level.quantity)


def test_fok_is_all_or_nothing() -> None:
    found = session()
    level = found.depth(MX, 1).asks[0]
    found.deposit("USDT", level.price * (level.quantity + 1))
    placed = found.place(
        order(Side.BUY, OrderType.FILL_OR_KILL, price=level.price, quantity=level.quantity + 1)
    )
    ended = found.order(MX, order_id=placed.order_id)
    assert (ended.status, ended.executed) == (OrderStatus.CANCELED, 0)
    placed = found.place(order(Side.BUY, OrderType.FILL_OR_KILL, price=level.price, quantity=level.quantity))
    assert found.order(MX, order_id=placed.order_id).status is OrderStatus.FILLED


def test_market_buy_by_amount_spends_it_within_one_lot() -> None:
    found = session()
    placed = found.place(order(Side.BUY, OrderType.MARKET, quote=Decimal(50)))
    ended = found.order(MX, order_id=placed.order_id)
    assert ended.status is OrderStatus.FILLED
    assert Decimal(50) - ended.executed_quote < ended.price * Decimal("0.01") * 2
    assert ended.price > best_ask(found) * Decimal("1.04")
    assert all(balance.locked == 0 for balance in found.balances())


def test_market_sell_by_quantity_has_its_protection_price() -> None:
    found = session()
    bid = best_bid(found)
    placed = found.place(order(Side.SELL, OrderType.MARKET, quantity=Decimal(5)))
    assert bid * Decimal("0.94") < placed.price < bid * Decimal("0.951")
    assert found.order(MX, order_id=placed.order_id).status is OrderStatus.FILLED


def test_market_stops_at_its_protection_price_and_cancels_the_remainder() -> None:
    found = session(balances={"MX": Decimal(10_000_000)}, knobs=Knobs(market_protection=Decimal("0.001")))
    placed = found.place(order(Side.SELL, OrderType.MARKET, quantity=Decimal(40_000)))
    ended = found.order(MX, order_id=placed.order_id)
    assert ended.status is OrderStatus.PARTIALLY_CANCELED
    assert 0 < ended.executed < 40_000
    assert best_bid(found) < ended.price


def test_post_only_order_that_would_match_is_accepted_and_cancelled() -> None:
    found = session()
    placed = found.place(order(Side.BUY, OrderType.LIMIT_MAKER, price=best_ask(found), quantity=Decimal(1)))
    assert found.order(MX, order_id=placed.order_id).status is OrderStatus.CANCELED
    assert found.my_trades(MX) == []


def test_post_only_order_that_would_match_is_refused_when_configured() -> None:
    found = session(knobs=Knobs(post_only_crossing=PostOnlyCrossing.REJECT))
    crossing = order(Side.BUY, OrderType.LIMIT_MAKER, price=best_ask(found), quantity=Decimal(1))
    assert refusal(lambda: found.place(crossing)).code == 30041


def test_a_self_trade_fills_both_orders_and_is_marked() -> None:
    found, recorder = session(), EventRecorder()
    between = best_bid(found) + Decimal("0.0001")
    assert between < best_ask(found)
    found.place(limit(Side.BUY, between, 3))
    found.sinks.append(recorder)
    found.place(limit(Side.SELL, between, 3))
    assert [fill.is_self_trade for fill in recorder.fills] == [True, True]
    assert [fill.is_maker for fill in recorder.fills] == [True, False]
    assert recorder.fills[0].fee == 0


def test_other_traders_fill_a_resting_order_as_maker_without_fee() -> None:
    found, recorder = session(active=ACTIVE_WITH_MX), EventRecorder()
    found.sinks.append(recorder)
    placed = found.place(limit(Side.BUY, best_bid(found), 2))
    found.advance(found.now_ms + 600_000)
    ended = found.order(MX, order_id=placed.order_id)
    assert ended.status is OrderStatus.FILLED
    assert ended.is_maker
    assert all(fill.is_maker and fill.fee == 0 for fill in recorder.fills)


def test_fees_are_in_mx_when_deduction_is_on() -> None:
    found, recorder = session(), EventRecorder()
    found.mx_deduction = True
    found.sinks.append(recorder)
    found.place(order(Side.BUY, OrderType.MARKET, symbol="XRPUSDT", quote=Decimal(50)))
    assert {fill.fee_asset for fill in recorder.fills} == {"MX"}
    assert {change.asset for change in recorder.changes if change.kind is BookChangeKind.FEE} == {"MX"}


def test_R14_duplicate_client_ids_are_accepted_and_the_newest_is_found() -> None:
    found = session()
    price = best_bid(found) - Decimal("0.01")
    first = found.place(limit(Side.BUY, price, 1, "same"))
    second = found.place(limit(Side.BUY, price, 1, "same"))
    assert first.order_id < second.order_id
    assert found.order(MX, client_order_id="same").order_id == second.order_id


def test_R14_duplicate_client_ids_are_refused_when_configured() -> None:
    found = session(knobs=Knobs(duplicate_client_id=DuplicateClientId.REFUSE))
    price = best_bid(found) - Decimal("0.01")
    found.place(limit(Side.BUY, price, 1, "same"))
    assert refusal(lambda: found.place(limit(Side.BUY, price, 1, "same"))).code == 30026


def test_a_new_order_is_visible_to_queries_only_after_its_delay() -> None:
    found = session(knobs=Knobs(visibility_ms=(100, 100)))
    placed = found.place(limit(Side.BUY, best_bid(found) - Decimal("0.01"), 1))
    assert refusal(lambda: found.order(MX, order_id=placed.order_id)).code == -2013
    assert found.open_orders() == found.all_orders(MX) == []
    found.advance(found.now_ms + 100)
    assert found.order(MX, order_id=placed.order_id) == placed
    assert found.open_orders() == found.all_orders(MX) == [placed]


def test_O4_cancel_race_returns_unknown_although_the_cancel_is_executed() -> None:
    found = session(knobs=Knobs(cancel_race=1.0))
    placed = found.place(limit(Side.BUY, best_bid(found) - Decimal("0.01"), 1))
    assert refusal(lambda: found.cancel(MX, order_id=placed.order_id)).code == -2011
    assert found.order(MX, order_id=placed.order_id).status is OrderStatus.CANCELED


def test_cancel_all_returns_the_cancelled_orders_or_an_empty_list() -> None:
    found = session()
    price = best_bid(found) - Decimal("0.01")
    placed = [found.place(limit(Side.BUY, price, 1)) for _ in range(3)]
    assert [each.order_id for each in found.cancel_all(MX)] == [each.order_id for each in placed]
    assert found.cancel_all(MX) == []
    strict = session(knobs=Knobs(no_open_orders_error=True))
    assert refusal(lambda: strict.cancel_all(MX)).code == -2011


def test_ids_have_the_forms_of_the_exchange_and_grow() -> None:
    found = session()
    ask = best_ask(found)
    first, second = (found.place(limit(Side.BUY, ask, 1)) for _ in range(2))
    assert len(first.order_id) == 26
    assert first.order_id.startswith("C02__")
    assert first.order_id < second.order_id
    newest, oldest = (fill.trade_id for fill in found.my_trades(MX))
    assert len(oldest) == 20
    assert oldest.endswith("X1")
    assert oldest < newest
    past = [trade.trade_id for trade in found.trades(MX)[2:]]
    assert max(past) < oldest


def test_dust_is_converted_to_mx_minus_the_fee() -> None:
    found = session(balances={"USDT": Decimal(100), "XRP": Decimal(1), "DOGE": Decimal(1000)})
    assert [row.asset for row in found.dust()] == ["XRP"]
    done = found.convert(["XRP", "DOGE"])
    assert done.converted == ["XRP"]
    assert [failed.asset for failed in done.failed] == ["DOGE"]
    held = {balance.asset: balance.free for balance in found.balances()}
    assert held["MX"] == done.total_mx > 0
    assert "XRP" not in held
