"""Each request setting changes the client's behaviour."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from mexc_tui.app.exchange_settings_mapping import client_limits
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.limits.breaker import Breaker, BreakerPhase
from mexc_tui.exchange.rest.connection import Headers
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.model.errors import NoResponse, NothingSent, RequestRefused
from mexc_tui.model.outcome import Ambiguous, Purpose
from mexc_tui.settings.all_settings import Settings
from mexc_tui.settings.layers import file_layer
from mexc_tui.settings.load import Layers, load
from tests.support.exchange.scripted_http_server import (
    Reply,
    ScriptedServer,
    WallClock,
    client_for,
    hang,
    http_response,
    scripted_server,
)

DOWN = http_response('{"code":503,"msg":"service not available, please try again"}', 503)
CANCELLED = http_response('{"symbol":"X","orderId":"1"}')
NAMES = http_response('{"code":0,"data":["A"],"msg":"success","timestamp":1}')


def settings(text: str) -> Settings:
    return load(Layers(file=file_layer(text, "settings.toml"))).settings


@asynccontextmanager
async def client_with(text: str, *replies: Reply) -> AsyncGenerator[tuple[MexcClient, ScriptedServer]]:
    """Yield a client with these settings and the server it sends to."""
    limits = client_limits(settings(text))
    async with scripted_server(*replies) as server, client_for(server.origin, limits=limits) as client:
        yield client, server


class HangingResolver(AbstractResolver):
    """A resolver that never responds."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        pass


async def test_http_connect_s_limits_the_time_of_connecting() -> None:
    connect_s = client_limits(settings("http_connect_s = 0.5")).calls.connect_s
    sender = HttpTransport(aiohttp.TCPConnector(resolver=HangingResolver()), connect_s / 10)
    async with sender:
        with pytest.raises(NothingSent, match=r"no connection to the server within 0\.05 s"):
            await sender.send(
                "GET", "http://nowhere.invalid", "/", query="", headers=Headers({}), deadline_s=30
            )


async def test_http_total_s_limits_a_query() -> None:
    async with client_with("http_total_s = 1\nhttp_order_s = 1\nhttp_connect_s = 1", hang()) as (client, _):
        with pytest.raises(NoResponse, match=r"within (1|0\.5) s"):
            await client.market.default_symbols()


async def test_http_order_s_limits_an_order_and_leaves_it_ambiguous() -> None:
    async with client_with("http_order_s = 1", hang()) as (client, _):
        outcome = await client.orders.cancel("X", order_id="1")
        assert isinstance(outcome, Ambiguous)
        assert "within 1 s" in outcome.reason


@pytest.mark.parametrize("tries", [1, 4])
async def test_http_retries_sets_the_number_of_tries_of_a_query(tries: int) -> None:
    async with client_with(f"http_retries = {tries}", DOWN) as (client, server):
        with pytest.raises(RequestRefused):
            await client.market.default_symbols()
        assert len(server.requests) == tries


async def test_the_receive_windows_follow_the_settings() -> None:
    text = "recv_window_order_ms = 1500\nrecv_window_ms = 7000"
    async with client_with(text, CANCELLED, NAMES) as (client, server):
        await client.orders.cancel("X", order_id="1")
        assert "recvWindow=1500" in server.last_target
        await client.account.self_symbols()
        assert "recvWindow=7000" in server.last_target


async def test_breaker_failures_opens_the_breaker_and_nothing_leaves() -> None:
    async with client_with("breaker_failures = 2\nhttp_retries = 2", DOWN) as (client, server):
        with pytest.raises(RequestRefused):
            await client.market.default_symbols()
        with pytest.raises(NothingSent, match="failed repeatedly"):
            await client.market.default_symbols()
        assert len(server.requests) == 2


async def test_breaker_open_s_sets_how_long_the_breaker_stays_open() -> None:
    async with client_with("breaker_failures = 1\nhttp_retries = 1\nbreaker_open_s = 7", DOWN) as (client, _):
        with pytest.raises(RequestRefused):
            await client.market.default_symbols()
        state = next(breaker for breaker in client.breakers.values() if breaker.phase is BreakerPhase.OPEN)
        assert 6 < state.retry_in_s <= 7


class PauseRecorder(Random):
    """Records the longest pause that each draw could have returned."""

    def __init__(self) -> None:
        super().__init__()
        self.longest_s: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        self.longest_s.append(b)
        return a


async def test_pauses_between_retries_start_and_end_at_their_settings() -> None:
    rng = PauseRecorder()
    limits = client_limits(settings("http_retry_base_s = 2\nhttp_retry_cap_s = 3\nhttp_retries = 4"))
    async with (
        scripted_server(DOWN) as server,
        MexcClient(server.origin, clock=WallClock(), rng=rng, limits=limits) as client,
    ):
        with pytest.raises(RequestRefused):
            await client.market.default_symbols()
    assert rng.longest_s == [2, 3, 3]


@dataclass
class ManualClock:
    now_s: float = 0.0

    def now_ms(self) -> int:
        return 0

    def monotonic_ns(self) -> int:
        return round(self.now_s * 1e9)


def test_breaker_window_s_limits_the_counted_failures_and_breaker_probes_the_probes() -> None:
    clock = ManualClock()
    text = "breaker_window_s = 5\nbreaker_probes = 1\nbreaker_failures = 2\nbreaker_open_s = 10"
    breaker = Breaker(clock, client_limits(settings(text)).calls.breaker)
    for clock.now_s in (0.0, 6.0):
        breaker.record_failure()
    assert breaker.state().phase is BreakerPhase.CLOSED
    breaker.record_failure()
    assert breaker.state().phase is BreakerPhase.OPEN
    clock.now_s += 10
    assert [breaker.allow(Purpose.ORDINARY) for _ in range(3)] == [True, False, False]
