"""Acknowledged units survive a power cut during later writes (reliability D2)."""

import shutil
from pathlib import Path

from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.store_parts import FILE, ManualClock, fact

CUTS = 40


async def test_d2_a_power_cut_loses_no_acknowledged_unit_and_the_store_opens_clean(
    store: SqliteStore, folder: Path, tmp_path: Path, clock: ManualClock
) -> None:
    for number in range(5):
        await store.write("fact", lambda unit, n=number: unit.record(fact(n)))
    log = folder / (FILE + "-wal")
    acknowledged = log.stat().st_size
    for number in range(5, 8):  # started, and the power fails before they are acknowledged
        await store.write("fact", lambda unit, n=number: unit.record(fact(n)))
    whole = log.stat().st_size
    for cut in range(CUTS + 1):
        at = acknowledged + (whole - acknowledged) * cut // CUTS
        place = _cut_at(folder, tmp_path / str(cut), at)
        after = await SqliteStore.open(place, clock)
        head = await after.read("head", lambda stored: stored.journal.head())
        checked = await after.read("verify", lambda stored: stored.journal.verify())
        assert 5 <= head <= 8
        assert (checked, after.damaged()) == (head, "")
        await after.close()


async def test_d2_every_durable_commit_is_synced(store: SqliteStore) -> None:
    synced = await store.write("how", lambda unit: unit.record(fact()))
    assert synced == 1
    levels = await store._thread.submit(  # pyright: ignore[reportPrivateUsage]
        lambda connection: [
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "journal_mode")
        ]
    )
    assert levels == [2, "wal"]


def _cut_at(folder: Path, target: Path, at: int) -> Path:
    """Copy the database and the first bytes of its log; replace the unsynced rest with noise."""
    target.mkdir(mode=0o700)
    shutil.copy(folder / FILE, target / FILE)
    log = (folder / (FILE + "-wal")).read_bytes()
    (target / (FILE + "-wal")).write_bytes(log[:at] + b"\xa5" * (len(log) - at))
    for file in target.iterdir():
        file.chmod(0o600)
    return target / FILE
