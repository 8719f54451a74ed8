"""Reading the store without an engine."""

import sqlite3
from pathlib import Path

import pytest

from mexc_tui.model.storage import StorageError, StorageRefused
from mexc_tui.store.sqlite.offline_read import read_offline
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.samples import listing_samples
from tests.support.store_parts import FILE, ManualClock, fact, writer_connection


def _fill(unit: UnitOfWork) -> None:
    for number in range(5):
        listing = listing_samples.listing(f"NEW{number}USDT", 1_000 + number // 2)
        unit.listings.save(listing, listing.stage)
        unit.signals.add(
            listing_samples.signal(listing_samples.key(listing.id), 5_000, symbol=listing.symbol)
        )
        unit.record(fact(number, f"NEW{number % 2}USDT"))
    unit.signals.end(listing_samples.ended(listing_samples.key("NEW0USDT-1000")))


async def test_pages_have_no_gaps_and_no_duplicates(tmp_path: Path) -> None:
    clock = ManualClock()
    store = await SqliteStore.open(tmp_path / FILE, clock)
    await store.write("fill", _fill)
    await store.close()
    found: list[str] = []
    before: tuple[int, str] = (2**62, "")
    while page := read_offline(tmp_path / FILE, clock, lambda stored: stored.listings.page(*before, limit=2)):  # noqa: B023
        found += [listing.symbol for listing in page]
        before = page[-1].first_seen_ms, page[-1].id
    assert found == ["NEW4USDT", "NEW3USDT", "NEW2USDT", "NEW1USDT", "NEW0USDT"]
    signals = read_offline(tmp_path / FILE, clock, lambda stored: stored.signals.page(limit=3))
    rest = read_offline(tmp_path / FILE, clock, lambda stored: stored.signals.page(signals[-1][0]))
    assert [(one.symbol, stands) for _, one, stands in signals + rest][-2:] == [
        ("NEW1USDT", True),
        ("NEW0USDT", False),
    ]
    of_one = read_offline(tmp_path / FILE, clock, lambda stored: stored.signals.page(symbol="NEW3USDT"))
    assert [one.symbol for _, one, _ in of_one] == ["NEW3USDT"]


async def test_facts_are_found_by_subject_kind_and_time(tmp_path: Path) -> None:
    clock = ManualClock()
    store = await SqliteStore.open(tmp_path / FILE, clock)
    await store.write("fill", _fill)
    await store.close()

    def numbers(**wanted: str | int) -> list[int]:
        facts = read_offline(tmp_path / FILE, clock, lambda stored: stored.journal.page(**wanted))  # type: ignore[arg-type]
        return [fact.sequence for fact in facts]

    assert numbers() == [5, 4, 3, 2, 1]
    assert numbers(before=4, limit=2) == [3, 2]
    assert numbers(about="NEW1USDT") == [4, 2]
    assert numbers(kind="alert", since_ms=3) == [5, 4]
    assert numbers(kind="other") == []


def test_an_offline_read_creates_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageRefused, match="no engine of this profile has run"):
        read_offline(tmp_path / FILE, ManualClock(), lambda stored: stored.journal.head())
    assert list(tmp_path.iterdir()) == []


def test_an_older_store_is_left_unchanged(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    connection = writer_connection(tmp_path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()
    with pytest.raises(StorageRefused, match="needs"):
        read_offline(tmp_path / FILE, ManualClock(), lambda stored: stored.journal.head())
    connection = sqlite3.connect(tmp_path / FILE)
    assert connection.execute("PRAGMA user_version").fetchone()[0] == 2
    connection.close()


async def test_an_offline_read_cannot_write(tmp_path: Path) -> None:
    clock = ManualClock()
    store = await SqliteStore.open(tmp_path / FILE, clock)
    await store.close()
    with pytest.raises(StorageError):
        read_offline(tmp_path / FILE, clock, lambda stored: stored.rows.run("DELETE FROM listings"))
