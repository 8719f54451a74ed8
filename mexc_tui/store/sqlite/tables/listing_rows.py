"""Tables of listings, their sightings, changes and outcomes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from mexc_tui.model.listing import Listing, ListingChange, ListingStage, Sighting
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.store.sqlite.tables.bodies import Body
from mexc_tui.store.sqlite.tables.rows import Row, StoreRows, Value

_listing = Body(Listing, "listing")
_sighting = Body(Sighting, "sighting")
_change = Body(ListingChange, "listing change")
_outcome = Body(ListingOutcome, "listing outcome")

_UPSERT = """
    INSERT INTO listings (id, symbol, first_seen_ms, opens_ms, stage, is_over, body)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET symbol = excluded.symbol, first_seen_ms = excluded.first_seen_ms,
        opens_ms = excluded.opens_ms, stage = excluded.stage, is_over = excluded.is_over, body = excluded.body
"""
_LISTINGS = "SELECT id, body FROM listings "
_UPSERT_OUTCOME = """
    INSERT INTO listing_outcomes (listing_id, label_version, symbol, labelled_ms, body) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (listing_id, label_version) DO UPDATE
    SET symbol = excluded.symbol, labelled_ms = excluded.labelled_ms, body = excluded.body
"""


@dataclass(frozen=True, slots=True)
class _HistoryTable:
    """SQL statements of a history table with one part of a listing per row."""

    all: str
    insert: str
    cut: str


_SIGHTINGS = _HistoryTable(
    all="SELECT body FROM listing_sightings WHERE listing_id = ? ORDER BY place",
    insert="INSERT INTO listing_sightings (listing_id, place, at_ms, body) VALUES (?, ?, ?, ?)",
    cut="DELETE FROM listing_sightings WHERE listing_id = ? AND place >= ?",
)
_CHANGES = _HistoryTable(
    all="SELECT body FROM listing_changes WHERE listing_id = ? ORDER BY place",
    insert="INSERT INTO listing_changes (listing_id, place, at_ms, body) VALUES (?, ?, ?, ?)",
    cut="DELETE FROM listing_changes WHERE listing_id = ? AND place >= ?",
)


class ListingRows:
    """Every listing, including matured and cancelled ones."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def save(
        self,
        listing: Listing,
        stage: ListingStage,
        absorbed: Iterable[Listing] = (),
        *,
        is_over: bool | None = None,
    ) -> None:
        """Store a listing. `stage` is its current stage, including changes by elapsed time.

        `absorbed` are duplicates of it and are deleted. `is_over` overrides whether the listing is finished.
        """
        for duplicate in absorbed:
            self._rows.run("DELETE FROM listings WHERE id = ?", duplicate.id)
        head = msgspec.structs.replace(listing, sightings=(), changes=())
        self._rows.run(
            _UPSERT,
            listing.id,
            listing.symbol,
            listing.first_seen_ms,
            listing.opens_ms,
            stage.value,
            int(stage.is_over if is_over is None else is_over),
            _listing.write(head),
        )
        self._save_names(listing)
        sightings = [(seen.at_ms, _sighting.write(seen)) for seen in listing.sightings]
        changes = [(change.at_ms, _change.write(change)) for change in listing.changes]
        self._save_history(_SIGHTINGS, listing.id, sightings)
        self._save_history(_CHANGES, listing.id, changes)

    def get(self, listing_id: str) -> Listing | None:
        """Return one listing."""
        row = self._rows.one(_LISTINGS + "WHERE id = ?", listing_id)
        return None if row is None else next(self._rows.damage.readable("listing", (row,), self._whole), None)

    def named(self, name: str) -> list[Listing]:
        """Return the listings that ever had this name in a source, newest first."""
        sql = "WHERE id IN (SELECT listing_id FROM listing_names WHERE name = ?) ORDER BY first_seen_ms DESC"
        return self._many(_LISTINGS + sql, name)

    def unfinished(self) -> list[Listing]:
        """Return unfinished listings, earliest opening first, for a restart."""
        return self._many(_LISTINGS + "WHERE is_over = 0 ORDER BY opens_ms")

    def latest(self, limit: int = 1_000) -> list[Listing]:
        """Return the most recently detected listings, newest first."""
        return self._many(_LISTINGS + "ORDER BY first_seen_ms DESC LIMIT ?", limit)

    def page(self, before_ms: int = 2**62, before_id: str = "", limit: int = 200) -> list[Listing]:
        """Return the listings after the one with this first sighting and id, in the order of `latest`."""
        sql = "WHERE (first_seen_ms, id) < (?, ?) ORDER BY first_seen_ms DESC, id DESC LIMIT ?"
        return self._many(_LISTINGS + sql, before_ms, before_id, limit)

    def _save_names(self, listing: Listing) -> None:
        names = dict.fromkeys((listing.symbol, *listing.names))
        rows = [(name, listing.id) for name in names]
        self._rows.run_many("INSERT OR IGNORE INTO listing_names (name, listing_id) VALUES (?, ?)", rows)

    def _save_history(
        self, history: _HistoryTable, listing_id: str, parts: Sequence[tuple[int, bytes]]
    ) -> None:
        """Store new parts of a history. Stored parts change only when listings are merged."""
        stored = self._rows.all(history.all, listing_id)
        same = 0
        for (body,), (_, new) in zip(stored, parts, strict=False):
            if body != new:
                break
            same += 1
        if same < len(stored):
            self._rows.run(history.cut, listing_id, same)
        self._rows.run_many(
            history.insert, [(listing_id, same + n, *part) for n, part in enumerate(parts[same:])]
        )

    def _many(self, sql: str, *values: Value) -> list[Listing]:
        return list(self._rows.damage.readable("listing", self._rows.all(sql, *values), self._whole))

    def _whole(self, row: Row) -> Listing:
        sightings = self._rows.all(_SIGHTINGS.all, row[0])
        changes = self._rows.all(_CHANGES.all, row[0])
        readable = self._rows.damage.readable
        return msgspec.structs.replace(
            _listing.read(row[1]),
            sightings=tuple(readable("sighting", sightings, lambda one: _sighting.read(one[0]))),
            changes=tuple(readable("listing change", changes, lambda one: _change.read(one[0]))),
        )


