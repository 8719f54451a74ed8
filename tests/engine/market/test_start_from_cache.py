"""Cached responses of one engine serve the start of the next one and show their age."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from mexc_tui.app.composition import RunningEngine
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, HOST, OVERRIDES, PORT, PracticeDay

pytestmark = pytest.mark.timeout(120)  # runs whole engines

CALENDAR = "/api/operation/new_coin_calendar"
SLOW = replace(DAY, settings=OVERRIDES | {"calendar_poll_s": 300, "symbols_poll_s": 300, "advance_s": 5})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CountedDay(PracticeDay):
    """A practice day that counts requests by path."""

    def __init__(self, sim: Simulation, folder: Path) -> None:
        super().__init__(sim, folder, SLOW)
        self.requests: Counter[str] = Counter()

    async def open(self) -> None:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.requests[request.path] += 1
            return await handler(request)

        application = self.server.application()
        application.middlewares.append(count)
        await self.sim.network.serve(HOST, PORT, application)


def age_s(running: RunningEngine, source: str) -> float:
    status = running.queries.status()
    read_ms = next(row.read_ms for row in status.sources if row.source == source)
    assert read_ms is not None
    return (status.now_ms - read_ms) / 1_000


def test_a_restart_reuses_cached_pages_and_shows_their_age(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = CountedDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            first = dict(day.requests)
            known = {row.symbol for row in running.queries.listings()}
        async with day.engine() as running:
            status = running.queries.status()
            assert day.requests[CALENDAR] == first[CALENDAR] == 1
            assert day.requests["/api/v3/announcements"] == first["/api/v3/announcements"]
            assert day.requests["/api/v3/exchangeInfo"] == 2 * first["/api/v3/exchangeInfo"]
            assert {row.symbol for row in running.queries.listings()} >= known
            assert status.cache.database_hits == 2
            assert age_s(running, "calendar") > 0

    simulate(main)


def test_an_expired_response_is_requested_again(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = CountedDay(sim, tmp_path)
        await day.open()
        async with day.engine():
            pass
        await asyncio.sleep(301)
        async with day.engine() as running:
            assert day.requests[CALENDAR] == 2
            assert age_s(running, "calendar") < 10  # not hundreds of seconds, as in the cache

    simulate(main)


def test_responses_of_another_session_are_not_reused(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        for _ in range(2):
            day = CountedDay(sim, tmp_path)
            await day.open()
            async with day.engine():
                assert day.requests[CALENDAR] == 1
            await asyncio.sleep(1)

    simulate(main)


def test_near_an_opening_a_cached_response_is_refreshed_at_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = CountedDay(sim, tmp_path)
        await day.open()
        async with day.engine():
            pass
        await asyncio.sleep(35)  # five seconds before the first opening
        async with day.engine() as running:
            assert running.queries.status().cache.database_hits == 2
            await asyncio.sleep(0.1)
            assert day.requests[CALENDAR] == 2
            assert age_s(running, "calendar") < 10  # not hundreds of seconds, as in the cache

    simulate(main)


def test_an_engine_starts_within_the_request_limits_of_one_second(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = CountedDay(sim, tmp_path)
        await day.open()
        started_s = asyncio.get_running_loop().time()
        async with day.engine():
            # A wait for the request limit would take a second of virtual time.
            assert asyncio.get_running_loop().time() - started_s < 1
            assert day.requests["/api/v3/time"] < 10
            await asyncio.sleep(5)
            assert day.requests["/api/v3/time"] >= 10  # a more precise measurement once there is budget

    simulate(main)
