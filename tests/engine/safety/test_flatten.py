"""Flattening sells each pair beside the cancelling, whatever holds the cancelling up."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.intent import OrderRole, OrderState
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import closed_position, day_with, monitored_engine
from tests.support.samples import trading_samples as samples

pytestmark = pytest.mark.timeout(120)  # runs whole engines

ONE_RUNG = {"ladder": "50@100"}
WITHIN_MS = 2_000


async def ms_until_sold(sim: Simulation, running: RunningEngine, components: TradingComponents) -> int:
    """Flatten; return after how many milliseconds the position was closed."""
    began_ms = sim.clock.now_ms()
    flattening = asyncio.ensure_future(components.safety.emergency_stop.flatten("ann"))
    await closed_position(running)
    took_ms = sim.clock.now_ms() - began_ms
    assert (await flattening).result.positions_closed == 1
    return took_ms


def test_unreadable_open_orders_do_not_delay_sales_of_a_flatten(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        failing = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=43, path="/api/v3/openOrders")
        async with monitored_engine(day_with(sim, tmp_path, faults=(failing,), overrides=ONE_RUNG)) as (
            running,
            components,
            _,
        ):
            await asyncio.sleep(2)
            assert await ms_until_sold(sim, running, components) < WITHIN_MS

    simulate(main)


def test_a_buy_of_unknown_outcome_in_another_pair_does_not_delay_sales_of_a_flatten(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(day_with(sim, tmp_path, overrides=ONE_RUNG)) as (running, components, _):
            unknown = msgspec.structs.replace(
                samples.order("lost-1", state=OrderState.UNKNOWN, intent_id="lost"),
                symbol="OTHERUSDT",
                role=OrderRole.ENTRY,
                fence_ms=components.port.now_ms() + 10_000,
            )
            components.ledger.state.put_order(unknown)
            assert await ms_until_sold(sim, running, components) < WITHIN_MS

    simulate(main)


def test_hanging_cancels_delay_only_sales_of_their_own_pair(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        hanging = FaultPlan(
            kind=FaultKind.DELAY, at_s=43, method="DELETE", path="/api/v3/order", amount_ms=60_000
        )
        overrides = {"ladder": "", "time_stop_s": 0}
        async with monitored_engine(day_with(sim, tmp_path, faults=(hanging,), overrides=overrides)) as (
            running,
            components,
            _,
        ):
            other = msgspec.structs.replace(
                samples.order("resting-1", state=OrderState.ACKNOWLEDGED, intent_id="resting"),
                symbol="OTHERUSDT",
                role=OrderRole.TAKE_PROFIT,
            )
            await asyncio.sleep(2)
            components.ledger.state.put_order(other)
            assert await ms_until_sold(sim, running, components) < WITHIN_MS

    simulate(main)
