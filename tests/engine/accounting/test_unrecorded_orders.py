"""Orders with the desk's prefix outside its ledger: another host, or an old backup."""

import asyncio
import shutil
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER, filled_buys
from tests.support.engine.monitored_position import buy, components_of, day_with, until
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def on_another_host(day: PracticeDay, folder: Path) -> PracticeDay:
    """Return the same exchange for a desk with its own folders."""
    other = PracticeDay(day.sim, folder)
    other.server = day.server
    return other


async def halt_of(running: RunningEngine) -> tuple[TradingState, Cause, str]:
    components = components_of(running)
    await until(lambda: components.unrecorded_orders.is_done)
    await until(lambda: components.ledger.state.trading.state is TradingState.HALTED)
    trading = components.ledger.state.trading
    return trading.state, trading.cause, trading.text


def test_h5_an_engine_with_other_folders_finds_the_orders_of_the_first_and_halts(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path / "one", listing=NO_JITTER, overrides=EXITS_OFF)
        await day.open()
        async with day.engine() as running:
            await buy(running)
        async with on_another_host(day, tmp_path / "two").engine() as running:
            _, cause, words = await halt_of(running)
            assert cause is Cause.UNRECORDED_ORDER
            assert "another engine trades on this account" in words
            assert filled_buys(day)[0].client_order_id in words

    simulate(main)


def test_h5_an_order_before_a_manual_resume_halts_no_later_start(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path / "one", listing=NO_JITTER, overrides=EXITS_OFF)
        await day.open()
        async with day.engine() as running:
            await buy(running)
        other = on_another_host(day, tmp_path / "two")
        async with other.engine() as running:
            await halt_of(running)
            assert (await components_of(running).safety.trading_state.resume("ann", "resume", ())).changed
        async with other.engine() as running:
            components = components_of(running)
            await until(lambda: components.unrecorded_orders.is_done)
            await asyncio.sleep(10)
            assert components.ledger.state.trading.state is TradingState.ACTIVE

    simulate(main)


def test_h12_a_restored_old_backup_halts_and_names_the_orders_that_are_newer(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER, overrides=EXITS_OFF)
        await day.open()
        backup = tmp_path / "old.sqlite3"
        async with day.engine() as running:
            await running.store.back_up(backup)
            await buy(running)
        for leftover in day.paths.state.glob("desk.sqlite3*"):
            leftover.unlink()
        shutil.copy(backup, day.paths.store)
        async with day.engine() as running:
            _, cause, words = await halt_of(running)
            assert cause is Cause.UNRECORDED_ORDER
            assert "created by this desk and is not in its ledger" in words
            assert "older than the exchange's orders" in words
            ids = components_of(running).ledger.client_ids(1)
            assert ids[0] not in {row.client_order_id for row in filled_buys(day)}

    simulate(main)
