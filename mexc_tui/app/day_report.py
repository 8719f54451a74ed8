"""Builds the report of a day from stored data."""

from collections.abc import Iterator
from dataclasses import replace

from mexc_tui.detection.settings import LabelRule
from mexc_tui.detection.verdicts import ClaimVerdict, judge
from mexc_tui.engine.accounting.equity_check import (
    EquityIdentity,
    all_positions,
    all_snipes,
    compute_identity,
)
from mexc_tui.model.event import EngineStarted, RecoveryReported, SnipeRefused
from mexc_tui.model.listing import Listing
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.report.day import DayReport
from mexc_tui.report.day_builder import report_of
from mexc_tui.report.inputs import DayInputs, EquityInputs, ReportSignal, StoredDay, TradingInputs
from mexc_tui.settings.declaration import text_of
from mexc_tui.settings.load import Loaded
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction

MAX_LISTINGS = 5_000
MAX_SIGNALS = 1_000
"""About one listing."""
MAX_PASSES = 100_000
MAX_ALERTS = 1_000
MAX_STARTS = 1_000
MAX_REFUSALS = 10_000
MAX_RUNS = 20_000
MS = 1_000
BEFORE_START_MS = 5_000
"""Margin for the clock offset and for listings detected during the start."""


def reported_day(loaded: Loaded, exchange_session: str, from_ms: int, *, to_ms: int) -> StoredDay:
    """Return the day to report, with the settings that apply to it."""
    settings = loaded.settings
    return StoredDay(
        mode=settings.mode.value,
        exchange_session=exchange_session,
        from_ms=from_ms,
        to_ms=to_ms,
        overrides=tuple((name, text_of(getattr(settings, name))) for name in sorted(loaded.overrides)),
        maturity_ms=settings.maturity_s * MS,
        api_grace_ms=settings.api_grace_s * MS,
    )


def stored_report(
    stored: ReadTransaction, loaded: Loaded, now_ms: int | None, *, since_ms: int | None
) -> DayReport:
    """Return the report of the last engine's day, up to `now_ms`; None: up to the newest event.

    Exchange session, start and maturity are read from the store; `since_ms` overrides the start.
    """
    day = _last_day(stored, loaded, now_ms, since_ms=since_ms)
    return report_of(day, day_inputs(stored, day))


def _last_day(
    stored: ReadTransaction, loaded: Loaded, now_ms: int | None, *, since_ms: int | None
) -> StoredDay:
    starts = [row.event for row in stored.journal.of_kind("engine_started", MAX_STARTS)]
    began = [event for event in starts if isinstance(event, EngineStarted)]
    last = began[-1] if began else EngineStarted(at_ms=0, about="", mode=loaded.settings.mode.value)
    same = [
        start.at_ms
        for start in began
        if last.exchange_session and start.exchange_session == last.exchange_session
    ]
    to_ms = now_ms or max((row.event.at_ms for row in stored.journal.latest(1)), default=last.at_ms)
    from_ms = min([last.at_ms, *same]) - BEFORE_START_MS if since_ms is None else since_ms
    day = reported_day(loaded, last.exchange_session, from_ms, to_ms=to_ms)
    labels = (stored.outcomes.newest(listing.id) for listing in stored.listings.latest(MAX_LISTINGS))
    newest = max(
        (outcome for outcome in labels if outcome), key=lambda outcome: outcome.labelled_ms, default=None
    )
    maturity = newest.label_version.rpartition(":")[2] if newest is not None else ""
    maturity_ms = int(maturity) if maturity.isdecimal() else day.maturity_ms
    return replace(day, mode=last.mode, maturity_ms=maturity_ms)


async def report_day(store: SqliteStore, day: StoredDay) -> DayReport:
    """Return the report of a day from the data committed so far. Raises StorageError."""
    return report_of(day, await store.read("day report", lambda stored: day_inputs(stored, day)))


def day_inputs(stored: ReadTransaction, day: StoredDay) -> DayInputs:
    """Return the stored data of a day."""
    label = f"{LabelRule().version}:{day.maturity_ms}"
    listings = [listing for listing in stored.listings.latest(MAX_LISTINGS) if _was_sighted(listing, day)]
    outcomes = {listing.id: _outcome(stored, listing, label) for listing in listings}
    signals = tuple(
        signal
        for listing in listings
        for signal in _signals(stored, listing, day, outcome=outcomes[listing.id])
    )
    return DayInputs(
        listings=tuple(listings),
        signals=signals,
        outcomes=tuple(outcome for outcome in outcomes.values() if outcome is not None),
        passes=tuple(
            detection_pass
            for detection_pass in stored.passes.latest(MAX_PASSES)
            if detection_pass.at_ms >= day.from_ms
        ),
        alerts=tuple(alert for alert in stored.alerts.latest(MAX_ALERTS) if alert.last_ms >= day.from_ms),
        trading=_trading(stored, day),
    )


def _trading(stored: ReadTransaction, day: StoredDay) -> TradingInputs | None:
    """Return the ledger that was reconciled last; None if it belongs to another session or is missing."""
    scope = stored.newest_scope()
    if not scope or (day.exchange_session and not scope.endswith(f"/{day.exchange_session}")):
        return None
    tables = stored.trading(scope)
    positions = tuple(all_positions(tables))
    snipes = tuple(all_snipes(tables))
    refusals = (row.event for row in stored.journal.of_kind("snipe_refused", MAX_REFUSALS))
    recovered = (row.event for row in stored.journal.of_kind("taken_up", MAX_STARTS))
    return TradingInputs(
        money=_money(compute_identity(tables, positions, {})),
        snipes=snipes,
        attempts=tuple(attempt for snipe in snipes for attempt in tables.attempts.of_snipe(snipe.id)),
        entry_orders=tuple(order for snipe in snipes for order in tables.orders.of_intent(snipe.id)),
        positions=positions,
        refusals=tuple(event for event in refusals if isinstance(event, SnipeRefused)),
        recoveries=tuple(event for event in recovered if isinstance(event, RecoveryReported)),
        runs=tuple(run for _, run in tables.reconciliations.page(limit=MAX_RUNS)),
    )


def _money(money: EquityIdentity) -> EquityInputs:
    return EquityInputs(
        start=money.start,
        flows=money.flows,
        realised=money.realised,
        unrealised=money.unrealised,
        equity=money.equity,
        fees=money.fees,
        gap=money.gap,
        at_cost=money.unpriced,
    )


def _outcome(stored: ReadTransaction, listing: Listing, label: str) -> ListingOutcome | None:
    return next(
        (found for listing_id in _ids(listing) if (found := stored.outcomes.of(listing_id, label))), None
    )


def _signals(
    stored: ReadTransaction, listing: Listing, day: StoredDay, *, outcome: ListingOutcome | None
) -> Iterator[ReportSignal]:
    for listing_id in _ids(listing):
        for signal in stored.signals.of_listing(listing_id, MAX_SIGNALS):
            if day.from_ms <= signal.at_ms <= day.to_ms:
                verdict = judge(signal, outcome) if outcome is not None else ClaimVerdict.CENSORED
                yield ReportSignal(signal, _is_hit(verdict))


def _ids(listing: Listing) -> tuple[str, ...]:
    return (listing.id, *listing.also_ids)


def _was_sighted(listing: Listing, day: StoredDay) -> bool:
    return any(day.from_ms <= sighting.at_ms <= day.to_ms for sighting in listing.sightings)


def _is_hit(verdict: ClaimVerdict) -> bool | None:
    return None if verdict is ClaimVerdict.CENSORED else verdict is ClaimVerdict.HIT
