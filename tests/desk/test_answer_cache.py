"""Concurrent equal queries cost one read, and no response is outdated."""

import asyncio
from dataclasses import dataclass, field

from mexc_tui.desk import engine_requests
from mexc_tui.desk.answer_cache import ResponseCache
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.level import Lifetimes
from mexc_tui.store.caches.memory import MemoryLevel

ABOUT = engine_requests.SignalsQuery(symbol="NEWUSDT")


@dataclass
class HandClock:
    ms: int = 1_000_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic_ns(self) -> int:
        return self.ms * 1_000_000


@dataclass
class Desk:
    """A response cache, a journal and a store that counts its queries."""

    clock: HandClock = field(default_factory=HandClock)
    newest: int = 7
    queries: int = 0

    def __post_init__(self) -> None:
        cache = Cache([MemoryLevel(self.clock)], self.clock)
        self.answers = ResponseCache(
            cache, lambda: self.newest, Lifetimes(memory_ms=2_000, database_ms=300_000)
        )

    async def read(self) -> engine_requests.SignalPage:
        self.queries += 1
        number = self.queries
        await asyncio.sleep(0)
        return engine_requests.SignalPage([], number)

    async def ask(self, asked: engine_requests.Arguments = ABOUT) -> int | None:
        return (
            await self.answers.get("signals", engine_requests.SignalPage, asked, read=self.read)
        ).value.next


async def test_fifty_concurrent_queries_cost_one_read() -> None:
    desk = Desk()
    assert await asyncio.gather(*(desk.ask() for _ in range(50))) == [1] * 50


async def test_a_repeated_query_is_served_from_the_cache_for_the_configured_time() -> None:
    desk = Desk()
    await desk.ask()
    desk.clock.ms += 1_999
    assert await desk.ask() == 1
    desk.clock.ms += 1
    assert await desk.ask() == 2


async def test_a_cached_response_states_its_age() -> None:
    desk = Desk()
    first = await desk.answers.get("signals", engine_requests.SignalPage, ABOUT, read=desk.read)
    desk.clock.ms += 1_500
    again = await desk.answers.get("signals", engine_requests.SignalPage, ABOUT, read=desk.read)
    assert (first.age_ms, again.age_ms, again.value) == (0, 1_500, first.value)


async def test_a_new_event_invalidates_the_cache() -> None:
    desk = Desk()
    await desk.ask()
    desk.newest += 1
    assert await desk.ask() == 2


async def test_an_event_during_a_read_does_not_validate_the_old_response() -> None:
    desk = Desk()
    reading = asyncio.create_task(desk.ask())
    await asyncio.sleep(0)
    desk.newest += 1
    assert await desk.ask() == 2
    assert await reading == 1
    assert await desk.ask() == 2


async def test_different_arguments_have_different_responses() -> None:
    desk = Desk()
    await desk.ask()
    assert await desk.ask(engine_requests.SignalsQuery(symbol="OTHERUSDT")) == 2
