"""History of a listing in order of time: first report of each source, then every change."""

from collections.abc import Iterator

from mexc_tui.model.listing import ChangeKind, Listing, ListingChange, ListingSource, ListingStage, Sighting
from mexc_tui.report.day import TimelineEntry
from mexc_tui.report.inputs import StoredDay


def listing_timeline(listing: Listing, day: StoredDay) -> tuple[TimelineEntry, ...]:
    """Return the lines, including changes by elapsed time (matured, never_api)."""
    changes = [change for change in listing.changes if not _is_in_first_report(change)]
    lines = [*_first_reports(listing), *map(_change, changes), *_changes_by_time(listing, day)]
    return tuple(sorted(lines, key=lambda line: line.at_ms))


def _first_reports(listing: Listing) -> Iterator[TimelineEntry]:
    reported: set[ListingSource] = set()
    for sighting in listing.sightings:
        if sighting.source not in reported:
            reported.add(sighting.source)
            yield TimelineEntry(
                at_ms=sighting.at_ms,
                source=sighting.source,
                kind=None,
                text=_first_report_text(sighting),
                opens_ms=sighting.facts.opens_ms,
            )


def _first_report_text(sighting: Sighting) -> str:
    facts = sighting.facts
    if not sighting.present:
        return f"does not list {facts.symbol}"
    parts = [f"lists {facts.symbol}"]
    match sighting.source:
        case ListingSource.STREAM:
            parts = ["first trade" if facts.traded_ms is not None else "first quote"]
            if facts.price is not None:
                parts.append(f"at {facts.price:f}")
        case ListingSource.EXCHANGE_INFO:
            parts.append("API enabled" if facts.api_allowed else "API disabled")
        case ListingSource.SYMBOLS_V2:
            parts.append(f"in state {facts.triple}")
        case ListingSource.ANNOUNCEMENT | ListingSource.MANUAL:
            parts += [f"“{facts.note}”"] if facts.note else []
        case _:
            pass
    return ", ".join(parts) if sighting.source is not ListingSource.STREAM else " ".join(parts)


def _is_in_first_report(change: ListingChange) -> bool:
    """Whether the first report of the source already shows the change."""
    return change.kind is ChangeKind.TRIPLE and not change.before


def _change(change: ListingChange) -> TimelineEntry:
    return TimelineEntry(
        at_ms=change.at_ms,
        source=change.source,
        kind=change.kind,
        text=_change_text(change),
        opens_ms=int(change.after) if change.kind is ChangeKind.MOVED else None,
    )


def _change_text(change: ListingChange) -> str:
    before, after = change.before or "unknown", change.after or "unknown"
    match change.kind:
        case ChangeKind.STAGE:
            return f"is {after} now" if not change.before else f"{before} → {after}"
        case ChangeKind.MOVED:
            by_s = (int(change.after) - int(change.before)) / 1_000
            return f"opening moved by {by_s:+.1f} s"
        case ChangeKind.RENAMED:
            return f"renamed from {before} to {after}"
        case ChangeKind.WITHDRAWN:
            return f"no longer lists {before}"
        case ChangeKind.RETURNED:
            return f"lists {after} again"
        case ChangeKind.API:
            return "API enabled" if change.after == "true" else "API disabled"
        case ChangeKind.STATUS | ChangeKind.SIDES | ChangeKind.TRIPLE | ChangeKind.AT_RISK:
            name = {ChangeKind.TRIPLE: "state", ChangeKind.AT_RISK: "at risk"}.get(change.kind, change.kind)
            return f"{name} {after}" if not change.before else f"{name} {before} → {after}"


def _changes_by_time(listing: Listing, day: StoredDay) -> Iterator[TimelineEntry]:
    stage = listing.stage_at(day.to_ms, day.maturity_ms, day.api_grace_ms)
    opening_ms = listing.opened_ms if listing.opened_ms is not None else listing.opens_ms
    if (
        opening_ms is None
        or stage not in (ListingStage.MATURED, ListingStage.NEVER_API)
        or stage is listing.stage
    ):
        return
    after_ms = day.maturity_ms if stage is ListingStage.MATURED else day.api_grace_ms
    yield TimelineEntry(
        at_ms=opening_ms + after_ms,
        source=None,
        kind=ChangeKind.STAGE,
        text=f"{listing.stage} → {stage}, by elapsed time",
    )
