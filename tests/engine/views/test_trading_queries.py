"""A whole engine's money, as its desk sees it: on the practice exchange, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal as D
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.views.trading_queries import TradingQueries, trading_queries
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.snipe import SnipeState
from mexc_tui.model.trading import TradingState
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import PracticeDay

Told = Callable[[RunningEngine, TradingQueries], Awaitable[None]]


def with_money(folder: Path, told: Told) -> None:
    """Run a trading engine and yield its queries."""

    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, folder)
        await day.open()
        async with day.engine() as running:
            face = await trading_queries(running.engine)
            assert face is not None
            await told(running, face)

    simulate(main)


def test_before_the_first_buy_equity_equals_cash_and_ledger_agrees(tmp_path: Path) -> None:
    async def told(_: RunningEngine, face: TradingQueries) -> None:
        await asyncio.sleep(3)
        risk, how, run = face.risk(), await face.performance(), await face.reconcile()
        assert risk.equity == risk.cash == how.equity == how.start_equity
        assert (risk.is_complete, how.identity_gap, risk.losses_in_a_row) == (True, D(0), 0)
        assert {row.name for row in risk.limits} >= {"exposure", "trades_day"}
        assert (run.unexplained, run.problem) == ((), "")
        assert (face.positions(), face.orders()) == ([], [])

    with_money(tmp_path, told)


def test_an_unlisted_coin_is_checked_and_not_armed(tmp_path: Path) -> None:
    async def told(_: RunningEngine, face: TradingQueries) -> None:
        row = await face.what_if("NOSUCH")
        assert not row.approved
        assert "symbol unknown" in row.text
        with pytest.raises(CommandRefused, match="NOSUCH not armed"):
            await face.arm("NOSUCH", "me")
        with pytest.raises(CommandRefused, match="No snipe is armed"):
            await face.disarm("NOSUCH", "me")
        with pytest.raises(CommandRefused, match="No open position in NOSUCH"):
            await face.close("NOSUCH", None, "me")

    with_money(tmp_path, told)


def test_a_snipe_is_armed_shown_and_disarmed_manually(tmp_path: Path) -> None:
    async def told(_: RunningEngine, face: TradingQueries) -> None:
        async with asyncio.timeout(40):
            while not (await face.what_if("CLEAN")).approved and not face.snipes():  # noqa: ASYNC110
                await asyncio.sleep(0.5)
        if not face.snipes():
            armed = await face.arm("CLEAN", "me")
            assert armed.result.symbol == "CLEANUSDT"
        assert [row.symbol for row in face.snipes()] == ["CLEANUSDT"]
        assert face.risk().reserved > 0
        done = await face.disarm("CLEAN", "me")
        assert done.result.state is SnipeState.DISARMED

    with_money(tmp_path, told)


def test_a_halt_stops_entries_until_the_user_resumes(tmp_path: Path) -> None:
    async def told(running: RunningEngine, face: TradingQueries) -> None:
        halted = await face.halt("me", "lunch")
        assert halted.result.state is TradingState.HALTED
        assert (face.risk().state, face.risk().cause_text) == (TradingState.HALTED, "lunch")
        assert running.queries.status().trading_state is TradingState.HALTED
        assert not (await face.what_if("CLEAN")).approved
        resumed = await face.resume("me", "")
        assert resumed.result.state is not TradingState.HALTED

    with_money(tmp_path, told)


def test_an_emergency_stop_leaves_nothing_open_and_resume_needs_the_typed_word(tmp_path: Path) -> None:
    async def told(_: RunningEngine, face: TradingQueries) -> None:
        done = await face.kill("me")
        assert (done.result.state, done.result.orders_left) == (TradingState.HALTED, 0)
        assert done.result.is_durable
        with pytest.raises(CommandRefused, match="resume"):
            await face.resume("me", "")
        await face.resume("me", "resume")

    with_money(tmp_path, told)


def test_a_manually_added_coin_is_its_usdt_pair_in_every_command(tmp_path: Path) -> None:
    async def told(running: RunningEngine, face: TradingQueries) -> None:
        added = await running.queries.add_listing("QQQ9", None)
        assert added.symbol == "QQQ9USDT"
        assert (await face.what_if("QQQ9")).symbol == "QQQ9USDT"
        assert (await running.queries.add_listing("QQQ9", None)).id == added.id
        assert (await running.queries.drop_listing("QQQ9")).id == added.id

    with_money(tmp_path, told)
