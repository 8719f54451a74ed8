"""Read and write transactions with access to all tables."""

from mexc_tui.model.event import AnyEvent
from mexc_tui.store.sqlite.tables.cache_rows import CacheRows
from mexc_tui.store.sqlite.tables.journal import Journal, JournalWriter
from mexc_tui.store.sqlite.tables.listing_rows import ListingRows, OutcomeRows
from mexc_tui.store.sqlite.tables.notification_rows import NotificationRows
from mexc_tui.store.sqlite.tables.pair_rows import PairRows
from mexc_tui.store.sqlite.tables.rows import StoreRows
from mexc_tui.store.sqlite.tables.signal_rows import SignalRows
from mexc_tui.store.sqlite.tables.trading_rows import TradingRows
from mexc_tui.store.sqlite.tables.verdict_rows import VerdictRows
from mexc_tui.store.sqlite.tables.watch_rows import AlertRows, PassRows, SettingRows


class ReadTransaction:
    """Consistent snapshot of all tables. Synchronous: runs in a reader thread."""

    def __init__(self, rows: StoreRows) -> None:
        self.rows = rows
        self.journal = Journal(rows)
        self.pairs = PairRows(rows)
        self.listings = ListingRows(rows)
        self.outcomes = OutcomeRows(rows)
        self.signals = SignalRows(rows)
        self.alerts = AlertRows(rows)
        self.notifications = NotificationRows(rows)
        self.passes = PassRows(rows)
        self.settings = SettingRows(rows)
        self.cache = CacheRows(rows)

    def verdicts(self, label_version: str) -> VerdictRows:
        """Return the verdicts on past claims under one label version."""
        return VerdictRows(self.rows, label_version)

    def trading(self, scope: str) -> TradingRows:
        """Return the ledger of one scope: account and exchange session."""
        return TradingRows(self.rows, scope)

    def newest_scope(self) -> str:
        """Return the last reconciled scope; empty without one."""
        row = self.rows.one("SELECT scope FROM reconciliations ORDER BY number DESC LIMIT 1")
        return "" if row is None else str(row[0])

    def scopes(self) -> list[str]:
        """Return the scopes with a ledger, in alphabetical order."""
        return [str(row[0]) for row in self.rows.all("SELECT DISTINCT scope FROM balances ORDER BY scope")]


class UnitOfWork(ReadTransaction):
    """A `ReadTransaction` that may also write. Facts are stored with the changes, or not at all.

    A work function may run twice (if another unit of its group fails), so it must access nothing but this
    object, and must not keep a reference to it.
    """

    def __init__(self, rows: StoreRows, journal: JournalWriter) -> None:
        super().__init__(rows)
        self._writer = journal

    def record(self, event: AnyEvent) -> int:
        """Append a fact to the journal; return its number. It is published after the commit."""
        return self._writer.append(event)
