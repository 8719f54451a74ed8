"""The cache: one fetch per key, expiry, promotion, invalidation, and tolerance of failing levels."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.model.storage import StorageFailed
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.caches.database import DatabaseLevel
from mexc_tui.store.caches.level import (
    CacheEntry,
    LevelName,
    Lifetimes,
    Space,
)
from mexc_tui.store.caches.memory import MemoryLevel
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import ManualClock


class Price(msgspec.Struct, frozen=True):
    """A value to fetch."""

    price: Decimal


SPACE = Space("prices", Price, Lifetimes(memory_ms=5_000, shared_ms=60_000, database_ms=300_000))
NUMBERS = Space("numbers", int, Lifetimes(memory_ms=5_000, shared_ms=60_000, database_ms=300_000))


class DictLevel:
    """A level backed by a dict; it can be made to fail."""

    def __init__(self, name: LevelName) -> None:
        self.name = name
        self.entries: dict[str, CacheEntry] = {}
        self.is_down = False

    def _check(self) -> None:
        if self.is_down:
            raise StorageFailed("the level is down")

    async def get(self, key: str) -> CacheEntry | None:
        await asyncio.sleep(0)
        self._check()
        return self.entries.get(key)

    async def put(self, key: str, entry: CacheEntry) -> None:
        await asyncio.sleep(0)
        self._check()
        self.entries[key] = entry

    async def drop(self, key: str) -> None:
        self._check()
        self.entries.pop(key, None)

    async def drop_all(self, prefix: str) -> None:
        self._check()
        self.entries = {key: entry for key, entry in self.entries.items() if not key.startswith(prefix)}


class CountingSource:
    """Counts its calls; with `is_held`, each waits until it is released."""

    def __init__(self, *, is_held: bool = False) -> None:
        self.calls = 0
        self.release = asyncio.Event()
        self.error: Exception | None = None
        if not is_held:
            self.release.set()

    async def __call__(self) -> Price:
        self.calls += 1
        number = self.calls
        await self.release.wait()
        if self.error is not None:
            raise self.error
        return Price(Decimal(number))


async def run_loop(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
def shared() -> DictLevel:
    return DictLevel(LevelName.SHARED)


@pytest.fixture
def slow() -> DictLevel:
    return DictLevel(LevelName.DATABASE)


@pytest.fixture
def cache(clock: ManualClock, shared: DictLevel, slow: DictLevel) -> Cache:
    return Cache([MemoryLevel(clock), shared, slow], clock)


async def test_a_value_is_fetched_once_and_then_read_from_memory_with_its_age(
    cache: Cache, clock: ManualClock
) -> None:
    source = CountingSource()
    first = await cache.get(SPACE, "NEW", source)
    clock.pass_s(3)
    second = await cache.get(SPACE, "NEW", source)
    assert (first.level, first.age_ms, second.level, second.age_ms) == (None, 0, LevelName.MEMORY, 3_000)
    assert second.value == first.value == Price(Decimal(1))
    assert source.calls == 1


async def test_an_age_counts_from_the_start_of_the_fetch(cache: Cache, clock: ManualClock) -> None:
    source = CountingSource(is_held=True)
    task = asyncio.create_task(cache.get(SPACE, "NEW", source))
    await run_loop()
    clock.pass_s(2)
    source.release.set()
    assert (await task).age_ms == 2_000


async def test_concurrent_callers_share_one_fetch(cache: Cache) -> None:
    source = CountingSource(is_held=True)
    tasks = [asyncio.create_task(cache.get(SPACE, "NEW", source)) for _ in range(20)]
    other = asyncio.create_task(cache.get(SPACE, "OTHER", CountingSource()))
    await other
    source.release.set()
    values = {done.value for done in await asyncio.gather(*tasks)}
    assert (values, source.calls) == ({Price(Decimal(1))}, 1)


async def test_a_cancelled_caller_does_not_cancel_the_fetch_of_the_others(cache: Cache) -> None:
    source = CountingSource(is_held=True)
    tasks = [asyncio.create_task(cache.get(SPACE, "NEW", source)) for _ in range(3)]
    await run_loop()
    tasks[0].cancel()
    await run_loop()
    source.release.set()
    assert [(await task).value for task in tasks[1:]] == [Price(Decimal(1))] * 2


async def test_a_fetch_without_waiting_callers_is_cancelled_and_the_next_one_is_new(cache: Cache) -> None:
    source = CountingSource(is_held=True)
    task = asyncio.create_task(cache.get(SPACE, "NEW", source))
    await run_loop()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    source.release.set()
    assert (await cache.get(SPACE, "NEW", source)).value == Price(Decimal(2))


async def test_an_error_reaches_all_waiting_callers_and_is_not_cached(cache: Cache) -> None:
    source = CountingSource(is_held=True)
    source.error = LookupError("no such pair")
    tasks = [asyncio.create_task(cache.get(SPACE, "NEW", source)) for _ in range(2)]
    await run_loop()
    source.release.set()
    assert await asyncio.gather(*tasks, return_exceptions=True) == [source.error] * 2
    source.error = None
    assert (await cache.get(SPACE, "NEW", source)).value == Price(Decimal(2))


async def test_each_level_expires_entries_after_its_own_time(cache: Cache, clock: ManualClock) -> None:
    source = CountingSource()
    seen: list[LevelName | None] = []
    for pause_s in (0, 4.9, 0.2, 5.1, 50, 200, 30, 10):
        clock.pass_s(pause_s)
        seen.append((await cache.get(SPACE, "NEW", source)).level)
    memory, shared, slow = LevelName
    assert seen == [None, memory, shared, shared, slow, slow, shared, None]


async def test_promotion_speeds_up_the_next_read_without_extending_the_life_of_a_value(
    cache: Cache, clock: ManualClock, shared: DictLevel, slow: DictLevel
) -> None:
    source = CountingSource()
    await cache.get(SPACE, "NEW", source)
    made_ms = clock.now_ms()
    clock.pass_s(298)
    found = await cache.get(SPACE, "NEW", source)
    assert (found.level, found.age_ms) == (LevelName.DATABASE, 298_000)
    assert (
        shared.entries["prices:NEW"].expires_ms == slow.entries["prices:NEW"].expires_ms == made_ms + 300_000
    )
    clock.pass_s(1)
    assert (await cache.get(SPACE, "NEW", source)).level is LevelName.MEMORY
    clock.pass_s(1)
    assert (await cache.get(SPACE, "NEW", source)).level is None


async def test_a_level_stores_only_spaces_with_a_lifetime_for_it(
    cache: Cache, shared: DictLevel, slow: DictLevel
) -> None:
    await cache.get(Space("tickers", Price, Lifetimes(memory_ms=5_000)), "NEW", CountingSource())
    await cache.get(
        Space("symbols", Price, Lifetimes(memory_ms=5_000, shared_ms=60_000)), "NEW", CountingSource()
    )
    assert (list(shared.entries), list(slow.entries)) == (["symbols:NEW"], [])


async def test_a_dropped_value_is_removed_from_every_level(
    cache: Cache, shared: DictLevel, slow: DictLevel
) -> None:
    source = CountingSource()
    for key in ("A", "B"):
        await cache.get(SPACE, key, source)
    await cache.drop(SPACE, "A")
    assert (list(shared.entries), list(slow.entries)) == (["prices:B"], ["prices:B"])
    assert (await cache.get(SPACE, "A", source)).level is None
    assert (await cache.get(SPACE, "B", source)).level is LevelName.MEMORY
    await cache.drop_all(SPACE)
    assert (shared.entries, slow.entries) == ({}, {})
    assert (await cache.get(SPACE, "B", source)).level is None


@pytest.mark.parametrize("everything", [False, True])
async def test_a_value_dropped_during_its_fetch_is_not_stored(cache: Cache, everything: bool) -> None:
    source = CountingSource(is_held=True)
    early = asyncio.create_task(cache.get(SPACE, "NEW", source))
    await run_loop()
    await (cache.drop_all(SPACE) if everything else cache.drop(SPACE, "NEW"))
    late = asyncio.create_task(cache.get(SPACE, "NEW", source))
    await run_loop()
    source.release.set()
    assert (await early).value == Price(Decimal(1))
    assert (await late).value == Price(Decimal(2))
    assert (await cache.get(SPACE, "NEW", source)).value == Price(Decimal(2))


async def test_D12_a_failing_level_is_skipped(cache: Cache, shared: DictLevel) -> None:
    shared.is_down = True
    source = CountingSource()
    assert (await cache.get(SPACE, "NEW", source)).value == Price(Decimal(1))
    assert (await cache.get(SPACE, "NEW", source)).level is LevelName.MEMORY
    await cache.drop(SPACE, "NEW")
    assert (await cache.get(SPACE, "NEW", source)).value == Price(Decimal(2))
    assert cache.counts.level_errors == 5


@pytest.mark.parametrize("poison", [b"", b"not json", b'{"price": {}}', b'{"price": null}', b"[]", b"\xff"])
async def test_D12_a_corrupt_entry_is_a_miss_and_is_removed(
    cache: Cache, clock: ManualClock, slow: DictLevel, poison: bytes
) -> None:
    slow.entries["prices:NEW"] = CacheEntry(poison, clock.now_ms(), clock.now_ms() + 300_000)
    assert (await cache.get(SPACE, "NEW", CountingSource())).value == Price(Decimal(1))
    assert cache.counts.bad_entries == 1
    assert slow.entries["prices:NEW"].body == b'{"price":"1"}'


async def test_an_entry_from_the_future_is_not_used(
    cache: Cache, clock: ManualClock, slow: DictLevel
) -> None:
    later_ms = clock.now_ms() + 60_000
    slow.entries["prices:NEW"] = CacheEntry(b'{"price":"7"}', later_ms, later_ms + 300_000)
    assert (await cache.get(SPACE, "NEW", CountingSource())).level is None


async def test_closing_cancels_running_fetches(cache: Cache) -> None:
    task = asyncio.create_task(cache.get(SPACE, "NEW", CountingSource(is_held=True)))
    await run_loop()
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_memory_is_bounded_in_bytes_and_evicts_the_least_recently_used(clock: ManualClock) -> None:
    memory = MemoryLevel(clock, size_bytes=33)
    expires_ms = clock.now_ms() + 5_000
    for key in ("a", "b", "c"):
        await memory.put(key, CacheEntry(b"x" * 10, 0, expires_ms))
    await memory.get("a")
    await memory.put("d", CacheEntry(b"x" * 10, 0, expires_ms))
    await memory.put("huge", CacheEntry(b"x" * 33, 0, expires_ms))
    assert [key for key in ("a", "b", "c", "d", "huge") if await memory.get(key)] == ["a", "c", "d"]
    clock.pass_s(5)
    assert [key for key in ("a", "c", "d") if await memory.get(key)] == []


async def test_the_database_level_survives_a_restart_and_is_swept(
    store: SqliteStore, clock: ManualClock
) -> None:
    level = DatabaseLevel(store, clock)
    await Cache([MemoryLevel(clock), level], clock).get(SPACE, "NEW", CountingSource())
    again = Cache([MemoryLevel(clock), level], clock)
    assert (await again.get(SPACE, "NEW", CountingSource())).level is LevelName.DATABASE
    assert await level.forget_expired() == 0
    clock.pass_s(300)
    assert await level.forget_expired() == 1
    assert (await again.get(SPACE, "NEW", CountingSource())).level is None
    await again.drop(SPACE, "NEW")
    await again.drop_all(SPACE)
    assert await level.get("prices:NEW") is None


async def test_a_closed_store_makes_the_cache_slower_but_not_wrong(
    store: SqliteStore, clock: ManualClock
) -> None:
    cache = Cache([MemoryLevel(clock), DatabaseLevel(store, clock)], clock)
    await store.close()
    assert (await cache.get(SPACE, "NEW", CountingSource())).value == Price(Decimal(1))


async def test_a_refresh_always_fetches_and_stores_the_result(cache: Cache, slow: DictLevel) -> None:
    source = CountingSource()
    await cache.get(SPACE, "NEW", source)
    assert (await cache.refresh(SPACE, "NEW", source)).level is None
    assert source.calls == 2
    assert (await cache.get(SPACE, "NEW", source)).level is LevelName.MEMORY
    assert list(slow.entries) == ["prices:NEW"]


async def test_a_failed_refresh_leaves_the_stored_value(cache: Cache) -> None:
    async def fail() -> Price:
        raise OSError("no response")

    await cache.get(SPACE, "NEW", CountingSource())
    with pytest.raises(OSError, match="no response"):
        await cache.refresh(SPACE, "NEW", fail)
    assert (await cache.get(SPACE, "NEW", CountingSource())).level is LevelName.MEMORY


def test_a_lifetime_out_of_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="memory: 60000 ms is not within 1000–5000 ms"):
        Lifetimes(memory_ms=60_000)


steps = st.one_of(
    st.tuples(st.just("get"), st.sampled_from("ab")),
    st.tuples(st.just("change"), st.sampled_from("ab")),
    st.tuples(st.just("change and drop"), st.sampled_from("ab")),
    st.tuples(st.just("pass"), st.integers(1, 400)),
    st.tuples(st.just("down"), st.booleans()),
)


async def _walk(walk: list[tuple[str, str | int]]) -> None:
    clock = ManualClock()
    shared, slow = DictLevel(LevelName.SHARED), DictLevel(LevelName.DATABASE)
    cache = Cache([MemoryLevel(clock), shared, slow], clock)
    history: dict[str, list[tuple[int, int]]] = {key: [(0, 0)] for key in "ab"}

    def fetch(key: str) -> Callable[[], Awaitable[int]]:
        async def fetched() -> int:
            return history[key][-1][1]

        return fetched

    for step, detail in walk:
        match step, detail:
            case "get", str(key):
                found = await cache.get(NUMBERS, key, fetch(key))
                assert found.value in values_at(history[key], found.made_ms)
                assert found.age_ms == clock.now_ms() - found.made_ms < 300_000
            case (("change" | "change and drop"), str(key)):
                history[key].append((clock.now_ms(), len(history[key])))
                if step == "change and drop" and not shared.is_down:
                    await cache.drop(NUMBERS, key)
                    assert (await cache.get(NUMBERS, key, fetch(key))).value == history[key][-1][1]
            case "pass", int(seconds):
                clock.pass_s(seconds)
            case _:
                shared.is_down = bool(detail)


def values_at(history_rows: list[tuple[int, int]], at_ms: int) -> list[int]:
    """Return every value that was true within this millisecond."""
    last_ms = max(since_ms for since_ms, _ in history_rows if since_ms <= at_ms)
    before = [value for since_ms, value in history_rows if since_ms < at_ms][-1:]
    return [value for since_ms, value in history_rows if since_ms == last_ms] + before


@settings(max_examples=60)
@given(st.lists(steps, max_size=25))
def test_a_returned_value_was_true_at_its_stated_time(walk: list[tuple[str, str | int]]) -> None:
    asyncio.run(_walk(walk))
