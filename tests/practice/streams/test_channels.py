"""Channels, acknowledgements and frames of the practice exchange."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.practice.matching.intervals import KlineInterval
from mexc_tui.practice.matching.numbers import padded, trimmed
from mexc_tui.practice.streams.channels import ZONES, ChannelKind, acknowledgement, parse, zone_offset_min
from mexc_tui.practice.streams.frames import frame, head, sent_at
from mexc_tui.proto.stream_pb2 import AggreDeals, Deal, Push

# Reference 7.7
DEALS_VECTOR = bytes.fromhex(
    "0a2e73706f74407075626c69632e61676772652e6465616c732e76332e6170692e7062403130306d73404d58555344541a064d58"
    "55534454308180b3c19c33d213530a280a03322e35120231301801208080b3c19c332a1439303030303030303030303030303030"
    "30315831122773706f74407075626c69632e61676772652e6465616c732e76332e6170692e7062403130306d73"
)


def test_every_channel_of_the_reference_is_parsed() -> None:
    topic = parse("spot@public.aggre.depth.v3.api.pb@10ms@MXUSDT")
    assert topic is not None
    assert (topic.kind, topic.symbol, topic.period_ms) == (ChannelKind.AGGRE_DEPTH, "MXUSDT", 10)
    assert topic.event_type == "spot@public.aggre.depth.v3.api.pb@10ms"
    topic = parse("spot@public.limit.depth.v3.api.pb@MXUSDT@20")
    assert topic is not None
    assert (topic.symbol, topic.depth) == ("MXUSDT", 20)
    topic = parse("spot@public.kline.v3.api.pb@MXUSDT@Hour8")
    assert topic is not None
    assert topic.interval is KlineInterval.HOUR_8
    topic = parse("spot@public.miniTicker.v3.api.pb@MXUSDT@UTC+5:30")
    assert topic is not None
    assert topic.zone == "UTC+5:30"
    for text in (
        "spot@public.aggre.deals.v3.api.pb@100ms@MXUSDT",
        "spot@public.aggre.bookTicker.v3.api.pb@10ms@币安人生USDT",
        "spot@public.bookTicker.batch.v3.api.pb@MXUSDT",
        "spot@public.miniTickers.v3.api.pb@24H",
        "spot@private.account.v3.api.pb",
        "spot@private.deals.v3.api.pb",
        "spot@private.orders.v3.api.pb",
    ):
        assert parse(text) is not None, text


@pytest.mark.parametrize(
    "text",
    [
        "spot@public.deals.v3.api.pb@MXUSDT",
        "spot@public.increase.depth.v3.api.pb@MXUSDT",
        "spot@public.bookTicker.v3.api.pb@MXUSDT",
        "spot@public.deals.v3.api@MXUSDT",
        "spot@public.aggre.deals.v3.api.pb@MXUSDT",
        "spot@public.aggre.deals.v3.api.pb@50ms@MXUSDT",
        "spot@public.limit.depth.v3.api.pb@MXUSDT@7",
        "spot@public.miniTicker.v3.api.pb@MXUSDT",
        "spot@public.miniTickers.v3.api.pb",
        "spot@private.orders.v3.api.pb@X",
        "",
        "@@@",
    ],
)
def test_obsolete_and_malformed_channels_are_unknown(text: str) -> None:
    assert parse(text) is None


@given(st.text(max_size=80))
def test_any_parameter_can_be_parsed(text: str) -> None:
    topic = parse(text)
    assert topic is None or topic.text == text


def test_every_zone_but_the_rolling_day_has_an_offset() -> None:
    assert zone_offset_min("UTC-10") == -600
    assert zone_offset_min("UTC+12:45") == 765
    assert [zone for zone in sorted(ZONES) if zone_offset_min(zone) is None] == ["24H"]


def test_acknowledgements_have_mexcs_texts() -> None:
    assert acknowledgement(["a", "b"], []) == "a,b"
    assert acknowledgement([], []) == ""
    assert acknowledgement([], ["a", "b"]) == "Not Subscribed successfully! [a,b].  Reason： Blocked! "
    mixed = "Subscribed successful! [a]. Not Subscribed successfully! [b]. Reason： Blocked! "
    assert acknowledgement(["a"], ["b"]) == mixed


def test_concatenated_parts_of_a_push_are_the_recorded_bytes() -> None:
    deal = Deal(price="2.5", quantity="10", trade_type=1, time=1760000000000, trade_id="900000000000000001X1")
    body = AggreDeals(deals=[deal], event_type="spot@public.aggre.deals.v3.api.pb@100ms")
    front = head("spot@public.aggre.deals.v3.api.pb@100ms@MXUSDT", "MXUSDT") + sent_at(1760000000001)
    assert front + Push(aggre_deals=body).SerializeToString() == DEALS_VECTOR


@pytest.mark.parametrize(
    ("size", "start"),
    [
        (0, b"\x82\x00"),
        (125, b"\x82\x7d"),
        (126, b"\x82\x7e\x00\x7e"),
        (65_536, b"\x82\x7f" + b"\0\0\0\0\0\1\0\0"),
    ],
)
def test_frames_of_all_lengths(size: int, start: bytes) -> None:
    assert frame(b"x" * size) == start + b"x" * size


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**9), max_value=10**9))
def test_trimmed_numbers_keep_their_value_without_trailing_zeros(value: Decimal) -> None:
    text = trimmed(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert not ("." in text and text.endswith(("0", ".")))


def test_padded_numbers() -> None:
    assert padded(Decimal("0.123"), 5) == "0.12300"
    assert trimmed(Decimal("1E+3")) == "1000"
    assert trimmed(Decimal("0E-18")) == "0"
