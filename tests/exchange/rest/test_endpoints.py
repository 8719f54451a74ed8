"""Every endpoint sends the documented request at the documented weight (protocol 3.2, 4)."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.limits.budget import LaneName
from mexc_tui.exchange.origins import OriginRefused, checked_origin
from mexc_tui.exchange.rest import routes
from mexc_tui.exchange.rest.routes import Route
from mexc_tui.model.account import KeyRight
from mexc_tui.model.errors import BadResponse
from mexc_tui.model.market_data import Interval
from mexc_tui.model.outcome import Accepted, NotSent
from tests.support.exchange.scripted_http_server import (
    ACCESS_KEY,
    Reply,
    http_response,
    reset,
    scripted_client,
)

CALLS: list[tuple[Callable[[MexcClient], Awaitable[Any]], str, str]] = [
    (lambda c: c.market.ping(), "{}", "GET /api/v3/ping"),
    (lambda c: c.market.server_time_ms(), '{"serverTime":1}', "GET /api/v3/time"),
    (lambda c: c.market.exchange_info(), '{"serverTime":1,"symbols":[]}', "GET /api/v3/exchangeInfo"),
    (
        lambda c: c.market.exchange_info(("A",)),
        '{"serverTime":1,"symbols":[]}',
        "GET /api/v3/exchangeInfo?symbol=A",
    ),
    (
        lambda c: c.market.exchange_info(("A", "B")),
        '{"serverTime":1,"symbols":[]}',
        "GET /api/v3/exchangeInfo?symbols=A%2CB",
    ),
    (lambda c: c.market.default_symbols(), '{"code":0,"data":[]}', "GET /api/v3/defaultSymbols"),
    (
        lambda c: c.market.announcements(),
        '{"code":0,"data":[]}',
        "GET /api/v3/announcements?language=en-US&page=1&limit=20",
    ),
    (
        lambda c: c.market.depth("A", 5),
        '{"lastUpdateId":1,"bids":[],"asks":[]}',
        "GET /api/v3/depth?symbol=A&limit=5",
    ),
    (lambda c: c.market.trades("A"), "[]", "GET /api/v3/trades?symbol=A&limit=500"),
    (
        lambda c: c.market.klines("A", Interval.H1),
        "[]",
        "GET /api/v3/klines?symbol=A&interval=60m&limit=500",
    ),
    (lambda c: c.market.average_price("A"), '{"mins":5,"price":"1"}', "GET /api/v3/avgPrice?symbol=A"),
    (lambda c: c.market.tickers_24h(), "[]", "GET /api/v3/ticker/24hr"),
    (lambda c: c.market.prices(), "[]", "GET /api/v3/ticker/price"),
    (lambda c: c.market.price("A"), '{"symbol":"A","price":"1"}', "GET /api/v3/ticker/price?symbol=A"),
    (lambda c: c.orders.open_orders(), "[]", "GET /api/v3/openOrders?recvWindow"),
    (lambda c: c.orders.open_orders(["A", "B"]), "[]", "GET /api/v3/openOrders?symbol=A%2CB&recvWindow"),
    (
        lambda c: c.orders.all_orders("A", start_ms=1),
        "[]",
        "GET /api/v3/allOrders?symbol=A&startTime=1&limit=1000&",
    ),
    (
        lambda c: c.orders.my_trades("A", order_id="7"),
        "[]",
        "GET /api/v3/myTrades?symbol=A&orderId=7&limit=100&recvWindow",
    ),
    (lambda c: c.account.account(), '{"balances":[]}', "GET /api/v3/account?recvWindow"),
    (lambda c: c.account.self_symbols(), '{"code":200,"data":[],"msg":null}', "GET /api/v3/selfSymbols?"),
    (
        lambda c: c.account.trade_fee("A"),
        '{"data":{"makerCommission":0,"takerCommission":0.0005},"code":0}',
        "GET /api/v3/tradeFee?symbol=A&",
    ),
    (lambda c: c.account.create_listen_key(), '{"listenKey":"ab"}', "POST /api/v3/userDataStream?recvWindow"),
    (lambda c: c.account.listen_keys(), '{"listenKey":["ab"]}', "GET /api/v3/userDataStream?recvWindow"),
    (
        lambda c: c.account.renew_listen_key("ab"),
        '{"listenKey":"ab"}',
        "PUT /api/v3/userDataStream?listenKey=ab&",
    ),
    (
        lambda c: c.account.delete_listen_key("ab"),
        '{"listenKey":"ab"}',
        "DELETE /api/v3/userDataStream?listenKey=ab&",
    ),
    (lambda c: c.account.dust_candidates(), "[]", "GET /api/v3/capital/convert/list?"),
]


@pytest.mark.parametrize(("call", "body", "request_line"), CALLS, ids=[line for _, _, line in CALLS])
async def test_an_endpoint_sends_the_documented_request(
    call: Callable[[MexcClient], Awaitable[Any]], body: str, request_line: str
) -> None:
    async with scripted_client(http_response(body)) as (client, server):
        await call(client)
        assert server.last.startswith(request_line)
        signed = "&signature=" in server.last_target
        assert signed is (f"X-MEXC-APIKEY: {ACCESS_KEY}" in server.last)
        writes = not server.last.startswith("GET ")
        assert writes is ("Content-Type: application/json" in server.last)


async def test_an_order_is_queried_by_its_client_id() -> None:
    body = (
        '{"symbol":"A","orderId":"1","clientOrderId":"bot-1","status":"FILLED","type":"LIMIT","side":"BUY",'
        '"origQty":"1","executedQty":"1","cummulativeQuoteQty":"2"}'
    )
    async with scripted_client(http_response(body)) as (client, server):
        report = await client.orders.order("A", client_order_id="bot-1")
        assert report.status.is_terminal
        assert report.filled_value == 2
        assert server.last.startswith("GET /api/v3/order?symbol=A&origClientOrderId=bot-1&")


async def test_values_are_decimals_and_enums() -> None:
    body = '{"data":{"makerCommission":0E-18,"takerCommission":0.0005},"code":0}'
    async with scripted_client(http_response(body), http_response('{"status":"2"}')) as (client, _):
        fee = await client.account.trade_fee("A")
        assert (fee.maker_fee, fee.taker_fee) == (0, Decimal("0.0005"))


async def test_names_in_a_list_are_sanitised() -> None:
    async with scripted_client(http_response('{"code":0,"data":["OK","\\u001b[2J"]}')) as (client, _):
        assert await client.market.default_symbols() == ("OK", "\ufffd[2J")


async def test_several_rows_for_one_requested_pair_are_a_bad_response() -> None:
    async with scripted_client(http_response("[]")) as (client, _):
        with pytest.raises(BadResponse, match="requested one pair"):
            await client.market.price("A")


@pytest.mark.parametrize("count", [0, 16])
async def test_too_many_dust_assets_for_one_call_are_refused_as_a_whole(count: int) -> None:
    async with scripted_client(http_response("{}")) as (client, server):
        assert isinstance(await client.account.convert_dust(["A"] * count), NotSent)
        assert not server.requests


async def test_a_dust_conversion_is_sent_once_and_returns_an_outcome() -> None:
    failed = '{"asset":"B","message":"m","code":1}'
    body = f'{{"successList":["A"],"failedList":[{failed}],"totalConvert":"1","convertFee":"0"}}'
    async with scripted_client(http_response(body)) as (client, server):
        outcome = await client.account.convert_dust(["A", "B"])
        assert isinstance(outcome, Accepted)
        assert outcome.response.converted == ("A",)
        assert outcome.response.failed[0].asset == "B"
        assert server.last.startswith("POST /api/v3/capital/convert?asset=A%2CB&recvWindow=2000&")


NO_RIGHT = http_response('{"code":700007,"msg":"No permission to access the endpoint"}', 400)


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        (NO_RIGHT, KeyRight.LACKS),
        (http_response('{"code":700007,"msg":"x"}', 200), KeyRight.LACKS),
        (http_response("[]"), KeyRight.HAS),
        (http_response('{"id":"0"}'), KeyRight.HAS),
        (http_response('{"code":10200,"msg":"no such withdrawal"}', 400), KeyRight.HAS),
        (http_response('{"code":700002,"msg":"Signature"}', 400), KeyRight.UNCLEAR),
        (http_response('{"code":700006,"msg":"IP"}', 400), KeyRight.UNCLEAR),
        (http_response('{"code":500,"msg":"x"}', 500), KeyRight.UNCLEAR),
        (http_response("<html>", 200), KeyRight.UNCLEAR),
        (http_response("", 404), KeyRight.UNCLEAR),
        (http_response('{"code":429,"msg":"x"}', 429), KeyRight.UNCLEAR),
        (reset, KeyRight.UNCLEAR),
    ],
)
async def test_probes_report_the_rights_of_a_key(reply: Reply, right: KeyRight) -> None:
    async with scripted_client(reply) as (client, server):
        assert await client.account.can_withdraw() is right
        assert server.last.startswith(f"DELETE /api/v3/capital/withdraw?id={'0' * 32}&")
    async with scripted_client(reply) as (client, server):
        assert await client.account.can_read_withdrawals() is right
        assert server.last.startswith("GET /api/v3/capital/withdraw/history?")
        assert len(server.requests) == 1


INFO = '{"note":"n","accessKey":"%s","createTime":1,"permissions":%s,"ipWhiteList":%s,"status":"1"%s}'
ACCOUNT_BODY = '{"canTrade":true,"balances":[]}'


def key_info(permissions: str, addresses: str = "[]", more: str = "", key: str = "") -> Reply:
    return http_response(INFO % (key or ACCESS_KEY, permissions, addresses, more))


@pytest.mark.parametrize(
    ("reply", "rights"),
    [
        (
            key_info('["SPOT_DEAL_WRITE"]', more=',"remainingValidity":42'),
            (KeyRight.HAS, KeyRight.LACKS, KeyRight.LACKS, (), 42),
        ),
        (
            key_info('["SPOT_DEAL_R","SPOT_WITHDRAW_W"]', '["192.0.2.7"]', ',"remainingValidity":-1'),
            (KeyRight.LACKS, KeyRight.HAS, KeyRight.LACKS, ("192.0.2.7",), None),
        ),
        (
            key_info('["SPOT_TRANSFER_WRITE"]'),
            (KeyRight.LACKS, KeyRight.LACKS, KeyRight.HAS, None, None),
        ),
    ],
)
async def test_rights_are_read_from_the_key_info_of_the_exchange(
    reply: Reply, rights: tuple[object, ...]
) -> None:
    async with scripted_client(http_response(ACCOUNT_BODY), reply) as (client, server):
        found = await client.account.rights()
        assert found.is_reported
        assert rights == (
            found.places_orders, found.withdraws, found.transfers, found.addresses, found.valid_days
        )  # fmt: skip
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        http_response("", 404),
        http_response('{"code":700007,"msg":"No permission"}', 400),
        http_response("<html>"),
        key_info("[]"),
        key_info('["SPOT_DEAL_WRITE"]', key="another"),
    ],
)
async def test_rights_are_probed_where_the_exchange_does_not_report_them(reply: Reply) -> None:
    denied = http_response('{"code":700007,"msg":"No permission"}', 400)
    replies = (http_response(ACCOUNT_BODY), reply, http_response("{}"), denied, denied)
    async with scripted_client(*replies) as (client, _):
        found = await client.account.rights()
    assert not found.is_reported
    assert (found.places_orders, found.withdraws) == (KeyRight.HAS, KeyRight.LACKS)
    assert (found.transfers, found.addresses) == (KeyRight.UNCLEAR, None)


WEIGHTS = [
    (routes.PING, 1),
    (routes.EXCHANGE_INFO, 25),
    (routes.ANNOUNCEMENTS, 8),
    (routes.DEPTH, 3),
    (routes.TRADES, 5),
    (routes.KLINES, 1),
    (routes.TICKER_24H, 25),
    (routes.TICKER_PRICE, 10),
    (routes.QUERY_ORDER, 2),
    (routes.OPEN_ORDERS, 3),
    (routes.ALL_ORDERS, 10),
    (routes.ACCOUNT, 10),
    (routes.MY_TRADES, 10),
    (routes.TRADE_FEE, 20),
    (routes.CONVERT_DUST, 10),
]


@pytest.mark.parametrize(("route", "weight"), WEIGHTS, ids=[route.path for route, _ in WEIGHTS])
def test_weights_are_those_of_the_newest_column(route: Route, weight: int) -> None:
    assert route.weight == weight


def test_only_placing_and_cancelling_use_the_order_bucket() -> None:
    everything = [value for value in vars(routes).values() if isinstance(value, Route)]
    order_routes = {route for route in everything if route.is_order}
    assert order_routes == {
        routes.PLACE_ORDER,
        routes.CANCEL_ORDER,
        routes.CANCEL_OPEN_ORDERS,
    }
    assert routes.ACCOUNT.lanes == (LaneName.ACCOUNT,)
    assert routes.ANNOUNCEMENTS.lanes == (LaneName.ANNOUNCEMENTS,)


@pytest.mark.parametrize(
    "origin", ["https://api.mexc.com", "http://127.0.0.1:8080", "http://localhost:1/", "http://[::1]:9"]
)
def test_allowed_origins_pass(origin: str) -> None:
    assert checked_origin(origin) == origin.rstrip("/")


@pytest.mark.parametrize(
    "origin",
    [
        "http://api.mexc.com",
        "https://api.mexc.com.evil.example",
        "https://evil.example",
        "http://169.254.169.254",
        "https://user:pw@api.mexc.com",
        "https://api.mexc.com/api/v3",
        "ftp://127.0.0.1",
        "",
        "http://127.0.0.1.evil.example",
    ],
)
def test_other_origins_are_refused(origin: str) -> None:
    with pytest.raises(OriginRefused):
        checked_origin(origin)
