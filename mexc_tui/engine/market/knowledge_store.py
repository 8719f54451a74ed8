"""What the engine knows: folded in memory, stored with its facts in one unit of work, loaded from there.

Every change is folded without waiting and handed to the store in the same step, so facts are stored in the
order in which they were learned. If the store fails, memory is behind a lie: it is loaded anew.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from mexc_tui.detection.calibration import CalibrationHistory, CaseKey, Tally
from mexc_tui.detection.outcomes import outcome_of_ended_session
from mexc_tui.detection.passing import Stand, standing_after
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.market.outcome_labels import keep_outcome, label_version
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.listings import Update
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
TRADES = 50
"""So many trades of a pair are kept one by one; the tape keeps them by the second."""
RECENT = 200
"""Newest listings checked for a missing label after an exchange session has ended."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    listings: list[Listing]
    pairs: list[Symbol]
    standing: list[Signal]
    history: CalibrationHistory
    outcomes: dict[str, ListingOutcome]


@dataclass(slots=True)
class PairHistory:
    """What streams showed of one pair since this engine began."""

    tape: Tape = field(default_factory=Tape)
    liquidity: Liquidity | None = None
    lost_since_ms: int | None = 0
    """Trades have been missing since then; None: none are missing. Before the first one, all are."""
    heard_ms: int | None = None
    """When any message about it came last, exchange's time."""
    quote: BestQuote | None = None
    quoted_ms: int = 0
    deep: TopLevels | None = None
    """More levels, while a face shows it; None: not heard since its stream began or broke off."""
    deep_ms: int = 0
    trades: deque[StreamDeal] = field(default_factory=lambda: deque[StreamDeal](maxlen=TRADES))
    """The newest ones, oldest first."""
    earlier: tuple[PublicTrade, ...] = ()
    """From before its stream, newest first, asked for when a face began to show it."""


class KnowledgeStore:
    """The one place where knowledge changes."""

    def __init__(self, books: Store, detection: Callable[[], DetectionSettings], since_ms: int = 0) -> None:
        """Start empty; call `load` first. Data before `since_ms` is of an earlier session: history only."""
        self._books = books
        self._since_ms = since_ms
        self._detection = detection
        self.knowledge = Knowledge()
        self.signals: dict[SignalKey, Signal] = {}
        """What stands."""
        self.history = CalibrationHistory()
        self.outcomes: dict[str, ListingOutcome] = {}
        """By listing, of those that are in memory."""
        self.seen: dict[str, PairHistory] = {}
        """By pair."""
        self.changed: list[Callable[[], None]] = []
        """Who is told, at once, that a listing changed."""
        self._is_sound = False
        self._writes = 0
        self._in_flight = 0

    @property
    def standing(self) -> dict[SignalKey, Stand]:
        """Return what stands, as a pass of detection wants it."""
        return {key: Stand(signal.state, signal.at_ms) for key, signal in self.signals.items()}

    async def load(self) -> None:
        """Take everything from the store, unless memory and store agree already. Raises StorageError."""
        if self._is_sound:
            return
        try:
            await self._load()
        except StorageDamaged as error:  # exits need none of it
            log.error("what was known cannot be loaded, so it is learned anew: %s", error)
        self._is_sound = True

    async def _load(self) -> None:
        settings, since_ms = self._detection(), self._since_ms
        version = label_version(settings)
        if since_ms:
            await self.write(
                "close an earlier session", lambda unit: _close_session(unit, since_ms, settings)
            )
        found = await self._read_whole(lambda stored: _load(stored, version, since_ms))
        self.knowledge = Knowledge(found.listings, found.pairs)
        keys = standing_after(found.standing)
        self.signals = {signal.key: signal for signal in found.standing if signal.key in keys}
        self.history, self.outcomes = found.history, found.outcomes

    async def _read_whole(self, work: Callable[[Stored], _Loaded]) -> _Loaded:
        """Read until nothing is written meanwhile: what is learned during a reading must not be forgotten."""
        while True:
            writes = self._writes
            found = await self._books.read("load what is known", work)
            if not self._in_flight and writes == self._writes:
                return found
            await asyncio.sleep(RELOAD_PAUSE_S)

    async def reload_history(self) -> None:
        """Take up what outcomes have taught. Raises StorageError."""
        version = label_version(self._detection())
        self.history = await self._books.read("load history", lambda stored: _history(stored, version))

    async def keep(self, updates: Sequence[Update], now_ms: int, pairs: Sequence[PairChange] = ()) -> None:
        """Store what was just folded, with its facts. Raises StorageError; then memory is loaded anew."""
        if not updates and not pairs:
            return
        settings = self._detection()
        newest = [self._newest(update.after) for update in updates]

        def work(unit: UnitOfWork) -> None:
            if pairs:
                new = [change.after for change in pairs if change.after is not None]
                unit.pairs.save(new, [one.symbol for one in pairs if one.after is None], now_ms)
            for listing, update in zip(newest, updates, strict=True):
                stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)
                unit.listings.save(listing, stage, update.absorbed)
                for fact in facts_of(update):
                    unit.record(fact)

        await self.write("keep what was seen", work)
        if updates:
            for tell in self.changed:
                tell()

    def _newest(self, listing: Listing) -> Listing:
        """Return it as it is now: somebody else may have learned more of it before it was handed over."""
        listings = self.knowledge.listings
        absorber = (one for one in listings if listing.id in one.also_ids)
        return listings.get(listing.id) or next(absorber, listing)

    async def write(self, name: str, work: Callable[[UnitOfWork], None]) -> None:
        """Store something that memory holds already. Raises StorageError."""
        self._writes += 1
        self._in_flight += 1
        try:
            await self._books.write(name, work, durability=Durability.NORMAL)
        except BaseException:
            self._is_sound = False
            raise
        finally:
            self._in_flight -= 1

    def live(self, now_ms: int) -> tuple[Listing, ...]:
        """Return the listings of which something is expected: for an hour, or longer if settings say so."""
        settings = self._detection()
        return self.knowledge.live(
            now_ms, max(MATURITY_MS, settings.maturity_ms), max(API_GRACE_MS, settings.api_grace_ms)
        )

    def liquidity(self) -> dict[str, Liquidity]:
        """Return what lies in the books that are streamed, by pair."""
        return {name: seen.liquidity for name, seen in self.seen.items() if seen.liquidity is not None}


