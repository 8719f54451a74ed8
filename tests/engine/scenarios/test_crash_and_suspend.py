"""Engines that end during an attempt, and suspended machines (reliability C3, H2, R17)."""

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.model.intent import CloseReason
from mexc_tui.model.order import Side
from mexc_tui.model.reconciliation import Trigger
from mexc_tui.model.snipe import Snipe, SnipeState
from mexc_tui.model.stream import BestQuote
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import (
    EXITS_OFF,
    NO_JITTER,
    assert_ledger_matches,
    cut_power_when,
    desk_orders,
    fault_at_opening,
    filled_buys,
    killed_engine,
    stored_orders,
)
from tests.support.engine.monitored_position import (
    ARM_S,
    SYMBOL,
    assert_reconciled,
    buy,
    closed_position,
    components_of,
    day_with,
    keep_bid,
    set_bid,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def a_day(sim: Simulation, folder: Path, *faults: FaultPlan, **overrides: float) -> PracticeDay:
    return day_with(sim, folder, faults=faults, listing=NO_JITTER, overrides={**EXITS_OFF, **overrides})


async def snipe_of(running: RunningEngine) -> Snipe:
    scope = components_of(running).ledger.scope
    found = await running.store.read("snipes", lambda stored: stored.trading(scope).snipes.of_symbol(SYMBOL))
    (snipe,) = found
    return snipe


@pytest.mark.parametrize("window_ms", [5_000, 30_000], ids=["window over", "window open still"])
def test_an_engine_killed_after_firing_fires_once_and_finds_its_fill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window_ms: int
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, entry_window_ms=window_ms)
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            struck = cut_power_when(running, monkeypatch, "register_sent", is_sent=True)
            await asyncio.sleep(ARM_S)
            await components_of(running).arming.arm(SYMBOL, "ann")
            await struck.wait()
            await until(lambda: filled_buys(day))
        monkeypatch.undo()
        async with day.engine() as running:
            await asyncio.sleep(20)
            assert len(desk_orders(day)) == 1
            assert (await snipe_of(running)).state is SnipeState.FILLED
            await assert_ledger_matches(day, running)

    simulate(main)


@pytest.mark.parametrize(("late_ms", "is_heard"), [(2_500, True), (12_000, False)])
def test_H2_a_stop_waits_five_seconds_for_responses_and_the_next_start_finds_the_others(
    tmp_path: Path, late_ms: int, is_heard: bool
) -> None:
    async def main(sim: Simulation) -> None:
        silence = FaultPlan(kind=FaultKind.SILENCE, at_s=35, path="spot@private")
        day = a_day(sim, tmp_path, fault_at_opening(FaultKind.DELAY, amount_ms=late_ms), silence)
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(ARM_S)
            await components_of(running).arming.arm(SYMBOL, "ann")
            await until(lambda: filled_buys(day))
            began_ms = sim.clock.now_ms()
        assert sim.clock.now_ms() - began_ms < 9_000
        async with day.engine() as running:
            reconciler = components_of(running).reconciler
            await reconciler.recovery_reported.wait()
            lines = reconciler.recovery_lines
            assert any("was acknowledged" in one for one in lines) is is_heard, lines
            await asyncio.sleep(15)
            await assert_ledger_matches(day, running)
            assert len(filled_buys(day)) == 1

    simulate(main)


async def the_clock_is_right(sim: Simulation, running: RunningEngine, ahead_ms: int, seconds: float) -> None:
    port = components_of(running).port
    await until(lambda: abs(sim.clock.now_ms() + ahead_ms - port.now_ms()) < 500, seconds)


QUIET_PAIR = "QUIETUSDT"
"""Nothing new comes of it after the standstill."""
RARELY = {"clock_resync_s": 3_600, "clock_resync_opening_s": 600, "reconcile_s": 3_600}


def test_R17_a_refused_timestamp_is_measured_again_within_seconds(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        jump = FaultPlan(kind=FaultKind.CLOCK_SKEW, at_s=45, amount_ms=30_000)
        day = a_day(sim, tmp_path, jump, **RARELY)
        await day.open()
        async with day.engine() as running:
            await buy(running)
            await asyncio.sleep(5)
            await the_clock_is_right(sim, running, 30_000, 5)
            await assert_reconciled(running)

    simulate(main)


def test_R17_a_stop_with_a_refused_timestamp_sells_after_the_clock_is_measured(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        jump = FaultPlan(kind=FaultKind.CLOCK_SKEW, at_s=43, amount_ms=30_000)
        day = a_day(sim, tmp_path, jump, **RARELY)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            await asyncio.sleep(2)
            await keep_bid(components, position, "0.2", 0.5)
            assert (await closed_position(running, 15)).close_reason is CloseReason.STOP
            assert any(row.code == 700003 for row in (await stored_orders(running)).values())
            sold = [row for row in desk_orders(day) if row.side is Side.SELL]
            assert [row.executed for row in sold] == [position.remaining]
            await assert_reconciled(running)

    simulate(main)


@pytest.mark.parametrize("is_suspended", [True, False], ids=["machine asleep", "process stopped"])
def test_C3_a_suspended_engine_discards_prices_and_reconciles(
    tmp_path: Path, is_suspended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, **RARELY)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            position = await buy(running)
            before = components.ledger.state.reconciled
            assert before is not None
            set_bid(components, position, "1")
            components.prices.on_quote(
                BestQuote(
                    symbol=QUIET_PAIR,
                    bid_price=Decimal(1),
                    bid_quantity=Decimal(1),
                    ask_price=Decimal(2),
                    ask_quantity=Decimal(1),
                    version=0,
                )
            )
            if is_suspended:
                sim.clock.step_wall(4_000)  # the exchange's time went on, our steady clock did not
            else:
                steady = sim.clock.monotonic_ns
                monkeypatch.setattr(sim.clock, "monotonic_ns", lambda: steady() + 4_000_000_000)
            await until(lambda: components.prices.age_ms(QUIET_PAIR) is None, 2)
            await the_clock_is_right(sim, running, 0, 3)
            await asyncio.sleep(4)
            after = components.ledger.state.reconciled
            assert after is not None
            assert (after.trigger, after.unexplained) == (Trigger.STREAM_GAP, ())
            assert after.at_ms > before.at_ms
            await assert_ledger_matches(day, running)

    simulate(main)
