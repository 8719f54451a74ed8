"""Maintenance: the whole REST API is unavailable for minutes while a position is open (reliability M15)."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.model.intent import OrderRole, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.trading import TradingState
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import (
    EXITS_OFF,
    NO_JITTER,
    assert_ledger_matches,
    desk_orders,
    stored_orders,
)
from tests.support.engine.monitored_position import (
    SYMBOL,
    buy,
    components_of,
    day_with,
    held_position,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

BEGINS_S, LASTS_S = 45.0, 600.0
OTHER = "OTHERUSDT"


def maintenance_day(sim: Simulation, folder: Path) -> PracticeDay:
    """Return a day with ten minutes of maintenance soon after the buy; half the position is on offer."""
    outage = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=BEGINS_S, for_s=LASTS_S)
    silence = FaultPlan(kind=FaultKind.SILENCE, at_s=BEGINS_S, for_s=LASTS_S, path="spot@private")
    overrides = {**EXITS_OFF, "ladder": "50@30", "reconcile_s": 20}
    day = day_with(sim, folder, listing=NO_JITTER, faults=(outage, silence), overrides=overrides)
    scenario = msgspec.structs.replace(day.server.session.scenario, duration_s=1_200)
    return PracticeDay(sim, folder, scenario)


def fill_offer(day: PracticeDay) -> None:
    """Let other traders buy all that the desk offers."""
    (sale,) = (row for row in desk_orders(day) if row.side is Side.SELL)
    pair = day.server.session.pair(SYMBOL)
    assert pair is not None
    limit = pair.ticks(sale.price)
    levels = [pair.book.asks.levels[ticks] for ticks in pair.book.asks.prices() if ticks < limit]
    cheaper = sum(one.lots for level in levels for one in level)
    pair.take(Side.BUY, limit, cheaper + pair.lots(sale.quantity))


def test_M15_during_maintenance_orders_stay_and_entries_wait_for_the_reconciliation_after_it(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = maintenance_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components, memory = components_of(running), components_of(running).ledger.state
            position = await buy(running)
            await until(lambda: [one for one in memory.live_orders() if one.order_id])
            (resting,) = memory.live_orders()
            orders = len(desk_orders(day))
            compared = list[Reconciliation]()
            ends_ms = day.server.session.start_ms + round((BEGINS_S + LASTS_S) * 1_000)
            await until(lambda: memory.trading.state is TradingState.REDUCE_ONLY, 120)
            fill_offer(day)
            while components.port.now_ms() < ends_ms:
                assert memory.trading.state is TradingState.REDUCE_ONLY
                assert components.refusal(OrderRole.ENTRY, OTHER)
                assert not components.refusal(OrderRole.STOP, SYMBOL)
                assert not memory.orders[resting.client_order_id].state.is_terminal
                assert held_position(running).remaining == position.remaining
                await asyncio.sleep(5)
            compare = components.reconciler.compare

            async def record(trigger: Trigger, runs: list[Reconciliation] | None = None) -> Reconciliation:
                assert memory.trading.state is TradingState.REDUCE_ONLY or compared
                compared.append(await compare(trigger, runs))
                return compared[-1]

            components.reconciler.compare = record
            await until(lambda: memory.trading.state is TradingState.ACTIVE, 240)
            assert any(not run.problem and run.at_ms >= ends_ms for run in compared)
            assert (await stored_orders(running))[resting.client_order_id].state is OrderState.FILLED
            assert Decimal(0) < held_position(running).remaining < position.remaining
            assert len(desk_orders(day)) == orders
            await assert_ledger_matches(day, running)

    simulate(main)
