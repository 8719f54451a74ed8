"""What the tables of trading refuse, whoever asks, and what a killed or older program leaves."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mexc_tui.model.intent import OrderRole, OrderState
from mexc_tui.model.position import EntryKind, LedgerAccount
from mexc_tui.model.storage import StorageConflict, StorageDamaged
from mexc_tui.store.sqlite.connections import StoreLimits, open_writer
from mexc_tui.store.sqlite.schema import migrate, shipped
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.trading_rows import TradingRows
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction, UnitOfWork
from tests.support.samples.trading_samples import (
    OTHER,
    SCOPE,
    attempt,
    entry,
    equity,
    intent,
    lot,
    order,
    position,
    snipe,
)
from tests.support.store_parts import FILE, HandClock, bare, fact, in_memory

CHECKOUT = Path(__file__).parents[4]


def arm(books: TradingRows, name: str, symbol: str = "NEWUSDT") -> None:
    books.snipes.save(snipe(name, symbol))
    books.intents.save(intent(f"i-{name}", snipe_id=name))


def fill(books: TradingRows) -> None:
    """Store one trade in every table."""
    arm(books, "s1")
    books.attempts.save(attempt())
    books.positions.save(position(snipe_id="s1"))
    books.orders.save(order("i-s1-1", intent_id="i-s1", position_id="p1"))
    books.lots.save(lot())
    books.entries.add(entry())
    books.equity.add(equity(1))
    books.days.save(books.days.get("2026-11-22"))
    books.state.save(books.state.get())


REFUSED: dict[str, Callable[[TradingRows], object]] = {
    "a second snipe of a signal": lambda books: books.snipes.save(snipe("s2", signal_id="signal of s1")),
    "a second open entry of a snipe": lambda books: books.intents.save(intent("i2", snipe_id="s1")),
    "a client id of another intent": lambda books: books.intents.save(
        intent("i2", role=OrderRole.CLOSE, client_ids=("i-s1-2",))
    ),
    "a second open position of a snipe": lambda books: books.positions.save(position("p2", snipe_id="s1")),
    "an order that nobody wished for": lambda books: books.orders.save(order("x", intent_id="")),
    "an order of no known intent": lambda books: books.orders.save(order("x", intent_id="gone")),
    "an intent of no known snipe": lambda books: books.intents.save(intent("i2", snipe_id="gone")),
    "a lot of no known position": lambda books: books.lots.save(lot("l2", position_id="gone")),
    "an attempt of no known snipe": lambda books: books.attempts.save(attempt(snipe_id="gone")),
    "a position of no known snipe": lambda books: books.positions.save(position("p2", snipe_id="gone")),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_the_tables_refuse(store: SqliteStore, what: str) -> None:
    await store.write("fill", lambda unit: fill(unit.trading(SCOPE)))

    def wrong(unit: UnitOfWork) -> None:
        unit.record(fact(1))
        REFUSED[what](unit.trading(SCOPE))

    with pytest.raises(StorageConflict):
        await store.write("wrong", wrong)
    assert await store.read("head", lambda stored: stored.journal.head()) == 0
    await store.read("verify", lambda stored: stored.trading(SCOPE).verify())


async def test_another_scope_may_use_the_same_names(store: SqliteStore) -> None:
    await store.write("ours", lambda unit: fill(unit.trading(SCOPE)))
    await store.write("theirs", lambda unit: fill(unit.trading(OTHER)))


async def test_a_new_entry_may_follow_one_that_ended(store: SqliteStore) -> None:
    def enter_again(unit: UnitOfWork) -> None:
        books = unit.trading(SCOPE)
        arm(books, "s1")
        books.intents.save(intent("i-s1", snipe_id="s1", ended_ms=5))
        books.intents.save(intent("i2", snipe_id="s1"))

    await store.write("again", enter_again)


async def test_rows_of_a_unit_may_come_in_any_order(store: SqliteStore) -> None:
    def backwards(unit: UnitOfWork) -> None:
        books = unit.trading(SCOPE)
        books.lots.save(lot())
        books.orders.save(order("i-s1-1", intent_id="i-s1", position_id="p1"))
        books.intents.save(intent("stop", role=OrderRole.STOP, snipe_id="", position_id="p1"))
        books.positions.save(position(snipe_id="s1"))
        arm(books, "s1")

    await store.write("backwards", backwards)


async def test_a_unit_that_refers_to_nothing_does_not_hurt_its_neighbours(store: SqliteStore) -> None:
    def lost(unit: UnitOfWork) -> None:
        unit.trading(SCOPE).intents.save(intent("lost", snipe_id="gone"))

    outcomes = await asyncio.gather(
        store.write("first", lambda unit: arm(unit.trading(SCOPE), "a")),
        store.write("lost", lost),
        store.write("last", lambda unit: arm(unit.trading(SCOPE), "b")),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), StorageConflict, type(None)]
    stored = await store.read("open", lambda reading: reading.trading(SCOPE).intents.open())
    assert [found.id for found in stored] == ["i-a", "i-b"]


@pytest.mark.parametrize("sql", ["UPDATE entries SET at_ms = 1", "DELETE FROM entries"])
def test_entries_cannot_be_changed_or_taken_back(sql: str) -> None:
    connection, stored = in_memory()
    stored.trading(SCOPE).entries.add(entry())
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    ("table", "column"),
    [("snipes", "state"), ("orders", "state"), ("positions", "state"), ("intents", "role")],
)
def test_a_state_that_no_program_knows_is_refused(table: str, column: str) -> None:
    connection, stored = in_memory()
    fill(stored.trading(SCOPE))
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute(f"UPDATE {table} SET {column} = 'soon'")  # noqa: S608
    connection.close()


@pytest.mark.parametrize("kind", EntryKind)
def test_every_kind_of_entry_is_kept(kind: EntryKind) -> None:
    connection, stored = in_memory()
    told = type(entry())(id=kind.value, kind=kind, at_ms=1, postings=entry().postings)
    stored.trading(SCOPE).entries.add(told)
    assert stored.trading(SCOPE).entries.get(kind.value) == told
    connection.close()


@pytest.mark.parametrize("account", LedgerAccount)
def test_every_account_keeps_a_balance(account: LedgerAccount) -> None:
    connection, stored = in_memory()
    stored.trading(SCOPE).entries.add(entry("e", (account, "X", "1"), (account, "X", "-1")))
    assert [balance.account for balance in stored.trading(SCOPE).entries.balances()] == [account]
    connection.close()


@pytest.mark.parametrize("role", OrderRole)
def test_every_role_of_an_intent_is_kept(role: OrderRole) -> None:
    connection, stored = in_memory()
    stored.trading(SCOPE).intents.save(intent(role=role))
    assert stored.trading(SCOPE).intents.open() == [intent(role=role)]
    connection.close()


def test_an_older_database_keeps_its_data_and_takes_books(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    (folder / FILE).touch(0o600)
    old = sqlite3.connect(folder / FILE, isolation_level=None)
    assert migrate(old, shipped()[:4]) == 4
    old.execute("INSERT INTO pairs VALUES ('AUSDT', 1, x'00')")
    old.execute("INSERT INTO settings_changes (name, at_ms, body) VALUES ('x', 1, x'00')")
    old.close()
    connection = open_writer(folder / FILE, StoreLimits())
    assert connection.execute("SELECT symbol FROM pairs").fetchall() == [("AUSDT",)]
    assert connection.execute("SELECT name FROM settings_changes").fetchall() == [("x",)]
    assert connection.execute("SELECT count(*) FROM entries").fetchone() == (0,)
    connection.close()


FILL_ON = """
import asyncio, sys
from pathlib import Path
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.store.sqlite.store import SqliteStore
from tests.support.samples.trading_samples import SCOPE, entry, intent, snipe

