"""What one engine was told is enough for the next one's start, with its age shown."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from mexc_tui.app.composition import RunningEngine
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.engine.practice_day import DAY, HOST, LENT, PORT, PracticeDay

pytestmark = pytest.mark.timeout(60)  # runs whole engines

CALENDAR = "/api/operation/new_coin_calendar"
SLOW = replace(DAY, settings=LENT | {"calendar_poll_s": 300, "symbols_poll_s": 300, "advance_s": 5})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class CountedDay(PracticeDay):
    """Counts what is asked, by path."""

    def __init__(self, sim: Simulation, folder: Path) -> None:
        super().__init__(sim, folder, SLOW)
        self.asked: Counter[str] = Counter()

    async def open(self) -> None:
        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.asked[request.path] += 1
            return await handler(request)

        application = self.server.application()
        application.middlewares.append(count)
        await self.sim.network.serve(HOST, PORT, application)


def age_s(running: RunningEngine, source: str) -> float:
    status = running.face.status()
    read_ms = next(row.read_ms for row in status.sources if row.source == source)
    assert read_ms is not None
    return (status.now_ms - read_ms) / 1_000


def test_a_start_soon_after_another_asks_for_no_page_again_and_shows_the_age(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = CountedDay(sim, tmp_path)
        await day.open()
        async with day.engine() as running:
            first = dict(day.asked)
            known = {row.symbol for row in running.face.listings()}
        async with day.engine() as running:
            status = running.face.status()
            assert day.asked[CALENDAR] == first[CALENDAR] == 1
            assert day.asked["/api/v3/announcements"] == first["/api/v3/announcements"]
            assert day.asked["/api/v3/exchangeInfo"] == 2 * first["/api/v3/exchangeInfo"]
            assert {row.symbol for row in running.face.listings()} >= known
            assert status.cache.database_hits == 2
            assert age_s(running, "calendar") > 0

    simulate(main)


def test_what_is_older_than_the_setting_is_asked_for(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = CountedDay(sim, tmp_path)
        await day.open()
        async with day.engine():
            pass
        await asyncio.sleep(301)
        async with day.engine() as running:
            assert day.asked[CALENDAR] == 2
            assert age_s(running, "calendar") < 10  # not the hundreds of what was kept

    simulate(main)


def test_what_another_session_told_is_no_answer(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        for _ in range(2):
            day = CountedDay(sim, tmp_path)
            await day.open()
            async with day.engine():
                assert day.asked[CALENDAR] == 1
            await asyncio.sleep(1)

    simulate(main)


def test_near_an_opening_what_was_kept_is_followed_by_a_question_at_once(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = CountedDay(sim, tmp_path)
        await day.open()
        async with day.engine():
            pass
        await asyncio.sleep(35)  # five seconds before the first opening
        async with day.engine() as running:
            assert running.face.status().cache.database_hits == 2
            await asyncio.sleep(0.1)
            assert day.asked[CALENDAR] == 2
            assert age_s(running, "calendar") < 10  # not the hundreds of what was kept

    simulate(main)


def test_an_engine_is_ready_before_any_window_of_requests_is_used_up(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        day = CountedDay(sim, tmp_path)
        await day.open()
        began_s = asyncio.get_running_loop().time()
        async with day.engine():
            # In virtual time: a wait for the second's requests would show as one.
            assert asyncio.get_running_loop().time() - began_s < 1
            assert day.asked["/api/v3/time"] < 10
            await asyncio.sleep(5)
            assert day.asked["/api/v3/time"] >= 10  # a better measurement, once there is room

    simulate(main)
