"""Defects that other desks are known for, on the whole engine (rules 2 to 5)."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from mexc_tui.app.composition import RunningEngine
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.order import Side
from mexc_tui.practice.scenario import FaultKind, FaultPlan, ListingPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER, ORDER, desk_orders
from tests.support.engine.monitored_position import (
    ARM_S,
    SYMBOL,
    closed_position,
    components_of,
    day_with,
    held_position,
    keep_bid,
    monitored_engine,
    until,
)
from tests.support.engine.practice_day import HOST, PORT, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

OTHER = "OTHERUSDT"
SECOND = msgspec.structs.replace(NO_JITTER, base="OTHER")


def two_listings(
    sim: Simulation, folder: Path, second: ListingPlan, *faults: FaultPlan, **overrides: float
) -> PracticeDay:
    settings: dict[str, float | str] = {**EXITS_OFF, "max_snipes": 2, **overrides}
    day = day_with(sim, folder, listing=NO_JITTER, overrides=settings, faults=faults)
    plan = day.server.session.scenario
    return PracticeDay(sim, folder, msgspec.structs.replace(plan, listings=(NO_JITTER, second)))


async def buy_both(running: RunningEngine) -> None:
    await asyncio.sleep(ARM_S)
    arm = components_of(running).arming.arm
    await asyncio.gather(arm(SYMBOL, "ann"), arm(OTHER, "ann"))
    await until(lambda: len(components_of(running).ledger.state.positions) == 2)
    await asyncio.sleep(1)


def test_defect_7_an_emergency_stop_sells_concurrently_and_repeats_hanging_sales(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        hang = FaultPlan(kind=FaultKind.LOSE_REQUEST, at_s=43, method="POST", path=ORDER, times=1)
        day = two_listings(sim, tmp_path, SECOND, hang)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await buy_both(running)
            await asyncio.sleep(2)
            began_ms, gone_ms = sim.clock.now_ms(), list[int]()
            components.ledger.on_change(
                lambda written: gone_ms.extend(
                    sim.clock.now_ms() - began_ms for one in written.positions if not one.is_open
                )
            )
            acted = await components.safety.emergency_stop.emergency_stop("ann")
            assert acted.is_all, acted.text
            assert acted.result.positions_closed == 2
            assert gone_ms[0] < 1_000 < gone_ms[-1]  # one did not wait, the other was sent again
            assert not any(one.free for one in day.server.session.balances() if one.asset != "USDT")

    simulate(main)


def test_losses_of_real_closes_are_counted_and_pause_the_next_entry(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        later = msgspec.structs.replace(SECOND, opens_s=80)
        day = two_listings(sim, tmp_path, later, losses_pause=1)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            await until(lambda: components.ledger.state.positions)
            await asyncio.sleep(1)
            await components.exit_execution.close(
                held_position(running), None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="ann"
            )
            assert (await closed_position(running)).realised < 0
            await asyncio.sleep(20)
            with pytest.raises(CommandRefused, match="losses in a row"):
                await components.arming.arm(OTHER, "ann")

    simulate(main)


class NotedDay:
    """A day whose exchange records incoming orders."""

    def __init__(self, day: PracticeDay) -> None:
        self.day = day
        self.methods = set[str]()
        self.fields = set[str]()

    async def open(self) -> None:
        @web.middleware
        async def note(
            request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
        ) -> web.StreamResponse:
            is_new = "newClientOrderId" in request.query or request.method == "POST"
            if request.path == ORDER and is_new:
                self.methods.add(request.method)
                self.fields.update(request.query)
            return await handler(request)

        application = self.day.server.application()
        application.middlewares.append(note)
        await self.day.sim.network.serve(HOST, PORT, application)


def test_defects_1_2_10_11_orders_are_sized_in_quote_without_time_in_force_or_resting_stops(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        noted = NotedDay(day_with(sim, tmp_path, overrides={"ladder": "30@10, 30@20"}))
        day = noted.day
        await noted.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            await until(lambda: len(components.ledger.state.live_orders()) == 2)
            await asyncio.sleep(1)
            position = held_position(running)
            (record,) = (one for one in desk_orders(day) if one.executed and one.side is Side.BUY)
            assert Decimal(9) < record.executed_quote <= Decimal(10)  # quote units to spend, no quantity
            assert position.entry_price == record.average_price  # no response reported it
            resting = day.server.session.open_orders()
            assert {one.side for one in resting} == {Side.SELL}
            assert all(one.price > position.entry_price for one in resting)
            assert sum(one.quantity for one in resting) < position.remaining
            assert position.stop_price < position.entry_price
            await keep_bid(components, position, "0.4", 1)  # the stop sells, all of it
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            assert noted.methods == {"POST"}
            assert "quantity" in noted.fields
            assert "timeInForce" not in noted.fields

    simulate(main)


def test_a_price_above_two_rungs_sells_both_and_protects_the_remainder(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": "25@10, 25@20"})
        async with monitored_engine(day) as (running, components, position):
            await until(lambda: len(components.ledger.state.live_orders()) == 2)
            await asyncio.sleep(1)
            top = max(day.server.session.open_orders(), key=lambda one: one.price)
            pair = day.server.session.pair(SYMBOL)
            assert pair is not None
            pair.take(Side.BUY, pair.ticks(top.price), 10**9)
            await until(lambda: not components.ledger.state.live_orders())
            await asyncio.sleep(1)
            after = held_position(running)
            assert after.rungs_done == (1, 2)
            assert abs(after.remaining - position.remaining / 2) <= Decimal("0.02")
            (stop,) = (one for one in components.ledger.state.intents.values() if one.role is OrderRole.STOP)
            assert stop.quantity == after.remaining

    simulate(main)
