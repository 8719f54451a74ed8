"""Exits and ledger while the disk is slow, full or locked, or after a crash (reliability D3, D4, D6, D10)."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.exits.exit_intents import WRITE_S
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.model.event import Alert
from mexc_tui.model.intent import CloseReason, Order, OrderRole, OrderState
from mexc_tui.model.order import Side
from mexc_tui.model.position import Protection
from mexc_tui.model.storage import StorageError, StorageLocked
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.practice.matching.values import OrderRecord
from mexc_tui.practice.scenario import FaultKind, FaultPlan, Knobs
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import (
    EXITS_OFF,
    NO_JITTER,
    ORDER,
    assert_ledger_matches,
    cut_power,
    desk_orders,
    filled_buys,
    killed_engine,
    stored_orders,
)
from tests.support.engine.monitored_position import (
    ARM_S,
    SYMBOL,
    assert_reconciled,
    closed_position,
    components_of,
    day_with,
    held_position,
    keep_bid,
    monitored_engine,
    shown_protection,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

COMMIT_S = 5.0


def slow_disk(running: RunningEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each commit take seconds."""
    write = running.store.write

    async def slow(*args: Any, **more: Any) -> Any:
        await asyncio.sleep(COMMIT_S)
        return await write(*args, **more)

    monkeypatch.setattr(running.store, "write", slow)


async def full(*_: object, **__: object) -> None:
    """Stand for a commit on a full disk."""
    await asyncio.sleep(0)
    raise StorageError("the disk is full")


@asynccontextmanager
async def full_disk_at_the_buy(
    running: RunningEngine, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[None]:
    """Let no commit succeed from the first byte of the buy on; begin once it is held in memory."""
    components = components_of(running)
    sent = components.ledger.register_sent

    with monkeypatch.context() as patched:

        def fill_up(order: Order) -> None:
            patched.setattr(running.store, "write", full)
            sent(order)

        patched.setattr(components.ledger, "register_sent", fill_up)
        await until(lambda: components.ledger.state.positions)
        assert "disk is full" in components.ledger.problem
        assert not await stored_orders(running)
        yield


def sold(day: PracticeDay) -> list[OrderRecord]:
    """Return the sales that got something."""
    return [row for row in desk_orders(day) if row.side is Side.SELL and row.executed]


def resting(components: TradingComponents) -> list[str]:
    """Return the states of what rests as take-profits, as memory knows them."""
    rows = components.ledger.state.orders.values()
    return [one.state for one in rows if one.role is OrderRole.TAKE_PROFIT and one.state.is_on_exchange]


def test_d10_a_stop_waits_for_no_commit_while_take_profits_lock_the_coins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path)
        async with monitored_engine(day) as (running, components, position):
            assert len(resting(components)) == 3
            slow_disk(running, monkeypatch)
            began_s = asyncio.get_running_loop().time()
            await keep_bid(components, position, "0.7", 0.15)
            await until(lambda: sold(day))
            assert asyncio.get_running_loop().time() - began_s < COMMIT_S / 2
            assert not components.exit_execution.left(held_position(running)) or resting(components) == []
            monkeypatch.undo()
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


def test_a_refused_stop_is_retried_without_waiting_for_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        refused = FaultPlan(kind=FaultKind.TOO_MANY_REQUESTS, at_s=45, path=ORDER, method="POST", times=1)
        day = day_with(sim, tmp_path, faults=(refused,), overrides={"ladder": ""})
        async with monitored_engine(day) as (running, components, position):
            await asyncio.sleep(6)
            slow_disk(running, monkeypatch)
            began_s = asyncio.get_running_loop().time()
            await keep_bid(components, position, "0.7", 0.15)
            await until(lambda: sold(day))
            assert asyncio.get_running_loop().time() - began_s < COMMIT_S
            monkeypatch.undo()
            await closed_position(running)
            await assert_reconciled(running)

    simulate(main)


def test_a_stop_that_joins_a_sale_does_not_wait_for_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""})
        async with monitored_engine(day) as (running, components, position):
            slow_disk(running, monkeypatch)
            asking = asyncio.ensure_future(
                components.exit_execution.close(
                    position, Decimal(50), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by ann"
                )
            )
            await asyncio.sleep(0.1)
            assert not sold(day)
            began_s = asyncio.get_running_loop().time()
            await keep_bid(components, position, "0.7", 0.15)
            await until(lambda: sold(day))
            assert asyncio.get_running_loop().time() - began_s < WRITE_S / 2
            monkeypatch.undo()
            after = await closed_position(running)
            assert (after.close_reason, after.sold_quantity) == (CloseReason.STOP, position.bought_quantity)
            await asking
            await assert_reconciled(running)

    simulate(main)


def test_an_engine_killed_between_a_sent_stop_and_the_booking_of_its_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER)
        await day.open()
        async with killed_engine(day, monkeypatch) as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            await until(lambda: len(resting(components)) == 3)
            gate, position = components.execution.refusal, held_position(running)
            cut_power(running, monkeypatch)
            components.execution.refusal = gate  # what it sends still leaves
            await keep_bid(components, position, "0.7", 0.15)
            await until(lambda: sold(day))
            states = {row.role: row.state for row in (await stored_orders(running)).values()}
            assert OrderRole.STOP not in states
            assert states[OrderRole.TAKE_PROFIT] is OrderState.ACKNOWLEDGED
        monkeypatch.undo()
        async with day.engine() as running:
            await asyncio.sleep(25)
            await assert_ledger_matches(day, running)
            assert not components_of(running).ledger.state.positions
            assert not day.server.session.open_orders()

    simulate(main)


