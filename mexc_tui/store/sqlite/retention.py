"""Deletes expired rows in batches. Orders, positions, lots and ledger entries are kept forever."""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from mexc_tui.model.storage import RetentionPeriods
from mexc_tui.store.sqlite.connections import INCREMENTAL
from mexc_tui.store.sqlite.tables.rows import StoreRows, integer

BATCH = 500
"""Rows scanned per unit of work."""
NEWEST_FACTS = 1_000
"""Number of facts kept whatever their age: their seals are verified at start."""
LEAST_EQUITY_DAYS = 35
"""Minimum retention of equity points: a chart of one month and its first point."""
FREE_PAGES = 256
"""Pages that stay free, and pages released per call."""
DAY_MS = 86_400_000

_OPEN_SINCE = (
    "SELECT min(opened_ms) FROM positions WHERE state <> 'closed'",
    "SELECT min(armed_ms) FROM snipes WHERE is_over = 0",
    "SELECT min(created_ms) FROM intents WHERE ended_ms IS NULL",
    "SELECT min(created_ms) FROM orders WHERE is_open = 1",
)


class _Age(StrEnum):
    JOURNAL = "journal"
    METRICS = "metrics"
    EXECUTIONS = "executions"
    EQUITY = "equity"


@dataclass(frozen=True, slots=True)
class _Table:
    """Deletion rule: rows of `name` that match `old`, where `?1` is the cutoff time."""

    name: str
    key: str
    age: _Age
    old: str


_TABLES = (
    _Table("detection_passes", "id", _Age.METRICS, "at_ms < ?1"),
    _Table("risk_checks", "number", _Age.METRICS, "at_ms < ?1"),
    # The newest run of each scope is kept: it shows the last reconciled account and its result.
    _Table(
        "reconciliations",
        "number",
        _Age.METRICS,
        "at_ms < ?1 AND is_clean = 1 AND number < "
        "(SELECT max(number) FROM reconciliations AS newer WHERE newer.scope = reconciliations.scope)",
    ),
    _Table(
        "reconciliations",
        "number",
        _Age.EXECUTIONS,
        "at_ms < ?1 AND number < "
        "(SELECT max(number) FROM reconciliations AS newer WHERE newer.scope = reconciliations.scope)",
    ),
    # The newest point of each scope is kept: it contains the current peak.
    _Table(
        "equity_points",
        "number",
        _Age.EQUITY,
        "at_ms < ?1 AND at_ms < "
        "(SELECT max(at_ms) FROM equity_points AS newer WHERE newer.scope = equity_points.scope)",
    ),
    _Table(
        "attempts",
        "number",
        _Age.EXECUTIONS,
        "EXISTS (SELECT 1 FROM snipes WHERE snipes.scope = attempts.scope AND snipes.id = attempts.snipe_id "
        "AND snipes.is_over = 1 AND snipes.armed_ms < ?1)",
    ),
    _Table("alerts", "id", _Age.JOURNAL, "last_ms < ?1 AND closed_ms IS NOT NULL"),
    _Table("notifications", "id", _Age.JOURNAL, "at_ms < ?1"),
)


@dataclass(frozen=True, slots=True)
class PruningProgress:
    """Progress of a pruning round: index into `_TABLES`, and the key of the last scanned row."""

    table: int = 0
    after: int = 0


class Pruning:
    """Deletes expired rows of all scopes within a unit of work."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def step(self, keep: RetentionPeriods, now_ms: int, progress: PruningProgress) -> PruningProgress | None:
        """Scan the next rows and delete the expired ones; return the progress, None at the end of a round."""
        if progress.table < len(_TABLES):
            return self._table(_TABLES[progress.table], keep, now_ms, progress=progress)
        is_more = self._facts(now_ms - keep.journal_ms, now_ms)
        self._rows.run("DELETE FROM cache_entries WHERE expires_ms <= ?", now_ms)
        return progress if is_more else None

    def _table(
        self, table: _Table, keep: RetentionPeriods, now_ms: int, *, progress: PruningProgress
    ) -> PruningProgress:
        key = table.key
        batch = f"SELECT {key} AS seen FROM {table.name} WHERE {key} > ? ORDER BY {key} LIMIT ?"  # noqa: S608
        found = self._rows.one(f"SELECT max(seen) FROM ({batch})", progress.after, BATCH)  # noqa: S608
        if found is None or found[0] is None:
            return PruningProgress(progress.table + 1)
        last = integer(found[0])
        sql = f"DELETE FROM {table.name} WHERE {key} > ?2 AND {key} <= ?3 AND {table.old}"  # noqa: S608
        self._rows.run(sql, now_ms - _kept_ms(keep, table.age), progress.after, last)
        return PruningProgress(progress.table, last)

    def _facts(self, before_ms: int, now_ms: int) -> bool:
        """Delete the oldest facts up to the first that is kept; return whether there may be more."""
        open_since = [row[0] for sql in _OPEN_SINCE if (row := self._rows.one(sql)) is not None]
        before_ms = min([before_ms, *(integer(one) - DAY_MS for one in open_since if one is not None)])
        rows = self._rows.all("SELECT sequence, at_ms, digest FROM journal ORDER BY sequence LIMIT ?", BATCH)
        head = self._rows.one("SELECT max(sequence) FROM journal")
        newest = 0 if head is None or head[0] is None else integer(head[0])
        gone: tuple[int, object] | None = None
        is_more = True
        for number, stamp, seal in rows:
            sequence, at_ms = integer(number), integer(stamp)
            if sequence > newest - NEWEST_FACTS or before_ms <= at_ms <= now_ms + DAY_MS:
                is_more = False
                break
            if (
                at_ms < before_ms
            ):  # a fact from the future has a wrong clock: it expires with the next older one
                gone = sequence, seal
        if gone is None:
            return False
        sequence, digest = gone
        assert isinstance(digest, bytes)
        self._rows.run("UPDATE journal_start SET sequence = ?, digest = ?", sequence, digest)
        self._rows.run("DELETE FROM journal WHERE sequence <= ?", sequence)
        return is_more


def _kept_ms(keep: RetentionPeriods, age: _Age) -> int:
    match age:
        case _Age.JOURNAL:
            return keep.journal_ms
        case _Age.METRICS:
            return keep.metrics_ms
        case _Age.EXECUTIONS:
            return keep.executions_ms
        case _Age.EQUITY:
            return max(keep.metrics_ms, LEAST_EQUITY_DAYS * DAY_MS)


def release_free_pages(connection: sqlite3.Connection) -> bool:
    """Release a few free pages to the disk; return whether there are more."""
    free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    mode: int = connection.execute("PRAGMA auto_vacuum").fetchone()[0]
    if mode != INCREMENTAL or free <= FREE_PAGES:
        return False
    connection.execute(f"PRAGMA incremental_vacuum({min(free - FREE_PAGES, FREE_PAGES):d})").fetchall()
    return free - FREE_PAGES > FREE_PAGES
