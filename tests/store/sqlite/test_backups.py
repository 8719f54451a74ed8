"""A backup is a complete private copy, or it fails and leaves nothing."""

import asyncio
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from mexc_tui.model.storage import StorageDamaged, StorageFull, StorageRefused
from mexc_tui.store.sqlite.backups import DAILY, WEEKLY, Backups, backup_time, restore
from mexc_tui.store.sqlite.schema import migrate, shipped
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import FILE, ManualClock, fact


async def test_D13_a_backup_taken_during_writes_opens_and_is_complete(
    store: SqliteStore, tmp_path: Path, clock: ManualClock
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
    copy = await SqliteStore.open(restored / FILE, clock)
    assert await copy.read("verify", lambda stored: stored.journal.verify()) >= 1
    await copy.close()


async def test_a_backup_overwrites_nothing(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("precious", "utf-8")
    with pytest.raises(StorageRefused, match="already exists"):
        await store.back_up(tmp_path / "taken")
    assert (tmp_path / "taken").read_text("utf-8") == "precious"


async def test_a_backup_to_an_impossible_path_leaves_nothing(store: SqliteStore, tmp_path: Path) -> None:
    with pytest.raises(StorageRefused, match="cannot be created"):
        await store.back_up(tmp_path / "missing" / "copy.db")
    assert not (tmp_path / "missing").exists()


async def test_d13_daily_backups_are_bounded_and_the_newest_of_each_week_is_kept(
    store: SqliteStore, clock: ManualClock
) -> None:
    for _ in range(60):
        assert store.is_backup_due()
        await store.back_up_daily()
        assert not store.is_backup_due()
        clock.pass_s(86_400)
    backups = store.backups.all()
    ages = sorted(
        {(clock.now_ms() - int(backup_time(file).timestamp() * 1_000)) // 86_400_000 for file in backups}
    )
    assert ages[:DAILY] == list(range(1, DAILY + 1))
    assert DAILY < len(backups) <= DAILY + WEEKLY
    assert max(ages) >= 14
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in backups)
    assert stat.S_IMODE(store.backups.folder.stat().st_mode) == 0o700


async def test_d13_restoring_the_newest_backup_keeps_the_replaced_database(
    store: SqliteStore, folder: Path, clock: ManualClock
) -> None:
    await store.write("fact", lambda unit: unit.record(fact(1)))
    made = await store.back_up_daily()
    await store.write("fact", lambda unit: unit.record(fact(2)))
    await store.close()
    (folder / FILE).write_bytes(b"\xff" * 9_000)
    with pytest.raises(StorageDamaged) as refused:
        await SqliteStore.open(folder / FILE, clock)
    assert str(made) in str(refused.value)
    assert "mexc-tui restore --profile profile" in str(refused.value)
    replaced = restore(folder / FILE, made, clock.now_ms())
    assert replaced is not None
    assert replaced.read_bytes() == b"\xff" * 9_000
    restored_store = await SqliteStore.open(folder / FILE, clock)
    assert await restored_store.read("head", lambda stored: stored.journal.head()) == 1
    await restored_store.close()


async def test_a_damaged_store_without_a_backup_says_so(folder: Path, clock: ManualClock) -> None:
    _put(folder, b"\xff" * 9_000)
    with pytest.raises(StorageDamaged, match="There is no backup in"):
        await SqliteStore.open(folder / FILE, clock)


@pytest.mark.parametrize("content", [b"", b"\xff" * 9_000], ids=["empty", "not a database"])
async def test_an_invalid_backup_is_not_restored_and_changes_nothing(
    store: SqliteStore, folder: Path, clock: ManualClock, content: bytes
) -> None:
    await store.close()
    before = (folder / FILE).read_bytes()
    wrong = folder / "wrong.sqlite3"
    wrong.write_bytes(content)
    with pytest.raises((StorageDamaged, StorageRefused)):
        restore(folder / FILE, wrong, clock.now_ms())
    assert (folder / FILE).read_bytes() == before


async def test_an_older_schema_is_backed_up_before_migration(folder: Path, clock: ManualClock) -> None:
    _put(folder, b"")
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as old:
        migrate(old, shipped()[:-1])
        old.execute("INSERT INTO settings_changes (name, at_ms, body) VALUES ('mode', 5, X'7b7d')")
    store = await SqliteStore.open(folder / FILE, clock)
    (made,) = store.backups.all()
    assert f"schema-{len(shipped()) - 1}" in made.name
    with closing(sqlite3.connect(made)) as copy:
        assert copy.execute("PRAGMA user_version").fetchone() == (len(shipped()) - 1,)
        assert copy.execute("SELECT at_ms FROM settings_changes").fetchone() == (5,)
    await store.close()


async def test_no_backup_is_written_to_a_full_disk(
    store: SqliteStore, folder: Path, clock: ManualClock
) -> None:
    with (folder / FILE).open("r+b") as file:
        file.truncate(1 << 43)  # sparse: larger than any disk
    with pytest.raises(StorageFull, match="Free some space"):
        await store.back_up_daily()
    assert store.backups.all() == []


def _put(folder: Path, content: bytes) -> None:
    folder.mkdir(mode=0o700)
    (folder / FILE).write_bytes(content)
    (folder / FILE).chmod(0o600)


async def test_rescued_copies_displace_no_daily_backup_and_are_bounded(
    store: SqliteStore, clock: ManualClock
) -> None:
    for _ in range(10):
        await store.back_up_daily()
        clock.pass_s(86_400)
    before = {file for file in store.backups.all() if "rescued" not in file.name}
    for _ in range(8):
        await store.rescue()
        clock.pass_s(60)
    store.backups.delete_old()
    backups = store.backups.all()
    assert {file for file in backups if "rescued" not in file.name} == before
    assert len(backups) == len(before) + 3


def test_replaced_databases_expire_and_the_newest_is_kept(folder: Path) -> None:
    backups = Backups(folder / FILE)
    backups.folder.mkdir(mode=0o700, parents=True)
    names = [f"{FILE}.replaced-2020010{day}T000000Z{end}" for day in range(1, 5) for end in ("", "-wal")]
    for name in [*names, f"{FILE}.replaced-of-mine", f"{FILE}.restoring"]:
        (folder / name).touch()
    (backups.folder / "desk-20200101T000000Z.sqlite3.part").touch()
    assert backups.delete_replaced_copies(0) == 0
    assert backups.delete_replaced_copies(2**60) == 8
    assert sorted(file.name for file in folder.glob("*.re*")) == [
        f"{FILE}.replaced-20200104T000000Z",
        f"{FILE}.replaced-20200104T000000Z-wal",
        f"{FILE}.replaced-of-mine",
    ]
