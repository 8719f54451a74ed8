"""Text frames of the exchange (protocol 7.3, 7.4)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.streams.replies import Ack, InvalidListenKey, Pong, UnknownReply, parse_reply

A = "spot@public.aggre.deals.v3.api.pb@100ms@MXUSDT"
B = "spot@public.miniTicker.v3.api.pb@MXUSDT@UTC+4:30"


def ack_of(message: str, request_id: object = 1) -> Ack:
    reply = parse_reply(msgspec.json.encode({"id": request_id, "code": 0, "msg": message}).decode())
    assert isinstance(reply, Ack)
    return reply


def test_a_pong_is_read() -> None:
    assert parse_reply('{"id":0,"code":0,"msg":"PONG"}') == Pong()


@pytest.mark.parametrize("message", [f"{A},{B}", f"{B},{A}", f" {A} , {B} "])
def test_an_echo_accepts_its_channels_in_any_order(message: str) -> None:
    assert ack_of(message) == Ack(1, accepted=frozenset({A, B}))


@pytest.mark.parametrize(
    "message",
    [
        f"Not Subscribed successfully! [{A},{B}].  Reason： Blocked! ",
        f"Not Subscribed successfully! [{A},{B}]. Reason: Blocked!",
        f"not subscribed successfully [{B}, {A}].Reason：Blocked!",
    ],
)
def test_M4_a_refusal_with_code_zero_is_a_refusal(message: str) -> None:
    reply = ack_of(message)
    assert reply.refused == {A, B}
    assert reply.accepted == frozenset()


def test_M4_a_mixed_reply_is_split_into_accepted_and_refused() -> None:
    message = f"Subscribed successful! [{A}]. Not Subscribed successfully! [{B}]. Reason： Blocked! "
    assert ack_of(message) == Ack(1, accepted=frozenset({A}), refused=frozenset({B}))


def test_an_empty_bracket_refuses_nothing() -> None:
    reply = ack_of(f"Subscribed successful! [{A}]. Not Subscribed successfully! []. Reason： Blocked! ")
    assert (reply.accepted, reply.refused) == ({A}, frozenset())


def test_a_duplicate_is_acknowledged_by_an_empty_text() -> None:
    assert ack_of("") == Ack(1, accepts_rest=True)


@pytest.mark.parametrize("message", ["no subscription", "No subscription!", f" no subscription [{A}] "])
def test_a_no_subscription_reply_is_an_acknowledgement_without_channels(message: str) -> None:
    assert ack_of(message, 7) == Ack(7)


@pytest.mark.parametrize(
    ("given_id", "read"), [(7, 7), ("7", 7), (None, 0), (True, 0), ({"a": 1}, 0), (0, 0)]
)
def test_any_id_is_read(given_id: object, read: int) -> None:
    assert ack_of(A, given_id).request_id == read


@pytest.mark.parametrize("text", ["Invalid listen key", '{"msg":"Invalid listen key","code":0}'])
def test_M11_an_invalid_listen_key_is_recognised(text: str) -> None:
    assert parse_reply(text) == InvalidListenKey()


@given(st.text())
def test_M8_any_text_is_read_without_an_error_and_sanitised(text: str) -> None:
    reply = parse_reply(text)
    if isinstance(reply, UnknownReply):
        assert all(char.isprintable() for char in reply.text)


@given(st.lists(st.text(), max_size=3), st.integers(), st.text())
def test_M8_any_message_text_is_read_without_an_error(parts: list[str], number: int, message: str) -> None:
    body = {"id": number, "code": parts, "msg": message + "Not Subscribed successfully! [" + ",".join(parts)}
    parse_reply(msgspec.json.encode(body).decode())


@pytest.mark.parametrize("field", ["id", "code", "msg"])
def test_M8_a_deeply_nested_text_is_no_reply_and_raises_no_error(field: str) -> None:
    assert isinstance(parse_reply(f'{{"{field}":' + "[" * 100_000), UnknownReply)
