"""An engine and a practice exchange, each in its own process."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCENARIO = """
name = "short"
duration_s = 600
[market]
symbols = 30
active_pairs = 2
[settings]
require_calendar = false
"""


PLACE_ORDERS = """
import asyncio, sys
from decimal import Decimal
from pathlib import Path
from random import Random
from mexc_tui.app.endpoints import SystemClock, read_endpoint
from mexc_tui.exchange.client import MexcClient
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.ledger.ids import make_ids
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Purpose

async def main():
    endpoint = read_endpoint(Path(sys.argv[1]))
    key = Credentials(endpoint.api_key, Secret(endpoint.api_secret))
    async with MexcClient(endpoint.rest, clock=SystemClock(), rng=Random(1), credentials=key) as client:
        await client.measure_clock()
        if sys.argv[2] == "show":
            for one in (await client.orders.open_orders()).rows:
                print(one.client_order_id)
            return
        names = [make_ids(sys.argv[2], 1_700_000_000_000, 1, 1)[0], "somebody-else"]
        pair = next(p for p in (await client.market.exchange_info()).symbols if p.symbol == "MXUSDT")
        for name in names:
            order = NewOrder(symbol=pair.symbol, side=Side.BUY, type=OrderType.LIMIT, client_order_id=name,
                             price=Decimal("0.5"), quantity=Decimal(20))
            print(await client.orders.place(order, purpose=Purpose.ENTRY))

asyncio.run(main())
"""


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

    def python(self, *arguments: str) -> str:
        result = subprocess.run(
            [sys.executable, "-c", PLACE_ORDERS, str(self.file), *arguments],
            env=environment(self.folder),
            capture_output=True,
            text=True,
            timeout=40,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return result.stdout

    def place_orders(self) -> None:
        assert self.python("abcd").count("Accepted") == 2

    def open_orders(self) -> list[str]:
        return self.python("show").split()

    def engine(self) -> subprocess.Popen[str]:
        engine = start_command(self.folder, "--headless", "--exchange", str(self.file))
        assert engine.stderr is not None
        if not any("Ready" in line for line in engine.stderr):  # warnings about a slow disk may precede it
            engine.communicate(timeout=20)
            pytest.fail("the engine did not start")
        return engine

    def kill(self, *more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mexc_tui", "kill", "--direct", "--exchange", str(self.file), *more]
        return subprocess.run(
            command,
            env=environment(self.folder),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=80,
            check=False,
        )

    def status(self) -> dict[str, object]:
        status_command = start_command(self.folder, "status", "--json")
        output, errors = status_command.communicate(timeout=20)
        assert output, errors
        return json.loads(output)

    @property
    def state(self) -> Path:
        return self.folder / ".local/state/mexc-tui/practice"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskProcesses]:
    yield from start_exchange(tmp_path, SCENARIO)


def start_exchange(tmp_path: Path, text: str) -> Iterator[DeskProcesses]:
    scenario = tmp_path / "short.toml"
    scenario.write_text(text)
    process = start_command(tmp_path, "exchange", "--scenario", str(scenario))
    assert process.stdout is not None
    file = tmp_path / "exchange.json"
    file.write_text(process.stdout.readline())
    yield DeskProcesses(tmp_path, file)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def stop_engine(engine: subprocess.Popen[str], how: signal.Signals = signal.SIGTERM) -> None:
    engine.send_signal(how)
    engine.communicate(timeout=20)
