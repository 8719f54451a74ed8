"""Paper orders are matched against another exchange's books, and do not move them."""

from decimal import Decimal

import pytest

from mexc_tui.model.order import NewOrder, OrderStatus, OrderType, Side
from mexc_tui.model.symbol import ListedType, Permission, Symbol, SymbolStatus
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.mirror import MirrorSession, paper_scenario
from tests.support.exchange.practice_session import START_MS

PAIR = Symbol(
    symbol="NEWUSDT",
    status=SymbolStatus.ONLINE,
    base_asset="NEW",
    quote_asset="USDT",
    base_asset_precision=2,
    quote_precision=4,
    is_spot_trading_allowed=True,
    order_types=(ListedType.LIMIT, ListedType.MARKET),
    permissions=(Permission.SPOT,),
    quote_amount_precision="1",
    quote_amount_precision_market="1",
    taker_commission="0.0005",
    trade_side_type=1,
)


def levels(*rows: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in rows]


ASKS = levels(("1.00", "50"), ("1.10", "50"))
BIDS = levels(("0.90", "40"), ("0.80", "40"))


@pytest.fixture
def session() -> MirrorSession:
    session = MirrorSession(paper_scenario({"USDT": Decimal(1000)}), 1, START_MS)
    session.mirror_pair(PAIR)
    return session


def order(side: Side, price: str, quantity: str, kind: OrderType = OrderType.LIMIT) -> NewOrder:
    return NewOrder(symbol="NEWUSDT", side=side, type=kind, price=Decimal(price), quantity=Decimal(quantity))


def test_a_pair_accepts_no_orders_before_its_first_quote(session: MirrorSession) -> None:
    with pytest.raises(PracticeRefusal) as refusal:
        session.place(order(Side.BUY, "1", "10"))
    assert refusal.value.code == 30001


def test_an_order_fills_across_mirrored_levels_and_pays_the_pairs_fee(session: MirrorSession) -> None:
    session.mirror_book("NEWUSDT", BIDS, ASKS)
    placed = session.place(order(Side.BUY, "1.10", "70", OrderType.IMMEDIATE_OR_CANCEL))
    done = session.order("NEWUSDT", order_id=placed.order_id)
    assert (done.status, done.executed_quote) == (OrderStatus.FILLED, Decimal("72.00"))
    fees = sum(fill.fee for fill in session.my_trades("NEWUSDT"))
    assert fees == Decimal("72.00") * Decimal("0.0005")


def test_filled_quantity_returns_with_the_next_load(session: MirrorSession) -> None:
    session.mirror_book("NEWUSDT", BIDS, ASKS)
    session.place(order(Side.BUY, "1.00", "50", OrderType.IMMEDIATE_OR_CANCEL))
    session.mirror_book("NEWUSDT", BIDS, ASKS)
    depth = session.depth("NEWUSDT")
    assert [tuple(level) for level in depth.asks] == ASKS
    assert [tuple(level) for level in depth.bids] == BIDS


def test_a_resting_order_fills_when_the_opposite_side_reaches_it(session: MirrorSession) -> None:
    session.mirror_book("NEWUSDT", BIDS, ASKS)
    placed = session.place(order(Side.BUY, "0.95", "30"))
    session.mirror_book("NEWUSDT", BIDS, levels(("0.95", "20"), ("1.00", "50")))
    part = session.order("NEWUSDT", order_id=placed.order_id)
    assert (part.status, part.executed) == (OrderStatus.PARTIALLY_FILLED, Decimal(20))
    assert session.depth("NEWUSDT").asks[0].price == Decimal("1.00")


def test_a_resting_order_fills_by_a_trade_beyond_its_price_and_not_at_it(session: MirrorSession) -> None:
    session.mirror_book("NEWUSDT", BIDS, ASKS)
    placed = session.place(order(Side.BUY, "0.95", "30"))
    session.mirror_trade("NEWUSDT", Decimal("0.95"), Decimal(100), taker=Side.SELL)
    assert session.order("NEWUSDT", order_id=placed.order_id).executed == 0
    session.mirror_trade("NEWUSDT", Decimal("0.94"), Decimal(10), taker=Side.SELL)
    assert session.order("NEWUSDT", order_id=placed.order_id).executed == 10


def test_own_orders_are_unchanged_when_levels_change(session: MirrorSession) -> None:
    session.mirror_book("NEWUSDT", BIDS, ASKS)
    session.place(order(Side.BUY, "0.90", "30"))
    session.mirror_book("NEWUSDT", levels(("0.70", "1")), ASKS)
    assert [tuple(level) for level in session.depth("NEWUSDT").bids] == levels(("0.90", "30"), ("0.70", "1"))


def test_a_crossed_book_is_ignored(session: MirrorSession) -> None:
    session.mirror_book("NEWUSDT", BIDS, ASKS)
    session.mirror_book("NEWUSDT", levels(("2", "1")), levels(("1", "1")))
    assert [tuple(level) for level in session.depth("NEWUSDT").asks] == ASKS


def test_a_locked_book_is_loaded_without_the_ask_at_the_bid(session: MirrorSession) -> None:
    session.mirror_book("NEWUSDT", BIDS, ASKS)
    session.mirror_book("NEWUSDT", levels(("1", "1")), levels(("1", "1"), ("1.1", "2")))
    depth = session.depth("NEWUSDT")
    assert [tuple(level) for level in depth.bids] == levels(("1", "1"))
    assert [tuple(level) for level in depth.asks] == levels(("1.1", "2"))
