"""Sales while the exchange bans this address: every sale is sent, at the rate of emergencies."""

from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Purpose
from mexc_tui.model.position import Position
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import (
    SYMBOL,
    closed_position,
    day_with,
    keep_bid,
    monitored_engine,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

D = Decimal
BAN_S = 600
NO_LADDER = {"ladder": ""}
THREE_RUNGS = {"ladder": "30@100,40@200,30@300"}
PACE_S = 5.0
"""Under a 418 one request of an emergency leaves in so many seconds."""


def banned_day(sim: Simulation, folder: Path, **overrides: str | float) -> PracticeDay:
    """Return a day on which the next question of 46 s is answered with 418, for ten minutes."""
    ban = FaultPlan(
        kind=FaultKind.BANNED, at_s=46, method="GET", path="/api/v3/", times=1, amount_ms=BAN_S * 1_000
    )
    return day_with(sim, folder, faults=(ban,), overrides=overrides)


async def rest_by_hand(components: TradingComponents, position: Position) -> str:
    """Place a resting buy of the user, as on the web site."""
    order = NewOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.LIMIT,
        client_order_id="byhand",
        price=(position.entry_price * D("0.5")).quantize(D("0.00001")),
        quantity=D(100),
    )
    assert isinstance(await components.port.place(order, purpose=Purpose.ORDINARY), Accepted)
    return order.client_order_id


def test_a_position_is_closed_manually_during_a_ban(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(banned_day(sim, tmp_path, **NO_LADDER)) as (
            running,
            components,
            position,
        ):
            await until(components.port.ban)
            began_ms = sim.clock.now_ms()
            done = await components.exit_execution.close(
                position, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
            )
            assert (done.sold, done.left) == (position.remaining, 0)
            assert sim.clock.now_ms() - began_ms < (PACE_S + 3) * 1_000
            assert components.port.ban()
            assert (await closed_position(running)).close_reason is CloseReason.MANUAL

    simulate(main)


def test_a_time_stop_sells_during_a_ban(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = banned_day(sim, tmp_path, time_stop_s=15, **NO_LADDER)
        async with monitored_engine(day) as (running, components, position):
            await until(components.port.ban)
            after = await closed_position(running, 30)
            assert after.close_reason is CloseReason.TIME
            assert after.closed_ms is not None
            assert after.closed_ms - position.opened_ms < (15 + PACE_S + 3) * 1_000
            assert components.port.ban()

    simulate(main)


def test_a_stop_over_three_resting_orders_sends_one_cancel_during_a_ban(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(banned_day(sim, tmp_path, **THREE_RUNGS)) as (
            running,
            components,
            position,
        ):
            assert len(components.ledger.state.live_orders()) == 3
            await until(components.port.ban)
            began_ms = sim.clock.now_ms()
            await keep_bid(components, position, "0.3", 0.5)
            after = await closed_position(running, 30)
            assert after.close_reason is CloseReason.STOP
            assert sim.clock.now_ms() - began_ms < (PACE_S + 3) * 1_000

    simulate(main)


def test_a_user_order_on_the_same_pair_survives_the_cancels_of_a_stop(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = banned_day(sim, tmp_path, **THREE_RUNGS)
        async with monitored_engine(day) as (running, components, position):
            manual = await rest_by_hand(components, position)
            await until(lambda: components.ledger.state.foreign)
            await until(components.port.ban)
            await keep_bid(components, position, "0.3", 0.5)
            assert (await closed_position(running, 30)).close_reason is CloseReason.STOP
            (left,) = day.server.session.open_orders(SYMBOL)
            assert left.client_order_id == manual

    simulate(main)


def test_a_flattening_during_a_ban_reports_its_result(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with monitored_engine(banned_day(sim, tmp_path, **NO_LADDER)) as (_, components, position):
            await until(components.port.ban)
            began_ms = sim.clock.now_ms()
            acted = await components.safety.emergency_stop.flatten("ann")
            assert acted.result.positions_closed == 1
            assert acted.result.positions_left == 0
            assert sim.clock.now_ms() - began_ms < 25_000
            assert "address banned (418)" in acted.text
            assert position.id not in components.ledger.state.positions

    simulate(main)
