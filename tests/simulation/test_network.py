"""The in-memory network: real aiohttp on both sides, production addresses, all network faults."""

import asyncio
import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from mexc_tui.simulation.network import Host, Network
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.simulation.wire import Direction

pytestmark = pytest.mark.timeout(120)  # days of virtual time

REST = "https://api.mexc.com"
WS = "wss://wbs-api.mexc.com/ws"
HOURS_S = 3_600


def session_of(network: Network) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=network.connector())


def loop_time() -> float:
    return asyncio.get_running_loop().time()


class Exchange:
    """A small server: identifies the caller, sends large bodies, echoes over a WebSocket, counts requests."""

    def __init__(self) -> None:
        self.requests = 0
        self.closed_sockets = 0
        self.app = web.Application()
        self.app.router.add_get("/hello", self.hello)
        self.app.router.add_post("/order", self.hello)
        self.app.router.add_get("/big", self.big)
        self.app.router.add_get("/ws", self.echo)

    async def hello(self, request: web.Request) -> web.Response:
        self.requests += 1
        return web.Response(text=f"{request.scheme} {request.host} {request.headers.get('X-MEXC-APIKEY')}")

    async def big(self, _request: web.Request) -> web.Response:
        return web.Response(body=bytes(3_000_000))

    async def echo(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=20)
        await socket.prepare(request)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(message.data)
        self.closed_sockets += 1
        return socket


async def serve(sim: Simulation) -> tuple[Exchange, Host]:
    exchange = Exchange()
    host = await sim.network.serve("api.mexc.com", 443, exchange.app)
    await sim.network.serve("wbs-api.mexc.com", 443, exchange.app)
    return exchange, host


def test_production_urls_and_headers_reach_the_application_unchanged() -> None:
    async def main(sim: Simulation) -> str:
        await serve(sim)
        async with (
            session_of(sim.network) as session,
            session.get(f"{REST}/hello", headers={"X-MEXC-APIKEY": "mx0vkey"}) as answer,
        ):
            return await answer.text()

    assert simulate(main) == "https api.mexc.com mx0vkey"


def test_a_warm_connection_is_reused() -> None:
    async def main(sim: Simulation) -> int:
        exchange, host = await serve(sim)
        async with session_of(sim.network) as session:
            for _ in range(5):
                async with session.get(f"{REST}/hello"):
                    await asyncio.sleep(10)
        assert exchange.requests == 5
        return host.connected

    assert simulate(main) == 1


def test_a_body_of_megabytes_passes_flow_control_intact() -> None:
    async def main(sim: Simulation) -> int:
        await serve(sim)
        async with session_of(sim.network) as session, session.get(f"{REST}/big") as answer:
            return len(await answer.read())

    assert simulate(main) == 3_000_000


def test_a_paused_reader_blocks_the_writer() -> None:
    async def main(sim: Simulation) -> tuple[bool, int]:
        _, host = await serve(sim)
        async with session_of(sim.network) as session, session.get(f"{REST}/big") as answer:
            await asyncio.sleep(60)
            waits = host.ends[0].peer.get_write_buffer_size() > 0
            return waits, len(await answer.read())

    assert simulate(main) == (True, 3_000_000)


def test_latency_is_virtual_and_set_per_host() -> None:
    async def main(sim: Simulation) -> float:
        _, host = await serve(sim)
        host.latency_s = (0.1, 0.1)
        async with session_of(sim.network) as session:
            async with session.get(f"{REST}/hello"):
                assert round(loop_time(), 3) == 0.4, "one round trip to connect, one to ask"
            async with session.get(f"{REST}/hello"):
                return round(loop_time(), 3)

    assert simulate(main) == 0.6


def test_order_is_preserved_under_changing_latency() -> None:
    async def main(sim: Simulation) -> list[str]:
        exchange = Exchange()
        host = await sim.network.serve("wbs-api.mexc.com", 443, exchange.app)
        host.latency_s = (0.001, 0.5)
        async with session_of(sim.network) as session, session.ws_connect(WS) as socket:
            for i in range(100):
                await socket.send_str(str(i))
                await asyncio.sleep(0.01)
            return [await socket.receive_str() for _ in range(100)]

    assert simulate(main, seed=4) == [str(i) for i in range(100)]


