"""In-memory state of pairs, listings and signals, persisted together with its events.

A change is applied in memory and passed to the store without an await in between, so events are stored in
the order of the changes. If a write fails, memory may differ from disk and is reloaded before use.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from mexc_tui.detection.calibration import CalibrationHistory, CaseKey, Tally
from mexc_tui.detection.detection_pass import ActiveState, active_after
from mexc_tui.detection.outcomes import outcome_of_ended_session
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.market.outcome_labels import label_version, save_outcome
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.listings import ListingUpdate
from mexc_tui.market.symbols import PairChange
from mexc_tui.market.tape import Liquidity, Tape
from mexc_tui.model.event import Event, ListingChanged, ListingSeen, SignalEnded
from mexc_tui.model.listing import API_GRACE_MS, MATURITY_MS, Listing
from mexc_tui.model.market_data import PublicTrade
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.signal import Signal, SignalEnd, SignalKey
from mexc_tui.model.storage import Durability, StorageDamaged
from mexc_tui.model.stream import BestQuote, StreamDeal, TopLevels
from mexc_tui.model.symbol import Symbol
from mexc_tui.ports.store import Store, Stored, UnitOfWork

log = logging.getLogger(__name__)

RELOAD_PAUSE_S = 0.05
MAX_TRADES = 50
"""Single trades in memory per pair; the tape has bars of one second."""
RECENT = 200
"""Newest listings checked for a missing outcome when an exchange session has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Loaded:
    listings: list[Listing]
    pairs: list[Symbol]
    active: list[Signal]
    history: CalibrationHistory
    outcomes: dict[str, ListingOutcome]


@dataclass(slots=True, kw_only=True)
class PairHistory:
    """Streamed market data of one pair since the start of the engine."""

    tape: Tape = field(default_factory=Tape)
    liquidity: Liquidity | None = None
    gap_since_ms: int | None = 0
    """Start of the current gap in the trades; None: no gap. 0 before the first subscription."""
    updated_ms: int | None = None
    """When the newest message was received, or sent if it was late; exchange time."""
    quote: BestQuote | None = None
    quoted_ms: int = 0
    deep_levels: TopLevels | None = None
    """Deep order book, while a front end displays the pair; None: no message since its stream began."""
    deep_levels_ms: int = 0
    trades: deque[StreamDeal] = field(default_factory=lambda: deque[StreamDeal](maxlen=MAX_TRADES))
    """Newest trades, oldest first."""
    earlier_trades: tuple[PublicTrade, ...] = ()
    """Trades before its stream, newest first, queried when a front end first displays the pair."""

    @property
    def priced_ms(self) -> int | None:
        """Return when bid and ask were last known to be true; without them, when the last message was."""
        return max(self.quoted_ms, self.deep_levels_ms) or self.updated_ms

    def record(self, as_of_ms: int) -> None:
        """Record a message: a late one does not make the data older."""
        self.updated_ms = max(self.updated_ms or 0, as_of_ms)


class KnowledgeStore:
    """Owner of the market knowledge, in memory and in the store."""

    def __init__(self, store: Store, detection: Callable[[], DetectionSettings], since_ms: int = 0) -> None:
        """Start empty; call `load` first. Rows before `since_ms` belong to an earlier exchange session."""
        self._store = store
        self._since_ms = since_ms
        self._detection = detection
        self.knowledge = Knowledge()
        self.signals: dict[SignalKey, Signal] = {}
        """Active signals."""
        self.history = CalibrationHistory()
        self.outcomes: dict[str, ListingOutcome] = {}
        """Outcome by listing id, for listings in memory."""
        self.histories: dict[str, PairHistory] = {}
        """Streamed market data by symbol."""
        self._listeners: list[Callable[[], None]] = []
        self._is_current = False
        self._writes = 0
        self._in_flight = 0

    @property
    def active_states(self) -> dict[SignalKey, ActiveState]:
        """Return the active signals in the form that a detection pass takes."""
        return {key: ActiveState(signal.state, signal.at_ms) for key, signal in self.signals.items()}

    def on_change(self, listener: Callable[[], None]) -> None:
        """Register a callback for changes of listings; it is called synchronously."""
        self._listeners.append(listener)

    async def load(self) -> None:
        """Load everything from the store, unless memory matches it already. Raises StorageError."""
        if self._is_current:
            return
        try:
            await self._load()
        except StorageDamaged as error:  # exits do not depend on it
            log.error("market knowledge could not be loaded and starts empty: %s", error)
        self._is_current = True

    async def _load(self) -> None:
        settings, since_ms = self._detection(), self._since_ms
        version = label_version(settings)
        if since_ms:
            await self.write("close earlier session", lambda unit: _close_session(unit, since_ms, settings))
        found = await self._read_whole(lambda stored: _load(stored, version, since_ms))
        self.knowledge = Knowledge(found.listings, found.pairs)
        keys = active_after(found.active)
        self.signals = {signal.key: signal for signal in found.active if signal.key in keys}
        self.history, self.outcomes = found.history, found.outcomes

    async def _read_whole(self, work: Callable[[Stored], _Loaded]) -> _Loaded:
        """Read again until no write overlapped, so that no concurrent change is lost."""
        while True:
            writes = self._writes
            found = await self._store.read("load market knowledge", work)
            if not self._in_flight and writes == self._writes:
                return found
            await asyncio.sleep(RELOAD_PAUSE_S)

    async def reload_history(self) -> None:
        """Reload the calibration history after new outcomes. Raises StorageError."""
        version = label_version(self._detection())
        self.history = await self._store.read("load history", lambda stored: _history(stored, version))

    async def save(
        self, updates: Sequence[ListingUpdate], now_ms: int, pairs: Sequence[PairChange] = ()
    ) -> None:
        """Store changes just applied in memory, with their events.

        Raises StorageError; the next `load` then reloads memory.
        """
        if not updates and not pairs:
            return
        settings = self._detection()
        newest = [self._newest(update.after) for update in updates]

        def work(unit: UnitOfWork) -> None:
            if pairs:
                new = [change.after for change in pairs if change.after is not None]
                unit.pairs.save(new, [change.symbol for change in pairs if change.after is None], now_ms)
            for listing, update in zip(newest, updates, strict=True):
                stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)
                unit.listings.save(listing, stage, update.absorbed)
                for fact in facts_of(update):
                    unit.record(fact)

        await self.write("save market knowledge", work)
        if updates:
            for listener in self._listeners:
                listener()

    def _newest(self, listing: Listing) -> Listing:
        """Return the current version of a listing, which may have changed or been merged meanwhile."""
        listings = self.knowledge.listings
        absorber = (candidate for candidate in listings if listing.id in candidate.also_ids)
        return listings.get(listing.id) or next(absorber, listing)

    async def write(self, name: str, work: Callable[[UnitOfWork], None]) -> None:
        """Store a change already applied in memory. Raises StorageError."""
        self._writes += 1
        self._in_flight += 1
        try:
            await self._store.write(name, work, durability=Durability.NORMAL)
        except BaseException:
            self._is_current = False
            raise
        finally:
            self._in_flight -= 1

    def live(self, now_ms: int) -> tuple[Listing, ...]:
        """Return listings with events still expected: for an hour, or longer if the settings say so."""
        settings = self._detection()
        return self.knowledge.live(
            now_ms, max(MATURITY_MS, settings.maturity_ms), max(API_GRACE_MS, settings.api_grace_ms)
        )

    def liquidity(self) -> dict[str, Liquidity]:
        """Return the liquidity of each streamed order book, by symbol."""
        return {name: seen.liquidity for name, seen in self.histories.items() if seen.liquidity is not None}