class OutcomeRows:
    """Outcomes of listings, used to calibrate probabilities."""

    def __init__(self, rows: StoreRows) -> None:
        self._rows = rows

    def save(self, outcome: ListingOutcome) -> None:
        """Store an outcome, replacing one of the same listing and label version."""
        self._rows.run(
            _UPSERT_OUTCOME,
            outcome.listing_id,
            outcome.label_version,
            outcome.symbol,
            outcome.labelled_ms,
            _outcome.write(outcome),
        )

    def of(self, listing_id: str, label_version: str) -> ListingOutcome | None:
        """Return the outcome of one listing under a label version."""
        sql = "SELECT body FROM listing_outcomes WHERE listing_id = ? AND label_version = ?"
        return self._one(sql, listing_id, label_version)

    def newest(self, listing_id: str) -> ListingOutcome | None:
        """Return the newest outcome of one listing under any label version. For display only."""
        sql = "SELECT body FROM listing_outcomes WHERE listing_id = ? ORDER BY labelled_ms DESC LIMIT 1"
        return self._one(sql, listing_id)

    def latest(self, label_version: str, limit: int = 200, before_ms: int = 2**62) -> list[ListingOutcome]:
        """Return outcomes of one label version labelled before `before_ms`, newest first."""
        sql = """
            SELECT body FROM listing_outcomes WHERE label_version = ? AND labelled_ms < ?
            ORDER BY labelled_ms DESC LIMIT ?
        """
        return self._many(sql, label_version, before_ms, limit)

    def _one(self, sql: str, *values: Value) -> ListingOutcome | None:
        return next(iter(self._many(sql, *values)), None)

    def _many(self, sql: str, *values: Value) -> list[ListingOutcome]:
        rows = self._rows.all(sql, *values)
        return list(self._rows.damage.readable("outcome", rows, lambda row: _outcome.read(row[0])))