def fails_with(error: type[BaseException], break_network: Callable[[Host], object]) -> None:
    async def main(sim: Simulation) -> int:
        exchange, host = await serve(sim)
        break_network(host)
        timeout = aiohttp.ClientTimeout(total=5)
        async with session_of(sim.network) as session:
            with pytest.raises(error):
                async with session.post(f"{REST}/order", timeout=timeout) as answer:
                    await answer.read()
        return exchange.requests

    arrived = simulate(main)
    assert arrived <= 1


def test_R1_a_refused_connection_is_a_connector_error_and_nothing_arrives() -> None:
    fails_with(aiohttp.ClientConnectorError, lambda host: setattr(host, "refusing", True))


@pytest.mark.parametrize("url", ["https://nowhere.test/x", "https://api.mexc.com:8443/x"])
def test_R1_an_unknown_host_or_port_is_a_connector_error(url: str) -> None:
    async def main(sim: Simulation) -> None:
        await serve(sim)
        async with session_of(sim.network) as session:
            with pytest.raises(aiohttp.ClientConnectorError) as caught:
                await session.get(url)
            assert isinstance(caught.value, aiohttp.ClientConnectorDNSError) is ("nowhere" in url)

    simulate(main)


def test_R7_a_reset_in_the_middle_of_the_response_is_a_client_error() -> None:
    fails_with(aiohttp.ClientError, lambda host: host.reset_after.update({Direction.TO_CLIENT: 50}))


def test_R7_a_reset_in_the_middle_of_the_request_is_an_error_and_nothing_is_handled() -> None:
    fails_with(aiohttp.ClientError, lambda host: host.reset_after.update({Direction.TO_SERVER: 50}))


def request_over_a_cut_connection(direction: Direction) -> int:
    async def main(sim: Simulation) -> int:
        exchange, host = await serve(sim)
        async with session_of(sim.network) as session:
            async with session.get(f"{REST}/hello"):
                pass
            host.lose(direction)
            with pytest.raises(TimeoutError):
                await session.post(f"{REST}/order", timeout=aiohttp.ClientTimeout(total=5))
        return exchange.requests - 1

    return simulate(main)


def test_R2_a_lost_request_times_out_and_never_arrives() -> None:
    assert request_over_a_cut_connection(Direction.TO_SERVER) == 0


def test_R3_a_lost_response_times_out_after_the_request_was_handled() -> None:
    assert request_over_a_cut_connection(Direction.TO_CLIENT) == 1


def test_data_delayed_by_a_cut_arrives_when_it_heals() -> None:
    async def main(sim: Simulation) -> list[str]:
        exchange = Exchange()
        host = await sim.network.serve("wbs-api.mexc.com", 443, exchange.app)
        async with session_of(sim.network) as session, session.ws_connect(WS) as socket:
            host.lose()
            await socket.send_str("one")
            await socket.send_str("two")
            await asyncio.sleep(3)
            host.heal()
            return [await socket.receive_str(), await socket.receive_str()]

    assert simulate(main) == ["one", "two"]


def test_a_half_open_socket_is_detected_only_by_the_side_with_a_heartbeat() -> None:
    async def main(sim: Simulation) -> int:
        exchange = Exchange()
        host = await sim.network.serve("wbs-api.mexc.com", 443, exchange.app)
        async with session_of(sim.network) as session, session.ws_connect(WS) as socket:
            host.lose()
            await asyncio.sleep(19)
            assert exchange.closed_sockets == 0
            await asyncio.sleep(41)
            assert not socket.closed, "the client noticed without a heartbeat"
            noticed = exchange.closed_sockets
            host.heal()
        return noticed

    assert simulate(main) == 1


