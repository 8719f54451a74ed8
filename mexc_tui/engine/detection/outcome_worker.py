"""Outcomes of all listings, traded or not: labelled once decided, then counted in the history."""

import asyncio
from collections.abc import Callable

from mexc_tui.detection.detectors.cluster import groups
from mexc_tui.detection.outcomes import outcome_of
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.market.outcome_labels import save_outcome
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.market.tape import Tape
from mexc_tui.model.listing import Listing
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.ports.market import Market
from mexc_tui.ports.store import UnitOfWork

LOOK_EVERY_S = 5.0
REVISED = (OutcomeEnd.CANCELLED, OutcomeEnd.UNKNOWN)
"""Outcomes that may be revised: a cancelled listing may return, an unknown one may open late."""


class OutcomeWorker:
    """Worker that labels outcomes."""

    def __init__(
        self, market: Market, known: KnowledgeStore, settings: Callable[[], DetectionSettings]
    ) -> None:
        self._market = market
        self._known = known
        self._settings = settings

    async def run(self, started: Started) -> None:
        """Label decided outcomes every few seconds."""
        await self._known.load()
        started()
        while True:
            await self.label()
            await asyncio.sleep(LOOK_EVERY_S)

    async def label(self) -> None:
        """Label every listing with a decided outcome, then reload the history."""
        now_ms, settings = self._market.now_ms(), self._settings()
        known = self._known
        together = groups(tuple(known.knowledge.listings), settings.cluster_window_ms)
        size = {one.id: len(group) for group in together.values() for one in group}
        labelled = 0
        for listing_id in [one.id for one in known.knowledge.listings]:
            listing = known.knowledge.listings.get(listing_id)  # may have changed during a write
            if listing is None:
                continue
            past = known.outcomes.get(listing.id)
            if past is not None and past.end not in REVISED:
                continue
            found = outcome_of(
                listing,
                self._tape_of(listing),
                now_ms,
                settings=settings,
                cluster_size=size.get(listing.id, 1),
            )
            if found is None:
                known.outcomes.pop(listing.id, None)
            elif past is None or past.end is not found.end:
                known.outcomes[listing.id] = found
                await self._store(listing, found, now_ms, settings)
                labelled += 1
        if labelled:
            await known.reload_history()

    def _tape_of(self, listing: Listing) -> Tape | None:
        """Return the tape with the trades of a listing; trades lost since are recorded as a gap."""
        tapes = [
            self._known.histories[name]
            for name in (listing.symbol, *listing.names)
            if name in self._known.histories
        ]
        seen = next((one for one in tapes if one.tape.trades), tapes[0] if tapes else None)
        if seen is None:
            return None
        if seen.gap_since_ms is not None:
            now_ms = self._market.now_ms()
            seen.tape.record_gap(seen.gap_since_ms, now_ms)
            seen.gap_since_ms = now_ms
        return seen.tape

    async def _store(
        self, listing: Listing, outcome: ListingOutcome, now_ms: int, settings: DetectionSettings
    ) -> None:
        stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)

        def work(unit: UnitOfWork) -> None:
            unit.listings.save(listing, stage)
            save_outcome(unit, listing, outcome)

        await self._known.write("outcome of a listing", work)
