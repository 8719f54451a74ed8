"""Rows of listings, signals, alerts and facts from the state of the engine: pure."""

import msgspec

from mexc_tui.model.event import Fact, encode
from mexc_tui.model.listing import Listing, ListingChange, ListingSource, ListingStage, Sighting
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.signal import Signal
from mexc_tui.model.storage import StoredAlert
from mexc_tui.model.symbol import Symbol
from mexc_tui.model.view import AlertRow, FactRow, ListingRow, SignalRow
from mexc_tui.model.why import ChangeRow, SourceDetail


def listing_row(
    listing: Listing,
    stage: ListingStage,
    outcome: ListingOutcome | None = None,
    *,
    price: float | None = None,
    trades: int = 0,
    pair: Symbol | None = None,
    received_ms: int | None = None,
) -> ListingRow:
    """Return the row of a listing; `price` and `trades` come from its tape if available, else from the store.

    `heard_ms`: time of the last price message, rounded to the second so that unchanged rows stay equal.
    """
    if outcome is not None and outcome.end is OutcomeEnd.SESSION_ENDED:
        stage = listing.stage  # final: time no longer changes it
    stream = listing.latest_from(ListingSource.STREAM)
    if price is None and stream is not None and stream.facts.price is not None:
        price = float(stream.facts.price)
    return ListingRow(
        id=listing.id,
        symbol=listing.symbol,
        names=listing.names,
        stage=stage.value,
        opens_ms=listing.opens_ms,
        opens_source=listing.opens_source or "",
        moves=listing.moves,
        triple=str(listing.triple) if listing.triple is not None else "",
        api_allowed=listing.api_allowed,
        opened_ms=listing.opened_ms,
        first_seen_ms=listing.first_seen_ms,
        first_source=listing.sightings[0].source.value if listing.sightings else "",
        sources=tuple(seen.source.value for seen in current_statements(listing) if seen.present),
        disagreements=tuple(map(str, listing.disagreements)),
        price=price,
        trades=trades or (outcome.trades if outcome is not None else 0),
        outcome=outcome.end.value if outcome is not None else "",
        price_decimals=None if pair is None else pair.price_precision,
        quantity_decimals=None if pair is None else pair.quantity_precision,
        priced_ms=None if received_ms is None else received_ms - received_ms % 1_000,
    )


def current_statements(listing: Listing) -> list[Sighting]:
    """Return the newest statement of each source, in the order of their first ones."""
    return list({seen.source: seen for seen in listing.sightings}.values())


def signal_row(signal: Signal, *, is_active: bool) -> SignalRow:
    """Return the row of a signal."""
    probability = signal.probability
    return SignalRow(
        detector=signal.key.detector.value,
        version=signal.version,
        listing_id=signal.key.subject,
        topic=signal.key.topic,
        state=signal.state,
        symbol=signal.symbol,
        at_ms=signal.at_ms,
        severity=signal.severity.value,
        claim=signal.claim.kind.value,
        due_ms=signal.claim.due_ms,
        probability=probability.value,
        low=probability.low,
        high=probability.high,
        n=probability.n,
        base_n=probability.base_n,
        text=str(probability),
        reasons=signal.reasons,
        config_hash=signal.config_hash,
        is_active=is_active,
    )


def fact_row(fact: Fact) -> FactRow:
    """Return the row of a fact with its whole event."""
    event = fact.event
    return FactRow(
        sequence=fact.sequence,
        at_ms=event.at_ms,
        kind=event.kind,
        version=event.version,
        about=event.about,
        body=msgspec.Raw(encode(event)),
    )


def source_row(listing: Listing, seen: Sighting) -> SourceDetail:
    """Return the current statement of a source about a listing, and since when it is unchanged."""
    facts, parts = seen.facts, list[str]()
    if facts.symbol != listing.symbol:
        parts.append(f"symbol {facts.symbol}")
    if facts.opens_ms is not None:
        parts.append(f"opens_ms {facts.opens_ms}")
    if facts.triple is not None:
        parts.append(f"state {facts.triple}")
    if facts.status is not None:
        parts.append(f"status {facts.status.name.lower()}")
    if facts.sides is not None:
        parts.append(f"sides {facts.sides.name.lower()}")
    if facts.api_allowed is not None:
        parts.append("API allowed" if facts.api_allowed else "API not allowed")
    if facts.market_orders is False:
        parts.append("no MARKET orders")
    if facts.price is not None:
        parts.append(f"price {facts.price:f}")
    if facts.note:
        parts.append(facts.note)
    return SourceDetail(
        source=seen.source.value, since_ms=seen.at_ms, present=seen.present, text=", ".join(parts)
    )


def change_row(change: ListingChange) -> ChangeRow:
    """Return the row of a change; times are milliseconds as text."""
    return ChangeRow(
        at_ms=change.at_ms,
        kind=change.kind.value,
        before=change.before,
        after=change.after,
        source=change.source.value if change.source is not None else "",
    )


def alert_row(stored: StoredAlert) -> AlertRow:
    """Return the row of an alert."""
    alert = stored.alert
    return AlertRow(
        rule=alert.rule,
        about=alert.about,
        severity=alert.severity.value,
        text=alert.text,
        first_ms=stored.first_ms,
        last_ms=stored.last_ms,
        times=stored.times,
        closed_ms=stored.closed_ms,
    )
