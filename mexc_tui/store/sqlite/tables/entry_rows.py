"""Ledger entries, hash-chained and append-only, and the balances that they sum to."""

from collections import defaultdict
from decimal import Decimal

from mexc_tui.model.position import LedgerAccount, LedgerEntry
from mexc_tui.model.storage import StorageConflict, StorageDamaged, StoredBalance
from mexc_tui.store.sqlite.exact_sums import plus, total
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.sealed import SealedTable, or_null

ENTRIES = SealedTable(
    "entries", "scope id kind at_ms client_order_id position_id before", LedgerEntry, what="entry"
)
BALANCES = SealedTable(
    "balances", "scope account asset", StoredBalance, what="balance", key="scope account asset"
)

ZERO = Decimal(0)


class EntryRows:
    """Ledger entries in booking order."""

    def __init__(self, rows: StoreRows, scope: str) -> None:
        self._rows = rows
        self._scope = scope

    def add(self, entry: LedgerEntry) -> bool:
        """Book an entry. False: it is already booked, and nothing changes.

        Raises StorageConflict if its postings do not sum to zero per asset.
        """
        _check_balanced(entry)
        if self._rows.one("SELECT 1 FROM entries WHERE scope = ? AND id = ?", self._scope, entry.id):
            return False
        ENTRIES.save(
            self._rows,
            entry,
            self._scope,
            entry.id,
            entry.kind.value,
            entry.at_ms,
            or_null(entry.client_order_id),
            or_null(entry.position_id),
            self._last_digest(),
        )
        for posting in entry.postings:
            amount = plus(self.balance(posting.account, posting.asset), posting.amount)
            balance = StoredBalance(posting.account, posting.asset, amount)
            BALANCES.save(self._rows, balance, self._scope, posting.account.value, posting.asset)
        return True

    def get(self, entry_id: str) -> LedgerEntry | None:
        """Return one entry."""
        return ENTRIES.one(self._rows, "WHERE scope = ? AND id = ?", self._scope, entry_id)

    def of_position(self, position_id: str) -> list[LedgerEntry]:
        """Return the entries of a position, oldest first."""
        sql = "WHERE scope = ? AND position_id = ? ORDER BY number"
        return ENTRIES.many(self._rows, sql, self._scope, position_id)

    def page(self, before: int = 2**62, limit: int = 100) -> list[tuple[int, LedgerEntry]]:
        """Return entries below number `before`, newest first, each with its number."""
        sql = "INDEXED BY entries_by_scope WHERE scope = ? AND number < ? ORDER BY number DESC LIMIT ?"
        return ENTRIES.numbered(self._rows, sql, self._scope, before, limit)

    def balance(self, account: LedgerAccount, asset: str) -> Decimal:
        """Return one balance; 0 without postings."""
        sql = "WHERE scope = ? AND account = ? AND asset = ?"
        balance = BALANCES.one(self._rows, sql, self._scope, account.value, asset)
        return ZERO if balance is None else balance.amount

    def balances(self) -> list[StoredBalance]:
        """Return every balance, by account and asset."""
        return BALANCES.many(self._rows, "WHERE scope = ? ORDER BY account, asset", self._scope)

    def _last_digest(self) -> bytes:
        sql = """SELECT digest FROM entries INDEXED BY entries_by_scope
                 WHERE scope = ? ORDER BY number DESC LIMIT 1"""
        row = self._rows.one(sql, self._scope)
        if row is None:
            return b""
        assert isinstance(row[0], bytes)
        return row[0]


def verify_ledger(rows: StoreRows) -> int:
    """Verify every entry, the hash chain, and the balances against the entries.

    Returns the number of rows checked. Raises StorageDamaged.
    """
    count = 0
    last: dict[object, object] = {}
    sums: defaultdict[tuple[object, str, str], Decimal] = defaultdict(Decimal)
    for (_, scope, *_, before, _, digest), entry in ENTRIES.walk(rows):
        count += 1
        if before != last.get(scope, b""):
            raise StorageDamaged(f"An entry is missing before {entry.id!r}. Restore a backup.")
        last[scope] = digest
        for posting in entry.postings:
            key = (scope, posting.account.value, posting.asset)
            sums[key] = plus(sums[key], posting.amount)
    for (_, scope, *_), balance in BALANCES.walk(rows):
        count += 1
        if sums.pop((scope, balance.account.value, balance.asset), None) != balance.amount:
            raise _unlike(balance.account.value, balance.asset)
    for _, account, asset in sums:
        raise _unlike(account, asset)
    return count


def _unlike(account: str, asset: str) -> StorageDamaged:
    return StorageDamaged(
        f"The balance of {account} in {asset} is not the sum of its entries. Restore a backup."
    )


def _check_balanced(entry: LedgerEntry) -> None:
    for asset in {posting.asset for posting in entry.postings}:
        left = total(posting.amount for posting in entry.postings if posting.asset == asset)
        if left:
            raise StorageConflict(f"Entry {entry.id!r} does not balance: {left} {asset} too much.")
