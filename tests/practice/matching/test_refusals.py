"""Refusals with code and text (protocol 6.1; reliability R15, R16)."""

from decimal import Decimal

import pytest

from mexc_tui.model.order import NewOrder, OrderStatus, OrderType, Side
from mexc_tui.practice.matching.pairs import PairStatus, PracticePair, PracticeTradeSides
from mexc_tui.practice.scenario import ExcessPrecision, Knobs
from mexc_tui.practice.session import ExchangeSession
from tests.support.exchange.practice_session import MX, best_ask, best_bid, limit, order, refusal, session


def far_bid(found: ExchangeSession) -> Decimal:
    return best_bid(found) - Decimal("0.01")


def mx(found: ExchangeSession) -> PracticePair:
    pair = found.pair(MX)
    assert pair is not None
    return pair


def test_R15_below_the_minimum_value_the_refusal_contains_it() -> None:
    found = session()
    refused = refusal(lambda: found.place(limit(Side.BUY, far_bid(found), Decimal("0.1"))))
    assert (refused.code, refused.status) == (30002, 400)
    assert refused.message == "The minimum transaction volume cannot be less than:1USDT"


def test_R15_above_the_maximum_value() -> None:
    found = session()
    assert refusal(lambda: found.place(limit(Side.BUY, far_bid(found), 90_000_000))).code == 30003


def test_R15_the_price_band_refuses_both_sides() -> None:
    found = session(knobs=Knobs(), balances={"USDT": Decimal(10_000), "MX": Decimal(1000)})
    last = mx(found).last_price
    high, low = round(last * Decimal("1.3"), 4), round(last * Decimal("0.7"), 4)
    assert refusal(lambda: found.place(limit(Side.BUY, high, 10))).code == 30087
    assert refusal(lambda: found.place(limit(Side.SELL, low, 10))).code == 30087
    found.test(limit(Side.BUY, low, 10))
    found.test(limit(Side.SELL, high, 10))


def test_R15_insufficient_quote_and_base_balances() -> None:
    found = session(balances={"USDT": Decimal(5), "MX": Decimal(3)})
    assert refusal(lambda: found.place(limit(Side.BUY, far_bid(found), 50))).code == 30004
    oversold = refusal(lambda: found.place(limit(Side.SELL, best_ask(found), 4)))
    assert (oversold.code, oversold.message) == (30005, "Oversold")
    none = order(Side.SELL, OrderType.MARKET, symbol="XRPUSDT", quantity=Decimal(5))
    assert refusal(lambda: found.place(none)).code == 30004


@pytest.mark.parametrize(("price", "quantity"), [("2.00001", "5"), ("2.0", "5.001")])
def test_R15_excess_decimals_are_refused(price: str, quantity: str) -> None:
    found = session()
    assert refusal(lambda: found.place(limit(Side.BUY, Decimal(price), Decimal(quantity)))).code == 10096


def test_R15_excess_decimals_are_cut_when_configured() -> None:
    found = session(knobs=Knobs(excess_precision=ExcessPrecision.TRUNCATE))
    price = far_bid(found) + Decimal("0.00009")
    placed = found.place(limit(Side.BUY, price, Decimal("5.009")))
    assert (placed.price, placed.quantity) == (far_bid(found), Decimal("5.00"))


def test_R15_market_orders_can_be_switched_off() -> None:
    found = session(knobs=Knobs(market_enabled=False))
    assert refusal(lambda: found.place(order(Side.BUY, OrderType.MARKET, quote=Decimal(10)))).code == 30019


def test_R15_the_open_order_limit() -> None:
    found = session(knobs=Knobs(max_open_orders=1))
    found.place(limit(Side.BUY, far_bid(found), 1))
    assert refusal(lambda: found.place(limit(Side.BUY, far_bid(found), 1))).code == 30029


def test_R16_the_holding_cap_stops_buying() -> None:
    found = session(knobs=Knobs(holding_cap_quote=Decimal(20)), balances={"USDT": Decimal(1000)})
    found.place(order(Side.BUY, OrderType.MARKET, quote=Decimal(15)))
    refused = refusal(lambda: found.place(order(Side.BUY, OrderType.MARKET, quote=Decimal(15))))
    assert refused.code == 30027