def test_a_reset_closes_every_connection_of_a_host_at_both_ends() -> None:
    async def main(sim: Simulation) -> tuple[int, int]:
        exchange = Exchange()
        host = await sim.network.serve("wbs-api.mexc.com", 443, exchange.app)
        async with session_of(sim.network) as session:
            sockets = [await session.ws_connect(WS) for _ in range(3)]
            assert len(host.ends) == 3
            host.reset()
            kinds = {(await socket.receive()).type for socket in sockets}
            assert kinds <= {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
            await asyncio.sleep(1)
        return exchange.closed_sockets, len(host.ends)

    assert simulate(main) == (3, 0)


def test_a_server_that_shuts_down_sends_a_close_frame() -> None:
    async def main(sim: Simulation) -> aiohttp.WSMsgType:
        exchange = Exchange()
        host = await sim.network.serve("wbs-api.mexc.com", 443, exchange.app)
        async with session_of(sim.network) as session, session.ws_connect(WS) as socket:
            waiting = asyncio.create_task(socket.receive())
            await asyncio.sleep(1)
            await host.stop()
            return (await waiting).type

    assert simulate(main) in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR)


async def three_days(sim: Simulation) -> tuple[int, str]:
    """Exchange messages for 72 hours over WebSockets with heartbeats; reconnect every eight hours."""
    exchange, _ = await serve(sim)
    host = await sim.network.serve("wbs-api.mexc.com", 443, exchange.app)
    host.latency_s = (0.02, 0.2)
    echoed = 0

    async def talk(socket: aiohttp.ClientWebSocketResponse) -> None:
        ends_s = loop_time() + 8 * HOURS_S
        while loop_time() < ends_s:
            await asyncio.sleep(60)
            await socket.send_str("x" * sim.rng.randrange(1, 300))
        await socket.close()

    async with session_of(sim.network) as session:
        while loop_time() < 72 * HOURS_S:
            async with session.ws_connect(WS, heartbeat=20) as socket, asyncio.TaskGroup() as group:
                group.create_task(talk(socket))
                async for _ in socket:
                    echoed += 1
            async with session.get(f"{REST}/hello"):
                pass
    assert exchange.closed_sockets == host.connected
    return echoed, sim.network.trace_hash()


def test_72_virtual_hours_with_heartbeats_take_no_time() -> None:
    echoed, _ = simulate(three_days)
    assert 4_250 < echoed <= 4_320


def test_the_history_depends_on_the_seed() -> None:
    assert simulate(short_talk, seed=1) == simulate(short_talk, seed=1)
    assert simulate(short_talk, seed=1) != simulate(short_talk, seed=2)


def trace_in_another_process(hash_seed: str) -> str:
    code = (
        f"from {short_talk.__module__} import short_talk\n"
        "from mexc_tui.simulation.run import simulate\n"
        "print(simulate(short_talk, seed=7, shuffle=True))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


async def short_talk(sim: Simulation) -> str:
    """Run several clients at once, with jitter."""
    _, host = await serve(sim)
    host.latency_s = (0.001, 0.3)

    async def client(session: aiohttp.ClientSession) -> None:
        for _ in range(5):
            async with session.get(f"{REST}/hello"):
                await asyncio.sleep(sim.rng.random())

    async with session_of(sim.network) as session, asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(client(session))
    return sim.network.trace_hash()


def test_the_history_is_the_same_in_every_process_whatever_its_hash_seed() -> None:
    traces = {trace_in_another_process(hash_seed) for hash_seed in ("0", "1", "4711")}
    assert traces == {simulate(short_talk, seed=7, shuffle=True)}


def test_the_last_lines_of_history_can_be_shown() -> None:
    async def main(sim: Simulation) -> list[str]:
        await short_talk(sim)
        sim.network.note("the session ends")
        return sim.network.history()

    lines = simulate(main)
    assert len(lines) == 40
    assert lines[-1].endswith("the session ends")


def test_contract_aiohttps_connector_has_the_overridden_private_method() -> None:
    create = inspect.signature(aiohttp.BaseConnector._create_connection)  # pyright: ignore[reportPrivateUsage]
    assert list(create.parameters) == ["self", "req", "traces", "timeout"]
    assert inspect.iscoroutinefunction(aiohttp.BaseConnector._create_connection)  # pyright: ignore[reportPrivateUsage]
    assert "self._factory = functools.partial(ResponseHandler" in inspect.getsource(aiohttp.BaseConnector)
