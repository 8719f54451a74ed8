"""Market knowledge: the symbols of the exchange and the listings derived from all sources."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from mexc_tui.market.listings import KnownListings, ListingUpdate
from mexc_tui.market.readings import (
    RECENT_MS,
    manual_drop,
    manual_sighting,
    of_deal,
    of_pair,
    of_quote,
    of_trade,
    read_announcements,
    read_calendar,
    read_names,
    read_pair_changes,
    read_web_symbols,
)
from mexc_tui.market.symbols import SLICE, PairChange, diff_in_slices
from mexc_tui.model.announcement import Announcement
from mexc_tui.model.calendar import Calendar, WebSymbols
from mexc_tui.model.listing import API_GRACE_MS, MATURITY_MS, Listing, ListingSource, Sighting
from mexc_tui.model.market_data import PublicTrade
from mexc_tui.model.pair_names import resolve
from mexc_tui.model.stream import BestQuote, StreamDeal
from mexc_tui.model.symbol import Symbol

FEW = 4
"""Number of entries that may vanish between two readings without confirmation."""
MUCH = 0.5
"""A reading that loses more than this share at once needs confirmation by the next one."""


FORGET_MS = 86_400_000
"""Time after its end from which a listing is no longer tracked."""


class Knowledge:
    """Merges every reading into symbols and listings. Start it with the stored state after a restart."""

    def __init__(self, listings: Iterable[Listing] = (), pairs: Iterable[Symbol] = ()) -> None:
        """Start with the stored listings and symbols; empty on a fresh installation."""
        self.listings = KnownListings(listings)
        self.pairs: dict[str, Symbol] = {pair.symbol: pair for pair in pairs}
        self.read_ms: dict[ListingSource, int] = {}
        """Last reading time of each source."""
        self.doubts: dict[ListingSource, str] = {}
        """Sources whose last reading awaits confirmation, with the reason."""
        self._names: dict[ListingSource, frozenset[str]] = {}
        self.names_ms: dict[ListingSource, int] = {}
        """Reading times of the accepted symbol lists."""
        self._ever_seen = set(self.pairs)
        self._live = {listing.id: listing for listing in self.listings}

    def live(
        self, now_ms: int, maturity_ms: int = MATURITY_MS, api_grace_ms: int = API_GRACE_MS
    ) -> tuple[Listing, ...]:
        """Return the listings in progress. A clock that steps back may revive some."""
        forgotten_ms = now_ms - FORGET_MS
        for key in [
            key
            for key, listing in self._live.items()
            if listing.stage_at(forgotten_ms, maturity_ms, api_grace_ms).is_over
        ]:
            del self._live[key]
        return tuple(
            [
                listing
                for listing in self._live.values()
                if not listing.stage_at(now_ms, maturity_ms, api_grace_ms).is_over
            ]
        )

    def read_calendar(self, calendar: Calendar, at_ms: int) -> tuple[ListingUpdate, ...]:
        """Merge the calendar."""
        return self._fold_web(
            ListingSource.CALENDAR, read_calendar(calendar.entries, at_ms, self.live(at_ms)), at_ms
        )

    def read_web_symbols(self, answer: WebSymbols, at_ms: int) -> tuple[ListingUpdate, ...]:
        """Merge symbolsV2."""
        return self._fold_web(
            ListingSource.SYMBOLS_V2, read_web_symbols(answer.symbols, at_ms, self.live(at_ms)), at_ms
        )

    def read_pairs(self, pairs: Sequence[Symbol], at_ms: int) -> tuple[ListingUpdate, ...]:
        """Merge exchangeInfo at once."""
        return tuple(update for part in self.read_pairs_in_slices(pairs, at_ms) for update in part)

    def read_pairs_in_slices(
        self, pairs: Sequence[Symbol], at_ms: int, size: int = SLICE
    ) -> Iterator[tuple[ListingUpdate, ...]]:
        """Merge exchangeInfo; yield after each slice for the event loop. Takes effect at the end."""
        first = not self.pairs
        kept: dict[str, Symbol] = {}
        for changes in diff_in_slices(self.pairs, pairs, size):
            gone = [change for change in changes if change.after is None]
            if gone and not self._accepts(ListingSource.EXCHANGE_INFO, len(gone), len(self.pairs)):
                kept = {change.symbol: change.before for change in gone if change.before is not None}
                continue
            yield self._fold_pairs(changes, at_ms, first=first)
        if not kept:
            self.doubts.pop(ListingSource.EXCHANGE_INFO, None)
        self.pairs = kept | {pair.symbol: pair for pair in pairs}
        self._ever_seen.update(self.pairs)
        self.read_ms[ListingSource.EXCHANGE_INFO] = at_ms

    def read_names(
        self, source: ListingSource, names: Collection[str], at_ms: int
    ) -> tuple[ListingUpdate, ...]:
        """Merge defaultSymbols or selfSymbols."""
        after, before = frozenset(names), self._names.get(source)
        self.read_ms[source] = at_ms
        lost = len(before - after) if before is not None else 0
        if before is not None and not self._accepts(source, lost, len(before)):
            return ()
        self.doubts.pop(source, None)
        self._names[source], self.names_ms[source] = after, at_ms
        return self._fold(read_names(source, after, before, at_ms=at_ms, known=self.live(at_ms)))

    def names_of(self, source: ListingSource) -> frozenset[str] | None:
        """Return the names in the last accepted defaultSymbols or selfSymbols; None: never read."""
        return self._names.get(source)

    def read_announcements(self, headlines: Iterable[Announcement], at_ms: int) -> tuple[ListingUpdate, ...]:
        """Merge headlines. Read symbols first: a headline about a trading symbol is not news."""
        if not self.pairs:
            return ()
        self.read_ms[ListingSource.ANNOUNCEMENT] = at_ms
        seen = read_announcements(headlines, at_ms)
        return self._fold(
            sighting
            for sighting in seen
            if sighting.facts.symbol not in self.pairs
            or self.listings.named(sighting.facts.symbol) is not None
        )

    def merge_quote(self, quote: BestQuote, at_ms: int) -> ListingUpdate | None:
        """Merge a streamed quote: the first one of a listing is its opening."""
        listing = self.listings.named(quote.symbol)
        return self._fold_one(of_quote(quote, at_ms, listing) if listing is not None else None)

    def merge_deal(self, deal: StreamDeal, at_ms: int) -> ListingUpdate | None:
        """Merge a streamed trade."""
        listing = self.listings.named(deal.symbol)
        return self._fold_one(of_deal(deal, at_ms, listing) if listing is not None else None)

    def merge_trades(self, symbol: str, trades: Sequence[PublicTrade], at_ms: int) -> ListingUpdate | None:
        """Merge trades from REST: the first of this listing, not of an earlier one with the same name."""
        listing = self.listings.named(symbol)
        if listing is None:
            return None
        own = [trade for trade in trades if trade.time > listing.first_seen_ms - RECENT_MS]
        if not own:
            return None
        first = min(own, key=lambda trade: trade.time)
        return self._fold_one(of_trade(symbol, first.time, first.price, at_ms=at_ms, listing=listing))

    def named(self, name: str) -> str | None:
        """Return the symbol that a name refers to among symbols and listings; None: none.

        A base asset alone refers to its pair against the usual quote asset. Raises AmbiguousName.
        """
        return resolve(
            name, lambda candidate: candidate in self.pairs or self.listings.named(candidate) is not None
        )

    def add(
        self, symbol: str, opens_ms: int | None, at_ms: int, *, note: str = ""
    ) -> tuple[ListingUpdate, ...]:
        """Add or restore a listing manually. Raises ValueError with what to correct."""
        return self._fold((manual_sighting(symbol, opens_ms, at_ms, note=note),))

    def drop(self, symbol: str, at_ms: int, note: str = "") -> ListingUpdate | None:
        """Drop a listing manually. None: already dropped. Raises KeyError for an unknown listing."""
        listing = self.listings.named(symbol)
        if listing is None:
            raise KeyError(symbol)
        return self._fold_one(manual_drop(listing, at_ms, note))

    def _fold_web(
        self, source: ListingSource, sightings: Iterable[Sighting], at_ms: int
    ) -> tuple[ListingUpdate, ...]:
        """Merge a web page; one that suddenly lost many entries needs confirmation."""
        self.read_ms[source] = at_ms
        seen = tuple(sightings)
        gone = sum(not sighting.present for sighting in seen)
        held = gone + sum(
            sighting.present and self.listings.named(sighting.facts.symbol) is not None for sighting in seen
        )
        if self._accepts(source, gone, held):
            self.doubts.pop(source, None)
            return self._fold(seen)
        return self._fold(sighting for sighting in seen if sighting.present)

    def _fold_pairs(
        self, changes: Iterable[PairChange], at_ms: int, *, first: bool
    ) -> tuple[ListingUpdate, ...]:
        return self._fold(
            read_pair_changes(
                changes,
                at_ms,
                lambda name: self.listings.named(name) is not None,
                was_seen=lambda name: first or name in self._ever_seen,
            )
        )

    def _accepts(self, source: ListingSource, lost: int, held: int) -> bool:
        """Return whether to accept the loss of this many entries; a repeated loss is accepted."""
        if lost <= FEW or lost <= MUCH * held or source in self.doubts:
            return True
        self.doubts[source] = f"{source} lost {lost} of {held} entries at once: waiting for confirmation"
        return False

    def _fold(self, sightings: Iterable[Sighting]) -> tuple[ListingUpdate, ...]:
        return tuple(update for seen in sightings for update in self._fold_with_past(seen))

    def _fold_one(self, seen: Sighting | None) -> ListingUpdate | None:
        return next(iter(self._fold((seen,) if seen is not None else ())), None)

    def _fold_with_past(self, seen: Sighting) -> Iterator[ListingUpdate]:
        """Merge one sighting; a new listing also gets what other sources reported about its symbol before."""
        update = self._keep(self.listings.merge(seen))
        if update is None:
            return
        yield update
        if update.before is None:
            for past in self._past_of(update.after.symbol, seen.source):
                more = self._keep(self.listings.merge(past))
                if more is not None:
                    yield more

    def _keep(self, update: ListingUpdate | None) -> ListingUpdate | None:
        if update is not None:
            for listing in update.absorbed:
                self._live.pop(listing.id, None)
            self._live[update.after.id] = update.after
        return update

    def _past_of(self, symbol: str, teller: ListingSource) -> Iterator[Sighting]:
        pair = self.pairs.get(symbol)
        if pair is not None and teller is not ListingSource.EXCHANGE_INFO:
            at_ms = self.read_ms.get(ListingSource.EXCHANGE_INFO, 0)
            yield Sighting(source=ListingSource.EXCHANGE_INFO, at_ms=at_ms, facts=of_pair(pair, at_ms))
        for source, names in self._names.items():
            listing = self.listings.named(symbol)
            if source is not teller and listing is not None and symbol in names:
                yield from read_names(source, names, None, at_ms=self.read_ms[source], known=(listing,))
