"""The entry check measures the daily loss from the same start of the day as the risk monitor."""

from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.position import EquityPoint
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.open_position import components_of, drop_bid, engine_with_position

pytestmark = pytest.mark.timeout(120)  # runs whole engines

DAY_MS = 86_400_000


async def daily_loss_of_the_gate(components: TradingComponents) -> Decimal:
    """Return the loss in per cent that an entry would be refused or allowed by."""
    judged = await components.arming.what_if("CLEANUSDT")
    verdict = next(one for one in judged.judgement.verdicts if one.name == "daily_loss")
    return Decimal(verdict.value.removesuffix("%").strip())


async def store_first_point_of_the_day(running: RunningEngine, *, is_complete: bool) -> None:
    """Put a point before every other of this day, of a desk that was worth half of what it is."""
    components = components_of(running)
    now_ms = components.port.now_ms()
    first = EquityPoint(
        at_ms=now_ms - now_ms % DAY_MS, cash=Decimal(500), holdings=Decimal(0), is_complete=is_complete
    )
    await components.ledger.write("first point of the day", lambda desk: desk.tables.equity.add(first))


@pytest.mark.parametrize("is_complete", [False, True], ids=["incomplete", "of another start"])
def test_the_daily_loss_gate_and_the_risk_monitor_report_the_same_loss(
    tmp_path: Path, is_complete: bool
) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, position_cap_pct=10, exposure_cap_pct=90) as (
            _,
            running,
            _closer,
        ):
            components = components_of(running)
            await store_first_point_of_the_day(running, is_complete=is_complete)
            await drop_bid(components, "0.52")
            monitored = components.safety.equity.losses().day_pct
            gated = await daily_loss_of_the_gate(components)
            assert monitored is not None
            assert monitored > Decimal("0.1")
            assert abs(gated - monitored) < Decimal("0.1")

    simulate(main)
