"""Everything that stops trading, on the practice exchange in virtual time."""

import asyncio
import os
from pathlib import Path

import msgspec
import pytest

from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.event import LiveLockChanged
from mexc_tui.model.intent import CloseReason, OrderRole, OrderState
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.open_position import (
    SYMBOL,
    D,
    components_of,
    engine_with_position,
    place_take_profit,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines


def test_a_halt_disarms_and_survives_restarts_until_the_user_resumes(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(22)
            await components.arming.arm(SYMBOL, "ann")
            acted = await components.safety.emergency_stop.halt("ann", "lunch")
            assert acted.is_all
            assert "0 entry orders cancelled" in acted.text
            assert acted.result.snipes_disarmed == 1
            assert acted.result.state is TradingState.HALTED
            assert not components.ledger.state.snipes
        async with day.engine() as running:
            components = components_of(running)
            trading = components.ledger.state.trading
            assert (trading.state, trading.cause, trading.text) == (
                TradingState.HALTED,
                Cause.MANUAL,
                "lunch",
            )
            with pytest.raises(CommandRefused, match="lunch"):
                await components.arming.arm(SYMBOL, "ann")
            assert components.refusal(OrderRole.ENTRY, SYMBOL)
            assert not components.refusal(OrderRole.STOP, SYMBOL)
            await components.safety.emergency_stop.resume("ann", "")
            assert components.safety.trading_state.kept.state is TradingState.ACTIVE
            await until(lambda: running.engine.trading_state()[0] is TradingState.ACTIVE)
        async with day.engine() as running:
            assert components_of(running).safety.trading_state.kept.state is TradingState.ACTIVE
            await until(lambda: running.engine.trading_state()[0] is TradingState.ACTIVE)

    simulate(main)


def test_resume_states_what_entries_still_wait_for(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await components_of(running).safety.emergency_stop.halt("ann", "lunch")
        async with day.engine() as running:
            components = components_of(running)
            components.safety.trading_state.pause(Cause.STREAM, "the user stream is down")
            resumed = await components.safety.emergency_stop.resume("ann", "")
            assert "entries are paused" in resumed.text
            assert "the user stream is down" in resumed.text
            assert "trading is active" not in resumed.text

    simulate(main)


def test_flatten_cancels_and_sells_everything_and_leaves_the_desk_halted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, closer):
            components = components_of(running)
            await place_take_profit(components, running)
            acted = await components.safety.emergency_stop.flatten("ann")
            assert acted.is_all, acted.text
            done = acted.result
            assert (done.orders_cancelled, done.orders_left) == (1, 0)
            assert (done.positions_closed, done.positions_left) == (1, 0)
            assert done.state is TradingState.HALTED
            assert not await components.port.open_orders()
            assert closer.asked[0][2:] == (OrderRole.FLATTEN, CloseReason.FLATTEN)
            await components.safety.emergency_stop.resume("ann", "")

    simulate(main)


def test_resume_after_an_emergency_stop_needs_the_typed_word_and_resets_loss_counters(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            stopping = components.safety.emergency_stop
            acted = await stopping.emergency_stop("ann")
            assert acted.is_all, acted.text
            assert components.ledger.state.trading.cause is Cause.EMERGENCY
            with pytest.raises(CommandRefused, match="type `resume` to resume"):
                await stopping.resume("ann", "")
            resumed = await stopping.resume("ann", "resume")
            assert "loss counters reset" in resumed.text
            assert components.safety.equity.losses().drawdown_pct == 0

    simulate(main)


def test_an_unsellable_remainder_is_reported_and_exits_continue_while_halted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, closer):
            components = components_of(running)
            closer.is_stuck = True
            acted = await components.safety.emergency_stop.flatten("ann")
            assert not acted.is_all
            assert acted.result.positions_left == 1
            assert "no bid" in acted.text
            assert components.ledger.state.trading.state is TradingState.HALTED
            closer.is_stuck = False
            position = next(iter(components.ledger.state.positions.values()))
            closed = await closer.close(
                position, None, OrderRole.STOP, reason=CloseReason.STOP, text="the stop"
            )
            assert not closed.left

    simulate(main)


def test_an_interrupted_flatten_continues_after_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (day, running, closer):
            components = components_of(running)
            closer.is_stuck = True
            cut = asyncio.ensure_future(components.safety.emergency_stop.flatten("ann"))
            await asyncio.sleep(2)
            assert components.ledger.state.trading.state is TradingState.FLATTENING
            cut.cancel()
            folder = day.paths.state
            copy = HaltFileOnDisk(folder, components.ledger.scope).read()
            assert copy is not None
            assert copy.state is TradingState.FLATTENING

    simulate(main)


def test_a_halt_file_alone_stops_the_next_start(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            scope = components_of(running).ledger.scope
        halt = Trading(state=TradingState.HALTED, cause=Cause.MANUAL, text="kill --direct", since_ms=1)
        HaltFileOnDisk(day.paths.state, scope).write(halt)
        HaltFileOnDisk(day.paths.state, "another/session").clear()
        async with day.engine() as running:
            components = components_of(running)
            assert running.engine.trading_state() == (TradingState.HALTED, "kill --direct")
            assert components.refusal(OrderRole.ENTRY, SYMBOL)
            await components.safety.emergency_stop.resume("ann", "")
        async with day.engine() as running:
            await until(lambda: running.engine.trading_state()[0] is TradingState.ACTIVE)

    simulate(main)


def test_an_unreadable_halt_file_halts_and_one_of_another_ledger_does_not(tmp_path: Path) -> None:
    file = HaltFileOnDisk(tmp_path, "mine")
    assert file.read() is None
    HaltFileOnDisk(tmp_path, "theirs").write(Trading(state=TradingState.HALTED))
    assert file.read() is None
    (tmp_path / "halt.json").write_text("{")
    found = file.read()
    assert found is not None
    assert found.state is TradingState.HALTED


def test_a_halt_that_cannot_be_stored_applies_and_warns_against_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (day, running, _closer):
            components = components_of(running)
            await place_take_profit(components, running)

            async def full(*_: object, **__: object) -> None:
                raise StorageError("the disk is full")

            monkeypatch.setattr(components.ledger, "save_trading", full)
            (day.paths.state / f"halt.{os.getpid()}").mkdir()
            acted = await components.safety.emergency_stop.emergency_stop("ann")
            assert not acted.is_all
            assert not acted.result.is_durable
            assert "NOT STORED: check manually before a restart" in acted.text
            assert acted.result.orders_left == 0
            assert not await components.port.open_orders()
            monkeypatch.undo()

    simulate(main)


def test_manual_reduce_only_lasts_until_resume(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await components_of(running).safety.emergency_stop.reduce_only("ann", "news")
        async with day.engine() as running:
            components = components_of(running)
            await asyncio.sleep(3)
            assert running.engine.trading_state() == (TradingState.REDUCE_ONLY, "news")
            await components.safety.emergency_stop.resume("ann", "")

    simulate(main)


def test_a_stopping_engine_keeps_positions_and_states_that_stops_end(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, closer):
            engine = running.engine
        assert "1 position left open without stops until the next start: CLEANUSDT" in engine.stop_message
        assert not closer.asked

    simulate(main)


def test_an_engine_that_stops_with_flatten_sells_first(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, on_stop="flatten") as (day, running, _closer):
            engine = running.engine
        assert engine.stop_message == "1 position closed before the stop, 0 left."
        async with day.engine() as running:
            await until(lambda: running.engine.trading_state()[0] is TradingState.ACTIVE)

    simulate(main)


def test_positions_still_open_a_minute_after_the_day_are_closed_and_the_ledger_agrees(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, closer):
            await running.engine.wait(until_done=True)
            assert not components_of(running).ledger.state.positions
            assert closer.asked[-1][3] is CloseReason.PRACTICE_END
            assert running.engine.unexplained == ()

    simulate(main)


def test_an_emergency_stop_waits_for_orders_of_unknown_outcome(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path) as (_, running, _closer):
            components = components_of(running)
            intent = await place_take_profit(components, running)
            row = components.ledger.state.orders[intent.client_ids[0]]
            now_ms = components.port.now_ms()
            unknown = msgspec.structs.replace(row, state=OrderState.UNKNOWN, fence_ms=now_ms + 3_000)
            components.ledger.state.put_order(unknown)
            acted = await components.safety.emergency_stop.emergency_stop("ann")
            assert acted.is_all, acted.text
            assert not any(one.state is OrderState.UNKNOWN for one in components.ledger.state.orders.values())
            assert not await components.port.open_orders()

    simulate(main)


def test_an_emergency_stop_cancels_the_ladder_and_sells_through_the_exit_monitor(
    tmp_path: Path,
) -> None:
    async def main(sim: Simulation) -> None:
        async with engine_with_position(sim, tmp_path, ladder="30@100,40@200,30@300") as (
            _,
            running,
            _closer,
        ):
            components = components_of(running)
            components.safety.emergency_stop.closer = components.exit_execution
            await until(lambda: bool(components.ledger.state.live_orders()))
            acted = await components.safety.emergency_stop.emergency_stop("ann")
            assert acted.is_all, acted.text
            assert acted.result.orders_cancelled > 0
            assert acted.result.positions_closed == 1
            assert not await components.port.open_orders()
            assert components.safety.invariants.breaches(D(20)) == ()
            await asyncio.sleep(3)
            assert components.ledger.state.trading.cause is Cause.EMERGENCY

    simulate(main)


def test_an_emergency_stop_in_practice_does_not_mention_live_trading(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await components_of(running).safety.emergency_stop.emergency_stop("ann")
            facts = await running.store.read("facts", lambda stored: stored.journal.after(0, 10_000))
            assert not [fact for fact in facts if isinstance(fact.event, LiveLockChanged)]
            assert not components_of(running).live_unlock.is_locked

    simulate(main)
