"""Faults between the practice exchange and its clients, seen from a client (reliability 2.1, 2.2)."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from mexc_tui.practice.scenario import FaultKind, FaultPlan, MarketPlan, Scenario
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.exchange.practice_client import Client, in_virtual_time, on_real_sockets, scenario

PAIR = "SOLUSDT"
ORDER = "/api/v3/order"
DEALS = f"spot@public.aggre.deals.v3.api.pb@100ms@{PAIR}"
DEPTH = f"spot@public.aggre.depth.v3.api.pb@100ms@{PAIR}"
BUSY = MarketPlan(symbols=30, active_pairs=5, trades_per_s=20.0)
SPAN_S = 5


def fault(kind: FaultKind, **more: Any) -> FaultPlan:
    return FaultPlan(kind=kind, **more)


def with_faults(test: Callable[[Client], Awaitable[None]], *faults: FaultPlan) -> None:
    async def main(sim: Simulation) -> None:
        async with in_virtual_time(sim, scenario(*faults, market=BUSY)) as client:
            await test(client)

    simulate(main)


def plan(kind: FaultKind, **more: Any) -> Scenario:
    return scenario(fault(kind, **more))


async def buy(client: Client) -> tuple[int, Any]:
    return await client.send_signed(
        "POST", "order", symbol=PAIR, side="BUY", type="MARKET", quoteOrderQty="20"
    )


async def was_bought(client: Client) -> bool:
    return bool(await client.send_ok("GET", "myTrades", symbol=PAIR))


# Requests


async def test_R2_lost_request_closes_the_connection_without_execution() -> None:
    async with on_real_sockets(plan(FaultKind.LOSE_REQUEST, path=ORDER, method="POST")) as client:
        with pytest.raises(aiohttp.ClientConnectionError):
            await buy(client)
        assert not await was_bought(client)


async def test_R3_lost_response_closes_the_connection_after_execution() -> None:
    async with on_real_sockets(plan(FaultKind.LOSE_RESPONSE, path=ORDER, method="POST")) as client:
        with pytest.raises(aiohttp.ClientConnectionError):
            await buy(client)
        assert await was_bought(client)


def test_R4_delayed_response_arrives_late_although_the_order_is_executed() -> None:
    async def test(client: Client) -> None:
        began_ms = client.now_ms()
        pending = asyncio.ensure_future(buy(client))
        await asyncio.sleep(1)
        assert await was_bought(client)
        assert not pending.done()
        assert (await pending)[0] == 200
        assert client.now_ms() - began_ms >= 8_000

    with_faults(test, fault(FaultKind.DELAY, path=ORDER, method="POST", amount_ms=8_000))


def test_a_late_request_is_executed_late() -> None:
    async def test(client: Client) -> None:
        pending = asyncio.ensure_future(buy(client))
        await asyncio.sleep(1)
        assert not await was_bought(client)
        await asyncio.sleep(1.1)
        assert await was_bought(client)
        assert (await pending)[0] == 200

    with_faults(test, fault(FaultKind.LATE_REQUEST, path=ORDER, method="POST", amount_ms=2_000))


async def test_R6_executed_500_returns_an_error_for_an_executed_order() -> None:
    async with on_real_sockets(plan(FaultKind.EXECUTED_500, path=ORDER, times=1)) as client:
        assert await buy(client) == (500, {"code": 500, "msg": "Internal error"})
        assert await was_bought(client)
        assert (await buy(client))[0] == 200


async def test_executed_refused_refuses_an_executed_order() -> None:
    async with on_real_sockets(plan(FaultKind.EXECUTED_REFUSED, path=ORDER, times=1)) as client:
        assert await buy(client) == (400, {"code": 30004, "msg": "Insufficient position"})
        assert await was_bought(client)


def test_late_execution_closes_the_connection_and_executes_later() -> None:
    async def test(client: Client) -> None:
        with pytest.raises(aiohttp.ClientConnectionError):
            await buy(client)
        assert not await was_bought(client)
        await asyncio.sleep(1.6)
        assert await was_bought(client)

    with_faults(test, fault(FaultKind.LATE_EXECUTION, path=ORDER, method="POST", times=1, amount_ms=1_500))


async def test_R7_reset_truncates_the_response() -> None:
    async with on_real_sockets(plan(FaultKind.RESET, path=ORDER, method="POST")) as client:
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientConnectionError)):
            await buy(client)
        assert await was_bought(client)


def test_R12_half_open_request_gets_no_response_and_no_close() -> None:
    async def test(client: Client) -> None:
        began_ms = client.now_ms()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await buy(client)
        assert client.now_ms() - began_ms >= 30_000
        await client.get("ping")

    with_faults(test, fault(FaultKind.HALF_OPEN, path=ORDER, method="POST"))


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [(FaultKind.TOO_MANY_REQUESTS, 429, "7"), (FaultKind.BANNED, 418, "7"), (FaultKind.FIREWALL, 403, None)],
)
async def test_R9_rate_limit_storms_reject_everything(
    kind: FaultKind, status: int, retry_after: str | None
) -> None:
    async with on_real_sockets(plan(kind, amount_ms=7_000, times=2)) as client:
        for _ in range(2):
            async with client.session.get(f"{client.endpoint.rest}/api/v3/ping") as response:
                assert (response.status, response.headers.get("Retry-After")) == (status, retry_after)
                is_page = response.content_type == "text/html"
                assert is_page == (kind is FaultKind.FIREWALL)
        assert await client.get("ping") == {}


async def test_M15_maintenance_is_a_503_except_on_the_practice_page() -> None:
    async with on_real_sockets(plan(FaultKind.MAINTENANCE)) as client:
        status, body = await client.send("GET", "ping")
        assert (status, body["code"]) == (503, 503)
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await client.session.ws_connect(client.endpoint.ws)
        assert await client.get("/practice")


async def test_R17_clock_skew_shifts_the_time_for_signature_checks() -> None:
    async with on_real_sockets(plan(FaultKind.CLOCK_SKEW, amount_ms=90_000)) as client:
        assert (await client.get("time"))["serverTime"] - client.now_ms() >= 89_000
        status, body = await client.send_signed("GET", "account", recvWindow=60_000)
        assert (status, body["code"]) == (400, 700003)
        await client.send_ok("GET", "account", timestamp=client.now_ms() + 90_000)


def test_M5_stale_snapshot_is_an_older_book() -> None:
    async def test(client: Client) -> None:
        fresh = await client.get("depth", symbol=PAIR)
        await asyncio.sleep(2)
        stale = await client.get("depth", symbol=PAIR)
        fields = ("lastUpdateId", "bids", "asks")
        assert [stale[name] for name in fields] == [fresh[name] for name in fields]

    stale = fault(FaultKind.STALE_SNAPSHOT, path="/api/v3/depth", at_s=1, amount_ms=2_000)
    with_faults(test, stale)


def test_a_malformed_row_keeps_its_identifiers_and_loses_its_values() -> None:
    async def test(client: Client) -> None:
        first, second = (await client.get("exchangeInfo"))["symbols"][:2]
        assert first["symbol"]
        assert {value for name, value in first.items() if name != "symbol"} == {None}
        assert None not in (second["status"], second["baseAsset"])

    with_faults(test, fault(FaultKind.MALFORMED_ROW, path="/api/v3/exchangeInfo"))


# Pushes


async def received_pushes(client: Client, topic: str = DEALS) -> list[Any]:
    """Return the pushes of a few seconds."""
    async with client.stream(topic) as stream:
        await asyncio.sleep(SPAN_S)
        await stream.call("PING")
        return stream.early


def gaps(pushes: list[Any]) -> int:
    ranges = [(int(p.aggre_depths.from_version), int(p.aggre_depths.to_version)) for p in pushes]
    return sum(after[0] != before[1] + 1 for before, after in pairwise(ranges))


def test_M5_dropped_pushes_leave_gaps_in_the_versions() -> None:
    async def test(client: Client) -> None:
        assert gaps(await received_pushes(client, DEPTH)) > 0

    with_faults(test, fault(FaultKind.DROP_PUSH, chance=0.3, path="spot@public.aggre.depth"))


def test_without_faults_there_is_no_gap() -> None:
    async def test(client: Client) -> None:
        pushes = await received_pushes(client, DEPTH)
        assert len(pushes) > 10
        assert gaps(pushes) == 0

    with_faults(test)


def test_M6_duplicated_pushes_arrive_twice() -> None:
    async def test(client: Client) -> None:
        pushes = await received_pushes(client)
        assert pushes[::2] == pushes[1::2]

    with_faults(test, fault(FaultKind.DUPLICATE_PUSH))


def test_M6_reordered_pushes_arrive_after_their_successors() -> None:
    async def test(client: Client) -> None:
        times = [push.send_time for push in await received_pushes(client)]
        assert times != sorted(times)
        assert len(times) == len(set(times))

    with_faults(test, fault(FaultKind.REORDER_PUSH, chance=0.3))


def test_M6_delayed_pushes_arrive_late() -> None:
    async def test(client: Client) -> None:
        async with client.stream(DEALS) as stream:
            push = await stream.push()
            assert client.now_ms() - push.send_time >= 700

    with_faults(test, fault(FaultKind.DELAY, path="spot@", amount_ms=700))


def test_M3_silent_socket_answers_pings_and_sends_no_data() -> None:
    async def test(client: Client) -> None:
        assert await received_pushes(client) == []

    with_faults(test, fault(FaultKind.SILENCE))


def test_M2_half_open_socket_stays_open_without_further_data() -> None:
    async def test(client: Client) -> None:
        async with client.stream(DEALS) as stream:
            await stream.push()
            await asyncio.sleep(2)
            stream.early.clear()
            await stream.socket.send_str('{"method":"PING"}')
            ending = asyncio.ensure_future(stream.closing())
            await asyncio.sleep(90)
            assert not ending.done()
            ending.cancel()
            assert not stream.socket.closed

    with_faults(test, fault(FaultKind.HALF_OPEN, path="spot@", at_s=1))


def test_M1_reset_closes_a_socket_in_the_middle_of_a_push() -> None:
    async def test(client: Client) -> None:
        async with client.stream(DEALS) as stream:
            assert await stream.closing() is not aiohttp.WSMsgType.CLOSE

    with_faults(test, fault(FaultKind.RESET, path="spot@"))


def test_every_kind_of_fault_has_a_test() -> None:
    """Lists every kind, so that a new one is not forgotten."""
    requests = {
        FaultKind.LOSE_REQUEST,
        FaultKind.LOSE_RESPONSE,
        FaultKind.EXECUTED_500,
        FaultKind.EXECUTED_REFUSED,
        FaultKind.MAINTENANCE,
    }
    storms = {FaultKind.TOO_MANY_REQUESTS, FaultKind.BANNED, FaultKind.FIREWALL}
    pushes = {FaultKind.DROP_PUSH, FaultKind.DUPLICATE_PUSH, FaultKind.REORDER_PUSH, FaultKind.SILENCE}
    requests |= {FaultKind.LATE_REQUEST, FaultKind.LATE_EXECUTION}
    both = {FaultKind.DELAY, FaultKind.RESET, FaultKind.HALF_OPEN}
    other = {FaultKind.STALE_SNAPSHOT, FaultKind.CLOCK_SKEW, FaultKind.MALFORMED_ROW}
    assert requests | storms | pushes | both | other == set(FaultKind)


# Determinism


def test_same_seed_and_same_calls_at_the_same_times_give_the_same_bytes() -> None:
    async def day(sim: Simulation) -> list[bytes]:
        said: list[bytes] = []
        faults = (
            fault(FaultKind.DROP_PUSH, chance=0.2),
            fault(FaultKind.EXECUTED_500, chance=0.3, path=ORDER),
        )
        async with in_virtual_time(sim, scenario(*faults, market=BUSY), seed=11) as client:
            said.append(repr(client.endpoint.api_secret).encode())
            async with client.stream(DEALS, DEPTH) as stream:
                for _ in range(10):
                    await asyncio.sleep(0.35)
                    said.append(repr(await buy(client)).encode())
                    said.append(repr(await client.get("depth", symbol=PAIR)).encode())
                    said.append(repr(await client.send_ok("GET", "openOrders")).encode())
                    said.append(repr(await client.send_ok("POST", "userDataStream")).encode())
                await stream.call("PING")
                said += [push.SerializeToString(deterministic=True) for push in stream.early]
        return said

    first = simulate(day)
    assert first == simulate(day)
    assert len(first) > 60
    assert len(set(first)) > 40
