"""The books of a real database: sound ones pass, each kind of damage is found."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mexc_tui.doctor.books import check_books, verify_copy
from mexc_tui.model.position import LedgerAccount
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.samples.trading_samples import SCOPE, entry, intent, position, snipe
from tests.support.store_parts import FILE, ManualClock, fact

START = (LedgerAccount.DESK, "USDT", "100"), (LedgerAccount.EXTERNAL, "USDT", "-100")


def _book(unit: UnitOfWork) -> None:
    tables = unit.trading(SCOPE)
    tables.snipes.save(snipe())
    tables.intents.save(intent())
    tables.positions.save(position())
    tables.entries.add(entry("start", *START))
    tables.entries.add(entry())
    unit.record(fact(1))


async def _fill(path: Path, clock: ManualClock, work: Callable[[UnitOfWork], None]) -> None:
    store = await SqliteStore.open(path, clock)
    await store.write("fill", work)
    await store.close()


@pytest.fixture
async def database(tmp_path: Path) -> Path:
    path = tmp_path / "profile" / FILE
    await _fill(path, ManualClock(), _book)
    return path


def _damage(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(sql)
        connection.commit()


async def test_sound_books_have_no_problem(database: Path) -> None:
    found = check_books(database, ManualClock())
    assert found.problems == ()
    assert (found.rows >= 5, found.facts) == (True, 1)
    assert verify_copy(database, ManualClock()) == found


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE positions SET digest = x'00'", "checksum"),
        ("DELETE FROM entries WHERE id = 'start'", "An entry is missing"),
        ("DELETE FROM balances WHERE asset = 'NEW' AND account = 'desk'", "is not the sum"),
        ("UPDATE journal SET digest = x'00'", "journal is not what was written"),
    ],
)
async def test_damage_is_named(database: Path, sql: str, words: str) -> None:
    _damage(database, sql)
    assert any(words in problem for problem in check_books(database, ManualClock()).problems)
    with pytest.raises(StorageDamaged, match="books"):
        verify_copy(database, ManualClock())


async def test_a_position_without_its_coins_is_found(tmp_path: Path) -> None:
    def half(unit: UnitOfWork) -> None:
        tables = unit.trading(SCOPE)
        tables.snipes.save(snipe())
        tables.positions.save(position())
        tables.entries.add(entry("start", *START))

    path = tmp_path / "profile" / FILE
    await _fill(path, ManualClock(), half)
    assert check_books(path, ManualClock()).problems == ("positions hold 9 NEW, the ledger 0",)
