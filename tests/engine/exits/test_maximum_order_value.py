"""Positions above a pair's maximum order value: sales and take-profits are sliced, nothing is written off."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import LedgerAccount
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.sniping.exit_edit import ExitUpdate
from tests.support.engine.crashing_engine import desk_orders
from tests.support.engine.monitored_position import (
    SYMBOL,
    Overrides,
    assert_reconciled,
    change_rules,
    closed_position,
    day_with,
    keep_bid,
    monitored_engine,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

D = Decimal
NO_LADDER: Overrides = {
    "ladder": "",
    "exchange_info_least_s": 3,
    "symbols_poll_near_s": 3,
    "stop_loss_pct": 50,
}


async def lower_the_maximum(day: PracticeDay, running: RunningEngine, most: Decimal) -> None:
    """Let the exchange take orders up to this value, and wait until the desk knows it."""
    change_rules(day, max_value=most, max_value_market=most)
    known = running.engine.knowledge_store.knowledge
    await until(lambda: known.pairs[SYMBOL].max_value == most, 40)


def sales(day: PracticeDay) -> list[OrderRecord]:
    return [one for one in desk_orders(day) if one.side is Side.SELL]


@pytest.mark.parametrize("share_pct", [None, D(60)])
def test_a_close_above_the_maximum_order_is_sold_in_slices(tmp_path: Path, share_pct: Decimal | None) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            await lower_the_maximum(day, running, D(3))
            face = await trading_queries(running.engine)
            assert face is not None
            acted = await face.close(SYMBOL, share_pct, "ann")
            assert acted.is_all, acted.text
            left = D(0) if share_pct is None else position.remaining * D("0.4")
            open_ones = components.ledger.state.positions.values()
            assert abs(sum(one.remaining for one in open_ones) - left) <= D("0.01")
            assert len(sales(day)) > 1
            assert all(one.quantity * one.price <= 3 for one in sales(day))
            await assert_reconciled(running)

    simulate(main)


def test_a_stop_above_the_maximum_order_is_sold_in_slices(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            await lower_the_maximum(day, running, D(3))
            await keep_bid(components, position, "0.49", 0.4)
            after = await closed_position(running)
            assert (after.close_reason, after.dust) == (CloseReason.STOP, 0)
            assert after.sold_quantity == position.bought_quantity
            await assert_reconciled(running)

    simulate(main)


def test_rungs_above_the_maximum_order_rest_as_slices_and_are_cancelled_before_a_sale(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            await lower_the_maximum(day, running, D(3))
            face = await trading_queries(running.engine)
            assert face is not None
            ladder = (Rung(D(60), D(60)), Rung(D(40), D(90)))
            await face.edit_exits(SYMBOL, ExitUpdate(ladder=ladder), "ann")
            await until(lambda: _resting(day) == position.remaining)
            rows = sales(day)
            assert len({one.price for one in rows}) == 2
            assert len(rows) > 4
            assert all(one.quantity * one.price <= 3 for one in rows)
            row = face.positions()[0]
            assert [one.where for one in row.rungs] == ["exchange", "exchange"]
            done = await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert (done.left, done.dust) == (0, 0)
            assert (await closed_position(running)).sold_quantity == position.bought_quantity
            await assert_reconciled(running)

    simulate(main)


def _resting(day: PracticeDay) -> Decimal:
    return sum((one.quantity for one in sales(day) if not one.status.is_terminal), D(0))


def test_a_kill_sells_a_position_above_the_maximum_order(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides=NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            await lower_the_maximum(day, running, D(3))
            acted = await components.safety.emergency_stop.emergency_stop("ann")
            assert acted.is_all, acted.text
            assert (acted.result.positions_closed, acted.result.positions_left) == (1, 0)
            assert "dust" not in acted.text
            assert position.id not in components.ledger.state.positions
            assert (LedgerAccount.OWN, "CLEAN") not in components.ledger.state.balances
            await assert_reconciled(running)

    simulate(main)


def test_a_stop_finds_a_valid_quantity_after_both_bounds_changed(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""})
        async with monitored_engine(day) as (running, components, position):
            low, high = {"min_value": D(3), "min_value_market": D(3)}, D(4)
            change_rules(day, **low, max_value=high, max_value_market=high)
            began_ms = sim.clock.now_ms()
            await keep_bid(components, position, "0.85", 0.3)
            after = await closed_position(running, 10)
            assert (after.sold_quantity, after.dust) == (position.bought_quantity, 0)
            assert sim.clock.now_ms() - began_ms < 5_000
            await assert_reconciled(running)

    simulate(main)


def test_a_raised_minimum_quantity_leaves_no_coins_unsold(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        overrides = {**NO_LADDER, "stop_loss_pct": 10}
        day = day_with(sim, tmp_path, overrides=overrides)
        async with monitored_engine(day) as (running, components, position):
            change_rules(day, min_quantity=D(100))
            await asyncio.sleep(8)
            await keep_bid(components, position, "0.85", 0.3)
            after = await closed_position(running, 10)
            assert (after.sold_quantity, after.dust) == (position.bought_quantity, 0)

    simulate(main)
