"""Maintenance: the whole REST API is unavailable for minutes while a position is open (reliability M15)."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.intent import OrderRole, OrderState
from mexc_tui.model.order import Side
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
BALANCES_LAST_S = LASTS_S + 90
"""Balances are the last to be available again: until then nothing can be reconciled."""
OTHER = "OTHERUSDT"


def maintenance_day(sim: Simulation, folder: Path) -> PracticeDay:
    """Return a day with ten minutes of maintenance soon after the buy; half the position is on offer."""
    outage = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=BEGINS_S, for_s=LASTS_S)
    balances = FaultPlan(
        kind=FaultKind.MAINTENANCE, at_s=BEGINS_S, for_s=BALANCES_LAST_S, path="/api/v3/account"
    )
    silence = FaultPlan(kind=FaultKind.SILENCE, at_s=BEGINS_S, for_s=LASTS_S, path="spot@private")
    overrides = {**EXITS_OFF, "ladder": "50@30", "reconcile_s": 20}
    day = day_with(sim, folder, listing=NO_JITTER, faults=(outage, balances, silence), overrides=overrides)
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


def assert_entries_wait(components: TradingComponents) -> None:
    """Assert that entries are paused while exits are allowed."""
    assert components.ledger.state.trading.state is TradingState.REDUCE_ONLY
    assert components.refusal(OrderRole.ENTRY, OTHER)
    assert not components.refusal(OrderRole.STOP, SYMBOL)


def test_M15_maintenance_keeps_orders_and_entries_wait_for_reconciliation(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = maintenance_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components, memory = components_of(running), components_of(running).ledger.state
            now_ms, began_ms = components.port.now_ms, day.server.session.start_ms + round(BEGINS_S * 1_000)
            position = await buy(running)
            await until(lambda: [order for order in memory.live_orders() if order.order_id])
            (resting,) = memory.live_orders()
            orders = len(desk_orders(day))
            await until(lambda: memory.trading.state is TradingState.REDUCE_ONLY, 120)
            fill_offer(day)
            while now_ms() < began_ms + LASTS_S * 1_000:
                assert_entries_wait(components)
                assert not memory.orders[resting.client_order_id].state.is_terminal
                assert held_position(running).remaining == position.remaining
                await asyncio.sleep(5)
            while now_ms() < began_ms + BALANCES_LAST_S * 1_000:
                assert_entries_wait(components)
                await asyncio.sleep(5)
            await until(lambda: memory.trading.state is TradingState.ACTIVE, 240)
            assert memory.reconciled is not None
            assert memory.reconciled.at_ms >= began_ms + BALANCES_LAST_S * 1_000
            assert (await stored_orders(running))[resting.client_order_id].state is OrderState.FILLED
            assert Decimal(0) < held_position(running).remaining < position.remaining
            assert len(desk_orders(day)) == orders
            await assert_ledger_matches(day, running)

    simulate(main)
