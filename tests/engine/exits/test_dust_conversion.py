"""Convert dust of the desk to MX on the practice exchange, never coins of the user."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.engine.views.trading_queries import TradingQueries, trading_queries
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.intent import CloseReason, OrderRole
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.storage import StorageError
from mexc_tui.practice.matching.values import Conversion, FailedConversion, PracticeRefusal
from mexc_tui.practice.scenario import FaultKind, FaultPlan
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.monitored_position import (
    assert_reconciled,
    closed_position,
    components_of,
    day_with,
    held_position,
    monitored_engine,
)
from tests.support.engine.practice_day import PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

D = Decimal
CONVERT = "/api/v3/capital/convert"


def struck(kind: FaultKind) -> tuple[FaultPlan, ...]:
    return (FaultPlan(kind=kind, method="POST", path=CONVERT, times=1),)


@asynccontextmanager
async def with_dust(day: PracticeDay) -> AsyncGenerator[tuple[RunningEngine, TradingQueries, Decimal]]:
    """An engine that sold all but a rest, which it wrote off."""
    async with monitored_engine(day) as (running, components, position):
        face = await trading_queries(running.engine)
        assert face is not None
        await components.exit_execution.close(
            position, D(95), OrderRole.CLOSE, reason=CloseReason.MANUAL, text="most"
        )
        left = held_position(running)
        await components.exit_execution.close(
            left, None, OrderRole.CLOSE, reason=CloseReason.MANUAL, text="the rest"
        )
        yield running, face, (await closed_position(running)).dust


def at_exchange(day: PracticeDay, asset: str) -> Decimal:
    return sum((one.free + one.locked for one in day.server.session.balances() if one.asset == asset), D(0))


async def in_books(running: RunningEngine, asset: str, account: LedgerAccount = LedgerAccount.OWN) -> Decimal:
    scope = components_of(running).ledger.scope
    return await running.store.read(
        "balance", lambda stored: stored.trading(scope).entries.balance(account, asset)
    )


def test_written_off_dust_becomes_mx_and_the_ledger_agrees(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""})
        async with with_dust(day) as (running, face, dust):
            before, cash = at_exchange(day, "MX"), at_exchange(day, "USDT")
            row = await face.dust()
            assert [(one.asset, one.quantity) for one in row.coins] == [("CLEAN", dust)]
            done = await face.convert_dust(["CLEAN"])
            assert done.is_all
            assert done.text.startswith(f"Converted {dust.normalize():f} CLEAN into ")
            assert done.result.received_mx == at_exchange(day, "MX") - before > 0
            assert (at_exchange(day, "CLEAN"), at_exchange(day, "USDT")) == (0, cash)
            assert await in_books(running, "MX") == at_exchange(day, "MX")
            assert await in_books(running, "MX", LedgerAccount.FEES) == done.result.fee_mx
            assert await in_books(running, "CLEAN") == 0
            run = components_of(running).ledger.state.reconciled
            assert run is not None
            assert (run.explained, run.unexplained, run.problem) == ((), (), "")
            await assert_reconciled(running)
            await asyncio.sleep(20)
            assert face.risk().state.allows_entries
            assert not (await face.dust()).coins
            with pytest.raises(CommandRefused, match="Nothing to convert"):
                await face.convert_dust([])

    simulate(main)


def test_a_coin_the_user_also_holds_is_not_converted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""})
        async with with_dust(day) as (_, face, dust):
            day.server.session.deposit("CLEAN", D("0.5"))
            unbooked = await face.dust()
            assert not unbooked.coins
            assert "reconcile first" in unbooked.left[0]
            await face.reconcile()
            assert (await face.dust()).coins == ()
            with pytest.raises(CommandRefused, match="Nothing to convert"):
                await face.convert_dust(["CLEAN"])
            assert at_exchange(day, "CLEAN") == dust + D("0.5")

    simulate(main)


def test_an_open_position_is_not_dust(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path)
        async with monitored_engine(day) as (running, _, position):
            face = await trading_queries(running.engine)
            assert face is not None
            with pytest.raises(CommandRefused, match="no written-off dust"):
                await face.convert_dust([])
            assert at_exchange(day, "CLEAN") == position.remaining

    simulate(main)


def test_a_conversion_with_a_lost_response_is_resolved_and_booked(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""}, faults=struck(FaultKind.LOSE_RESPONSE))
        async with with_dust(day) as (running, face, dust):
            before = at_exchange(day, "MX")
            done = await face.convert_dust([])
            assert [one.quantity for one in done.result.coins] == [dust]
            assert done.result.received_mx == at_exchange(day, "MX") - before > 0
            assert done.result.fee_mx is None
            await assert_reconciled(running)
            assert await in_books(running, "MX") == at_exchange(day, "MX")

    simulate(main)


def test_a_conversion_that_never_arrived_changes_nothing(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""}, faults=struck(FaultKind.LOSE_REQUEST))
        async with with_dust(day) as (running, face, dust):
            done = await face.convert_dust([])
            assert (done.is_all, done.result.coins) == (False, ())
            assert done.text.startswith("Nothing converted. Not converted: ")
            assert at_exchange(day, "CLEAN") == dust
            await assert_reconciled(running)
            assert (await face.convert_dust([])).is_all

    simulate(main)


def test_refused_and_skipped_assets_are_reported_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = FailedConversion("CLEAN", "Convertible once in 24 hours", "30032")

    def refuse(_: Sequence[str]) -> Conversion:
        raise PracticeRefusal(700007, "No permission to access the endpoint")

    def leave(_: Sequence[str]) -> Conversion:
        return Conversion([], [failed], D(0), D(0))

    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""})
        async with with_dust(day) as (running, face, dust):
            monkeypatch.setattr(day.server.session, "convert", refuse)
            with pytest.raises(CommandRefused, match=r"Conversion rejected by the exchange: .*key"):
                await face.convert_dust([])
            monkeypatch.setattr(day.server.session, "convert", leave)
            done = await face.convert_dust([])
            assert (done.is_all, done.result.coins) == (False, ())
            assert "CLEAN: Convertible once in 24 hours (30032)." in done.text
            assert await in_books(running, "CLEAN") == at_exchange(day, "CLEAN") == dust
            await assert_reconciled(running)

    simulate(main)


def test_a_conversion_that_cannot_be_booked_is_found_by_the_next_reconciliation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""})
        async with with_dust(day) as (running, face, _):
            write = running.store.write

            async def fail(name: str, *args: object, **options: object) -> object:
                if name == "dust converted":
                    raise StorageError("the disk is full")
                return await write(name, *args, **options)  # pyright: ignore

            monkeypatch.setattr(running.store, "write", fail)
            done = await face.convert_dust([])
            assert (done.is_all, len(done.result.coins)) == (False, 1)
            assert "Not booked (the disk is full)" in done.text
            await face.reconcile()
            assert await in_books(running, "CLEAN") == at_exchange(day, "CLEAN") == 0
            assert await in_books(running, "MX") == at_exchange(day, "MX")

    simulate(main)


def test_a_conversion_continues_after_its_caller_is_cancelled(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = day_with(sim, tmp_path, overrides={"ladder": ""})
        async with with_dust(day) as (running, face, _):
            asking = asyncio.ensure_future(face.convert_dust([]))
            await asyncio.sleep(0.001)
            asking.cancel()
            await asyncio.sleep(3)
            assert (at_exchange(day, "CLEAN"), await in_books(running, "CLEAN")) == (0, 0)
            await assert_reconciled(running)

    simulate(main)
