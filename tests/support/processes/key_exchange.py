"""A practice exchange whose API key has chosen permissions."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.practice.scenario import AccountPlan, MarketPlan, Scenario
from mexc_tui.practice.server import serving

TRADES = ("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE")


@contextmanager
def exchange(folder: Path, *permissions: str, ips: tuple[str, ...] = ()) -> Generator[tuple[Path, Endpoint]]:
    """Serve an exchange whose key has these permissions; yield its endpoint file and endpoint."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    found: list[Endpoint] = []
    account = AccountPlan(permissions=permissions, ips=ips)
    scenario = Scenario(name="quiet", market=MarketPlan(symbols=20, active_pairs=1), account=account)
    over = asyncio.Event()

    async def serve() -> None:
        async with serving(scenario, 1) as endpoint:
            found.append(endpoint)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(20)
    file = folder / "exchange.json"
    file.write_bytes(msgspec.json.encode(found[0]))
    yield file, found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(20)
    loop.close()
