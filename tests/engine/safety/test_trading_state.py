"""A halt is in memory first, then in the halt file and the store; it is written until it is durable."""

import asyncio
import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.safety.trading_state import TradingStateOwner
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.model.event import Alert
from mexc_tui.model.intent import OrderRole
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import StorageFull
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.run import Simulation, simulate
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.engine.crashing_engine import killed_engine
from tests.support.engine.open_position import SYMBOL, components_of, engine_with_position, place_take_profit
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

T = TypeVar("T")
ROOMY = 1_000_000
SCOPE = "mine"


class FileOnAFullDisk(HaltFileOnDisk):
    """Takes nothing while there is no room."""

    has_room = False

    def write(self, trading: Trading) -> None:
        if not self.has_room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(trading)


class HangingThread(InlineThread):
    """Does not respond while it hangs, as on a frozen disk."""

    hanging: asyncio.Event | None = None

    def submit(self, function: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
        if self.hanging is None:
            return super().submit(function)
        return asyncio.ensure_future(self._later(self.hanging, function))

    async def _later(self, hanging: asyncio.Event, function: Callable[[sqlite3.Connection], T]) -> T:
        await hanging.wait()
        return await super().submit(function)


def limit_pages(store: SqliteStore, pages: int) -> None:
    """Let the database grow no further than this; a real SQLITE_FULL beyond it."""
    connection = store._thread._connection  # pyright: ignore[reportPrivateUsage]
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count = {pages}")


def hang(running: RunningEngine) -> asyncio.Event:
    """Let the store answer nothing until the event is set."""
    thread = running.store._thread  # pyright: ignore[reportPrivateUsage]
    assert isinstance(thread, HangingThread)
    thread.hanging = asyncio.Event()
    return thread.hanging


async def fill(store: SqliteStore) -> None:
    """Write until the database is full, to the last byte that a row may need."""
    limit_pages(store, 1)
    for size in (1_000, 100, 1):
        alert = Alert(at_ms=1, about="", severity=Severity.INFO, rule="", text="x" * size)
        try:
            while True:
                await store.write("fill", lambda unit, alert=alert: unit.record(alert))
        except StorageFull:
            continue


def test_a_halt_on_a_full_disk_uses_its_reserve_and_is_stored(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components, file, given = components_of(running), FileOnAFullDisk(tmp_path, SCOPE), list[bool]()

            def make_room() -> bool:
                given.append(file.has_room)
                file.has_room = True
                return len(given) == 1

            switch = TradingStateOwner(
                components.ledger,
                file=file,
                profile="practice",
                now_ms=components.port.now_ms,
                free_reserve=make_room,
            )
            await switch.load()
            switch.restrict(TradingState.HALTED, Cause.MANUAL, "news", by="ann")
            assert await switch.persist()
            assert given == [False]
            assert not switch.problem
            kept = HaltFileOnDisk(tmp_path, SCOPE).read()
            assert kept is not None
            assert (kept.state, kept.text) == (TradingState.HALTED, "news")

    simulate(main)


def test_an_engine_s_halt_on_a_full_disk_releases_the_store_s_reserve(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (day, running, _closer):
            components = components_of(running)
            (day.paths.state / f"halt.{os.getpid()}").mkdir()  # nor can the file be written
            assert running.store.state().has_reserve
            await fill(running.store)
            acted = await components.safety.emergency_stop.halt("ann", "news")
            assert not running.store.state().has_reserve
            assert "NOT STORED" in acted.text
            assert "disk is full" in acted.text
            limit_pages(running.store, ROOMY)

    simulate(main)


def test_a_state_that_could_not_be_stored_is_retried_until_durable_and_survives_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            await asyncio.sleep(5)
            components = components_of(running)
            blocked = day.paths.state / f"halt.{os.getpid()}"
            blocked.mkdir()
            await fill(running.store)
            acted = await components.safety.emergency_stop.emergency_stop("ann")
            assert not acted.result.is_durable
            await asyncio.sleep(20)
            file = HaltFileOnDisk(day.paths.state, components.ledger.scope)
            assert file.read() is None
            blocked.rmdir()
            await asyncio.sleep(3)
            kept = file.read()
            assert kept is not None
            assert (kept.state, kept.cause) == (TradingState.HALTED, Cause.EMERGENCY)
            limit_pages(running.store, ROOMY)
            await asyncio.sleep(3)
            assert not components.safety.trading_state.problem
            stored = await running.store.read(
                "state", lambda s: s.trading(components.ledger.scope).state.get()
            )
            assert stored == kept
        monkeypatch.undo()
        async with day.engine() as running:
            components = components_of(running)
            assert running.engine.trading_state()[0] is TradingState.HALTED
            assert components.ledger.state.trading.cause is Cause.EMERGENCY

    simulate(main)


def test_a_halt_does_not_wait_for_a_hanging_store(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        day.thread = HangingThread
        await day.open()
        async with day.engine() as running:
            await asyncio.sleep(5)
            components, hanging = components_of(running), hang(running)
            began_s = asyncio.get_running_loop().time()
            halting = asyncio.ensure_future(components.safety.emergency_stop.halt("ann", "news"))
            await asyncio.sleep(0)
            assert components.ledger.state.trading.state is TradingState.HALTED
            await asyncio.sleep(0.2)
            assert HaltFileOnDisk(day.paths.state, components.ledger.scope).read() is not None
            acted = await halting
            assert acted.result.is_durable
            assert asyncio.get_running_loop().time() - began_s < 6
            hanging.set()

    simulate(main)


def test_an_emergency_stop_cancels_at_once_while_the_store_hangs(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, thread=HangingThread) as (day, running, closer):
            components = components_of(running)
            await place_take_profit(components, running)
            closer.is_stuck = True
            hanging, before_ms = hang(running), components.port.now_ms()
            stopping = asyncio.ensure_future(components.safety.emergency_stop.emergency_stop("ann"))
            await asyncio.sleep(1)
            rows = day.server.session.all_orders(SYMBOL, 0, 2**53, limit=1_000)
            gone = [row.updated_ms for row in rows if row.status.value == "CANCELED" and row.updated_ms]
            assert gone
            assert max(gone) - before_ms < 1_000
            hanging.set()
            await stopping

    simulate(main)


def test_no_order_that_adds_risk_is_sent_before_the_trading_state_is_loaded(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            assert not components.refusal(OrderRole.TAKE_PROFIT, SYMBOL)
            components.safety.trading_state.is_loaded = False
            assert components.refusal(OrderRole.TAKE_PROFIT, SYMBOL)
            assert components.refusal(OrderRole.ENTRY, SYMBOL)
            assert not components.refusal(OrderRole.STOP, SYMBOL)
            components.safety.trading_state.is_loaded = True

    simulate(main)


def test_a_full_disk_releases_the_reserve_of_exits_and_blocks_entries_until_it_is_restored(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            assert not components.refusal(OrderRole.ENTRY, SYMBOL)
            await fill(running.store)
            position = next(iter(components.ledger.state.positions.values()))
            with pytest.raises(StorageFull):  # this disk stays full all the same
                await components.ledger.save_trapped(position.id, "no bid")
            assert not running.store.state().has_reserve
            assert "space reserved for exits is in use" in components.refusal(OrderRole.ENTRY, SYMBOL)
            assert not components.refusal(OrderRole.STOP, SYMBOL)
            limit_pages(running.store, ROOMY)
            await asyncio.sleep(15)
            assert running.store.state().has_reserve
            assert not components.refusal(OrderRole.ENTRY, SYMBOL)

    simulate(main)
