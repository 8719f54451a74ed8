"""The `exchange` command: one line when ready, then it serves until a signal."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.practice.clock import SteadyClock
from mexc_tui.practice.scenario import MarketPlan
from mexc_tui.practice.server import PracticeServer
from tests.support.exchange.practice_client import scenario

pytestmark = pytest.mark.timeout(180)  # runs processes

TINY = """
name = "tiny"
duration_s = 0.001
settings = { polling_s = 3 }
[market]
symbols = 20
active_pairs = 1
"""


@asynccontextmanager
async def started(*arguments: str) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mexc_tui", "exchange", *arguments), stdout=PIPE, stderr=PIPE, stdin=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def endpoint_of(process: Process) -> Endpoint:
    assert process.stdout is not None
    return msgspec.json.decode(await process.stdout.readline(), type=Endpoint)


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    file = tmp_path / "tiny.toml"
    file.write_text(TINY)
    return str(file)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_exchange_prints_one_line_serves_and_exits_with_0(tiny: str, number: signal.Signals) -> None:
    async with started("--scenario", tiny, "--seed", "5") as process:
        endpoint = await endpoint_of(process)
        assert endpoint.rest == endpoint.web
        assert endpoint.ws == endpoint.rest.replace("http", "ws") + "/ws"
        assert endpoint.rest.startswith("http://127.0.0.1:")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{endpoint.web}/practice") as response:
                page = await response.json()
            assert (page["exchange_session"], page["scenario"], page["seed"]) == (
                endpoint.exchange_session,
                "tiny",
                5,
            )
            assert (page["over"], page["settings"]) == (True, {"polling_s": 3})
            async with session.ws_connect(endpoint.ws) as socket:
                process.send_signal(number)
                assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
        out, err = await process.communicate()
        assert (process.returncode, out, err) == (0, b"", b"")


async def test_a_large_session_responds_while_its_pairs_are_created() -> None:
    server = PracticeServer(
        scenario(market=MarketPlan(symbols=600, active_pairs=0)),
        1,
        SteadyClock(1_790_000_000_000, lambda: 0.0),
    )
    async with TestClient(TestServer(server.application())) as client:
        warming = asyncio.create_task(server.warm_up())
        answers = 0
        while not warming.done():
            async with client.get("/api/v3/time") as response:
                assert response.status in (
                    200,
                    418,
                    429,
                )  # the clock does not advance, so the limit may be reached
            answers += 1
        assert answers > 10
        await warming


async def test_exchange_exits_with_its_parent(tiny: str) -> None:
    async with started("--scenario", tiny, "--with-parent") as process:
        await endpoint_of(process)
        assert process.stdin is not None
        process.stdin.close()
        assert await process.wait() == 0


async def test_a_port_in_use_is_one_clear_line(tiny: str) -> None:
    async with started("--scenario", tiny) as first:
        port = (await endpoint_of(first)).rest.rpartition(":")[2]
        async with started("--scenario", tiny, "--port", port) as second:
            out, err = await second.communicate()
            assert (second.returncode, out) == (1, b"")
            assert err.decode() == (
                f"mexc-tui: Port {port} on 127.0.0.1 is in use. "
                "Choose another one with --port, or 0 for a free one.\n"
            )


async def test_an_unknown_scenario_is_one_clear_line() -> None:
    async with started("--scenario", "nosuch") as process:
        out, err = await process.communicate()
        assert (process.returncode, out) == (1, b"")
        assert err.decode().startswith("mexc-tui: No scenario 'nosuch'")
        assert err.count(b"\n") == 1
