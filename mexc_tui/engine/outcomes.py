"""What became of every listing, traded or not: labelled once known, and what it teaches is counted."""

import asyncio
from collections.abc import Callable, Iterable

from mexc_tui.detection.cluster import groups
from mexc_tui.detection.judging import Verdict, base_verdict, judge
from mexc_tui.detection.outcomes import outcome_of
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.known import Known, label_version
from mexc_tui.engine.outside import Market
from mexc_tui.engine.ports import Stored, Unit
from mexc_tui.engine.supervisor import Started
from mexc_tui.market.tape import Tape
from mexc_tui.model.event import ListingLabelled
from mexc_tui.model.listing import Listing
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.signal import ClaimKind, Signal

LOOK_EVERY_S = 5.0
SIGNALS_OF_ONE = 1_000


class Outcomes:
    """One worker."""

    def __init__(self, market: Market, known: Known, settings: Callable[[], DetectionSettings]) -> None:
        self._market = market
        self._known = known
        self._settings = settings

    async def run(self, started: Started) -> None:
        """Label what is decided, every few seconds."""
        await self._known.load()
        started()
        while True:
            await self.label()
            await asyncio.sleep(LOOK_EVERY_S)

    async def label(self) -> None:
        """Label every listing whose outcome is known now, and take up what that teaches."""
        now_ms, settings = self._market.now_ms(), self._settings()
        known = self._known
        together = groups(tuple(known.knowledge.listings), settings.cluster_window_ms)
        size = {one.id: len(group) for group in together.values() for one in group}
        labelled = 0
        for listing in tuple(known.knowledge.listings):
            if listing.id in known.outcomes:
                continue
            found = outcome_of(
                listing,
                self._tape_of(listing),
                now_ms,
                settings=settings,
                cluster_size=size.get(listing.id, 1),
            )
            if found is not None:
                known.outcomes[listing.id] = found
                await self._store(listing, found, now_ms, settings)
                labelled += 1
        if labelled:
            await known.reload_history()

    def _tape_of(self, listing: Listing) -> Tape | None:
        """Return the tape on which its trades are; one that has been missing trades says so by then."""
        tapes = [
            self._known.seen[name] for name in (listing.symbol, *listing.names) if name in self._known.seen
        ]
        seen = next((one for one in tapes if one.tape.trades), tapes[0] if tapes else None)
        if seen is None:
            return None
        if seen.lost_since_ms is not None:
            now_ms = self._market.now_ms()
            seen.tape.note_gap(seen.lost_since_ms, now_ms)
            seen.lost_since_ms = now_ms
        return seen.tape

    async def _store(
        self, listing: Listing, outcome: ListingOutcome, now_ms: int, settings: DetectionSettings
    ) -> None:
        stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)
        version = label_version(settings)

        def work(unit: Unit) -> None:
            unit.listings.save(listing, stage)
            unit.outcomes.save(outcome)
            unit.record(ListingLabelled(at_ms=now_ms, about=listing.symbol, outcome=outcome))
            _judge(unit, version, outcome, signals_of(unit, listing, SIGNALS_OF_ONE))

        await self._known.write("outcome of a listing", work)


def signals_of(stored: Stored, listing: Listing, limit: int) -> list[Signal]:
    """Return the newest signals about a listing, newest first, whichever id it had then."""
    ids = (listing.id, *listing.also_ids)
    found = [signal for one in ids for signal in stored.signals.of_listing(one, limit)]
    return sorted(found, key=lambda signal: -signal.at_ms)[:limit]


def _judge(unit: Unit, version: str, outcome: ListingOutcome, signals: Iterable[Signal]) -> None:
    """Count a listing once per case, by its first signal, and once for each kind of claim."""
    verdicts = unit.verdicts(version)
    done: set[tuple[str, int, str]] = set()
    for signal in sorted(signals, key=lambda one: one.at_ms):
        case = (signal.key.detector.value, signal.version, signal.stratum)
        verdict = judge(signal, outcome)
        if case not in done and verdict is not Verdict.CENSORED:
            hit = verdict is Verdict.HIT
            verdicts.add(signal.key.detector, signal.version, signal.stratum, outcome.listing_id, hit=hit)
        done.add(case)
    for kind in ClaimKind:
        verdict = base_verdict(kind, outcome)
        if verdict is not Verdict.CENSORED:
            verdicts.add_base(kind, outcome.listing_id, hit=verdict is Verdict.HIT)
