"""The four outcomes of a send, over real sockets (reliability 1.4, 2.1)."""

import hashlib
import hmac
import json
from decimal import Decimal
from traceback import TracebackException
from typing import Any

import pytest

from mexc_tui.exchange.rest.orders import order_params, order_problem
from mexc_tui.model.errors import ExchangeError, NothingSent, RequestRefused
from mexc_tui.model.order import NewOrder, OrderStatus, OrderType, Side, StpMode
from mexc_tui.model.outcome import Accepted, Advice, Ambiguous, NotSent, Purpose, Rejected, SendOutcome
from mexc_tui.model.report import PlacedOrder
from tests.support.exchange.scripted_http_server import (
    ACCESS_KEY,
    SECRET,
    SERVER_MS,
    Reply,
    client_for,
    endless,
    hang,
    http_response,
    reset,
    reset_after,
    scripted_client,
    scripted_server,
)

LIMIT = NewOrder(
    symbol="MXUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    client_order_id="bot-1",
    price=Decimal("0.1"),
    quantity=Decimal(50),
)
PLACED = '{"symbol":"MXUSDT","orderId":"C02__1","orderListId":-1,"price":"0.1","origQty":"50","type":"LIMIT"}'
HTML = "<!DOCTYPE html><html><body>Access Denied. Reference #18.2</body></html>"


async def place_order(*replies: Reply, deadline_s: float = 5.0) -> tuple[SendOutcome[PlacedOrder], int]:
    """Place one order; return its outcome and the number of requests at the server."""
    async with scripted_client(*replies) as (client, server):
        outcome = await client.orders.place(LIMIT, purpose=Purpose.ENTRY, deadline_s=deadline_s)
        return outcome, len(server.requests)


def error(code: int | str, message: str = "no", status: int = 400) -> bytes:
    return http_response(json.dumps({"msg": message, "code": code}), status)


async def test_an_order_with_an_id_is_accepted() -> None:
    outcome, _ = await place_order(http_response(PLACED))
    assert isinstance(outcome, Accepted)
    assert outcome.response.order_id == "C02__1"
    assert outcome.response.price == Decimal("0.1")


async def test_the_server_receives_exactly_the_signed_request() -> None:
    async with scripted_client(http_response(PLACED)) as (client, server):
        await client.orders.place(LIMIT, purpose=Purpose.ENTRY)
        path, query = server.last_target.split("?", 1)
        text, signature = query.rsplit("&signature=", 1)
        assert path == "/api/v3/order"
        assert server.last.startswith("POST ")
        assert hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest() == signature
        assert text.startswith(
            "symbol=MXUSDT&side=BUY&type=LIMIT&quantity=50&price=0.1&newClientOrderId=bot-1"
            "&recvWindow=2000&timestamp="
        )
        lines = server.last.split("\r\n")
        assert f"X-MEXC-APIKEY: {ACCESS_KEY}" in lines
        assert "Content-Type: application/json" in lines


async def test_a_non_ascii_symbol_is_encoded_once() -> None:
    async with scripted_client(http_response(PLACED)) as (client, server):
        await client.orders.place(
            NewOrder(symbol="币安人生USDT", side=Side.BUY, type=OrderType.MARKET, quote_quantity=Decimal(10)),
            purpose=Purpose.ENTRY,
        )
        assert "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&" in server.last_target


async def test_R1_a_refused_connection_is_not_sent() -> None:
    async with scripted_server() as server:
        origin = server.origin
    async with client_for(origin) as client:
        assert isinstance(await client.orders.place(LIMIT, purpose=Purpose.ENTRY), NotSent)


