"""Starts during an outage, an IP ban or with an invalid API key, with and without a position."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.ban_file import BanFile
from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.engine.runtime.supervisor import StartFailed
from mexc_tui.model.errors import ExchangeError
from mexc_tui.model.intent import OrderRole
from mexc_tui.model.trading import Cause, TradingState
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.crashing_engine import EXITS_OFF, NO_JITTER
from tests.support.engine.monitored_position import (
    SYMBOL,
    assert_reconciled,
    buy,
    components_of,
    day_with,
    held_position,
    keep_bid,
    until,
)
from tests.support.engine.practice_day import HOST, PORT, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

OUTAGE_S, RECOVERY_S = 60, 130


def a_day(sim: Simulation, folder: Path, *faults: FaultPlan) -> PracticeDay:
    return day_with(sim, folder, faults=faults, listing=NO_JITTER, overrides=EXITS_OFF)


def outage(kind: FaultKind, path: str = "") -> FaultPlan:
    return FaultPlan(kind=kind, at_s=OUTAGE_S, for_s=RECOVERY_S - OUTAGE_S, path=path, amount_ms=30_000)


def elapsed_s(day: PracticeDay) -> float:
    return (day.sim.clock.now_ms() - day.server.session.start_ms) / 1_000


async def until_s(day: PracticeDay, at_s: float) -> None:
    await asyncio.sleep(at_s - elapsed_s(day))


def engine_with(day: PracticeDay, stack: AsyncExitStack, secret: str) -> "asyncio.Task[RunningEngine]":
    """Start an engine in the background, with another API secret if one is given."""
    endpoint = day.server.endpoint(PORT)
    if secret:
        endpoint = msgspec.structs.replace(endpoint, api_secret=secret)
    outside = EngineEnvironment(day.sim.clock, day.sim.rng, day.sim.network.connector, InlineThread)
    return asyncio.create_task(
        stack.enter_async_context(running_engine(EngineLocation(endpoint, True, day.paths), outside))
    )


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (FaultKind.MAINTENANCE, ""),
        (FaultKind.FIREWALL, ""),
        (FaultKind.TOO_MANY_REQUESTS, ""),
        (FaultKind.BANNED, ""),
        (FaultKind.LOSE_REQUEST, ""),
        (FaultKind.HALF_OPEN, ""),
        (FaultKind.DELAY, ""),
        (FaultKind.MAINTENANCE, "/api/v3/time"),
        (FaultKind.MAINTENANCE, "/api/v3/account"),
        (FaultKind.FIREWALL, "/api/v3/openOrders"),
    ],
)
def test_with_a_position_the_desk_starts_while_entries_wait_for_the_exchange(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: FaultKind, path: str
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, outage(kind, path))
        await day.open()
        async with day.engine() as running:
            await buy(running)
        await until_s(day, OUTAGE_S + 1)
        caplog.clear()
        async with AsyncExitStack() as stack:
            running = await asyncio.wait_for(engine_with(day, stack, ""), 5)
            assert day.paths.socket.exists()
            assert running.queries.status().trading_state is TradingState.REDUCE_ONLY
            assert components_of(running).exit_monitor.heartbeat_ms(held_position(running)) is not None
            await asyncio.sleep(15)
            assert "the engine keeps running and retries" in caplog.text
            assert running.engine.waits_for
            assert running.queries.status().cause
            assert components_of(running).refusal(OrderRole.ENTRY, SYMBOL)
            await until(lambda: components_of(running).reconciler.is_done, 1_200)
            await until(lambda: running.queries.status().trading_state is TradingState.ACTIVE, 1_200)
            assert not running.engine.waits_for
            assert held_position(running).remaining

    simulate(main)


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (FaultKind.MAINTENANCE, "/api/v3/account"),
        (FaultKind.MAINTENANCE, "/api/v3/time"),
        (FaultKind.LOSE_REQUEST, "/api/v3/time"),
        (FaultKind.DELAY, "/api/v3/account"),
        (FaultKind.FIREWALL, "/api/v3/openOrders"),
        (FaultKind.BANNED, "/api/v3/account"),
        (FaultKind.TOO_MANY_REQUESTS, "/api/v3/account"),
    ],
)
def test_a_stop_loss_sells_while_a_start_up_request_is_unanswered(
    tmp_path: Path, kind: FaultKind, path: str
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, outage(kind, path))
        await day.open()
        async with day.engine() as running:
            await buy(running)
        await until_s(day, OUTAGE_S + 1)
        async with AsyncExitStack() as stack:
            running = await asyncio.wait_for(engine_with(day, stack, ""), 5)
            components, position = components_of(running), held_position(running)
            await asyncio.sleep(4)
            is_reconciled = path == "/api/v3/time"  # a reconciliation uses the local clock
            assert components.reconciler.has_compared is is_reconciled
            assert bool(components.refusal(OrderRole.TAKE_PROFIT, SYMBOL)) is not is_reconciled
            assert components.refusal(OrderRole.ENTRY, SYMBOL)
            dropping = asyncio.ensure_future(keep_bid(components, position, "0.4", 8))
            await until(lambda: not components.ledger.state.positions, 12)
            assert components.reconciler.has_compared is is_reconciled
            await dropping
            await until(lambda: components.reconciler.is_done, 1_200)
            await assert_reconciled(running)

    simulate(main)


@pytest.mark.parametrize("kind", [FaultKind.MAINTENANCE, FaultKind.BANNED, FaultKind.LOSE_REQUEST])
def test_without_exposure_a_failed_start_reports_the_cause(tmp_path: Path, kind: FaultKind) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path, FaultPlan(kind=kind))
        await day.open()
        with pytest.raises((StartFailed, ExchangeError)):
            async with day.engine():
                pass
        assert elapsed_s(day) < 30

    simulate(main)


def test_without_exposure_an_invalid_key_fails_the_start_at_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with AsyncExitStack() as stack:
            with pytest.raises(StartFailed, match="700002"):
                await engine_with(day, stack, "0" * 32)
        assert elapsed_s(day) < 10

    simulate(main)


def test_with_a_position_an_invalid_key_is_reported_at_once_and_retried(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(sim: Simulation) -> None:
        day = a_day(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            await buy(running)
        async with AsyncExitStack() as stack:
            running = await asyncio.wait_for(engine_with(day, stack, "0" * 32), 5)
            await asyncio.sleep(3)
            assert "700002" in caplog.text
            assert "mexc-tui keys check" in caplog.text
            assert "700002" in running.engine.waits_for
            await asyncio.sleep(300)
            assert held_position(running).remaining
            assert components_of(running).ledger.state.trading.cause is Cause.KEY

    simulate(main)


def test_a_ban_persists_over_restarts_and_nothing_is_sent_before_it_ends(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        once = FaultPlan(kind=FaultKind.FIREWALL, at_s=5, path="/api/v3/time", times=1)
        day = a_day(sim, tmp_path, once)
        await day.open()
        await until_s(day, 6)
        for _ in range(3):
            with pytest.raises((StartFailed, ExchangeError)):
                async with day.engine():
                    pass
        ban = BanFile(day.paths.state, f"http://{HOST}:{PORT}").read(sim.clock.now_ms())
        assert ban is not None
        assert ban.left_s > 60
        await asyncio.sleep(20)
        with pytest.raises((StartFailed, ExchangeError), match="not sent"):
            async with day.engine():
                pass
        await asyncio.sleep(ban.left_s)
        async with day.engine() as running:
            assert running.engine.started_ms

    simulate(main)
