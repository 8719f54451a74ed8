"""Retention: old rows are deleted in batches, money is kept, and the file shrinks in every schema version."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from mexc_tui.model.event import Alert
from mexc_tui.model.severity import Severity
from mexc_tui.model.storage import RetentionPeriods, StorageConflict
from mexc_tui.store.sqlite.retention import BATCH, DAY_MS, NEWEST_FACTS
from mexc_tui.store.sqlite.schema import migrate, shipped
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import UnitOfWork
from tests.support.samples.listing_samples import detection_pass
from tests.support.store_parts import FILE, ManualClock, fact

KEEP = RetentionPeriods(
    journal_ms=30 * DAY_MS, metrics_ms=7 * DAY_MS, executions_ms=90 * DAY_MS, copies_ms=30 * DAY_MS
)
SCOPE = "account/session"


async def run_retention(store: SqliteStore, now_ms: int) -> int:
    """Run one round of retention; return its number of units."""
    steps = 1
    while await store.prune(KEEP, now_ms):
        steps += 1
        assert steps < 10_000
    return steps


def fact_at(at_ms: int, number: int) -> Alert:
    """Return a fact of two kilobytes."""
    text = f"fact {number} {'x' * 2_000}"
    return Alert(at_ms=at_ms, about="NEWUSDT", severity=Severity.INFO, rule="test", text=text)


async def fill(store: SqliteStore, now_ms: int, *, facts: int, passes: int) -> None:
    """Write facts and passes, one a minute, the last one now."""

    def work(unit: UnitOfWork, begin: int) -> None:
        for place in range(begin, min(begin + 1_000, facts)):
            unit.record(fact_at(now_ms - (facts - place) * 3_600_000, place))
        for place in range(begin, min(begin + 1_000, passes)):
            unit.passes.add(detection_pass(now_ms - (passes - place) * 60_000))

    for begin in range(0, max(facts, passes), 1_000):
        await store.write("filling", lambda unit, begin=begin: work(unit, begin))


async def test_old_facts_are_deleted_and_the_rest_still_verifies(
    store: SqliteStore, clock: ManualClock
) -> None:
    now_ms = clock.now_ms()
    await fill(store, now_ms, facts=3_000, passes=0)  # an hour apart: 125 days
    await run_retention(store, clock.now_ms())
    facts = await store.read("facts", lambda stored: stored.journal.after(0, 10_000))
    assert facts[-1].sequence == 3_000
    assert len(facts) == NEWEST_FACTS  # 720 of them are younger than 30 days
    assert await store.read("verify", lambda stored: stored.journal.verify()) == len(facts)
    assert await store.read("verify", lambda stored: stored.journal.verify(2_000)) == len(facts)
    added = await store.write("fact", lambda unit: unit.record(fact(1)))
    assert added == 3_001
    assert await store.read("verify", lambda stored: stored.journal.verify()) == len(facts) + 1


async def test_the_journal_of_an_open_position_is_kept(store: SqliteStore, clock: ManualClock) -> None:
    now_ms = clock.now_ms()
    await fill(store, now_ms, facts=3_000, passes=0)
    opened_ms = now_ms - 100 * DAY_MS

    def open_position(unit: UnitOfWork) -> None:
        unit.rows.run(
            "INSERT INTO positions (scope, id, symbol, state, opened_ms, body, digest) "
            "VALUES (?, 'p1', 'NEWUSDT', 'open', ?, x'', x'')",
            SCOPE,
            opened_ms,
        )

    await store.write("position", open_position)
    await run_retention(store, clock.now_ms())
    facts = await store.read("facts", lambda stored: stored.journal.after(0, 10_000))
    assert facts[0].event.at_ms <= opened_ms - DAY_MS + 3_600_000
    assert 2_400 <= len(facts) < 2_500
    await store.write(
        "closed",
        lambda unit: unit.rows.run("UPDATE positions SET state = 'closed', closed_ms = 1, result = 0"),
    )
    await run_retention(store, clock.now_ms())
    assert len(await store.read("facts", lambda stored: stored.journal.after(0, 10_000))) == NEWEST_FACTS


async def test_a_fact_with_a_wrong_time_neither_blocks_nor_speeds_up_the_deletion_of_others(
    store: SqliteStore, clock: ManualClock
) -> None:
    now_ms = clock.now_ms()
    await store.write("future", lambda unit: unit.record(fact_at(now_ms + 4_000 * DAY_MS, 0)))
    await fill(store, now_ms, facts=1_500, passes=0)
    await store.write("past", lambda unit: unit.record(fact_at(0, 1)))
    await run_retention(store, clock.now_ms())
    facts = await store.read("facts", lambda stored: stored.journal.after(0, 10_000))
    assert len(facts) == NEWEST_FACTS


async def test_facts_from_the_future_are_not_deleted(store: SqliteStore, clock: ManualClock) -> None:
    now_ms = clock.now_ms()
    await store.write(
        "facts", lambda unit: [unit.record(fact_at(now_ms + 4_000 * DAY_MS + n, n)) for n in range(2_000)]
    )
    await run_retention(store, now_ms)
    assert len(await store.read("facts", lambda stored: stored.journal.after(0, 10_000))) == 2_000


@pytest.mark.parametrize("wrong_s", [-9 * 365 * 86_400, 9 * 365 * 86_400])
async def test_a_wrong_system_clock_ages_nothing(
    store: SqliteStore, clock: ManualClock, wrong_s: int
) -> None:
    now_ms = clock.now_ms()
    await fill(store, now_ms - DAY_MS, facts=0, passes=1_000)
    await store.write("facts", lambda unit: [unit.record(fact_at(now_ms - n, n)) for n in range(1_500)])
    clock.pass_s(wrong_s)
    await run_retention(store, now_ms)
    assert len(await store.read("facts", lambda stored: stored.journal.after(0, 10_000))) == 1_500
    assert len(await store.read("passes", lambda stored: stored.passes.latest(2_000))) == 1_000


async def test_passes_older_than_the_metrics_retention_are_deleted_in_batches(
    store: SqliteStore, clock: ManualClock
) -> None:
    await fill(store, clock.now_ms(), facts=0, passes=15_000)  # a minute apart: ten days and ten hours
    steps = await run_retention(store, clock.now_ms())
    assert steps >= 15_000 // BATCH
    kept = await store.read("passes", lambda stored: stored.passes.latest(100_000))
    assert len(kept) == 7 * 1_440
    assert all(column.at_ms >= clock.now_ms() - KEEP.metrics_ms for column in kept)


MONEY = {
    "snipes": "id='a', symbol='NEWUSDT', signal_id='s', state='filled', is_over=1, armed_ms=1",
    "intents": "id='i', role='entry', symbol='NEWUSDT', created_ms=1, ended_ms=2",
    "orders": "client_order_id='c', symbol='NEWUSDT', state='filled', is_open=0, intent_id='i', created_ms=1",
    "positions": "id='p', symbol='NEWUSDT', state='closed', opened_ms=1, closed_ms=2, result=1",
    "lots": "id='l', position_id='p', asset='NEW', opened_ms=1, is_open=0",
    "entries": "id='e', kind='trade', at_ms=1, before=x''",
    "balances": "account='desk', asset='NEW'",
    "trading_days": "day='1970-01-01'",
    "equity_closes": "day='1970-01-01'",
}
METRICS = {
    "equity_points": "at_ms=?",
    "reconciliations": "at_ms=?, is_clean=1",
    "risk_checks": "at_ms=?",
}
ATTEMPT = "snipe_id='a', place=1, client_order_id='c'"


def insert(unit: UnitOfWork, table: str, columns: str, *values: int) -> None:
    parts = [
        column.split("=", 1) for column in f"scope='{SCOPE}', {columns}, body=x'', digest=x''".split(", ")
    ]
    names, given = ", ".join(name for name, _ in parts), ", ".join(value for _, value in parts)
    unit.rows.run(f"INSERT INTO {table} ({names}) VALUES ({given})", *values)  # noqa: S608


async def test_money_is_kept_whatever_its_age(store: SqliteStore, clock: ManualClock) -> None:
    def work(unit: UnitOfWork) -> None:
        for table, columns in MONEY.items():
            insert(unit, table, columns)
        insert(unit, "attempts", ATTEMPT)
        for table, columns in METRICS.items():
            insert(unit, table, columns, 1)
            insert(unit, table, columns, 2)

    await store.write("old money", work)
    await run_retention(store, clock.now_ms())

    def counts(names: Iterable[str]) -> list[int]:
        with closing(sqlite3.connect(store.path)) as connection:
            return [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names]  # noqa: S608

    assert counts(MONEY) == [1] * len(MONEY)
    # The newest point holds the peak, the newest reconciliation names the account.
    assert counts(METRICS) == [1, 1, 0]
    assert counts(["attempts"]) == [0]


async def test_the_file_shrinks_after_old_rows_are_deleted(store: SqliteStore, clock: ManualClock) -> None:
    await fill(store, clock.now_ms(), facts=8_000, passes=0)
    await store.write("truncate", lambda unit: unit.record(fact(1)))
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = store.path.stat().st_size
    await run_retention(store, clock.now_ms())
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert other.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert store.path.stat().st_size < before / 3


async def test_a_year_of_steady_facts_keeps_the_file_at_one_size(
    store: SqliteStore, clock: ManualClock
) -> None:
    sizes = list[int]()
    for _ in range(12):
        now_ms = clock.now_ms()

        def month(unit: UnitOfWork, now_ms: int = now_ms) -> None:
            for place in range(1_500):
                unit.record(fact_at(now_ms + place * 30 * DAY_MS // 1_500, place))

        await store.write("month", month)
        clock.pass_s(30 * 86_400)
        await run_retention(store, clock.now_ms())
        with closing(sqlite3.connect(store.path)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sizes.append(store.path.stat().st_size)
    assert max(sizes[6:]) <= max(sizes[2:6]) * 1.1


@pytest.fixture
def old_database(folder: Path) -> Path:
    """Return a database of the version before retention: full of facts, without the new table."""
    folder.mkdir(mode=0o700)
    path = folder / FILE
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, shipped()[:6])
    return path


async def test_an_older_database_is_migrated_and_can_shrink(old_database: Path, clock: ManualClock) -> None:
    with closing(sqlite3.connect(old_database)) as connection:
        assert connection.execute("PRAGMA auto_vacuum").fetchone()[0] == 0
    store = await SqliteStore.open(old_database, clock)
    try:
        await fill(store, clock.now_ms(), facts=2_000, passes=3_000)
        await run_retention(store, clock.now_ms())
        assert await store.read("verify", lambda stored: stored.journal.verify()) == NEWEST_FACTS
        assert await store.read(
            "mode", lambda stored: stored.rows.one("SELECT auto_vacuum FROM pragma_auto_vacuum")
        ) == (2,)
    finally:
        await store.close()


async def test_recent_facts_cannot_be_deleted(store: SqliteStore) -> None:
    await store.write("fact", lambda unit: unit.record(fact(1)))
    with pytest.raises(StorageConflict, match="append-only"):
        await store.write("delete", lambda unit: unit.rows.run("DELETE FROM journal"))
    await store.write("forward", lambda unit: unit.rows.run("UPDATE journal_start SET sequence = 1"))
    with pytest.raises(StorageConflict, match="does not come back"):
        await store.write("back", lambda unit: unit.rows.run("UPDATE journal_start SET sequence = 0"))
