"""An engine killed at each stage of an order: the next one ends with the exchange's state."""

import asyncio
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from mexc_tui.model.intent import OrderState
from mexc_tui.model.order import Side
from mexc_tui.practice.scenario import FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import (
    EXITS_OFF,
    NO_JITTER,
    assert_ledger_matches,
    cut_power,
    cut_power_when,
    desk_orders,
    fault_at_opening,
    filled_buys,
    killed_engine,
    stored_orders,
)
from tests.support.engine.monitored_position import ARM_S, SYMBOL, components_of, day_with, until
from tests.support.engine.open_position import place_take_profit
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

SETTLED_S = 25


def a_day(sim: Simulation, folder: Path, *faults: FaultPlan, knobs: Knobs | None = None) -> PracticeDay:
    return day_with(sim, folder, faults=faults, knobs=knobs, listing=NO_JITTER, overrides=EXITS_OFF)


async def then_another_agrees(day: PracticeDay, *, holds: bool) -> None:
    """Start another engine on the stored data and let it reconcile."""
    async with day.engine() as running:
        await asyncio.sleep(SETTLED_S)
        await assert_ledger_matches(day, running)
        assert bool(components_of(running).ledger.state.positions) == holds


@pytest.mark.parametrize(
    ("moment", "is_sent", "holds"),
    [("register_sent", False, False), ("register_sent", True, True), ("book_evidence", True, True)],
    ids=["before the send", "after the send", "after the answer, before it is booked"],
)
def test_c2_an_engine_killed_while_it_buys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, is_sent: bool, holds: bool
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            struck = cut_power_when(running, monkeypatch, moment, is_sent=is_sent)
            await asyncio.sleep(ARM_S)
            assert not struck.is_set()
            await components_of(running).arming.arm(SYMBOL, "ann")
            await struck.wait()
            await until(lambda: not is_sent or filled_buys(day))
            await asyncio.sleep(1)
            assert not any(row.filled_quantity for row in (await stored_orders(running)).values())
        monkeypatch.undo()
        await then_another_agrees(day, holds=holds)

    simulate(main)


@pytest.mark.parametrize("is_cancelled", [False, True], ids=["while it rests", "during its cancel"])
def test_an_engine_killed_with_a_sale_on_the_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            await until(lambda: components.ledger.state.positions)
            await asyncio.sleep(1)
            await place_take_profit(components, running)
            order = components.ledger.state.live_orders()[0]
            if is_cancelled:
                cut_power(running, monkeypatch)
                await components.execution.cancel(order, "a test")
        monkeypatch.undo()
        sale = next(row for row in desk_orders(day) if row.side is Side.SELL)
        assert (sale.status.value == "CANCELED") == is_cancelled
        await then_another_agrees(day, holds=True)

    simulate(main)


def test_r5_an_engine_killed_with_an_order_of_unknown_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        silence = FaultPlan(kind=FaultKind.SILENCE, at_s=35, for_s=20, path="spot@private")
        day = a_day(sim, tmp_path, fault_at_opening(FaultKind.LOSE_RESPONSE), silence)
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            await until(lambda: components.ledger.state.has_unknown(SYMBOL))
        monkeypatch.undo()
        await then_another_agrees(day, holds=True)

    simulate(main)


def test_an_engine_killed_with_an_absent_order_in_its_watch_keeps_the_reservation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, fault_at_opening(FaultKind.LOSE_REQUEST, times=50))
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            await asyncio.sleep(40)
            states = {row.state for row in (await stored_orders(running)).values()}
            assert states == {OrderState.ABSENT}
            assert components.ledger.state.reserved() > 0
        monkeypatch.undo()
        async with day.engine() as running:
            await asyncio.sleep(SETTLED_S)
            memory = components_of(running).ledger.state
            assert memory.reserved() > 0
            await assert_ledger_matches(day, running)
            await asyncio.sleep(600)
            assert memory.reserved() == 0
            assert not filled_buys(day)

    simulate(main)


def test_an_engine_killed_after_a_partial_fill_of_its_buy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        thin = msgspec.structs.replace(NO_JITTER, depth_quote=Decimal(20), trades_per_s=0.01)
        day = day_with(sim, tmp_path, listing=thin, overrides=EXITS_OFF)
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            await until(lambda: any(row.executed for row in desk_orders(day)))
            first = desk_orders(day)[-1]
            assert first.executed_quote < first.quote_quantity * Decimal("0.9"), (
                first.executed_quote,
                first.quote_quantity,
            )
            cut_power(running, monkeypatch)
        monkeypatch.undo()
        await then_another_agrees(day, holds=True)

    simulate(main)
