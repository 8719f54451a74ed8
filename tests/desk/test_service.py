"""Queries and commands of an engine, at a real socket, over a real store."""

import asyncio
import json
import os
import sys
from pathlib import Path

from mexc_tui.desk import engine_requests
from mexc_tui.desk.api_types import CommandOutcome, Role
from mexc_tui.desk.command_executor import CommandSender, ReceivedCommand
from mexc_tui.desk.service import JournalAudit
from mexc_tui.desk.view_kinds import SIGNALS
from mexc_tui.desk.wire import CommandResponse
from mexc_tui.engine.views.listing_rows import signal_row
from mexc_tui.model.event import CommandBegun, CommandDone, SettingChanged
from mexc_tui.model.signal import DetectorName
from mexc_tui.model.view import (
    TradingState,
)
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.desk_server import client_of, running_client
from tests.support.fake_engine import CLOCK, FakeEngineQueries, desk, opened_service
from tests.support.samples import listing_samples


async def test_a_repeated_command_is_executed_once_also_after_an_engine_restart(tmp_path: Path) -> None:
    face, other = FakeEngineQueries(), FakeEngineQueries()
    add = engine_requests.AddListing(symbol="NEWUSDT")
    async with desk(tmp_path, face) as (_, client, _):
        first = await client.send(engine_requests.ADD_LISTING, add, deadline_s=5, command_id="command-1")
    async with desk(tmp_path, other) as (_, client, store):
        again = await client.send(engine_requests.ADD_LISTING, add, deadline_s=5, command_id="command-1")
        other_one = engine_requests.AddListing(symbol="XUSDT")
        clash = await client.send(
            engine_requests.ADD_LISTING, other_one, deadline_s=5, command_id="command-1"
        )
        facts = await store.read("facts", lambda stored: stored.journal.about("command-1"))
    assert (first.outcome, again.outcome, again.is_repeated) == (
        CommandOutcome.DONE,
        CommandOutcome.DONE,
        True,
    )
    assert (again.message, again.result) == (first.message, first.result)
    assert (face.added, other.added) == (["NEWUSDT"], [])
    assert clash.outcome is CommandOutcome.REFUSED
    assert [type(fact.event) for fact in facts] == [CommandBegun, CommandDone]


async def test_the_outcome_of_a_command_interrupted_by_a_crash_is_unknown(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "state" / "desk.sqlite3", CLOCK)
    audit = JournalAudit(store, CLOCK)
    given = ReceivedCommand("command-1", "stop", CommandSender("me", 1, Role.VIEW), 1, 1, 2, b"{}", "digest")
    assert await audit.begin(given) is None
    found = await audit.begin(given)
    assert found is not None
    assert (found.digest, found.response) == ("digest", None)
    await audit.end(given, CommandResponse(id="command-1", outcome=CommandOutcome.DONE, words="Stopping."))
    found = await audit.begin(given)
    assert found is not None
    assert found.response is not None
    assert found.response.words == "Stopping."
    await store.close()


async def test_a_refusal_carries_the_text_of_the_engine(tmp_path: Path) -> None:
    async with desk(tmp_path, FakeEngineQueries()) as (_, client, _):
        reply = await client.send(
            engine_requests.DROP_LISTING, engine_requests.DropListing(symbol="AUSDT"), deadline_s=5
        )
    assert (reply.outcome, reply.message) == (CommandOutcome.REFUSED, "AUSDT is unknown.")


async def test_the_engine_records_who_stopped_it(tmp_path: Path) -> None:
    face = FakeEngineQueries()
    async with desk(tmp_path, face) as (_, client, _):
        reply = await client.send(engine_requests.STOP, engine_requests.NoArguments(), deadline_s=5)
    assert reply.result == engine_requests.EngineStopping(os.getpid())
    assert face.stops == ["requested by tester"]