def test_free_coins_are_sold_while_a_cancel_hangs(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        slow = FaultPlan(kind=FaultKind.DELAY, at_s=45, path=ORDER, method="DELETE", amount_ms=3_000)
        silent = FaultPlan(kind=FaultKind.SILENCE, at_s=45, path="spot@private")
        day = day_with(
            sim, tmp_path, faults=(slow, silent), overrides={"ladder": "50@900", "position_quote": 30}
        )
        async with monitored_engine(day) as (running, components, position):
            await asyncio.sleep(6)
            assert len(resting(components)) == 1
            await keep_bid(components, position, "0.7", 0.15)
            await until(lambda: sold(day), 1)
            assert len(resting(components)) == 1
            after = await closed_position(running)
            assert len(sold(day)) == 2
            assert after.sold_quantity == position.bought_quantity
            await assert_reconciled(running)

    simulate(main)


def test_d3_a_buy_during_a_full_store_is_protected_and_booked_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER, overrides={**EXITS_OFF, "stop_loss_pct": 10})
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            async with full_disk_at_the_buy(running, monkeypatch):
                told = list[int]()
                components.prices.on_move(lambda move: told.append(move.received_ns))
                await asyncio.sleep(5)
                assert len(told) > 5
                restarts = {one.name: one.restarts for one in running.engine.workers()}
                assert (restarts["streams"], restarts["order resolution"], restarts["exit monitor"]) == (
                    0,
                    0,
                    0,
                )
                position = held_position(running)
                assert position.remaining
                assert (await shown_protection(running))[0] is Protection.ENGINE
                trading = components.ledger.state.trading
                assert (trading.state, trading.cause) == (TradingState.REDUCE_ONLY, Cause.STORAGE)
                assert not components.safety.invariants.unprotected()
                await keep_bid(components, position, "0.7", 0.5)
                await until(lambda: not components.exit_execution.left(held_position(running)))
            after = await closed_position(running)
            assert (after.id, after.close_reason) == (position.id, CloseReason.STOP)
            assert after.sold_quantity == after.bought_quantity
            await assert_reconciled(running)
            await assert_ledger_matches(day, running)
            assert len(filled_buys(day)) == 1
            facts = await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))
            assert "books:late" in {one.event.rule for one in facts if isinstance(one.event, Alert)}

    simulate(main)


def test_a_buy_during_a_full_store_stays_open_after_recovery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER, overrides=EXITS_OFF)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            async with full_disk_at_the_buy(running, monkeypatch):
                stop = next(
                    one for one in components.ledger.state.intents.values() if one.role is OrderRole.STOP
                )
                await asyncio.sleep(2)
            await until(lambda: not components.ledger.is_behind)
            await asyncio.sleep(5)
            position = held_position(running)
            assert stop.id in {one.id for one in components.ledger.state.intents_of(position.id)}
            assert not components.ledger.state.unstored
            assert components.ledger.state.trading.state is TradingState.ACTIVE
            await assert_ledger_matches(day, running)
            await keep_bid(components, position, "0.4", 0.5)
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


def test_d3_a_trapped_coin_is_sold_when_trading_resumes_while_the_store_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        knobs = Knobs(trapped=("CLEAN",))
        day = day_with(sim, tmp_path, knobs=knobs, overrides={"ladder": ""})
        async with monitored_engine(day) as (running, components, position):
            with monkeypatch.context() as patched:
                patched.setattr(running.store, "write", full)
                await keep_bid(components, position, "0.7", 0.5)
                await asyncio.sleep(2)
                assert not sold(day)
                msgspec.structs.force_setattr(knobs, "trapped", ())
                await until(lambda: sold(day), 60)
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


@contextmanager
def database_locked(running: RunningEngine, day: PracticeDay) -> Generator[None]:
    """Hold a write lock on the database from another connection; the engine's writes fail at once."""
    connection = running.store._thread._connection  # pyright: ignore[reportPrivateUsage]
    assert connection is not None
    connection.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(day.paths.store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_d4_entries_pause_and_a_stop_sells_while_the_database_is_locked(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path)
        async with monitored_engine(day) as (running, components, position):
            assert not components.refusal(OrderRole.ENTRY, "OTHERUSDT")
            with database_locked(running, day):
                with pytest.raises(StorageLocked):
                    await components.ledger.save_trapped(position.id, "a test")
                await keep_bid(components, position, "0.7", 0.5)
                await until(lambda: not components.exit_execution.left(held_position(running)))
                await asyncio.sleep(2)
                trading = components.ledger.state.trading
                assert (trading.state, trading.cause) == (TradingState.REDUCE_ONLY, Cause.STORAGE)
                assert "locked" in trading.text
                assert components.refusal(OrderRole.ENTRY, "OTHERUSDT")
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            await until(lambda: components.ledger.state.trading.state is TradingState.ACTIVE, 600)
            await assert_reconciled(running)

    simulate(main)


def test_d6_a_fill_is_booked_although_its_listener_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, listing=NO_JITTER, overrides=EXITS_OFF)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(ARM_S)
            await components.arming.arm(SYMBOL, "ann")
            take = components.ledger.book_evidence

            async def cancelled(*args: Any) -> Any:
                task = asyncio.ensure_future(take(*args))
                await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                return components.ledger.state.orders.get(args[0])

            monkeypatch.setattr(components.ledger, "book_evidence", cancelled)
            await until(lambda: filled_buys(day))
            await asyncio.sleep(3)
            monkeypatch.undo()
            await until(lambda: not components.ledger.is_behind)
            await asyncio.sleep(5)
            assert components.ledger.state.positions
            await assert_ledger_matches(day, running)

    simulate(main)
