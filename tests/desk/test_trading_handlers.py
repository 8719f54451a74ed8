"""Trading over the desk API: views, queries and commands at a real socket, over a real store."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal as D
from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.desk import engine_requests, trading_requests
from mexc_tui.desk.answer_cache import ResponseCache
from mexc_tui.desk.api_types import CommandOutcome, Role
from mexc_tui.desk.client import DeskClient
from mexc_tui.desk.engine_requests import NoArguments
from mexc_tui.desk.service import DeskService, DeskServiceParts
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.views.trading_queries import TradingQueries
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.plan_view import Preview
from mexc_tui.model.position import Protection
from mexc_tui.model.reconciliation import Reconciliation, Trigger
from mexc_tui.model.trading import TradingState
from mexc_tui.model.why import WhyRow
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.level import Lifetimes
from mexc_tui.store.caches.memory import MemoryLevel
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.desk_server import client_of, running_client
from tests.support.engine.fake_trading_engine import DIFFERENCE, FakeTradingQueries, reconciled
from tests.support.fake_engine import FakeEngineQueries
from tests.support.samples import listing_samples, trading_samples

CLOCK = SystemClock()
NEW = trading_requests.ArmRequest(symbol="NEWUSDT")
ARMED = trading_requests.SymbolArguments(symbol="NEWUSDT")


@asynccontextmanager
async def desk(
    folder: Path, money: TradingQueries | None, role: Role = Role.ADMIN
) -> AsyncGenerator[tuple[DeskClient, SqliteStore]]:
    store = await SqliteStore.open(folder / "state" / "desk.sqlite3", CLOCK)
    answers = ResponseCache(Cache([MemoryLevel(CLOCK)], CLOCK), lambda: store.state().units, Lifetimes())
    parts = DeskServiceParts(
        FakeEngineQueries(), store, CLOCK, DetectionSettings, "engine-1", 0, answers, money
    )
    door = DeskService(parts)
    await door.open(folder / "s.sock")
    try:
        async with running_client(client_of(folder / "s.sock", role=role)) as client:
            yield client, store
    finally:
        await door.close(0.5)
        await store.close()


async def test_views_have_the_rows_of_the_engine(tmp_path: Path) -> None:
    money = FakeTradingQueries()
    async with desk(tmp_path, money) as (client, _):
        snipes, orders = client.mirror(trading_requests.SNIPES), client.mirror(trading_requests.ORDERS)
        positions, risk = client.mirror(trading_requests.POSITIONS), client.mirror(trading_requests.RISK)
        async with asyncio.timeout(10):
            while not all(one.is_complete for one in (snipes, orders, positions, risk)):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.005)
    assert [list(one.rows) for one in (snipes, orders, positions)] == [["s1"], ["tp-2.20"], ["p1"]]
    assert list(positions.rows.values()) == money.positions()
    assert risk.rows["desk"] == money.now


async def test_trading_queries_return_results(tmp_path: Path) -> None:
    async with desk(tmp_path, FakeTradingQueries(approved=False)) as (client, _):
        what_if = await client.send(trading_requests.WHAT_IF, NEW, deadline_s=5)
        how = await client.send(trading_requests.PERFORMANCE, NoArguments(), deadline_s=5)
        books = await client.send(trading_requests.RECONCILE, NoArguments(), deadline_s=5)
    assert what_if.result is not None
    assert [one.passed for one in what_if.result.verdicts] == [True, False]
    assert how.result is not None
    assert (how.result.equity, books.outcome) == (D(1_001), CommandOutcome.DONE)


async def test_commands_reach_the_engine_with_their_sender(tmp_path: Path) -> None:
    money = FakeTradingQueries()
    async with desk(tmp_path, money) as (client, _):
        armed = await client.send(trading_requests.ARM, NEW, deadline_s=5)
        await client.send(trading_requests.DISARM, ARMED, deadline_s=5)
        await client.send(
            trading_requests.CLOSE,
            trading_requests.CloseRequest(symbol="NEWUSDT", share_pct=D("12.5")),
            deadline_s=5,
        )
        await client.send(
            trading_requests.HALT, trading_requests.HaltRequest(words="lunch\x1b[31m"), deadline_s=5
        )
        await client.send(trading_requests.REDUCE_ONLY, trading_requests.HaltRequest(), deadline_s=5)
        await client.send(
            trading_requests.RESUME, trading_requests.ResumeRequest(typed="resume"), deadline_s=5
        )
        await client.send(trading_requests.FLATTEN, NoArguments(), deadline_s=5)
        await client.send(trading_requests.KILL, trading_requests.EmergencyStopRequest(), deadline_s=5)
    assert (armed.outcome, armed.message) == (CommandOutcome.DONE, "NEWUSDT is armed.")
    assert money.done[:3] == [
        ("arm", "NEWUSDT", "tester"),
        ("disarm", "NEWUSDT", "tester"),
        ("close", "NEWUSDT", "12.5"),
    ]
    assert [one[0] for one in money.done[3:]] == ["halt", "reduce_only", "resume", "flatten", "kill"]
    assert "\x1b" not in money.done[3][1]


async def test_an_incomplete_command_is_reported_as_partly_done(tmp_path: Path) -> None:
    async with desk(tmp_path, FakeTradingQueries(is_all=False)) as (client, _):
        reply = await client.send(trading_requests.FLATTEN, NoArguments(), deadline_s=5)
    assert (reply.outcome, reply.message) == (CommandOutcome.PARTLY, "Did flatten.")
    assert reply.result is not None


async def test_an_incomplete_reconciliation_is_not_reported_as_done(tmp_path: Path) -> None:
    money = FakeTradingQueries(run=reconciled(DIFFERENCE, problem="the exchange did not answer"))
    async with desk(tmp_path, money) as (client, _):
        reply = await client.send(trading_requests.RECONCILE, NoArguments(), deadline_s=5)
    assert (reply.outcome, reply.message) == (CommandOutcome.PARTLY, "the exchange did not answer")


async def test_a_refusal_keeps_its_text(tmp_path: Path) -> None:
    async with desk(tmp_path, FakeTradingQueries(approved=False)) as (client, _):
        reply = await client.send(trading_requests.ARM, NEW, deadline_s=5)
    assert (reply.outcome, reply.result) == (CommandOutcome.REFUSED, None)
    assert reply.message == "NEWUSDT is not armed: close 10 of positions"


@pytest.mark.parametrize("share", ["0", "-1", "100.01", "NaN"])
async def test_an_invalid_share_sells_nothing(tmp_path: Path, share: str) -> None:
    money = FakeTradingQueries()
    async with desk(tmp_path, money) as (client, _):
        closing = trading_requests.CloseRequest(symbol="NEWUSDT", share_pct=D(share))
        reply = await client.send(trading_requests.CLOSE, closing, deadline_s=5)
    assert (reply.outcome, money.done) == (CommandOutcome.REFUSED, [])


async def test_a_read_only_viewer_may_halt_and_sell_but_not_buy_or_resume(tmp_path: Path) -> None:
    money = FakeTradingQueries()
    async with desk(tmp_path, money, Role.VIEW) as (client, _):
        refused = [
            (await client.send(trading_requests.ARM, NEW, deadline_s=5)).outcome,
            (
                await client.send(trading_requests.RESUME, trading_requests.ResumeRequest(), deadline_s=5)
            ).outcome,
            (
                await client.send(
                    trading_requests.CONVERT_DUST, trading_requests.ConvertDustRequest(), deadline_s=5
                )
            ).outcome,
        ]
        done = [
            (await client.send(trading_requests.HALT, trading_requests.HaltRequest(), deadline_s=5)).outcome,
            (await client.send(trading_requests.DISARM, ARMED, deadline_s=5)).outcome,
            (
                await client.send(
                    trading_requests.KILL, trading_requests.EmergencyStopRequest(), deadline_s=5
                )
            ).outcome,
        ]
        offered = await client.send(
            trading_requests.PREVIEW, trading_requests.PreviewQuery(name=Preview.UNLOCK), deadline_s=5
        )
    assert refused == [CommandOutcome.REFUSED] * 3
    assert done == [CommandOutcome.DONE] * 3
    assert offered.outcome is CommandOutcome.REFUSED
    assert "Read-only client" in offered.message


async def test_a_read_only_engine_has_no_rows_and_refuses_with_a_reason(tmp_path: Path) -> None:
    async with desk(tmp_path, None) as (client, _):
        positions = client.mirror(trading_requests.POSITIONS)
        replies = [
            await client.send(trading_requests.KILL, trading_requests.EmergencyStopRequest(), deadline_s=5),
            await client.send(trading_requests.WHAT_IF, NEW, deadline_s=5),
        ]
        why = await client.send(engine_requests.WHY, engine_requests.WhyQuery(symbol="NEWUSDT"), deadline_s=5)
        async with asyncio.timeout(10):
            while not positions.is_complete:  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.005)
    assert not positions.rows
    assert all(reply.outcome is CommandOutcome.REFUSED and "read-only" in reply.message for reply in replies)
    assert why.result is not None
    assert why.result.what_if is None


def remember(unit: UnitOfWork) -> None:
    tables = unit.trading(trading_samples.SCOPE)
    tables.reconciliations.add(Reconciliation(at_ms=1, trigger=Trigger.START))
    tables.snipes.save(trading_samples.snipe())
    unit.listings.save(listing_samples.listing("NEWUSDT"), ListingStage.SCHEDULED)


async def test_why_has_the_checks_when_armed_and_the_current_ones(tmp_path: Path) -> None:
    async with desk(tmp_path, FakeTradingQueries(approved=False)) as (client, store):
        await store.write("snipe", remember)
        reply = await client.send(
            engine_requests.WHY, engine_requests.WhyQuery(symbol="NEWUSDT"), deadline_s=5
        )
    row = reply.result
    assert isinstance(row, WhyRow)
    assert [one.verdicts for one in row.snipes] == [(trading_samples.APPROVED,)]
    assert row.what_if is not None
    assert not row.what_if.approved


async def test_views_are_updated_immediately_after_a_command(tmp_path: Path) -> None:
    money = FakeTradingQueries()
    async with desk(tmp_path, money) as (client, _):
        risk = client.mirror(trading_requests.RISK)
        reply = await client.send(
            trading_requests.HALT, trading_requests.HaltRequest(words="lunch"), deadline_s=5
        )
        async with asyncio.timeout(10):
            while not risk.rows or risk.rows["desk"].state is not TradingState.HALTED:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
    assert reply.result is not None
    assert reply.result.state is TradingState.HALTED


def test_rows_are_transferred_without_loss() -> None:
    row = FakeTradingQueries().positions()[0]
    assert row.protection is Protection.ENGINE
    body = msgspec.json.encode(row)
    assert msgspec.json.decode(body, type=trading_requests.POSITIONS.row) == row