@pytest.mark.parametrize(
    ("sides", "side", "code"),
    [
        (PracticeTradeSides.BUY_ONLY, Side.SELL, 30001),
        (PracticeTradeSides.SELL_ONLY, Side.BUY, 30001),
        (PracticeTradeSides.CLOSED, Side.BUY, 30016),
    ],
)
def test_R15_one_sided_and_closed_pairs(sides: PracticeTradeSides, side: Side, code: int) -> None:
    found = session()
    mx(found).sides = sides
    assert refusal(lambda: found.place(limit(side, best_ask(found), 1))).code == code


def test_R15_a_paused_pair_refuses_orders_but_not_cancels() -> None:
    found = session()
    placed = found.place(limit(Side.BUY, far_bid(found), 1))
    mx(found).status = PairStatus.PAUSED
    assert refusal(lambda: found.place(limit(Side.BUY, far_bid(found), 1))).code == 30000
    found.cancel(MX, order_id=placed.order_id)
    assert found.order(MX, order_id=placed.order_id).status is OrderStatus.CANCELED


def test_R15_pairs_closed_to_api_keys_and_unknown_pairs() -> None:
    found = session()
    closed = order(Side.BUY, OrderType.MARKET, symbol="BTCUSDT", quote=Decimal(10))
    refused = refusal(lambda: found.place(closed))
    assert (refused.code, refused.message) == (10007, "symbol not support api")
    unknown = order(Side.BUY, OrderType.MARKET, symbol="NOSUCHUSDT", quote=Decimal(10))
    assert refusal(lambda: found.place(unknown)).code == 30014
    assert refusal(lambda: found.depth("NOSUCHUSDT")).code == -1121


def test_a_key_with_a_pair_list_trades_only_those() -> None:
    found = session(pairs=("XRPUSDT",))
    assert refusal(lambda: found.place(limit(Side.BUY, far_bid(found), 1))).code == 30020
    assert found.self_symbols() == ["XRPUSDT"]
    assert MX in found.default_symbols()


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (NewOrder(symbol=MX, side=Side.BUY, type=OrderType.LIMIT, price=Decimal(2)), 700004),
        (NewOrder(symbol=MX, side=Side.BUY, type=OrderType.LIMIT, quantity=Decimal(2)), 700004),
        (NewOrder(symbol=MX, side=Side.BUY, type=OrderType.MARKET), 700004),
        (NewOrder(symbol=MX, side=Side.SELL, type=OrderType.MARKET, quote_quantity=Decimal(5)), 700004),
        (
            NewOrder(symbol=MX, side=Side.BUY, type=OrderType.LIMIT, price=Decimal(-2), quantity=Decimal(1)),
            33333,
        ),
        (
            NewOrder(
                symbol=MX, side=Side.BUY, type=OrderType.LIMIT, price=Decimal("NaN"), quantity=Decimal(1)
            ),
            33333,
        ),
        (
            NewOrder(
                symbol=MX, side=Side.BUY, type=OrderType.LIMIT, price=Decimal("1e30"), quantity=Decimal(1)
            ),
            33333,
        ),
        (
            NewOrder(
                symbol=MX,
                side=Side.BUY,
                type=OrderType.LIMIT,
                client_order_id="not ok!",
                price=Decimal(2),
                quantity=Decimal(1),
            ),
            700008,
        ),
        (
            NewOrder(
                symbol=MX,
                side=Side.BUY,
                type=OrderType.LIMIT,
                client_order_id="x" * 33,
                price=Decimal(2),
                quantity=Decimal(1),
            ),
            700008,
        ),
    ],
)
def test_invalid_orders_are_refused(asked: NewOrder, code: int) -> None:
    found = session()
    assert refusal(lambda: found.place(asked)).code == code
    assert found.all_orders(MX) == []


def test_order_test_has_the_refusals_of_place_without_placing() -> None:
    found = session()
    before = found.balances()
    found.test(limit(Side.BUY, best_ask(found), 1))
    assert refusal(lambda: found.test(limit(Side.BUY, best_ask(found), 100_000))).code == 30004
    assert found.balances() == before
    assert found.all_orders(MX) == []
