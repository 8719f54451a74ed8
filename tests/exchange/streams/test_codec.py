"""Frames to messages, messages to values (protocol 7.6, 7.7)."""

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.codec import BadStreamMessage, channel_bytes, check, decode
from mexc_tui.exchange.streams.market_messages import (
    best_quote_of,
    deals_of,
    top_levels_of,
)
from mexc_tui.exchange.streams.private_messages import balance_of, fill_of, order_of, private_of
from mexc_tui.model.order import Side, StreamOrderStatus, StreamOrderType
from mexc_tui.model.stream import BalanceUpdate, FillUpdate, OrderUpdate, StreamDeal
from mexc_tui.proto.stream_pb2 import Push
from tests.support.samples import stream_frames as frames

TRADE = bytes.fromhex(
    "0a2e73706f74407075626c69632e61676772652e6465616c732e76332e6170692e7062403130306d73404d58555344541a064d5855534454"
    "308180b3c19c33d213530a280a03322e35120231301801208080b3c19c332a14393030303030303030303030303030303031583112277370"
    "6f74407075626c69632e61676772652e6465616c732e76332e6170692e7062403130306d73"
)
DEPTH = bytes.fromhex(
    "0a2e73706f74407075626c69632e61676772652e64657074682e76332e6170692e7062403130306d73404d58555344541a064d5855534454"
    "308280b3c19c33ca13500a090a04322e353112013712090a04322e34391201301a2773706f74407075626c69632e61676772652e64657074"
    "682e76332e6170692e7062403130306d7322033130312a03313033308080b3c19c33"
)
ACCOUNT = bytes.fromhex(
    "0a1e73706f7440707269766174652e6163636f756e742e76332e6170692e7062288380b3c19c33308480b3c19c339a134f0a045553445412"
    "2031323866353839323731636234393531623033653731653633323365623762651a02393022032d31302a023130320231303a0d454e5452"
    "5553545f504c414345408080b3c19c33"
)


def test_the_vectors_have_their_published_lengths() -> None:
    assert [len(frame) for frame in (TRADE, DEPTH, ACCOUNT)] == [149, 146, 128]


def test_the_trade_vector_decodes() -> None:
    push = decode(TRADE)
    assert check(topics.deals("MXUSDT"), push)
    assert push.send_time == 1_760_000_000_001
    expected = StreamDeal(
        symbol="MXUSDT",
        price=Decimal("2.5"),
        quantity=Decimal(10),
        taker_side=Side.BUY,
        time_ms=1_760_000_000_000,
        trade_id="900000000000000001X1",
    )
    assert deals_of(push) == [expected]


def test_the_depth_vector_decodes() -> None:
    push = decode(DEPTH)
    body = push.aggre_depths
    assert check(topics.depth("MXUSDT"), push)
    assert [(level.price, level.quantity) for level in body.asks] == [("2.51", "7")]
    assert [(level.price, level.quantity) for level in body.bids] == [("2.49", "0")]
    assert (body.from_version, body.to_version, body.last_order_create_time) == (
        "101",
        "103",
        1_760_000_000_000,
    )


def test_the_account_vector_decodes() -> None:
    push = decode(ACCOUNT)
    assert (push.create_time, push.send_time) == (1_760_000_000_003, 1_760_000_000_004)
    assert balance_of(push) == BalanceUpdate(
        asset="USDT",
        coin_id="128f589271cb4951b03e71e6323eb7be",
        available=Decimal(90),
        available_change=Decimal(-10),
        frozen=Decimal(10),
        frozen_change=Decimal(10),
        reason="ENTRUST_PLACE",
        time_ms=1_760_000_000_000,
        sent_ms=1_760_000_000_004,
    )


def test_the_channel_is_read_from_the_raw_frame() -> None:
    assert channel_bytes(TRADE) == topics.deals("MXUSDT").channel.encode()
    assert channel_bytes(b"") == b""
    assert channel_bytes(TRADE[54:]) == b""


def test_reordered_and_unknown_fields_are_accepted() -> None:
    body_first = TRADE[48:] + TRADE[:48] + bytes([0xC2, 0x3E, 2, 1, 1])
    push = decode(body_first)
    assert push.channel == topics.deals("MXUSDT").channel
    assert len(deals_of(push)) == 1


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_raise_our_error(data: bytes) -> None:
    with suppress(BadStreamMessage):
        decode(data)


def test_M7_a_message_of_another_symbol_is_rejected() -> None:
    push = decode(TRADE)
    push.symbol = "BTCUSDT"
    with pytest.raises(BadStreamMessage, match="another symbol"):
        check(topics.deals("MXUSDT"), push)


def test_M7_a_message_of_another_channel_or_kind_is_rejected() -> None:
    with pytest.raises(BadStreamMessage, match="another channel"):
        check(topics.deals("BTCUSDT"), decode(TRADE))
    push = decode(TRADE)
    push.channel = topics.depth("MXUSDT").channel
    with pytest.raises(BadStreamMessage, match="another kind"):
        check(topics.depth("MXUSDT"), push)


def test_M8_an_unknown_body_is_ignored() -> None:
    unknown = Push(channel=topics.deals("MXUSDT").channel).SerializeToString() + bytes([0xFA, 0x13, 1, 0])
    assert not check(topics.deals("MXUSDT"), decode(unknown))


@pytest.mark.parametrize(
    "price", ["0", "-1", "", "nan", "inf", "1e30", "1_0", " 1", "١", "0x1", "1e-30", "2.5.1"]
)
def test_M7_an_absurd_price_is_rejected(price: str) -> None:
    with pytest.raises(BadStreamMessage):
        deals_of(decode(frames.deal_frame((price, "1", 1, "1"))))


