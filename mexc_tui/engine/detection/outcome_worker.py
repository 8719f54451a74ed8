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
        self, market: Market, knowledge_store: KnowledgeStore, settings: Callable[[], DetectionSettings]
    ) -> None:
        self._market = market
        self._knowledge_store = knowledge_store
        self._settings = settings

    async def run(self, started: Started) -> None:
        """Label decided outcomes every few seconds."""
        await self._knowledge_store.load()
        started()
        while True:
            await self.label()
            await asyncio.sleep(LOOK_EVERY_S)

    async def label(self) -> None:
        """Label every listing with a decided outcome, then reload the history."""
        now_ms, settings = self._market.now_ms(), self._settings()
        store = self._knowledge_store
        together = groups(tuple(store.knowledge.listings), settings.cluster_window_ms)
        size = {listing.id: len(group) for group in together.values() for listing in group}
        labelled = 0
        for listing_id in [listing.id for listing in store.knowledge.listings]:
            listing = store.knowledge.listings.get(listing_id)  # may have changed during a write
            if listing is None:
                continue
            past = store.outcomes.get(listing.id)
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
                store.outcomes.pop(listing.id, None)
            elif past is None or past.end is not found.end:
                store.outcomes[listing.id] = found
                await self._store(listing, found, now_ms, settings=settings)
                labelled += 1
        if labelled:
            await store.reload_history()

    def _tape_of(self, listing: Listing) -> Tape | None:
        """Return the tape with the trades of a listing; trades lost since are recorded as a gap."""
        tapes = [
            self._knowledge_store.histories[name]
            for name in (listing.symbol, *listing.names)
            if name in self._knowledge_store.histories
        ]
        seen = next((history for history in tapes if history.tape.trades), tapes[0] if tapes else None)
        if seen is None:
            return None
        if seen.gap_since_ms is not None:
            now_ms = self._market.now_ms()
            seen.tape.record_gap(seen.gap_since_ms, now_ms)
            seen.gap_since_ms = now_ms
        return seen.tape

    async def _store(
        self, listing: Listing, outcome: ListingOutcome, now_ms: int, *, settings: DetectionSettings
    ) -> None:
        stage = listing.stage_at(now_ms, settings.maturity_ms, settings.api_grace_ms)

        def work(unit: UnitOfWork) -> None:
            unit.listings.save(listing, stage)
            save_outcome(unit, listing, outcome)

        await self._knowledge_store.write("outcome of a listing", work)