def facts_of(update: ListingUpdate) -> Iterable[Event]:
    """Yield the journal events of one update: sightings first, then changes."""
    listing = update.after
    seen = (
        ListingSeen(at_ms=sighting.at_ms, about=listing.symbol, listing_id=listing.id, sighting=sighting)
        for sighting in update.seen
    )
    changed = (
        ListingChanged(at_ms=change.at_ms, about=listing.symbol, listing_id=listing.id, change=change)
        for change in update.changes
    )
    return chain(seen, changed)


def _close_session(unit: UnitOfWork, since_ms: int, settings: DetectionSettings) -> None:
    """End signals and alerts of an earlier exchange session and label its listings."""
    for signal in unit.signals.active():
        ended = SignalEnd(
            key=signal.key, state=signal.state, at_ms=since_ms, reason="its practice session has ended"
        )
        if signal.at_ms < since_ms and unit.signals.end(ended):
            unit.record(SignalEnded(at_ms=since_ms, about=signal.symbol, ended=ended))
    for alert in unit.alerts.open():
        if alert.last_ms < since_ms:
            unit.alerts.close(alert.alert.rule, alert.alert.about, since_ms)
    left = {listing.id: listing for listing in unit.listings.unfinished() if listing.first_seen_ms < since_ms}
    for listing in left.values():
        unit.listings.save(listing, listing.stage, is_over=True)
    # Listings that ended just before the engine stopped may have no outcome yet.
    recent = {
        listing.id: listing for listing in unit.listings.latest(RECENT) if listing.first_seen_ms < since_ms
    }
    for listing in (left | recent).values():
        if unit.outcomes.newest(listing.id) is None:
            save_outcome(unit, listing, outcome_of_ended_session(listing, since_ms, settings))


def _load(stored: Stored, version: str, since_ms: int) -> _Loaded:
    listings = [listing for listing in stored.listings.unfinished() if listing.first_seen_ms >= since_ms]
    active = stored.signals.active()
    known = {listing.id for listing in listings}
    missing = {signal.key.subject for signal in active} - known
    named = {signal.symbol for signal in active if signal.key.subject in missing}
    over = [
        listing for name in sorted(named) for listing in stored.listings.named(name) if listing.id in missing
    ]
    recent = [
        listing
        for listing in stored.listings.latest()
        if listing.id not in known and listing.id not in missing and listing.first_seen_ms >= since_ms
    ]
    held = {listing.id: listing for listing in (*recent, *over, *listings)}
    outcomes = {key: found for key in held if (found := stored.outcomes.of(key, version)) is not None}
    return _Loaded(
        listings=sorted(held.values(), key=lambda listing: listing.first_seen_ms),
        pairs=stored.pairs.all(since_ms),
        active=active,
        history=_history(stored, version),
        outcomes=outcomes,
    )


def _history(stored: Stored, version: str) -> CalibrationHistory:
    verdicts = stored.verdicts(version)
    cases = {
        CaseKey(tally.detector, tally.version, tally.stratum): Tally(tally.n, tally.hits)
        for tally in verdicts.tallies()
    }
    base = {kind: Tally(n, hits) for kind, (n, hits) in verdicts.base().items()}
    return CalibrationHistory(cases, base)
