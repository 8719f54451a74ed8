"""Exit code of a day that ends with a difference between ledger and exchange."""

import asyncio
import os
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.launch_options import LaunchOptions
from mexc_tui.app.run_headless import DIFFERENCE, run_engine
from mexc_tui.practice.clock import wall_clock
from mexc_tui.practice.scenario import MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer, served

pytestmark = pytest.mark.timeout(180)  # runs processes

DAY = Scenario(name="short", duration_s=8, market=MarketPlan(symbols=20, active_pairs=1))


async def test_an_unexplained_difference_ends_the_day_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server = PracticeServer(DAY, 1, wall_clock())
    file = tmp_path / "exchange.json"
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path / "r")}
    async with served(server) as endpoint:
        file.write_bytes(msgspec.json.encode(endpoint))
        launch = LaunchOptions("practice", "short", 1, file, None, until_done=True)
        running = asyncio.ensure_future(run_engine(launch, environ, asyncio.Event()))
        said = ""
        while "Ready" not in said:
            await asyncio.sleep(0.1)
            said += capsys.readouterr().err
        server.session.deposit("USDT", Decimal(50))
        assert await running == DIFFERENCE
    said = capsys.readouterr().err
    assert "Unexplained: balance change +50 USDT (no matching order)" in said
    assert "balances differ (unexplained)" in said
