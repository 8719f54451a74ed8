"""An engine in its own process, and a practice exchange in a thread of the tests."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TypeVar

import msgspec
import pytest

from mexc_tui.app.endpoints import SystemClock, read_endpoint
from mexc_tui.exchange.client import MexcClient
from mexc_tui.ledger.ids import make_ids
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Purpose
from mexc_tui.practice.scenario import load
from tests.support.processes.command_server import run_command
from tests.support.processes.exchange_thread import exchange_in_thread

T = TypeVar("T")

SCENARIO = """
name = "short"
duration_s = 600
[market]
symbols = 30
active_pairs = 2
[settings]
require_calendar = false
"""


async def _place(client: MexcClient) -> int:
    """Place an order of the desk and a foreign one; return how many were accepted."""
    names = [make_ids("abcd", 1_700_000_000_000, 1, attempts=1)[0], "somebody-else"]
    pairs = (await client.market.exchange_info()).symbols
    (symbol,) = (pair.symbol for pair in pairs if pair.symbol == "MXUSDT")
    orders = [
        NewOrder(
            symbol=symbol,
            side=Side.BUY,
            type=OrderType.LIMIT,
            client_order_id=name,
            price=Decimal("0.5"),
            quantity=Decimal(20),
        )
        for name in names
    ]
    answers = [await client.orders.place(order, purpose=Purpose.ENTRY) for order in orders]
    return sum(isinstance(answer, Accepted) for answer in answers)


async def _show(client: MexcClient) -> list[str]:
    return [row.client_order_id or "" for row in (await client.orders.open_orders()).rows]


def environment(folder: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "VIRTUAL_ENV") if name in os.environ}
    return kept | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "r")}


def start_command(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mexc_tui", *arguments],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@dataclass
class DeskProcesses:
    folder: Path
    file: Path

    def ask(self, work: Callable[[MexcClient], Awaitable[T]]) -> T:
        """Return the result of `work` on a client of the exchange."""

        async def run() -> T:
            endpoint = read_endpoint(self.file)
            key = Credentials(endpoint.api_key, Secret(endpoint.api_secret))
            async with MexcClient(
                endpoint.rest, clock=SystemClock(), rng=Random(1), credentials=key
            ) as client:
                await client.measure_clock()
                return await work(client)

        return asyncio.run(run())

    def place_orders(self) -> None:
        assert self.ask(_place) == 2

    def open_orders(self) -> list[str]:
        return self.ask(_show)

    def engine(self) -> subprocess.Popen[str]:
        engine = start_command(self.folder, "--headless", "--exchange", str(self.file))
        assert engine.stderr is not None
        if not any("Ready" in line for line in engine.stderr):  # warnings about a slow disk may precede it
            engine.communicate(timeout=20)
            pytest.fail("the engine did not start")
        return engine

    def kill(self, *more: str) -> subprocess.CompletedProcess[str]:
        words = ["kill", "--direct", "--exchange", str(self.file), *more]
        return run_command(words, environment(self.folder), self.folder.parent)

    def status(self) -> dict[str, object]:
        result = run_command(["status", "--json"], environment(self.folder), self.folder.parent)
        assert result.stdout, result.stderr
        return json.loads(result.stdout)

    @property
    def state(self) -> Path:
        return self.folder / ".local/state/mexc-tui/practice"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskProcesses]:
    yield from start_exchange(tmp_path, SCENARIO)


def start_exchange(tmp_path: Path, text: str) -> Iterator[DeskProcesses]:
    scenario = tmp_path / "short.toml"
    scenario.write_text(text)
    with exchange_in_thread(load(str(scenario))) as endpoint:
        file = tmp_path / "exchange.json"
        file.write_bytes(msgspec.json.encode(endpoint))
        yield DeskProcesses(tmp_path, file)


def stop_engine(engine: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> None:
    engine.send_signal(how)
    engine.communicate(timeout=20)