@pytest.mark.parametrize("reply", [reset, reset_after(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")])
async def test_R3_a_lost_response_is_ambiguous_and_sent_once(reply: Reply) -> None:
    outcome, requests_seen = await place_order(reply, http_response(PLACED))
    assert isinstance(outcome, Ambiguous)
    assert requests_seen == 1


async def test_R2_a_timeout_is_ambiguous_and_carries_its_fence() -> None:
    outcome, _ = await place_order(hang(), deadline_s=0.05)
    assert isinstance(outcome, Ambiguous)
    assert outcome.recv_window_ms == 2_000
    assert abs(outcome.timestamp_ms - SERVER_MS) < 5_000
    assert outcome.fence_ms == outcome.timestamp_ms + 2_000 + 3_000


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
@pytest.mark.parametrize("body", ["", HTML, '{"code":500,"msg":"x"}', '{"code":30004,"msg":"x"}', PLACED])
async def test_R6_a_server_error_is_ambiguous_whatever_its_body(status: int, body: str) -> None:
    outcome, requests_seen = await place_order(http_response(body, status))
    assert isinstance(outcome, Ambiguous)
    assert requests_seen == 1


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "null",
        "[]",
        HTML,
        '{"symbol":"MXUSDT"}',
        '{"orderId":null,"symbol":"MXUSDT"}',
        '{"orderId":"","symbol":"MXUSDT"}',
        '{"orderId":123,"symbol":"MXUSDT"}',
        '{"code":200,"data":null}',
        '{"code":0,"msg":"success"}',
        '{"code":123456,"msg":"undocumented"}',
        '{"code":"x","msg":"x"}',
        PLACED[:-4],
    ],
)
async def test_R7_an_odd_200_is_ambiguous(body: str) -> None:
    outcome, _ = await place_order(http_response(body))
    assert isinstance(outcome, Ambiguous)


async def test_R7_a_200_with_a_known_error_code_is_a_definite_reject() -> None:
    outcome, _ = await place_order(error(30004, status=200))
    assert isinstance(outcome, Rejected)
    assert outcome.refusal.advice is Advice.REFRESH_BALANCES


async def test_R7_the_content_type_does_not_decide() -> None:
    outcome, _ = await place_order(http_response(PLACED, kind="text/html"))
    assert isinstance(outcome, Accepted)


async def test_R7_html_from_the_firewall_is_ambiguous() -> None:
    outcome, _ = await place_order(http_response(HTML, 403, kind="text/html"))
    assert isinstance(outcome, Ambiguous)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_R8_a_redirect_is_refused_and_the_key_not_forwarded(status: int) -> None:
    async with scripted_server(http_response(PLACED)) as thief:
        outcome, requests_seen = await place_order(
            http_response(PLACED, status, headers=f"Location: {thief.origin}/\r\n")
        )
        assert isinstance(outcome, Ambiguous)
        assert requests_seen == 1
        assert thief.requests == []


async def test_R11_an_endless_response_is_ambiguous() -> None:
    outcome, _ = await place_order(endless(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_000_000))
    assert isinstance(outcome, Ambiguous)
    assert "larger" in outcome.reason


async def test_R12_a_slow_response_is_ambiguous_at_the_deadline() -> None:
    outcome, _ = await place_order(hang(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), deadline_s=0.05)
    assert isinstance(outcome, Ambiguous)


@pytest.mark.parametrize("code", [31337, -1, 99999999, "31337"])
async def test_R13_an_unknown_code_is_ambiguous_never_failed(code: int | str) -> None:
    outcome, _ = await place_order(error(code))
    assert isinstance(outcome, Ambiguous)
    assert outcome.refusal is not None
    assert outcome.refusal.advice is Advice.QUERY


async def test_R15_an_opening_ceiling_reports_its_price() -> None:
    outcome, _ = await place_order(error(30010, "The price cannot be higher than 0.05USDT"))
    assert isinstance(outcome, Rejected)
    assert outcome.refusal.advice is Advice.REPRICE
    assert outcome.refusal.number == Decimal("0.05")


async def test_R15_a_disabled_market_order_advises_another_type() -> None:
    outcome, _ = await place_order(error(30019, "api market order is disabled"))
    assert isinstance(outcome, Rejected)
    assert outcome.refusal.advice is Advice.CHANGE_TYPE


async def test_R17_a_rejected_timestamp_requests_another_measurement() -> None:
    async with scripted_client(error(700003)) as (client, _):
        outcome = await client.orders.place(LIMIT, purpose=Purpose.ENTRY)
        assert isinstance(outcome, Rejected)
        assert client.clock_suspect.is_set()


@pytest.mark.parametrize("status", [401, 418, 429])
async def test_R18_R9_statuses_sent_before_processing_are_definite(status: int) -> None:
    outcome, _ = await place_order(http_response("", status))
    assert isinstance(outcome, Rejected)


async def test_nothing_is_sent_without_a_key() -> None:
    async with (
        scripted_server(http_response(PLACED)) as server,
        client_for(server.origin, keys=False) as client,
    ):
        outcome = await client.orders.place(LIMIT, purpose=Purpose.ENTRY)
        assert isinstance(outcome, NotSent)
        assert "needs a key" in outcome.reason
        assert server.requests == []


async def test_with_an_unknown_clock_offset_entries_are_refused_and_exits_use_the_local_clock() -> None:
    async with (
        scripted_server(http_response(PLACED)) as server,
        client_for(server.origin, clock_known=False) as client,
    ):
        assert isinstance(await client.orders.place(LIMIT, purpose=Purpose.ENTRY), NotSent)
        assert server.requests == []
        assert isinstance(await client.orders.place(LIMIT, purpose=Purpose.EXIT), Accepted)
        assert len(server.requests) == 1


BAD: list[dict[str, Any]] = [
    {"price": None},
    {"quantity": None},
    {"price": Decimal("NaN")},
    {"quantity": Decimal(0)},
    {"price": Decimal(-1)},
    {"quantity": Decimal("Infinity")},
    {"quote_quantity": Decimal(5)},
    {"client_order_id": "x" * 33},
    {"client_order_id": "a b"},
    {"type": OrderType.MARKET},
    {"type": OrderType.MARKET, "price": None, "quote_quantity": Decimal(5)},
    {"type": OrderType.MARKET, "price": None, "quantity": None},
]


@pytest.mark.parametrize("changes", BAD, ids=str)
async def test_an_invalid_order_is_not_sent(changes: dict[str, Any]) -> None:
    fields = {name: getattr(LIMIT, name) for name in LIMIT.__slots__} | changes
    async with scripted_client(http_response(PLACED)) as (client, server):
        outcome = await client.orders.place(NewOrder(**fields), purpose=Purpose.ENTRY)
        assert isinstance(outcome, NotSent)
        assert server.requests == []


def test_numbers_are_printed_without_exponents_and_options_only_if_set() -> None:
    order = NewOrder(
        symbol="X",
        side=Side.SELL,
        type=OrderType.LIMIT,
        client_order_id="",
        price=Decimal("1E-8"),
        quantity=Decimal("1E+3"),
        stp_mode=StpMode.CANCEL_BOTH,
    )
    assert order_problem(order) == ""
    assert order_params(order) == [
        ("symbol", "X"),
        ("side", "SELL"),
        ("type", "LIMIT"),
        ("quantity", "1000"),
        ("price", "0.00000001"),
        ("stpMode", "cancel_both"),
    ]


async def test_a_test_order_returns_nothing_or_the_reason_of_its_rejection() -> None:
    async with scripted_client(http_response("{}"), error(30004)) as (client, server):
        await client.orders.test(LIMIT)
        assert server.last_target.startswith("/api/v3/order/test?symbol=MXUSDT&")
        with pytest.raises(RequestRefused):
            await client.orders.test(LIMIT)


async def test_a_cancel_is_accepted_whatever_status_the_response_shows() -> None:
    body = '{"symbol":"X","orderId":"1","price":"1","origQty":"1","type":"LIMIT","side":"BUY","status":"NEW"}'
    async with scripted_client(http_response(body)) as (client, server):
        outcome = await client.orders.cancel("X", client_order_id="bot-1")
        assert isinstance(outcome, Accepted)
        assert outcome.response.status is OrderStatus.NEW
        assert server.last.startswith(
            "DELETE /api/v3/order?symbol=X&origClientOrderId=bot-1&recvWindow=2000&"
        )


async def test_a_cancel_of_an_unknown_order_requires_a_query() -> None:
    async with scripted_client(error(-2011, "Unknown order sent.")) as (client, _):
        outcome = await client.orders.cancel("X", order_id="1")
        assert isinstance(outcome, Ambiguous)
        assert outcome.refusal is not None
        assert outcome.refusal.advice is Advice.QUERY


async def test_a_cancel_without_an_id_is_not_sent() -> None:
    async with scripted_client(http_response("{}")) as (client, server):
        assert isinstance(await client.orders.cancel("X"), NotSent)
        assert isinstance(await client.orders.cancel_open([]), NotSent)
        assert server.requests == []


async def test_cancelling_all_open_orders_names_the_pairs() -> None:
    async with scripted_client(http_response("[]")) as (client, server):
        outcome = await client.orders.cancel_open(["AUSDT", "BUSDT"])
        assert isinstance(outcome, Accepted)
        assert outcome.response == ()
        assert server.last.startswith("DELETE /api/v3/openOrders?symbol=AUSDT%2CBUSDT&")


async def test_no_outcome_and_no_error_contains_a_secret() -> None:
    results: list[object] = []
    for reply in (
        reset,
        http_response(HTML, 403),
        error(700002),
        http_response("", 307, headers="Location: http://x/\r\n"),
    ):
        outcome, _ = await place_order(reply)
        results.append(outcome)
    assert SECRET not in repr(results)
    assert "signature" not in repr(results).replace("Wrong signature", "")
    assert ACCESS_KEY not in repr(results)


@pytest.mark.parametrize("reply", [reset, error(700002), http_response("junk")])
async def test_no_crash_report_with_locals_contains_key_secret_or_signature(reply: Reply) -> None:
    async with scripted_client(reply) as (client, server):
        with pytest.raises(ExchangeError) as caught:
            await client.orders.test(LIMIT)
        signature = server.last_target.rsplit("signature=", 1)[1]
        report = "".join(TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert "deadline_s = " in report
        for secret in (SECRET, ACCESS_KEY, signature):
            assert secret not in report.replace(f"{signature = }", "")


async def test_no_crash_report_of_an_unsent_request_contains_key_or_signature() -> None:
    async with client_for("http://127.0.0.1:1") as client:
        with pytest.raises(NothingSent) as caught:
            await client.orders.test(LIMIT)
        report = "".join(TracebackException.from_exception(caught.value, capture_locals=True).format())
        assert "cap_bytes = " in report
        assert ACCESS_KEY not in report
        assert "signature=" not in report
