"""Tables of verdicts on past claims, with running counts per case."""

from mexc_tui.model.signal import ClaimKind, DetectorName
from mexc_tui.model.storage import CaseTally
from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, integer

_INSERT = """
    INSERT OR IGNORE INTO verdicts (label_version, detector, version, stratum, listing_id, hit)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_TALLY = """
    SELECT detector, version, stratum, n, hits FROM tallies
    WHERE label_version = ? AND detector = ? AND version = ? AND stratum = ?
"""
_TALLIES = """
    SELECT detector, version, stratum, n, hits FROM tallies
    WHERE label_version = ? AND detector > '' ORDER BY detector, version, stratum
"""
_BASE = """
    SELECT stratum, n, hits FROM tallies WHERE label_version = ? AND detector = '' AND version = 0
"""


class VerdictRows:
    """Verdicts under one label version."""

    def __init__(self, rows: StoreRows, label_version: str) -> None:
        self._rows = rows
        self._label_version = label_version

    def add(self, detector: DetectorName, version: int, stratum: str, *, listing_id: str, hit: bool) -> None:
        """Count a listing once per case. The first verdict is kept."""
        self._rows.run(_INSERT, self._label_version, detector.value, version, stratum, listing_id, int(hit))

    def add_base(self, claim: ClaimKind, listing_id: str, *, hit: bool) -> None:
        """Count a listing, with or without a signal, by whether a claim of this kind is true for it."""
        self._rows.run(_INSERT, self._label_version, "", 0, claim.value, listing_id, int(hit))

    def forget(self, listing_id: str) -> None:
        """Delete all verdicts on a listing, so that it can be labelled again."""
        sql = "DELETE FROM verdicts WHERE listing_id = ? AND label_version = ?"
        self._rows.run(sql, listing_id, self._label_version)

    def tally(self, detector: DetectorName, version: int, stratum: str) -> CaseTally:
        """Return the counts of one case; zero without verdicts."""
        row = self._rows.one(_TALLY, self._label_version, detector.value, version, stratum)
        return (
            CaseTally(detector=detector, version=version, stratum=stratum, n=0, hits=0)
            if row is None
            else _tally(row)
        )

    def tallies(self) -> list[CaseTally]:
        """Return the counts of all cases."""
        rows = self._rows.all(_TALLIES, self._label_version)
        return list(self._rows.damage.readable("tally", rows, _tally))

    def base(self) -> dict[ClaimKind, tuple[int, int]]:
        """Return per claim kind the number of listings, and for how many the claim was true."""
        rows = self._rows.all(_BASE, self._label_version)
        return dict(self._rows.damage.readable("tally of a claim", rows, _base))


def _base(row: Row) -> tuple[ClaimKind, tuple[int, int]]:
    kind, n, hits = row
    return ClaimKind(str(kind)), (integer(n), integer(hits))


def _tally(row: Row) -> CaseTally:
    detector, version, stratum, n, hits = row
    return CaseTally(
        detector=DetectorName(str(detector)),
        version=integer(version),
        stratum=str(stratum),
        n=integer(n),
        hits=integer(hits),
    )