@pytest.mark.parametrize("quantity", ["0", "", "-1", "NaN", "Infinity", "1e30"])
def test_M7_an_absurd_quantity_is_rejected(quantity: str) -> None:
    with pytest.raises(BadStreamMessage):
        deals_of(decode(frames.deal_frame(("1", quantity, 1, "1"))))


def test_M8_an_unknown_trade_type_keeps_the_deal_without_a_side() -> None:
    assert deals_of(decode(frames.deal_frame(("1", "1", 7, "1"))))[0].taker_side is None


def test_money_keeps_its_original_digits() -> None:
    deal = deals_of(decode(frames.deal_frame(("0.1234567890123456789", "1000000.10", 2, "1"))))[0]
    assert (str(deal.price), str(deal.quantity)) == ("0.1234567890123456789", "1000000.10")


@pytest.mark.parametrize(("bid", "ask"), [("2.51", "2.49"), ("-1", ""), ("NaN", "0")])
def test_M7_a_crossed_or_absurd_quote_is_rejected(bid: str, ask: str) -> None:
    with pytest.raises(BadStreamMessage):
        best_quote_of(decode(frames.quote_frame(bid, ask)))


def test_a_locked_book_is_read_unchanged() -> None:
    quote = best_quote_of(decode(frames.quote_frame("2.5", "2.5")))
    assert quote.bid_price == quote.ask_price == Decimal("2.5")
    push = decode(frames.top_levels_frame())
    push.limit_depths.bids[0].price = push.limit_depths.asks[0].price
    levels = top_levels_of(push)
    assert levels.bids[0][0] == levels.asks[0][0]


@pytest.mark.parametrize("nothing", ["", "0"])
def test_a_quote_without_sides_is_that_of_a_pair_before_its_opening(nothing: str) -> None:
    quote = best_quote_of(decode(frames.quote_frame(nothing, nothing)))
    assert (quote.bid_price, quote.ask_price) == (None, None)


def test_top_levels_are_sorted_best_first() -> None:
    levels = top_levels_of(decode(frames.top_levels_frame()))
    assert levels.asks[0] == (Decimal("2.51"), Decimal("1.5"))
    assert levels.bids[0] == (Decimal("2.49"), Decimal(2))


def test_M7_top_levels_without_levels_unsorted_or_crossed_are_rejected() -> None:
    empty, unsorted, crossed = (decode(frames.top_levels_frame()) for _ in range(3))
    del empty.limit_depths.asks[:]
    del empty.limit_depths.bids[:]
    unsorted.limit_depths.asks[0].price = "9"
    crossed.limit_depths.bids[0].price = "2.6"
    for push in (empty, unsorted, crossed):
        with pytest.raises(BadStreamMessage):
            top_levels_of(push)


def test_defaults_omitted_on_the_wire_are_zero_and_false() -> None:
    update = order_of(
        decode(frames.order_frame(is_maker=False, avg_price="", cumulative_quantity="", client_id=""))
    )
    assert (update.is_maker, update.average_price, update.filled_quantity) == (False, Decimal(0), Decimal(0))
    assert update.client_order_id == ""


@pytest.mark.parametrize(
    ("number", "status", "terminal"),
    [
        (1, StreamOrderStatus.NEW, False),
        (2, StreamOrderStatus.FILLED, True),
        (3, StreamOrderStatus.PARTIALLY_FILLED, False),
        (4, StreamOrderStatus.CANCELED, True),
        (5, StreamOrderStatus.PARTIALLY_CANCELED, True),
        (0, None, False),
        (9, None, False),
    ],
)
def test_order_statuses_map_to_enums_and_unknown_ones_to_none(
    number: int, status: StreamOrderStatus | None, terminal: bool
) -> None:
    update = order_of(decode(frames.order_frame(status=number)))
    assert (update.status, update.raw_status, update.is_terminal) == (status, number, terminal)


def test_M8_unknown_order_type_and_side_are_none() -> None:
    update = order_of(decode(frames.order_frame(order_type=101, trade_type=3)))
    assert (update.type, update.side) == (None, None)
    assert order_of(decode(frames.order_frame(order_type=5))).type is StreamOrderType.MARKET


def test_private_messages_become_typed_values() -> None:
    assert isinstance(private_of(decode(frames.order_frame())), OrderUpdate)
    assert isinstance(private_of(decode(frames.fill_frame())), FillUpdate)
    assert isinstance(private_of(decode(frames.balance_frame())), BalanceUpdate)
    assert fill_of(decode(frames.fill_frame())).fee == Decimal("0.0125")


def test_M7_private_messages_without_identity_or_with_absurd_numbers_are_rejected() -> None:
    for frame in (
        frames.order_frame(id=""),
        frames.order_frame(cumulative_quantity="-1"),
        frames.fill_frame(trade_id=""),
        frames.fill_frame(price="0"),
        frames.balance_frame(asset=""),
        frames.balance_frame(available="-1"),
    ):
        with pytest.raises(BadStreamMessage):
            private_of(decode(frame))


def test_an_order_filled_beyond_its_quantity_is_passed_on_to_the_ledger() -> None:
    assert order_of(decode(frames.order_frame(cumulative_quantity="11"))).filled_quantity == 11


@given(st.text(max_size=100))
def test_names_from_outside_are_sanitised(text: str) -> None:
    update = private_of(decode(frames.balance_frame(asset="A" + text, type=text)))
    assert isinstance(update, BalanceUpdate)
    for shown in (update.asset, update.reason):
        assert len(shown) <= 64
        assert shown.isprintable()
