"""A backup is a sound, private copy, or nothing."""

import asyncio
import stat
from pathlib import Path

import pytest

from mexc_tui.model.storage import StorageRefused
from mexc_tui.store.store import Store
from tests.store.parts import FILE, HandClock, fact


async def test_D13_a_backup_taken_while_writing_opens_and_is_whole(
    store: Store, tmp_path: Path, clock: HandClock
) -> None:
    restored = tmp_path / "restored"
    restored.mkdir(mode=0o700)

    async def write_on() -> None:
        for number in range(50):
            await store.write("fact", lambda unit, n=number: unit.record(fact(n)))

    await store.write("fact", lambda unit: unit.record(fact()))
    await asyncio.gather(write_on(), store.back_up(restored / FILE))
    assert stat.S_IMODE((restored / FILE).stat().st_mode) == 0o600
    assert [file.name for file in restored.iterdir()] == [FILE]
    copy = await Store.open(restored / FILE, clock)
    assert await copy.read("verify", lambda stored: stored.journal.verify()) >= 1
    await copy.close()


async def test_a_backup_overwrites_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("precious", "utf-8")
    with pytest.raises(StorageRefused, match="exists already"):
        await store.back_up(tmp_path / "taken")
    assert (tmp_path / "taken").read_text("utf-8") == "precious"


async def test_a_backup_to_nowhere_leaves_nothing(store: Store, tmp_path: Path) -> None:
    with pytest.raises(StorageRefused, match="cannot be created"):
        await store.back_up(tmp_path / "missing" / "copy.db")
    assert not (tmp_path / "missing").exists()
