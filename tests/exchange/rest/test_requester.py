"""Stages of a call: retry, breaker, budget, clock."""

import asyncio
import json

import pytest

from mexc_tui.exchange.limits.budget import BanKind
from mexc_tui.exchange.rest import routes
from mexc_tui.exchange.rest.responses import nothing
from mexc_tui.exchange.rest.routes import RouteGroup
from mexc_tui.model.errors import BadResponse, NoResponse, NothingSent, RequestRefused
from mexc_tui.model.outcome import Accepted, NotSent, Purpose
from tests.support.exchange.scripted_http_server import (
    SERVER_MS,
    client_for,
    hang,
    http_response,
    reset,
    scripted_client,
    scripted_server,
)

TIME = http_response(json.dumps({"serverTime": SERVER_MS}))
NAMES = http_response('{"code":0,"data":["A"],"msg":"success","timestamp":1}')
DOWN = http_response('{"code":503,"msg":"service not available, please try again"}', 503)
CANCELLED = http_response('{"symbol":"X","orderId":"1"}')


async def test_a_query_is_retried_after_server_errors_and_broken_connections() -> None:
    async with scripted_client(DOWN, reset, NAMES) as (client, server):
        assert await client.market.default_symbols() == ("A",)
        assert len(server.requests) == 3


async def test_a_query_is_sent_three_times_at_most() -> None:
    async with scripted_client(DOWN) as (client, server):
        with pytest.raises(RequestRefused) as caught:
            await client.market.default_symbols()
        assert caught.value.refusal.http_status == 503
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    "reply", [http_response('{"code":-1121,"msg":"Invalid symbol."}', 400), http_response("[]")]
)
async def test_a_final_response_is_not_requested_again(reply: bytes) -> None:
    async with scripted_client(reply) as (client, server):
        with pytest.raises((RequestRefused, BadResponse)):
            await client.market.default_symbols()
        assert len(server.requests) == 1


async def test_calls_that_change_state_are_never_repeated() -> None:
    async with scripted_client(DOWN) as (client, server):
        with pytest.raises(RequestRefused):
            await client.account.renew_listen_key("ab")
        with pytest.raises(RequestRefused):
            await client.account.create_listen_key()
        assert len(server.requests) == 2


async def test_R9_a_429_starts_a_visible_ban_and_no_ordinary_request_leaves() -> None:
    limited = http_response('{"code":429,"msg":"Too many requests"}', 429, headers="Retry-After: 60\r\n")
    async with scripted_client(limited, CANCELLED) as (client, server):
        with pytest.raises(RequestRefused):
            await client.market.default_symbols()
        (ban,) = client.bans
        assert ban.kind is BanKind.TOO_MANY
        assert 50 < ban.left_s <= 60
        for _ in range(5):
            with pytest.raises(NothingSent, match="429"):
                await client.market.default_symbols()
        assert len(server.requests) == 1
        assert isinstance(await client.orders.cancel("X", order_id="1"), Accepted)


async def test_R9_during_a_418_not_even_a_cancel_leaves() -> None:
    async with scripted_client(http_response("", 418, headers="Retry-After: 120\r\n"), CANCELLED) as (
        client,
        server,
    ):
        with pytest.raises(RequestRefused):
            await client.market.default_symbols()
        assert isinstance(await client.orders.cancel("X", order_id="1"), NotSent)
        assert len(server.requests) == 1


async def test_R9_html_from_the_firewall_is_a_ban_not_a_parse_error() -> None:
    async with scripted_client(http_response("<html>Access Denied</html>", 403, kind="text/html")) as (
        client,
        _,
    ):
        with pytest.raises(RequestRefused) as caught:
            await client.market.default_symbols()
        assert caught.value.refusal.code is None
        assert client.bans[0].kind is BanKind.FIREWALL


async def test_R9_a_429_inside_a_400_counts_as_a_429() -> None:
    async with scripted_client(http_response('{"code":"429","msg":"x"}', 400)) as (client, _):
        with pytest.raises(RequestRefused):
            await client.market.default_symbols()
        assert client.bans[0].kind is BanKind.TOO_MANY


async def test_an_open_breaker_blocks_queries_and_lets_exits_pass() -> None:
    async with scripted_client(DOWN, DOWN, DOWN, DOWN, DOWN, http_response("[]")) as (client, server):
        for _ in range(2):
            with pytest.raises((RequestRefused, NothingSent)):
                await client.orders.open_orders()
        assert client.breakers[RouteGroup.ORDERS].phase.value == "open"
        with pytest.raises(NothingSent, match="failed repeatedly"):
            await client.orders.open_orders()
        assert len(server.requests) == 5
        assert (await client.orders.open_orders(purpose=Purpose.EXIT)).rows == ()
        assert client.breakers[RouteGroup.MARKET].phase.value == "closed"


async def test_failing_market_data_does_not_block_the_exchange_time() -> None:
    async with scripted_client(*[DOWN] * 5, TIME) as (client, _):
        for _ in range(2):
            with pytest.raises((RequestRefused, NothingSent)):
                await client.market.default_symbols()
        assert client.breakers[RouteGroup.MARKET].phase.value == "open"
        assert await client.market.server_time_ms() == SERVER_MS


async def test_the_exchange_time_is_queried_again_a_second_after_it_failed() -> None:
    async with scripted_client(*[DOWN] * 5, TIME) as (client, _):
        await client.measure_clock()
        state = client.breakers[RouteGroup.TIME]
        assert (state.phase.value, state.retry_in_s <= 1) == ("open", True)
        assert (await client.measure_clock()).best is None


async def test_queries_wait_no_longer_than_their_deadline() -> None:
    async with scripted_server(hang()) as server, client_for(server.origin) as client:
        requester = client.market._requester  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(NoResponse):
            await requester.get(routes.PING, nothing, deadline_s=0.05)


async def test_a_signed_query_uses_the_wider_window_and_no_content_type() -> None:
    async with scripted_client(http_response("[]")) as (client, server):
        await client.orders.open_orders()
        assert "recvWindow=5000&timestamp=" in server.last_target
        assert "Content-Type" not in server.last


async def test_a_public_query_carries_no_key() -> None:
    async with scripted_client(NAMES) as (client, server):
        await client.market.default_symbols()
        assert "APIKEY" not in server.last
        assert "signature" not in server.last


async def test_the_clock_is_measured_and_signatures_use_its_offset() -> None:
    replies = (TIME, TIME, TIME, http_response("[]"))
    async with scripted_server(*replies) as server, client_for(server.origin, clock_known=False) as client:
        client.clock_suspect.set()
        measurement = await client.measure_clock(samples=3)
        assert measurement.best is not None
        assert not client.clock_suspect.is_set()
        await client.orders.open_orders()
        stamp = int(server.last_target.split("timestamp=")[1].split("&")[0])
        assert abs(stamp - SERVER_MS) < 5_000


async def test_a_failed_clock_measurement_is_reported_not_raised() -> None:
    async with scripted_client(DOWN) as (client, _):
        measurement = await client.measure_clock(samples=2)
        assert measurement.best is None


async def test_a_cancelled_query_stops_at_once() -> None:
    received = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set()
        await reader.read(1)
        raise ConnectionResetError

    async with scripted_client(hold) as (client, server):
        task = asyncio.create_task(client.market.ping())
        await received.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(server.requests) == 1