async def test_long_lists_are_paged_with_fewer_large_rows_per_page(tmp_path: Path) -> None:
    def fill(unit: UnitOfWork) -> None:
        for number in range(150):
            listing = listing_samples.listing(f"N{number}USDT", 1_000 + number)
            unit.listings.save(listing, listing.stage)
        for number in range(50):
            large = "x" * 9_000
            change = SettingChanged(
                at_ms=number, about="allow_symbols", old=large, new="", needs_restart=False, origin="me"
            )
            unit.record(change)

    async with desk(tmp_path, FakeEngineQueries()) as (_, client, store):
        await store.write("fill", fill)
        first = (
            await client.send(engine_requests.LISTINGS, engine_requests.ListingsQuery(), deadline_s=5)
        ).result
        assert first is not None
        last = first.rows[-1]
        behind = engine_requests.ListingsQuery(before_ms=last.first_seen_ms, before_id=last.id)
        rest = (await client.send(engine_requests.LISTINGS, behind, deadline_s=5)).result
        assert rest is not None
        names = [row.symbol for row in first.rows + rest.rows]
        assert names == [f"N{number}USDT" for number in range(149, -1, -1)]
        page = (
            await client.send(engine_requests.JOURNAL, engine_requests.JournalQuery(), deadline_s=5)
        ).result
        assert page is not None
        assert [row.sequence for row in page.rows] == list(range(50, 50 - len(page.rows), -1))
        assert 1 < len(page.rows) < 50


async def test_a_view_follows_the_engine(tmp_path: Path) -> None:
    face = FakeEngineQueries(active=[signal_row(listing_samples.signal(), is_active=True)])
    store = await SqliteStore.open(tmp_path / "state" / "desk.sqlite3", CLOCK)
    async with opened_service(store, face, tmp_path / "s.sock") as door:
        client = client_of(tmp_path / "s.sock")
        mirror = client.mirror(SIGNALS)
        seen: asyncio.Queue[list[str]] = asyncio.Queue()

        def note(_: frozenset[str]) -> None:
            seen.put_nowait([row.detector for row in mirror.rows.values()])

        mirror.on_change(note)
        async with running_client(client), asyncio.timeout(10):
            assert await seen.get() == [DetectorName.READY_STATE]
            face.active = []
            door.refresh()
            assert await seen.get() == []
    await store.close()


async def test_the_first_viewer_receives_the_current_rows(tmp_path: Path) -> None:
    face = FakeEngineQueries()
    store = await SqliteStore.open(tmp_path / "state" / "desk.sqlite3", CLOCK)
    async with opened_service(store, face, tmp_path / "s.sock"):
        face.active = [signal_row(listing_samples.signal(), is_active=True)]
        client = client_of(tmp_path / "s.sock")
        mirror = client.mirror(SIGNALS)
        seen: asyncio.Queue[list[str]] = asyncio.Queue()
        mirror.on_change(lambda _: seen.put_nowait([row.detector for row in mirror.rows.values()]))
        async with running_client(client), asyncio.timeout(10):
            assert await seen.get() == [DetectorName.READY_STATE]
    await store.close()


async def test_a_failing_view_fails_no_command_and_is_updated_once_it_works_again(tmp_path: Path) -> None:
    queries = FakeEngineQueries(is_broken=True)
    store = await SqliteStore.open(tmp_path / "state" / "desk.sqlite3", CLOCK)
    async with opened_service(store, queries, tmp_path / "s.sock"):
        client = client_of(tmp_path / "s.sock")
        mirror = client.mirror(SIGNALS)
        seen: asyncio.Queue[list[str]] = asyncio.Queue()
        mirror.on_change(lambda _: seen.put_nowait([row.detector for row in mirror.rows.values()]))
        async with running_client(client), asyncio.timeout(10):
            assert (
                await client.send(engine_requests.STATUS, engine_requests.NoArguments(), deadline_s=5)
            ).result is not None
            queries.is_broken, queries.active = False, [signal_row(listing_samples.signal(), is_active=True)]
            while await seen.get() != [DetectorName.READY_STATE]:
                pass
    await store.close()


async def test_status_of_a_halted_engine_exits_with_1(tmp_path: Path) -> None:
    folder = tmp_path / "run" / "mexc-tui"
    folder.mkdir(parents=True)
    store = await SqliteStore.open(tmp_path / "state" / "mexc-tui" / "practice" / "desk.sqlite3", CLOCK)
    names = {"XDG_STATE_HOME": "state", "XDG_CONFIG_HOME": "config", "XDG_RUNTIME_DIR": "run"}
    environ = os.environ | {name: str(tmp_path / place) for name, place in names.items()}
    async with opened_service(store, FakeEngineQueries(TradingState.HALTED), folder / "practice.sock"):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mexc_tui", "status", "--json"),
            env=environ,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
    await store.close()
    assert process.returncode == 1
    assert json.loads(said)["trading_state"] == "halted"
    assert json.loads(said)["cause"] == "by the operator"
