"""Disk space reserved for exits on a full disk."""

import resource
import stat
from pathlib import Path

import pytest

from mexc_tui.store.sqlite.reserve import RESERVE_BYTES, Reserve
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import FILE, ManualClock


async def test_D3_space_is_reserved_released_once_and_reserved_again_at_the_next_start(
    folder: Path, clock: ManualClock
) -> None:
    place = folder / (FILE + "-reserve")
    store = await SqliteStore.open(folder / FILE, clock)
    assert place.stat().st_blocks * 512 >= RESERVE_BYTES
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert store.state().has_reserve
    assert store.release_reserve()
    assert not store.release_reserve()
    assert not store.state().has_reserve
    assert not place.exists()
    await store.close()
    again = await SqliteStore.open(folder / FILE, clock)
    assert place.stat().st_size == RESERVE_BYTES
    await again.close()


async def test_D3_a_disk_too_full_for_the_reserve_is_logged_and_the_store_still_opens(
    folder: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (RESERVE_BYTES * 3 // 4, hard))
    try:
        store = await SqliteStore.open(folder / FILE, clock)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not store.state().has_reserve
    assert "cannot reserve disk space" in caplog.text
    assert not (folder / (FILE + "-reserve")).exists()
    await store.close()


def test_a_reserve_of_another_size_is_replaced(tmp_path: Path) -> None:
    (tmp_path / (FILE + "-reserve")).write_bytes(b"short")
    assert Reserve(tmp_path / FILE).acquire()
    assert (tmp_path / (FILE + "-reserve")).stat().st_size == RESERVE_BYTES


def test_only_released_space_is_reserved_again(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / FILE)
    assert not reserve.reacquire()
    assert reserve.acquire()
    assert reserve.release()
    assert reserve.is_released
    assert reserve.reacquire()
    assert not reserve.is_released
    assert (tmp_path / (FILE + "-reserve")).stat().st_size == RESERVE_BYTES
