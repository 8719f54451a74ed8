"""Each cache setting changes the lifetime or size of its level."""

from mexc_tui.app.settings_mapping import cache_lifetimes, cache_of
from mexc_tui.settings.all_settings import Settings
from mexc_tui.settings.layers import file_layer
from mexc_tui.settings.load import Layers, load
from mexc_tui.store.caches.level import LevelName, Space
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import ManualClock


def settings(text: str) -> Settings:
    return load(Layers(file=file_layer(text, "settings.toml"))).settings


async def level_after(
    store: SqliteStore, clock: ManualClock, text: str, *passing_s: float
) -> LevelName | None:
    """Return the level that finally answers when a value is read and again after each of these pauses."""
    limits = settings(text)
    cache = await cache_of(limits, store, clock)
    space = Space("texts", str, cache_lifetimes(limits))

    async def fetch() -> str:
        return "x" * 1_100_000

    found = await cache.get(space, "key", fetch)
    for pause_s in passing_s:
        clock.pass_s(pause_s)
        found = await cache.get(space, "key", fetch)
    return found.level


async def test_cache_memory_s_sets_the_lifetime_in_memory(store: SqliteStore, clock: ManualClock) -> None:
    assert await level_after(store, clock, "cache_memory_s = 4", 3) is LevelName.MEMORY
    clock.pass_s(1_000)
    assert await level_after(store, clock, "cache_memory_s = 2", 3) is LevelName.DATABASE


async def test_cache_promoted_memory_s_sets_the_lifetime_of_promoted_values(
    store: SqliteStore, clock: ManualClock
) -> None:
    assert await level_after(store, clock, "cache_promoted_memory_s = 4", 10, 3) is LevelName.MEMORY
    clock.pass_s(1_000)
    assert await level_after(store, clock, "cache_promoted_memory_s = 2", 10, 3) is LevelName.DATABASE


async def test_cache_database_s_sets_the_lifetime_in_the_database(
    store: SqliteStore, clock: ManualClock
) -> None:
    assert await level_after(store, clock, "cache_database_s = 900", 800) is LevelName.DATABASE
    clock.pass_s(1_000)
    assert await level_after(store, clock, "cache_database_s = 300", 800) is None


async def test_cache_memory_mb_bounds_the_memory_level(store: SqliteStore, clock: ManualClock) -> None:
    assert await level_after(store, clock, "cache_memory_mb = 2", 1) is LevelName.MEMORY
    clock.pass_s(1_000)
    assert await level_after(store, clock, "cache_memory_mb = 1", 1) is LevelName.DATABASE
