"""Queries of stored data, with or without a running engine. Synchronous."""

from collections.abc import Mapping, Sequence

from mexc_tui.detection.detection_pass import DETECTORS
from mexc_tui.detection.detector import UNKNOWN, Detector, DetectorInput
from mexc_tui.detection.detectors.cluster import groups
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.detection.silence import unmet_condition
from mexc_tui.engine.market.outcome_labels import signals_of
from mexc_tui.engine.views.listing_rows import (
    alert_row,
    change_row,
    current_statements,
    fact_row,
    listing_row,
    signal_row,
    source_row,
)
from mexc_tui.engine.views.trading_rows import offline_context, snipe_row
from mexc_tui.market.tape import Liquidity
from mexc_tui.model.listing import Listing
from mexc_tui.model.pair_names import resolve, typed_name
from mexc_tui.model.signal import Signal, SignalKey
from mexc_tui.model.view import AlertRow, FactRow, ListingRow, SignalRow
from mexc_tui.model.why import DetectorDetail, ListingStory, SnipeDetail, WhyRow
from mexc_tui.ports.store import Stored

STORIES = 3
"""Maximum of listings of one name, newest first."""
CHANGES = 60
SAID = 8
"""Maximum of signals of one detector about one listing."""
SIGNALS = 200
OFFLINE_CONTEXT = offline_context("engine not running: stored data only")


def listings(
    stored: Stored, now_ms: int, settings: DetectionSettings, *, before_ms: int, before_id: str, limit: int
) -> list[ListingRow]:
    """Return every listing below a number, newest first."""
    page = stored.listings.page(before_ms, before_id, limit)
    return [_row(stored, listing, now_ms, settings=settings) for listing in page]


def signals(stored: Stored, before: int, limit: int, *, symbol: str) -> tuple[list[SignalRow], int | None]:
    """Return signals below a number, newest first, and the number of the next page; None: last page.

    Raises AmbiguousName.
    """
    if symbol:
        symbol = (
            resolve(symbol, lambda candidate: bool(stored.signals.page(limit=1, symbol=candidate))) or symbol
        )
    page = stored.signals.page(before, limit, symbol)
    rows = [signal_row(signal, is_active=is_active) for _, signal, is_active in page]
    return rows, page[-1][0] if len(page) == limit else None


def alerts(stored: Stored, limit: int, *, closed: bool) -> list[AlertRow]:
    """Return the open alerts, or with `closed` all alerts, newest first."""
    found = stored.alerts.latest(limit) if closed else stored.alerts.open()
    return [alert_row(alert) for alert in sorted(found, key=lambda alert: -alert.last_ms)[:limit]]


def journal(
    stored: Stored, before: int, limit: int, *, about: str, kind: str, since_ms: int
) -> tuple[FactRow, ...]:
    """Return the newest matching facts below a number, newest first. Raises AmbiguousName.

    Without facts about `about` itself, use the symbol that it refers to.
    """
    if about and not stored.journal.page(limit=1, about=about):
        name = typed_name(about)
        about = resolve(name, lambda candidate: bool(stored.journal.page(limit=1, about=candidate))) or about
    facts = stored.journal.page(before, limit, about=about, kind=kind, since_ms=since_ms)
    return tuple(map(fact_row, facts))


def why(
    stored: Stored,
    symbol: str,
    now_ms: int,
    *,
    settings: DetectionSettings,
    liquidity: Mapping[str, Liquidity] | None = None,
) -> WhyRow:
    """Return the stored history of all listings of this name, with signals and snipes.

    `liquidity`: of current order books, by symbol; only from a running engine. Raises AmbiguousName.
    """
    symbol = resolve(symbol, lambda candidate: _is_stored(stored, candidate)) or symbol
    together = groups(stored.listings.unfinished(), settings.cluster_window_ms)
    active = {signal.key: signal.at_ms for signal in stored.signals.active()}
    stories: list[ListingStory] = []
    for listing in stored.listings.named(symbol)[:STORIES]:
        stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)
        book = (liquidity or {}).get(listing.symbol)
        data = DetectorInput(
            listing, now_ms, stage, stage.is_over, settings, book, together.get(listing.id, ())
        )
        own_signals = signals_of(stored, listing, SIGNALS)
        stories.append(
            ListingStory(
                listing=_row(stored, listing, now_ms, settings=settings),
                sources=tuple(source_row(listing, seen) for seen in current_statements(listing)),
                changes=tuple(map(change_row, listing.changes[-CHANGES:])),
                detectors=_detectors(data, own_signals, active),
            )
        )
    return WhyRow(symbol=symbol, at_ms=now_ms, listings=tuple(stories), snipes=_snipes(stored, symbol))


def _snipes(stored: Stored, symbol: str) -> tuple[SnipeDetail, ...]:
    """Return the newest snipes of a symbol, with the verdicts of the validators."""
    tables = stored.trading(stored.newest_scope())
    found = tables.snipes.of_symbol(symbol, STORIES)
    return tuple(
        SnipeDetail(snipe=snipe_row(snipe, OFFLINE_CONTEXT), verdicts=snipe.verdicts, plan=snipe.plan)
        for snipe in found
    )


def _is_stored(stored: Stored, symbol: str) -> bool:
    """Return whether a symbol was ever listed or bought."""
    tables = stored.trading(stored.newest_scope())
    return bool(stored.listings.named(symbol) or tables.snipes.of_symbol(symbol, 1))


def _detectors(
    data: DetectorInput, own_signals: Sequence[Signal], active: dict[SignalKey, int]
) -> tuple[DetectorDetail, ...]:
    return tuple(_detector(data, own_signals, active, detector=detector) for detector in DETECTORS)


def _detector(
    data: DetectorInput, own_signals: Sequence[Signal], active: dict[SignalKey, int], *, detector: Detector
) -> DetectorDetail:
    own = [signal for signal in own_signals if signal.key.detector is detector.name]
    is_active = [active.get(signal.key) == signal.at_ms for signal in own]
    rows = tuple(signal_row(signal, is_active=on) for signal, on in zip(own, is_active, strict=True))
    inputs = tuple(f"{item.name} {item.value}" for item in own[0].inputs) if own else ()
    return DetectorDetail(
        detector=detector.name.value,
        version=detector.version,
        inputs=inputs,
        signals=rows[:SAID],
        why_not="" if any(is_active) else _why_not(data, detector),
    )


def _why_not(data: DetectorInput, detector: Detector) -> str:
    found = [finding.topic for finding in detector.find(data) if finding.state != UNKNOWN]
    if found:
        return f"condition met now ({', '.join(found)}); signal at the next pass"
    return unmet_condition(detector.name, data)


def _row(stored: Stored, listing: Listing, now_ms: int, *, settings: DetectionSettings) -> ListingRow:
    stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)
    return listing_row(listing, stage, stored.outcomes.newest(listing.id))