def trade(unit, number):
    books = unit.trading(SCOPE)
    books.snipes.save(snipe(f"s{number}"))
    books.entries.add(entry(f"e{number}"))
    books.intents.save(intent(f"i{number}", snipe_id=f"s{number}"))

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]), SystemClock())
    for number in range(100_000):
        await store.write("trade", lambda unit: trade(unit, number))
        print(number, flush=True)

asyncio.run(main())
"""


def test_D1_a_killed_desk_keeps_every_acknowledged_entry_and_nothing_by_halves(folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", FILL_ON, str(folder / FILE)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(30):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    process.wait(20)

    def found(stored: ReadTransaction) -> list[int]:
        books = stored.trading(SCOPE)
        books.verify()
        return [
            len(books.entries.page()),
            len(books.intents.open()),
            len(books.snipes.open()),
            int(books.entries.balance(LedgerAccount.DESK, "NEW")) // 9,
        ]

    async def reopen() -> list[int]:
        store = await SqliteStore.open(folder / FILE, HandClock())
        counts = await store.read("found", found)
        await store.close()
        return counts

    counts = asyncio.run(reopen())
    assert counts[0] >= 30
    assert counts == [counts[0]] * 4


SEALED = [
    "snipes",
    "attempts",
    "intents",
    "orders",
    "positions",
    "lots",
    "entries",
    "balances",
    "trading_days",
    "equity_points",
    "equity_closes",
    "trading_states",
]


@pytest.mark.parametrize("table", SEALED)
def test_D5_a_flipped_bit_that_sqlite_overlooks_is_reported_wherever_it_lies(
    folder: Path, table: str
) -> None:
    connection = bare(folder)
    connection.execute("BEGIN")
    fill(in_file(connection).trading(SCOPE))
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    body: bytes = connection.execute(f"SELECT body FROM {table}").fetchone()[0]  # noqa: S608
    connection.close()
    sound = (folder / FILE).read_bytes()
    begin = sound.index(body)
    places = sorted({begin, begin + 1, begin + len(body) // 3, begin + len(body) // 2, begin + len(body) - 1})
    for place in places:
        damaged = bytearray(sound)
        damaged[place] ^= 1
        (folder / FILE).write_bytes(damaged)
        connection = bare(folder)  # SQLite's own check sees nothing
        connection.execute("BEGIN")
        with pytest.raises(StorageDamaged):
            in_file(connection).trading(SCOPE).verify()
        connection.close()


def in_file(connection: sqlite3.Connection) -> ReadTransaction:
    rows = StoreRows(connection, HandClock())
    rows.start(None)
    return ReadTransaction(rows)


COLUMNS = [
    ("snipes", "armed_ms = armed_ms + 1"),
    ("intents", "ended_ms = 5"),
    ("orders", "created_ms = 5"),
    ("positions", "symbol = 'OTHERUSDT'"),
    ("lots", "is_open = 0"),
    ("lots", "scope = 'elsewhere'"),
    ("balances", "asset = asset || 'X'"),
    ("trading_states", "generation = 9"),
]


@pytest.mark.parametrize(("table", "change"), COLUMNS)
def test_D5_a_changed_column_is_reported_too(table: str, change: str) -> None:
    connection, stored = in_memory()
    fill(stored.trading(SCOPE))
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f"UPDATE {table} SET {change}")  # noqa: S608
    with pytest.raises(StorageDamaged, match=f"of {table} has a wrong checksum"):
        stored.trading(SCOPE).verify()
    connection.close()


def test_D5_a_damaged_row_is_reported_when_it_is_read() -> None:
    connection, stored = in_memory()
    fill(stored.trading(SCOPE))
    connection.execute("UPDATE positions SET body = CAST(replace(CAST(body AS TEXT), '10', '11') AS BLOB)")
    with pytest.raises(StorageDamaged, match="Row 1 of positions"):
        stored.trading(SCOPE).limits.committed("USDT")
    connection.close()


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_D5_a_missing_entry_is_noticed_first_inner_or_last(gone: int) -> None:
    connection, stored = in_memory()
    books = stored.trading(SCOPE)
    for number in (1, 2, 3):
        books.entries.add(entry(f"e{number}"))
    connection.execute("DROP TRIGGER entries_never_go")
    connection.execute("DELETE FROM entries WHERE number = ?", (gone,))
    with pytest.raises(StorageDamaged, match=r"missing before|not the sum"):
        books.verify()
    connection.close()


@pytest.mark.parametrize("sql", ["DELETE FROM balances WHERE asset = 'NEW'", "DELETE FROM intent_client_ids"])
def test_D5_missing_balances_and_client_ids_are_noticed(sql: str) -> None:
    connection, stored = in_memory()
    fill(stored.trading(SCOPE))
    connection.execute(sql)
    with pytest.raises(StorageDamaged):
        stored.trading(SCOPE).verify()
    connection.close()


def test_an_order_may_be_seen_again_after_its_end() -> None:
    connection, stored = in_memory()
    books = stored.trading(SCOPE)
    books.orders.save(order(state=OrderState.ABSENT))
    books.orders.save(order(state=OrderState.PARTIAL))
    assert [found.state for found in books.orders.open()] == [OrderState.PARTIAL]
    connection.close()
