"""The lock of live trading over its hours; a whole day with it is in `test_live_mode.py`."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mexc_tui.app.trading_settings_mapping import entry_parameters
from mexc_tui.engine.safety.live_unlock import LiveParameters, LiveUnlock
from mexc_tui.model.errors import CommandRefused
from mexc_tui.model.storage import StorageError
from mexc_tui.settings.layers import flag_layer
from mexc_tui.settings.load import Layers, load
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.samples.sniping_samples import READY_DESK

HOUR_NS = 3_600 * 10**9
MS_NS = 10**6


@dataclass
class HandClock:
    ns: int = 1

    def now_ms(self) -> int:
        return 1_700_000_000_000 + self.ns // 1_000_000

    def monotonic_ns(self) -> int:
        return self.ns


async def opened(folder: Path, clock: HandClock) -> tuple[SqliteStore, LiveUnlock]:
    store = await SqliteStore.open(folder / "desk.sqlite3", clock)
    settings = load(Layers(flags=flag_layer({"mode": "live"}, []))).settings
    numbers = (entry_parameters(settings), LiveParameters(hours=12))
    made = LiveUnlock(
        store=store,
        clock=clock,
        rng=Random(1),
        profile="live",
        now_ms=clock.now_ms,
        desk=lambda: READY_DESK,
        parameters=lambda: numbers,
    )
    return store, made


def test_trading_is_locked_at_start_and_after_the_unlocked_hours(tmp_path: Path) -> None:
    async def main() -> None:
        clock = HandClock()
        store, one = await opened(tmp_path, clock)
        assert one.is_locked
        assert one.until_ms is None
        await one.unlock(one.offer(), "test")
        assert one.until_ms == clock.now_ms() + 12 * 3_600_000
        clock.ns += 12 * HOUR_NS - MS_NS
        assert not one.is_locked
        clock.ns += MS_NS
        assert one.is_locked
        assert one.until_ms is None
        await store.close()

    asyncio.run(main())


def test_only_spaces_of_the_phrase_may_differ(tmp_path: Path) -> None:
    async def main() -> None:
        store, one = await opened(tmp_path, HandClock())
        for wrong in ("", "live", one.offer().upper(), one.offer() + " x"):
            one.offer()
            with pytest.raises(CommandRefused):
                await one.unlock(wrong, "test")
            assert one.is_locked
        await one.unlock(f"  {one.offer().replace(' ', '  ')} ", "test")
        assert not one.is_locked
        with pytest.raises(CommandRefused, match="already"):
            one.offer()
        await store.close()

    asyncio.run(main())


def test_an_unlock_that_cannot_be_stored_is_refused_and_a_lock_needs_no_store(tmp_path: Path) -> None:
    async def main() -> None:
        store, one = await opened(tmp_path, HandClock())
        offered = one.offer()
        await store.close()
        with pytest.raises(StorageError):
            await one.unlock(offered, "test")
        assert one.is_locked

        store, one = await opened(tmp_path, HandClock())
        await one.unlock(one.offer(), "test")
        await store.close()
        with pytest.raises(StorageError):
            await one.lock("test")
        assert one.is_locked

    asyncio.run(main())


class SlowBooks:
    """A ledger whose first write waits until it is released."""

    def __init__(self, store: SqliteStore) -> None:
        self._store, self.go, self.begun = store, asyncio.Event(), asyncio.Event()

    async def write(self, name: str, work: Any, **more: Any) -> Any:
        if not self.begun.is_set():
            self.begun.set()
            await self.go.wait()
        return await self._store.write(name, work, **more)


def test_a_lock_during_the_storage_of_an_unlock_wins(tmp_path: Path) -> None:
    async def main() -> None:
        store, one = await opened(tmp_path, HandClock())
        slow = SlowBooks(store)
        one._store = slow  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
        unlocking = asyncio.create_task(one.unlock(one.offer(), "test"))
        await slow.begun.wait()
        await one.lock("somebody else")
        slow.go.set()
        with pytest.raises(CommandRefused, match="locked in the meantime"):
            await unlocking
        assert one.is_locked
        await store.close()

    asyncio.run(main())


def test_it_locks_by_wall_clock_after_a_suspend(tmp_path: Path) -> None:
    class Sleeper(HandClock):
        slept_ms = 0

        def now_ms(self) -> int:
            return super().now_ms() + self.slept_ms

    async def main() -> None:
        clock = Sleeper()
        store, one = await opened(tmp_path, clock)
        await one.unlock(one.offer(), "test")
        clock.slept_ms = 12 * 3_600_000 - 1
        assert not one.is_locked
        clock.slept_ms += 1
        assert one.is_locked
        assert one.until_ms is None
        await store.close()

    asyncio.run(main())


def test_the_rules_are_acknowledged_once_and_the_acknowledgement_survives_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        clock = HandClock()
        store, one = await opened(tmp_path, clock)
        assert not await one.has_acknowledged_rules()
        await one.unlock(one.offer(), "test")
        assert not await one.has_acknowledged_rules()
        await one.lock("test")
        phrase = one.offer(with_rules=True)
        assert phrase.endswith(" rules read")
        with pytest.raises(CommandRefused, match="Wrong phrase"):
            await one.unlock(phrase.removesuffix(" rules read"), "test")
        assert not await one.has_acknowledged_rules()
        await one.unlock(one.offer(with_rules=True), "test")
        assert await one.has_acknowledged_rules()
        await store.close()
        store, again = await opened(tmp_path, clock)
        assert await again.has_acknowledged_rules()
        await store.close()

    asyncio.run(main())
