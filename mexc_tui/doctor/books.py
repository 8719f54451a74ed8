"""Verifies the books of a database: checksums, chains, balances against entries, lots against balances."""

from dataclasses import dataclass
from pathlib import Path

from mexc_tui.engine.safety.invariants import QUOTES
from mexc_tui.ledger.checks import lots_agree, solvent
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.ports.clock import Clock
from mexc_tui.ports.trading_store import TradingTables
from mexc_tui.store.sqlite.connections import StoreLimits
from mexc_tui.store.sqlite.inspection import inspect_database
from mexc_tui.store.sqlite.offline_read import read_offline
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction

DEADLINE_S = 600.0
"""A ledger of years is read completely."""


@dataclass(frozen=True, slots=True)
class BooksResult:
    """Result of a verification; no problem: the books are sound."""

    rows: int
    """Checked rows of the ledger."""
    facts: int
    """Checked events of the journal."""
    problems: tuple[str, ...]


def check_books(path: Path, clock: Clock) -> BooksResult:
    """Verify the ledgers of all accounts, and the journal. Blocks; no engine is disturbed.

    Raises StorageError if the database cannot be read.
    """
    return read_offline(path, clock, _verify, limits=StoreLimits(deadline_s=DEADLINE_S))


def verify_copy(path: Path, clock: Clock) -> BooksResult:
    """Verify integrity and books of a copy of a database. Raises StorageDamaged or StorageRefused."""
    inspect_database(path, is_full=True)
    found = check_books(path, clock)
    if found.problems:
        raise StorageDamaged(f"The books of {path} are wrong: {'; '.join(found.problems)}.")
    return found


def _verify(stored: ReadTransaction) -> BooksResult:
    problems, rows, facts = list[str](), 0, 0
    scopes = stored.scopes()
    try:
        rows = stored.trading("").verify()
        for scope in scopes:
            problems += _disagreements(stored.trading(scope))
    except StorageDamaged as error:
        problems.append(str(error))
    try:
        facts = stored.journal.verify()
    except StorageDamaged as error:
        problems.append(str(error))
    return BooksResult(rows, facts, tuple(problems))


def _disagreements(tables: TradingTables) -> tuple[str, ...]:
    held = {(balance.account, balance.asset): balance.amount for balance in tables.entries.balances()}
    return solvent(held) + lots_agree(held, tables.positions.open(), QUOTES)
