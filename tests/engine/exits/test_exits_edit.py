"""Exits of an open position edited through the desk API, on the practice exchange in virtual time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal as D
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.desk import trading_requests
from mexc_tui.desk.api_types import CommandOutcome, Reply, Role
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.engine_requests import CheckPassed
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.engine.views.trading_queries import trading_queries
from mexc_tui.ledger.arithmetic import short
from mexc_tui.ledger.checks import protected
from mexc_tui.model.event import PositionChanged
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.plan_view import ExitsRow
from mexc_tui.model.position import Position
from mexc_tui.model.storage import StorageError
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.desk_server import client_of
from tests.support.desk_server import running_client as attached
from tests.support.engine.monitored_position import (
    SYMBOL,
    assert_reconciled,
    closed_position,
    day_with,
    held_position,
    keep_bid,
    monitored_engine,
    until,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines


@dataclass(frozen=True, slots=True)
class Desk:
    """Engine, position and exchange of a test."""

    day: PracticeDay
    running: RunningEngine
    components: TradingComponents
    position: Position
    client: DeskClient


@asynccontextmanager
async def desk(sim: Simulation, folder: Path) -> AsyncGenerator[Desk]:
    """An engine that holds a position, and a face at its door."""
    day = day_with(sim, folder)
    async with (
        monitored_engine(day) as (running, components, position),
        attached(client_of(day.paths.socket)) as client,
    ):
        yield Desk(day, running, components, position, client)


async def give(client: DeskClient, name: str = "", **wish: object) -> Reply[ExitsRow]:
    edit = trading_requests.ExitsEdit(symbol=SYMBOL, **wish)  # pyright: ignore[reportArgumentType]
    return await client.send(trading_requests.EDIT_EXITS, edit, deadline_s=30, command_id=name or None)


async def look(client: DeskClient, **wish: object) -> Reply[CheckPassed]:
    edit = trading_requests.ExitsEdit(symbol=SYMBOL, **wish)  # pyright: ignore[reportArgumentType]
    return await client.send(trading_requests.CHECK_EXITS, edit, deadline_s=5)


def resting(components: TradingComponents) -> list[D]:
    found = [one for one in components.ledger.state.live_orders() if one.role is OrderRole.TAKE_PROFIT]
    return sorted(one.price for one in found if one.price is not None)


def test_a_raised_stop_protects_at_once_and_survives_a_restart(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with desk(sim, tmp_path) as at:
            running, components, position, client = at.running, at.components, at.position, at.client
            stop = (position.entry_price * D("0.97")).quantize(D("0.00001"))
            asked = await look(client, stop_price=stop)
            assert f"P&L at the stop {stop:.8g}: -" in asked.message
            assert (await look(client, stop_price=position.entry_price * 9)).outcome is CommandOutcome.REFUSED
            assert held_position(running).stop_price == position.stop_price
            reply = await give(client, "edit-0001", stop_price=stop)
            assert reply.outcome is CommandOutcome.DONE, reply.message
            assert reply.result is not None
            assert (reply.result.stop_before, reply.result.stop_after) == (position.stop_price, stop)
            assert reply.result.worst_pnl < 0
            assert (reply.result.orders_cancelled, reply.result.orders_placed) == (0, 0)
            again = await give(client, "edit-0001", stop_price=stop)
            assert again.is_repeated
            intents = components.ledger.state.intents_of(position.id)
            assert not protected(
                held_position(running), intents, components.port.now_ms(), now_ms=components.port.now_ms()
            )
            assert next(one for one in intents if one.role is OrderRole.STOP).reason.endswith("by tester")
            facts = await running.store.read("facts", lambda stored: stored.journal.about(SYMBOL))
            told = [one.event.text for one in facts if isinstance(one.event, PositionChanged)]
            assert "exits edited by tester" in told
        async with at.day.engine() as running:
            assert held_position(running).stop_price == stop
            components = running.engine.trading_components
            assert components is not None
            await asyncio.sleep(2)
            await keep_bid(components, held_position(running), "0.965", 0.5)
            assert (await closed_position(running)).close_reason is CloseReason.STOP
            await assert_reconciled(running)

    simulate(main)


def test_a_trailing_stop_that_applies_immediately_is_reported_with_its_price(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with desk(sim, tmp_path) as at:
            await give(at.client, ladder=())
            await keep_bid(at.components, at.position, "1.3", 0.5)
            asked = await look(at.client, trailing=True, trailing_distance_pct=D(30))
            told = await give(at.client, trailing=True, trailing_distance_pct=D(30), trailing_after_pct=D(10))
            assert "trailing stop 30 % below the high, from a gain of 10 %" in told.message
            await until(lambda: held_position(at.running).stop_price > at.position.stop_price, 5)
            assert (
                f"P&L at the stop, moved to {short(held_position(at.running).stop_price)}: " in asked.message
            )

    simulate(main)


def test_a_new_ladder_replaces_resting_orders(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with desk(sim, tmp_path) as at:
            running, components, position, client = at.running, at.components, at.position, at.client
            rungs = [
                trading_requests.RungEdit(share_pct=D(50), gain_pct=D(40)),
                trading_requests.RungEdit(share_pct=D(50), gain_pct=D(60)),
            ]
            reply = await give(client, ladder=tuple(rungs))
            assert reply.result is not None, reply.message
            assert (reply.result.orders_cancelled, reply.result.orders_placed) == (3, 2)
            assert (reply.outcome, reply.result.rungs_waiting) == (CommandOutcome.DONE, 0)
            entry = position.entry_price
            assert [round(one / entry, 2) for one in resting(components)] == [D("1.40"), D("1.60")]
            none = await give(client, ladder=())
            assert none.result is not None
            assert (none.result.orders_cancelled, resting(components)) == (2, [])
            assert held_position(running).remaining == position.remaining, "nothing was sold by it"
            await assert_reconciled(running)

    simulate(main)


def test_a_nearer_time_stop_closes_in_time(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with desk(sim, tmp_path) as at:
            running, position, client = at.running, at.position, at.client
            reply = await give(client, time_stop_s=6)
            assert reply.result is not None, reply.message
            assert "time stop after 6 s" in reply.message
            assert reply.result.time_stop_ms == position.opened_ms + 6_000
            face = await trading_queries(running.engine)
            assert face is not None
            after = await closed_position(running, 20)
            assert after.close_reason is CloseReason.TIME
            (row,) = face.positions()
            assert (row.id, row.closed_ms, row.realised) == (after.id, after.closed_ms, after.realised)
            assert row.realised_pct is not None
            assert (row.realised_pct < 0) == (row.realised < 0)
            again = await trading_queries(running.engine)
            assert again is not None
            assert [one.id for one in again.positions()] == [after.id], "it is read anew at a start"

    simulate(main)


def test_a_refused_edit_changes_nothing_and_states_value_and_limit(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with desk(sim, tmp_path) as at:
            running, components, position, client = at.running, at.components, at.position, at.client
            before = resting(components)
            reply = await give(client, stop_price=position.entry_price * 2, ladder=())
            assert reply.outcome is CommandOutcome.REFUSED
            assert "stop below bid: " in reply.message
            assert "required: below the bid of" in reply.message
            assert (held_position(running).plan, resting(components)) == (position.plan, before)
            other = await client.send(
                trading_requests.EDIT_EXITS,
                trading_requests.ExitsEdit(symbol="NOUSDT", time_stop_s=9),
                deadline_s=5,
            )
            assert other.message == "No open position in NOUSDT."
            async with attached(client_of(at.day.paths.socket, Role.VIEW)) as viewer:
                looked = await give(viewer, stop_price=position.stop_price)
                assert looked.outcome is CommandOutcome.REFUSED

    simulate(main)


async def full(name: str, work: object) -> None:
    raise StorageError(f"the disk is full: {name}")


def test_a_failing_store_keeps_the_old_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(sim: Simulation) -> None:
        async with desk(sim, tmp_path) as at:
            running, components, position, client = at.running, at.components, at.position, at.client
            with monkeypatch.context() as broken:
                broken.setattr(components.ledger, "write", full)
                reply = await give(client, stop_price=position.entry_price * D("0.97"))
            assert (reply.outcome, "the disk is full" in reply.message) == (CommandOutcome.REFUSED, True)
            memory = components.exit_monitor.memory_of(held_position(running))
            assert memory is not None
            assert memory.stop_price == position.stop_price

    simulate(main)


def test_a_position_that_is_being_sold_keeps_its_exits(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        async with desk(sim, tmp_path) as at:
            components, position, client = at.components, at.position, at.client
            components.exit_execution.begin(
                position, D(0), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="by hand"
            )
            reply = await give(client, stop_price=position.stop_price + D("0.00001"))
            assert reply.outcome is CommandOutcome.REFUSED
            await until(lambda: not components.ledger.state.positions)

    simulate(main)
