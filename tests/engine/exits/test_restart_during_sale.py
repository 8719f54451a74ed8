"""A sale's intent ends with the sale, and a triggered exit survives a restart."""

import asyncio
from pathlib import Path

import pytest

from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.intent import CloseReason, Intent, OrderRole
from mexc_tui.model.position import Position
from mexc_tui.model.stream import BestQuote
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import (
    SYMBOL,
    assert_reconciled,
    closed_position,
    components_of,
    day_with,
    held_position,
    keep_bid,
    monitored_engine,
    set_bid,
    until,
)
from tests.support.samples.sniping_samples import D

pytestmark = pytest.mark.timeout(120)  # runs whole engines

NO_LADDER = {"ladder": ""}


def open_sales(components: TradingComponents, position: Position) -> list[Intent]:
    intents = components.ledger.state.intents_of(position.id)
    return [one for one in intents if one.role in (OrderRole.CLOSE, OrderRole.FLATTEN)]


def test_overlapping_partial_sales_leave_nothing_to_sell_after_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        late = FaultPlan(
            kind=FaultKind.DELAY, at_s=42, times=1, method="POST", path="/api/v3/order", amount_ms=400
        )
        silent = FaultPlan(kind=FaultKind.SILENCE, at_s=42, for_s=1, path="spot@private")
        day = day_with(sim, tmp_path, faults=(late, silent), overrides=NO_LADDER)
        async with monitored_engine(day) as (_running, components, position):
            await asyncio.sleep(1)
            sell = components.exit_execution.close
            manual = asyncio.ensure_future(
                sell(position, D(50), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann")
            )
            await asyncio.sleep(0.2)
            trim = sell(
                position, D(70), OrderRole.CLOSE, reason=CloseReason.RISK_MONITOR, text="a warning trims"
            )
            await asyncio.gather(manual, trim)
            await until(lambda: not components.exit_execution.is_selling(position.id))
            await asyncio.sleep(1)
            assert open_sales(components, position) == []
            left = components.ledger.state.positions[position.id].remaining
            assert 0 < left < position.remaining / 2
        async with day.engine() as running:
            await asyncio.sleep(10)
            assert held_position(running).remaining == left
            await assert_reconciled(running)

    simulate(main)


def test_an_intent_is_replaced_by_a_request_for_more_than_it_covers(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        refused = FaultPlan(
            kind=FaultKind.TOO_MANY_REQUESTS, at_s=41, for_s=20, method="POST", path="/api/v3/order"
        )
        day = day_with(sim, tmp_path, faults=(refused,), overrides=NO_LADDER)
        async with monitored_engine(day) as (_running, components, position):
            await asyncio.sleep(1)
            for share in (D(30), D(60)):
                components.exit_execution.begin(
                    position,
                    position.remaining * (1 - share / 100),
                    OrderRole.CLOSE,
                    reason=CloseReason.MANUAL,
                    text="by ann",
                )
                await asyncio.sleep(3)
            (kept,) = open_sales(components, position)
            assert kept.quantity == position.remaining * D("0.6")

    simulate(main)


def test_a_triggered_stop_without_a_fill_sells_after_a_restart_at_a_higher_price(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        refused = FaultPlan(
            kind=FaultKind.TOO_MANY_REQUESTS, at_s=41, for_s=14, method="POST", path="/api/v3/order"
        )
        day = day_with(sim, tmp_path, faults=(refused,), overrides={"stop_loss_pct": 20, **NO_LADDER})
        async with monitored_engine(day) as (running, components, position):
            await asyncio.sleep(1)
            await keep_bid(components, position, "0.5", 0.5)
            await asyncio.sleep(2)
            assert held_position(running).fired is CloseReason.STOP
            assert held_position(running).remaining == position.remaining
        async with day.engine() as running:
            components = components_of(running)
            set_bid(components, position, "1.02")
            after = await closed_position(running, 40)
            assert after.close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


@pytest.mark.parametrize("command", ["flatten", "close"])
def test_a_sale_without_a_bid_continues_after_a_restart(tmp_path: Path, command: str) -> None:
    async def main(sim: Simulation) -> None:
        silent = FaultPlan(kind=FaultKind.SILENCE, at_s=42, for_s=40, path="spot@public")
        blind = FaultPlan(kind=FaultKind.MAINTENANCE, at_s=42, for_s=40, path="/api/v3/depth")
        overrides = {"stop_loss_pct": 50, **NO_LADDER}
        day = day_with(sim, tmp_path, faults=(silent, blind), overrides=overrides)
        async with monitored_engine(day) as (running, components, position):
            await asyncio.sleep(2)
            components.prices.on_quote(
                BestQuote(
                    symbol=SYMBOL,
                    bid_price=None,
                    bid_quantity=D(0),
                    ask_price=position.entry_price,
                    ask_quantity=D(100),
                    version=0,
                )
            )
            if command == "flatten":
                acted = await components.safety.emergency_stop.flatten("ann")
                assert "no bid" in acted.text
            else:
                await components.exit_execution.close(
                    position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
                )
            assert held_position(running).remaining == position.remaining
        async with day.engine() as running:
            after = await closed_position(running, 60)
            reason = CloseReason.FLATTEN if command == "flatten" else CloseReason.MANUAL
            assert (after.close_reason, after.sold_quantity) == (reason, position.bought_quantity)
            await assert_reconciled(running)

    simulate(main)


def test_a_close_that_waits_below_its_slippage_cap_still_waits_after_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"stop_loss_pct": 50, **NO_LADDER})
        async with monitored_engine(day) as (running, components, position):
            set_bid(components, position, "2")
            await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert held_position(running).remaining == position.remaining
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(30)
            assert held_position(running).remaining == position.remaining
            again = await components.exit_execution.close(
                held_position(running), None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert (again.sold, again.left) == (position.remaining, 0)

    simulate(main)
