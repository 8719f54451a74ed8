"""Memory and store stay consistent under concurrent changes and failed writes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from mexc_tui.app.composition import RunningEngine
from mexc_tui.model.listing import Listing
from mexc_tui.model.storage import StorageFailed
from mexc_tui.ports.store import UnitOfWork
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import PracticeDay

AHEAD_MS = 600_000


async def stored(running: RunningEngine, symbol: str) -> list[Listing]:
    return await running.store.read("listings", lambda found: found.listings.named(symbol))


async def add_with_failing_store(running: RunningEngine, symbol: str, opens_ms: int) -> None:
    """Add a manual listing while every write fails."""
    write = running.store.write

    async def fail(*_: object, **__: object) -> None:
        raise StorageFailed("disk error")

    running.store.write = fail
    with pytest.raises(StorageFailed):
        await running.queries.add_listing(symbol, opens_ms)
    running.store.write = write


def test_a_late_write_does_not_overwrite_a_newer_version(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            known, now_ms = running.engine.knowledge_store, running.engine.parts.market.now_ms()
            first = known.knowledge.add("HANDUSDT", now_ms + AHEAD_MS, now_ms)
            second = known.knowledge.add("HANDUSDT", now_ms + 2 * AHEAD_MS, now_ms + 1)
            await known.save(second, now_ms)
            await known.save(first, now_ms)
            assert await stored(running, "HANDUSDT") == [known.knowledge.listings.named("HANDUSDT")]

    simulate(main)


def test_a_listing_whose_write_failed_is_dropped_until_it_is_added_again(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            opens_ms = running.engine.parts.market.now_ms() + AHEAD_MS
            await add_with_failing_store(running, "HANDUSDT", opens_ms)
            await asyncio.sleep(3)
            listings = running.engine.knowledge_store.knowledge.listings
            assert listings.named("HANDUSDT") is None
            await running.queries.add_listing("HANDUSDT", opens_ms)
            assert await stored(running, "HANDUSDT") == [listings.named("HANDUSDT")]

    simulate(main)


def test_a_listing_added_during_a_reload_is_not_lost(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            known, read = running.engine.knowledge_store, running.store.read
            opens_ms, added = running.engine.parts.market.now_ms() + AHEAD_MS, list[str]()

            async def slowly(name: str, *args: object, **options: object) -> object:
                found = await read(name, *args, **options)  # pyright: ignore[reportArgumentType, reportCallIssue, reportUnknownVariableType]
                if name == "load market knowledge" and not added:
                    added.append(name)
                    await running.queries.add_listing("HANDUSDT", opens_ms)
                return found  # pyright: ignore[reportUnknownVariableType]

            await add_with_failing_store(running, "LOSTUSDT", opens_ms)
            running.store.read = slowly
            await known.load()
            assert added
            assert known.knowledge.listings.named("HANDUSDT") is not None
            assert known.knowledge.listings.named("LOSTUSDT") is None

    simulate(main)


def test_a_listing_that_changes_while_others_are_labelled_keeps_the_change(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = PracticeDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            known, now_ms = running.engine.knowledge_store, running.engine.parts.market.now_ms()
            for symbol in ("CLEANUSDT", "GONEUSDT"):
                await running.queries.drop_listing(symbol)
            write, returned = known.write, list[str]()

            async def meanwhile(name: str, work: Callable[[UnitOfWork], None]) -> None:
                if name == "outcome of a listing" and not returned:
                    last = [one.symbol for one in known.knowledge.listings if one.cancelled_ms][-1]
                    returned.append(last)
                    await known.save(known.knowledge.add(last, None, now_ms + 5), now_ms + 5)
                await write(name, work)

            known.write = meanwhile
            await running.engine.outcomes.label()
            (symbol,) = returned
            assert await stored(running, symbol) == [known.knowledge.listings.named(symbol)]

    simulate(main)
