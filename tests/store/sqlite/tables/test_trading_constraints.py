"""Constraints of the trading tables, and states left by a killed or an older program."""

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
from tests.support.store_parts import FILE, ManualClock, fact, in_memory, writer_connection

CHECKOUT = Path(__file__).parents[4]


def arm(trading_rows: TradingRows, name: str, symbol: str = "NEWUSDT") -> None:
    trading_rows.snipes.save(snipe(name, symbol))
    trading_rows.intents.save(intent(f"i-{name}", snipe_id=name))


def fill(trading_rows: TradingRows) -> None:
    """Store one row in every table."""
    arm(trading_rows, "s1")
    trading_rows.attempts.save(attempt())
    trading_rows.positions.save(position(snipe_id="s1"))
    trading_rows.orders.save(order("i-s1-1", intent_id="i-s1", position_id="p1"))
    trading_rows.lots.save(lot())
    trading_rows.entries.add(entry())
    trading_rows.equity.add(equity(1))
    trading_rows.days.save(trading_rows.days.get("2026-11-22"))
    trading_rows.state.save(trading_rows.state.get())


REFUSED: dict[str, Callable[[TradingRows], object]] = {
    "a second snipe of a signal": lambda trading_rows: trading_rows.snipes.save(
        snipe("s2", signal_id="signal of s1")
    ),
    "a second open entry of a snipe": lambda trading_rows: trading_rows.intents.save(
        intent("i2", snipe_id="s1")
    ),
    "a client id of another intent": lambda trading_rows: trading_rows.intents.save(
        intent("i2", role=OrderRole.CLOSE, client_ids=("i-s1-2",))
    ),
    "a second open position of a snipe": lambda trading_rows: trading_rows.positions.save(
        position("p2", snipe_id="s1")
    ),
    "an order without an intent": lambda trading_rows: trading_rows.orders.save(order("x", intent_id="")),
    "an order of an unknown intent": lambda trading_rows: trading_rows.orders.save(
        order("x", intent_id="gone")
    ),
    "an intent of an unknown snipe": lambda trading_rows: trading_rows.intents.save(
        intent("i2", snipe_id="gone")
    ),
    "a lot of an unknown position": lambda trading_rows: trading_rows.lots.save(
        lot("l2", position_id="gone")
    ),
    "an attempt of an unknown snipe": lambda trading_rows: trading_rows.attempts.save(
        attempt(snipe_id="gone")
    ),
    "a position of an unknown snipe": lambda trading_rows: trading_rows.positions.save(
        position("p2", snipe_id="gone")
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_the_tables_refuse_inconsistent_rows(store: SqliteStore, case: str) -> None:
    await store.write("fill", lambda unit: fill(unit.trading(SCOPE)))

    def wrong(unit: UnitOfWork) -> None:
        unit.record(fact(1))
        REFUSED[case](unit.trading(SCOPE))

    with pytest.raises(StorageConflict):
        await store.write("wrong", wrong)
    assert await store.read("head", lambda stored: stored.journal.head()) == 0
    await store.read("verify", lambda stored: stored.trading(SCOPE).verify())


async def test_another_scope_may_use_the_same_names(store: SqliteStore) -> None:
    await store.write("own rows", lambda unit: fill(unit.trading(SCOPE)))
    await store.write("theirs", lambda unit: fill(unit.trading(OTHER)))


async def test_a_new_entry_may_follow_one_that_ended(store: SqliteStore) -> None:
    def enter_again(unit: UnitOfWork) -> None:
        trading_rows = unit.trading(SCOPE)
        arm(trading_rows, "s1")
        trading_rows.intents.save(intent("i-s1", snipe_id="s1", ended_ms=5))
        trading_rows.intents.save(intent("i2", snipe_id="s1"))

    await store.write("again", enter_again)


async def test_rows_of_a_unit_may_be_written_in_any_order(store: SqliteStore) -> None:
    def backwards(unit: UnitOfWork) -> None:
        trading_rows = unit.trading(SCOPE)
        trading_rows.lots.save(lot())
        trading_rows.orders.save(order("i-s1-1", intent_id="i-s1", position_id="p1"))
        trading_rows.intents.save(intent("stop", role=OrderRole.STOP, snipe_id="", position_id="p1"))
        trading_rows.positions.save(position(snipe_id="s1"))
        arm(trading_rows, "s1")

    await store.write("backwards", backwards)


async def test_a_unit_with_a_dangling_reference_does_not_affect_other_units(store: SqliteStore) -> None:
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
def test_entries_cannot_be_changed_or_deleted(sql: str) -> None:
    connection, stored = in_memory()
    stored.trading(SCOPE).entries.add(entry())
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    ("table", "column"),
    [("snipes", "state"), ("orders", "state"), ("positions", "state"), ("intents", "role")],
)
def test_an_unknown_state_is_refused(table: str, column: str) -> None:
    connection, stored = in_memory()
    fill(stored.trading(SCOPE))
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        connection.execute(f"UPDATE {table} SET {column} = 'soon'")  # noqa: S608
    connection.close()


@pytest.mark.parametrize("kind", EntryKind)
def test_every_kind_of_entry_is_stored(kind: EntryKind) -> None:
    connection, stored = in_memory()
    added = type(entry())(id=kind.value, kind=kind, at_ms=1, postings=entry().postings)
    stored.trading(SCOPE).entries.add(added)
    assert stored.trading(SCOPE).entries.get(kind.value) == added
    connection.close()


@pytest.mark.parametrize("account", LedgerAccount)
def test_every_account_has_a_balance(account: LedgerAccount) -> None:
    connection, stored = in_memory()
    stored.trading(SCOPE).entries.add(entry("e", (account, "X", "1"), (account, "X", "-1")))
    assert [balance.account for balance in stored.trading(SCOPE).entries.balances()] == [account]
    connection.close()


@pytest.mark.parametrize("role", OrderRole)
def test_every_role_of_an_intent_is_stored(role: OrderRole) -> None:
    connection, stored = in_memory()
    stored.trading(SCOPE).intents.save(intent(role=role))
    assert stored.trading(SCOPE).intents.open() == [intent(role=role)]
    connection.close()


def test_an_older_database_keeps_its_data_and_gains_the_trading_tables(folder: Path) -> None:
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
    rows = unit.trading(SCOPE)
    rows.snipes.save(snipe(f"s{number}"))
    rows.entries.add(entry(f"e{number}"))
    rows.intents.save(intent(f"i{number}", snipe_id=f"s{number}"))

async def main():
    store = await SqliteStore.open(Path(sys.argv[1]), SystemClock())
    for number in range(100_000):
        await store.write("trade", lambda unit: trade(unit, number))
        print(number, flush=True)

asyncio.run(main())
"""


def test_D1_a_killed_desk_keeps_every_acknowledged_entry_and_no_partial_unit(folder: Path) -> None:
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
        trading_rows = stored.trading(SCOPE)
        trading_rows.verify()
        return [
            len(trading_rows.entries.page()),
            len(trading_rows.intents.open()),
            len(trading_rows.snipes.open()),
            int(trading_rows.entries.balance(LedgerAccount.DESK, "NEW")) // 9,
        ]

    async def reopen() -> list[int]:
        store = await SqliteStore.open(folder / FILE, ManualClock())
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
def test_D5_a_flipped_bit_that_sqlite_overlooks_is_reported_in_every_table(folder: Path, table: str) -> None:
    connection = writer_connection(folder)
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
        connection = writer_connection(folder)  # SQLite's own check sees nothing
        connection.execute("BEGIN")
        with pytest.raises(StorageDamaged):
            in_file(connection).trading(SCOPE).verify()
        connection.close()


def in_file(connection: sqlite3.Connection) -> ReadTransaction:
    rows = StoreRows(connection, ManualClock())
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
def test_D5_a_changed_column_is_reported(table: str, change: str) -> None:
    connection, stored = in_memory()
    fill(stored.trading(SCOPE))
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute(f"UPDATE {table} SET {change}")  # noqa: S608
    with pytest.raises(StorageDamaged, match=f"of {table} has a wrong checksum"):
        stored.trading(SCOPE).verify()
    connection.close()


def test_D5_a_damaged_row_is_reported_on_reading() -> None:
    connection, stored = in_memory()
    fill(stored.trading(SCOPE))
    connection.execute("UPDATE positions SET body = CAST(replace(CAST(body AS TEXT), '10', '11') AS BLOB)")
    with pytest.raises(StorageDamaged, match="Row 1 of positions"):
        stored.trading(SCOPE).limits.committed("USDT")
    connection.close()


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_D5_a_missing_entry_is_detected_at_the_start_middle_or_end(gone: int) -> None:
    connection, stored = in_memory()
    trading_rows = stored.trading(SCOPE)
    for number in (1, 2, 3):
        trading_rows.entries.add(entry(f"e{number}"))
    connection.execute("DROP TRIGGER entries_never_go")
    connection.execute("DELETE FROM entries WHERE number = ?", (gone,))
    with pytest.raises(StorageDamaged, match=r"missing before|not the sum"):
        trading_rows.verify()
    connection.close()


@pytest.mark.parametrize("sql", ["DELETE FROM balances WHERE asset = 'NEW'", "DELETE FROM intent_client_ids"])
def test_D5_missing_balances_and_client_ids_are_detected(sql: str) -> None:
    connection, stored = in_memory()
    fill(stored.trading(SCOPE))
    connection.execute(sql)
    with pytest.raises(StorageDamaged):
        stored.trading(SCOPE).verify()
    connection.close()


def test_a_closed_order_may_be_updated_again() -> None:
    connection, stored = in_memory()
    trading_rows = stored.trading(SCOPE)
    trading_rows.orders.save(order(state=OrderState.ABSENT))
    trading_rows.orders.save(order(state=OrderState.PARTIAL))
    assert [found.state for found in trading_rows.orders.open()] == [OrderState.PARTIAL]
    connection.close()