def facts_of(update: Update) -> Iterable[Event]:
    """Yield what the journal says of one update: what was seen, then what that changed."""
    listing = update.after
    seen = (
        ListingSeen(at_ms=one.at_ms, about=listing.symbol, listing_id=listing.id, sighting=one)
        for one in update.seen
    )
    changed = (
        ListingChanged(at_ms=one.at_ms, about=listing.symbol, listing_id=listing.id, change=one)
        for one in update.changes
    )
    return chain(seen, changed)


def _close_session(unit: UnitOfWork, since_ms: int, settings: DetectionSettings) -> None:
    """End the signals of an earlier exchange session and label its listings."""
    for signal in unit.signals.standing():
        ended = SignalEnd(signal.key, signal.state, since_ms, "its practice session has ended")
        if signal.at_ms < since_ms and unit.signals.end(ended):
            unit.record(SignalEnded(at_ms=since_ms, about=signal.symbol, ended=ended))
    for alert in unit.alerts.open():
        if alert.last_ms < since_ms:
            unit.alerts.close(alert.alert.rule, alert.alert.about, since_ms)
    left = {one.id: one for one in unit.listings.unfinished() if one.first_seen_ms < since_ms}
    for listing in left.values():
        unit.listings.save(listing, listing.stage, is_over=True)
    # Some may have ended just before the engine did, and not been labelled.
    recent = {one.id: one for one in unit.listings.latest(RECENT) if one.first_seen_ms < since_ms}
    for listing in (left | recent).values():
        if unit.outcomes.newest(listing.id) is None:
            keep_outcome(unit, listing, outcome_of_ended_session(listing, since_ms, settings))


def _load(stored: Stored, version: str, since_ms: int) -> _Loaded:
    listings = [one for one in stored.listings.unfinished() if one.first_seen_ms >= since_ms]
    standing = stored.signals.standing()
    known = {listing.id for listing in listings}
    missing = {signal.key.subject for signal in standing} - known
    named = {signal.symbol for signal in standing if signal.key.subject in missing}
    over = [one for name in sorted(named) for one in stored.listings.named(name) if one.id in missing]
    recent = [
        one
        for one in stored.listings.latest()
        if one.id not in known and one.id not in missing and one.first_seen_ms >= since_ms
    ]
    held = {one.id: one for one in (*recent, *over, *listings)}
    outcomes = {key: found for key in held if (found := stored.outcomes.of(key, version)) is not None}
    return _Loaded(
        sorted(held.values(), key=lambda one: one.first_seen_ms),
        stored.pairs.all(since_ms),
        standing,
        _history(stored, version),
        outcomes,
    )


def _history(stored: Stored, version: str) -> CalibrationHistory:
    verdicts = stored.verdicts(version)
    cases = {
        CaseKey(one.detector, one.version, one.stratum): Tally(one.n, one.hits) for one in verdicts.tallies()
    }
    base = {kind: Tally(n, hits) for kind, (n, hits) in verdicts.base().items()}
    return CalibrationHistory(cases, base)
