"""What one piece of work may read and change: repositories over one connection, all-or-nothing."""

from mexc_tui.model.event import AnyEvent
from mexc_tui.store.cache_rows import CacheRows
from mexc_tui.store.journal import Journal, JournalWriter
from mexc_tui.store.listing_rows import ListingRows, OutcomeRows
from mexc_tui.store.pair_rows import PairRows
from mexc_tui.store.rows import StoreRows
from mexc_tui.store.signal_rows import SignalRows
from mexc_tui.store.trading_rows import TradingRows
from mexc_tui.store.verdict_rows import VerdictRows
from mexc_tui.store.watch_rows import AlertRows, PassRows, SettingRows


class ReadTransaction:
    """Everything that is stored, as of one instant. Synchronous: it runs beside the event loop."""

    def __init__(self, rows: StoreRows) -> None:
        self.rows = rows
        self.journal = Journal(rows)
        self.pairs = PairRows(rows)
        self.listings = ListingRows(rows)
        self.outcomes = OutcomeRows(rows)
        self.signals = SignalRows(rows)
        self.alerts = AlertRows(rows)
        self.passes = PassRows(rows)
        self.settings = SettingRows(rows)
        self.cache = CacheRows(rows)

    def verdicts(self, label_version: str) -> VerdictRows:
        """Return what came true of past claims, by one version of the label rule."""
        return VerdictRows(self.rows, label_version)

    def trading(self, scope: str) -> TradingRows:
        """Return the ledger of one scope: account and exchange session."""
        return TradingRows(self.rows, scope)

    def newest_scope(self) -> str:
        """Return the scope whose books were compared last; empty: none ever were."""
        row = self.rows.one("SELECT scope FROM reconciliations ORDER BY number DESC LIMIT 1")
        return "" if row is None else str(row[0])


class UnitOfWork(ReadTransaction):
    """A `Reading` that may change things. A fact recorded here is stored with the change or not at all.

    The function that gets it may run twice (its neighbours in a group can fail for good), so it keeps its
    hands off everything but this object, and it must not keep it.
    """

    def __init__(self, rows: StoreRows, journal: JournalWriter) -> None:
        super().__init__(rows)
        self._writer = journal

    def record(self, event: AnyEvent) -> int:
        """Append one fact to the journal; return its number. Subscribers get it after the commit."""
        return self._writer.append(event)
