"""Fees reported before their fills: no consistent account halts."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.model.trading import TradingState
from mexc_tui.practice.scenario import AccountPlan, FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER, assert_ledger_matches
from tests.support.engine.monitored_position import SYMBOL, components_of, day_with, until
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

ORDERS, DEALS = "spot@private.orders", "spot@private.deals"
BLIND_MS = (3_000, 3_000)
MX = AccountPlan(balances={"USDT": Decimal(1_000), "MX": Decimal(5)})


def lost(channel: str) -> FaultPlan:
    return FaultPlan(kind=FaultKind.DROP_PUSH, at_s=35, path=channel)


LIVES = {
    "the fill is seen late": (lost(ORDERS),),
    "pushes change places": (FaultPlan(kind=FaultKind.REORDER_PUSH, at_s=35, path="spot@private"),),
    "fees are lost": (lost(DEALS),),
    "half of all pushes are lost": (
        FaultPlan(kind=FaultKind.DROP_PUSH, at_s=35, path="spot@private", chance=0.5),
    ),
}


@pytest.mark.parametrize("in_mx", [False, True], ids=["USDT", "MX"])
@pytest.mark.parametrize("faults", LIVES.values(), ids=LIVES.keys())
def test_a_fee_reported_before_its_fill_does_not_halt(
    tmp_path: Path, faults: tuple[FaultPlan, ...], in_mx: bool
) -> None:
    knobs = Knobs(visibility_ms=BLIND_MS, mx_deduction=in_mx, taker_fee=Decimal("0.001"))

    async def main(sim: Simulation) -> None:
        plan = day_with(sim, tmp_path, listing=NO_JITTER, knobs=knobs, faults=faults, overrides=EXITS_OFF)
        scenario = plan.server.session.scenario
        day = PracticeDay(sim, tmp_path, msgspec.structs.replace(scenario, account=MX) if in_mx else scenario)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(22)
            await components.arming.arm(SYMBOL, "ann")
            broken: list[str] = []
            components.ledger.on_change(lambda _: broken.extend(components.safety.equity.breaches()))
            await until(lambda: components.ledger.state.positions, 40)
            await asyncio.sleep(10)
            assert broken == []
            assert components.safety.trading_state.kept.state is TradingState.ACTIVE
            await assert_ledger_matches(day, running)

    simulate(main)
