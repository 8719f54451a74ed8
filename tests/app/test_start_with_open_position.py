"""Starts of real processes with a position and an unresponsive exchange: the desk is available at once."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.host.folders import make_folders
from mexc_tui.host.lock import scope_of
from mexc_tui.host.paths import paths_of
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.intent import OrderRole
from mexc_tui.model.position import LedgerAccount
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.processes.headless_engine import desk, environment, first_line, result_of, write_endpoint
from tests.support.samples.trading_samples import entry, intent, lot, position

pytestmark = pytest.mark.timeout(180)  # runs processes

NOBODY = 0
"""In place of a status: the connection is accepted without a response."""


@asynccontextmanager
async def unresponsive_exchange(status: int) -> AsyncGenerator[Endpoint]:
    """An exchange that serves no request."""
    for_ever = asyncio.Event()

    async def answer(_: web.Request) -> web.Response:
        if status == NOBODY:
            await for_ever.wait()
        return web.Response(status=status, text="Blocked!", headers={"Retry-After": "600"})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    place = f"http://127.0.0.1:{port}"
    try:
        yield Endpoint(
            rest=place,
            ws=f"ws://127.0.0.1:{port}/ws",
            web=place,
            api_key="mx0vKEY",
            api_secret="0" * 32,
            exchange_session="session",
        )
    finally:
        for_ever.set()
        await runner.cleanup()


async def leave_position_open(folder: Path, endpoint: Endpoint) -> None:
    """Store a position left open by an earlier engine."""
    paths = paths_of("practice", environment(folder))
    make_folders(paths)
    store, scope = await SqliteStore.open(paths.store, SystemClock()), scope_of(endpoint)
    held = msgspec.structs.replace(position(), stop_price=Decimal("0.5"))
    stop = intent(role=OrderRole.STOP, snipe_id="", position_id=held.id, reserved="0")
    bought = entry(
        "e1",
        (LedgerAccount.DESK, "NEW", "9"),
        (LedgerAccount.EXCHANGE, "NEW", "-9"),
        (LedgerAccount.DESK, "USDT", "90"),
        (LedgerAccount.EXCHANGE, "USDT", "-90"),
    )

    def work(unit: UnitOfWork) -> None:
        tables = unit.trading(scope)
        tables.positions.save(held)
        tables.lots.save(lot())
        tables.intents.save(msgspec.structs.replace(stop, quantity=held.remaining))
        tables.entries.add(bought)

    await store.write("held", work)
    await store.close()


async def command_json(folder: Path, *arguments: str) -> tuple[int | None, Any]:
    """Return the exit code and the JSON output of a command."""
    async with desk(folder, *arguments, "--json") as command:
        code, said, complained = await result_of(command)
    assert said, complained
    return code, json.loads(said)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("status", [418, NOBODY])
async def test_the_desk_responds_while_a_start_with_a_position_waits(tmp_path: Path, status: int) -> None:
    async with unresponsive_exchange(status) as endpoint:
        file = await asyncio.to_thread(write_endpoint, tmp_path, endpoint)
        await leave_position_open(tmp_path, endpoint)
        async with desk(tmp_path, "--headless", "--exchange", str(file)) as engine:
            assert "Ready" in await first_line(engine)
            assert "entries wait" in await first_line(engine)
            _, row = await command_json(tmp_path, "status")
            assert row["trading_state"] == "reduce_only", row["cause"]
            assert "not reconciled with the exchange yet" in row["cause"]
            code, rows = await command_json(tmp_path, "positions")
            assert (code, [one["symbol"] for one in rows]) == (0, [position().symbol])
            _, halted = await command_json(tmp_path, "halt", "nobody answers")
            assert halted["is_durable"], halted
            assert halted["state"] == "halted"
            async with desk(tmp_path, "stop", "--yes") as stopping:
                code, _, complained = await result_of(stopping)
            assert code == 0, complained
            code, _, complained = await result_of(engine)
            assert code == 0, complained
