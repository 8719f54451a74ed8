"""Sales that wait for a returning bid, a slow cancel, or an order that may have been accepted."""

import asyncio
from pathlib import Path

import pytest

from mexc_tui.model.intent import CloseReason
from mexc_tui.model.order import Side
from mexc_tui.model.outcome import SETTLE_MS
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import desk_orders
from tests.support.engine.monitored_position import (
    assert_reconciled,
    closed_position,
    day_with,
    keep_bid,
    monitored_engine,
)

pytestmark = pytest.mark.timeout(120)  # runs whole engines

ORDER = "/api/v3/order"
NO_LADDER = {"ladder": ""}
ALL_RESTS = {"ladder": "100@100"}
FENCE_MS = 2_000 + SETTLE_MS


@pytest.mark.parametrize("kind", [FaultKind.LATE_REQUEST, FaultKind.HALF_OPEN], ids=["lost", "unanswered"])
def test_a_stop_sends_a_second_cancel_while_the_first_hangs(tmp_path: Path, kind: FaultKind) -> None:
    async def main(sim: Simulation) -> None:
        hanging = FaultPlan(kind=kind, at_s=42, times=1, method="DELETE", path=ORDER, amount_ms=60_000)
        silent = FaultPlan(kind=FaultKind.SILENCE, at_s=42, path="spot@private")
        day = day_with(sim, tmp_path, faults=(hanging, silent), overrides=ALL_RESTS)
        async with monitored_engine(day) as (running, components, position):
            await asyncio.sleep(2)
            began_ms = sim.clock.now_ms()
            await keep_bid(components, position, "0.5", 0.1)
            after = await closed_position(running)
            assert after.close_reason is CloseReason.STOP
            assert sim.clock.now_ms() - began_ms < 2_000
            await assert_reconciled(running)

    simulate(main)


@pytest.mark.parametrize(
    ("kind", "spare_ms"),
    [(FaultKind.MAINTENANCE, 1_300), (FaultKind.FIREWALL, 5_700)],
    ids=["503", "403 page, then one request a second"],
)
# Half a second of it separates the two balance responses that an absent order needs.
def test_a_stop_answered_by_a_server_error_is_sent_again_after_its_fence(
    tmp_path: Path, kind: FaultKind, spare_ms: int
) -> None:
    async def main(sim: Simulation) -> None:
        failing = FaultPlan(kind=kind, at_s=42, times=1, method="POST", path=ORDER)
        async with monitored_engine(day_with(sim, tmp_path, faults=(failing,), overrides=NO_LADDER)) as (
            running,
            components,
            position,
        ):
            await asyncio.sleep(2)
            began_ms = sim.clock.now_ms()
            await keep_bid(components, position, "0.5", 0.1)
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            took_ms = sim.clock.now_ms() - began_ms
            assert FENCE_MS <= took_ms < FENCE_MS + spare_ms, took_ms

    simulate(main)


def test_a_stop_executed_despite_a_500_is_not_sent_again(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        executed = FaultPlan(kind=FaultKind.EXECUTED_500, at_s=42, times=1, method="POST", path=ORDER)
        day = day_with(sim, tmp_path, faults=(executed,), overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            await asyncio.sleep(2)
            await keep_bid(components, position, "0.5", 0.1)
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            sold = [row.executed for row in desk_orders(day) if row.side is Side.SELL]
            assert sold == [position.remaining]
            await assert_reconciled(running)

    simulate(main)
