"""A deleted, replaced, emptied or damaged database halts entries, while exits continue."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.model.intent import OrderRole
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.store.sqlite.backups import Backups, restore
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER
from tests.support.engine.monitored_position import SYMBOL, buy, components_of, day_with, held_position, until
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def a_day(sim: Simulation, folder: Path) -> PracticeDay:
    return day_with(sim, folder, listing=NO_JITTER, overrides=EXITS_OFF)


def delete(day: PracticeDay) -> None:
    for file in day.paths.state.glob("desk.sqlite3*"):
        if not file.name.endswith("-reserve"):
            file.unlink()


def replace(day: PracticeDay) -> None:
    fresh = day.paths.state / "fresh"
    shutil.copy(day.paths.store, fresh)
    fresh.rename(day.paths.store)


def delete_log(day: PracticeDay) -> None:
    (day.paths.state / "desk.sqlite3-wal").unlink()


def move_folder(day: PracticeDay) -> None:
    day.paths.state.rename(day.paths.state.with_name("elsewhere"))


async def sell(running: RunningEngine) -> None:
    face = await trading_queries(running.engine)
    assert face is not None
    assert (await face.close(SYMBOL, None, "ann")).is_all


async def halted(running: RunningEngine) -> str:
    components = components_of(running)
    await until(lambda: components.safety.trading_state.kept.state is TradingState.HALTED, 5)
    assert components.safety.trading_state.kept.cause is Cause.STORAGE
    assert components.refusal(OrderRole.ENTRY, "OTHERUSDT")
    return components.safety.trading_state.kept.text


@pytest.mark.parametrize("how", [delete, replace, delete_log, move_folder], ids=lambda how: how.__name__)
def test_a_database_lost_while_running_halts_entries_and_is_backed_up(
    tmp_path: Path, how: Callable[[PracticeDay], None]
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await buy(running)
            how(day)
            words = await halted(running)
            assert "while in use by this engine" in words
            components = components_of(running)
            await sell(running)
            await until(lambda: not components.ledger.state.positions)
            backups = Backups(day.paths.store).all()
        if how is move_folder:  # no folder to write the backup to
            assert not backups
            return
        assert [file.name.rpartition("-")[2] for file in backups] == ["rescued.sqlite3"]
        delete(day)
        restore(day.paths.store, Backups(day.paths.store).all()[0], 0)
        async with day.engine() as running:
            await until(lambda: components_of(running).unrecorded_orders.is_done)
            await until(lambda: not components_of(running).ledger.state.positions, 60)
            assert components_of(running).ledger.state.trading.state is TradingState.HALTED

    simulate(main)


@pytest.mark.parametrize("is_zero", [True, False], ids=["zero bytes", "missing"])
def test_an_empty_database_of_a_used_profile_halts_and_names_its_files_and_the_backup(
    tmp_path: Path, is_zero: bool
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await buy(running)
            made = await running.store.back_up_daily()
        delete(day)
        if is_zero:
            day.paths.store.touch(0o600)
        async with day.engine() as running:
            words = await halted(running)
            assert "is empty" in words or "created by this desk and is not in its ledger" in words
            emptied = running.store.emptied()
            for part in (
                "desk.sqlite3-reserve",
                "instance",
                str(made),
                "mexc-tui restore --profile practice",
            ):
                assert part in emptied

    simulate(main)


def test_a_first_start_does_not_halt(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            assert running.store.emptied() == ""
            await until(lambda: components_of(running).ledger.state.trading.state is TradingState.ACTIVE)

    simulate(main)


DAMAGES = {
    "a signal": "UPDATE signals SET body = CAST('{\"state\": 5}' AS BLOB)",
    "a listing": "UPDATE listings SET body = X'00ff'",
    "a sighting": "UPDATE listing_sightings SET body = X'07'",
    "a pair": "UPDATE pairs SET body = X'7b' WHERE symbol = 'CLEANUSDT'",
    "the journal's last row": "UPDATE journal SET at_ms = at_ms + 1 WHERE sequence = "
    "(SELECT max(sequence) FROM journal)",
    "an alert": "UPDATE alerts SET body = X'00', closed_ms = NULL",
    "a tally": "UPDATE tallies SET detector = CAST(X'ff' AS TEXT), n = 'x'",
    "an outcome": "UPDATE listing_outcomes SET body = X'00'",
    "a detection pass": "UPDATE detection_passes SET body = X'00'",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_d5_damage_outside_the_ledger_tables_starts_with_exits_only(tmp_path: Path, damage: str) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await buy(running)
            await running.store.back_up_daily()
        with closing(sqlite3.connect(day.paths.store, isolation_level=None)) as raw:
            names = raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for (name,) in names:  # bit rot does not run triggers
                raw.execute(f"DROP TRIGGER {name}")
            changed = raw.execute(damage).rowcount
        async with day.engine() as running:
            components = components_of(running)
            await until(lambda: components.unrecorded_orders.is_done)
            assert held_position(running).symbol == SYMBOL
            if changed and running.store.damaged():
                assert "mexc-tui restore" in running.store.damaged()
                await until(lambda: components.ledger.state.trading.state is TradingState.REDUCE_ONLY)
                assert components.ledger.state.trading.cause is Cause.STORAGE
                assert "damaged" in components.refusal(OrderRole.ENTRY, "OTHERUSDT")
            await sell(running)
            await until(lambda: not components.ledger.state.positions)

    simulate(main)


@pytest.mark.parametrize("table", ["signals", "journal", "pairs", "alerts", "listings", "cache_entries"])
def test_d5_a_damaged_page_outside_the_ledger_tables_starts_with_exits_only(
    tmp_path: Path, table: str
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await buy(running)
        with closing(sqlite3.connect(day.paths.store, isolation_level=None)) as raw:
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
            page: int = raw.execute(sql, (table,)).fetchone()[0]
        with day.paths.store.open("r+b") as file:
            file.seek((page - 1) * 4_096)
            file.write(b"\xff" * 64)
        async with day.engine() as running:
            components = components_of(running)
            await until(lambda: components.reconciler.is_done)
            assert held_position(running).symbol == SYMBOL
            assert running.store.damaged()
            await until(lambda: not components.ledger.state.trading.state.allows_entries)
            assert components.refusal(OrderRole.ENTRY, "OTHERUSDT")
            await sell(running)
            await until(lambda: not any(one.remaining for one in components.ledger.state.positions.values()))

    simulate(main)


def test_d5_a_damaged_position_prevents_the_start_and_names_the_newest_backup(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await buy(running)
            made = await running.store.back_up_daily()
        with closing(sqlite3.connect(day.paths.store, isolation_level=None)) as raw:
            raw.execute("UPDATE positions SET body = X'00'")
        with pytest.raises(StorageDamaged, match="mexc-tui restore --profile practice") as refused:
            async with day.engine():
                pass
        assert str(made) in str(refused.value)
        restore(day.paths.store, made, 0)
        async with day.engine() as running:
            assert held_position(running).symbol == SYMBOL

    simulate(main)
