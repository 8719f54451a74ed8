"""A practice exchange whose API key has chosen permissions."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.practice.scenario import AccountPlan, MarketPlan, Scenario
from tests.support.processes.exchange_thread import exchange_in_thread

TRADES = ("SPOT_ACCOUNT_READ", "SPOT_DEAL_READ", "SPOT_DEAL_WRITE")


@contextmanager
def exchange(folder: Path, *permissions: str, ips: tuple[str, ...] = ()) -> Generator[tuple[Path, Endpoint]]:
    """Serve an exchange whose key has these permissions; yield its endpoint file and endpoint."""
    account = AccountPlan(permissions=permissions, ips=ips)
    scenario = Scenario(name="quiet", market=MarketPlan(symbols=20, active_pairs=1), account=account)
    with exchange_in_thread(scenario) as endpoint:
        file = folder / "exchange.json"
        file.write_bytes(msgspec.json.encode(endpoint))
        yield file, endpoint
