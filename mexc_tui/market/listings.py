"""All known listings: find the listing that a sighting belongs to, and merge it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from mexc_tui.market.listing_derivation import listing_from
from mexc_tui.model.listing import Listing, ListingChange, ListingFacts, ListingSource, Sighting

RELIST_MS = 7 * 86_400_000
"""A new opening this long after the last one is another listing of the same name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingUpdate:
    """One listing before and after a sighting. `absorbed` were found to be the same listing."""

    before: Listing | None
    after: Listing
    seen: tuple[Sighting, ...]
    absorbed: tuple[Listing, ...] = ()

    @property
    def changes(self) -> tuple[ListingChange, ...]:
        """Return the new changes in the listing's history."""
        known = set(self.before.changes) if self.before is not None else set[ListingChange]()
        return tuple(change for change in self.after.changes if change not in known)


class KnownListings:
    """Known listings and the names they are found by. Start it with the stored ones after a restart."""

    def __init__(self, stored: Iterable[Listing] = ()) -> None:
        """Start with the stored listings."""
        self._listings: dict[str, Listing] = {}
        self._by_coin: dict[tuple[str, str], str] = {}
        self._by_symbol: dict[str, str] = {}
        self._by_contract: dict[tuple[str, str], str] = {}
        for listing in stored:
            self._keep(listing)

    def __len__(self) -> int:
        """Return the number of listings."""
        return len(self._listings)

    def __iter__(self) -> Iterator[Listing]:
        """Iterate over the listings in the order they became known."""
        return iter(self._listings.values())

    def get(self, listing_id: str) -> Listing | None:
        """Return a listing by its id."""
        return self._listings.get(listing_id)

    def named(self, symbol: str) -> Listing | None:
        """Return the listing that a source currently lists under this name."""
        return self._listings.get(self._by_symbol.get(symbol, ""))

    def merge(self, seen: Sighting) -> ListingUpdate | None:
        """Merge a sighting; None: no news.

        A withdrawal without an earlier statement and a stream of an unknown symbol create no listing.
        """
        matches = self._matches(seen.facts)
        if not matches:
            if not seen.present or seen.source is ListingSource.STREAM:
                return None
            listing = listing_from(f"{seen.facts.symbol}-{seen.at_ms}", (seen,))
            self._keep(listing)
            return ListingUpdate(before=None, after=listing, seen=(seen,))
        found = matches[0]
        if not _is_news(found, seen):
            return None
        listing = listing_from(found.id, (*found.sightings, seen), found.also_ids)
        for twin in matches[1:]:
            listing = self._absorb(listing, twin)
        self._keep(listing)
        absorbed = tuple(match for match in matches if match.id != listing.id)
        return ListingUpdate(before=found, after=listing, seen=(seen,), absorbed=absorbed)

    def merge_all(self, sightings: Iterable[Sighting]) -> tuple[ListingUpdate, ...]:
        """Merge several sightings; return the updates in order."""
        return tuple(update for seen in sightings if (update := self.merge(seen)) is not None)

    def _matches(self, facts: ListingFacts) -> list[Listing]:
        """Return the matching listings, most certain first; several if the facts show that they are one."""
        ids = (
            self._by_coin.get((facts.coin_id, facts.quote), "") if facts.coin_id else "",
            self._by_symbol.get(facts.symbol, ""),
            self._by_contract.get((facts.contract.lower(), facts.quote), "") if facts.contract else "",
        )
        found: list[Listing] = []
        for listing_id in dict.fromkeys(ids):
            listing = self._listings.get(listing_id)
            if (
                listing is not None
                and _may_be_same(listing, facts)
                and all(_may_be_same(listing, _identity(other)) for other in found)
            ):
                found.append(listing)
        return found

    def _absorb(self, listing: Listing, twin: Listing) -> Listing:
        """Merge two listings; the one known longer keeps its id."""
        keep, drop = sorted((listing, twin), key=lambda candidate: (candidate.first_seen_ms, candidate.id))
        self._listings.pop(drop.id, None)
        joined = dict.fromkeys((*listing.sightings, *twin.sightings))
        return listing_from(keep.id, joined, (*keep.also_ids, drop.id, *drop.also_ids))

    def _keep(self, listing: Listing) -> None:
        self._listings[listing.id] = listing
        if listing.coin_id:
            self._by_coin[(listing.coin_id, listing.quote)] = listing.id
        if listing.contract:
            self._by_contract[(listing.contract.lower(), listing.quote)] = listing.id
        claimed = {listing.symbol, *_claimed_names(listing)}
        for name in listing.names:
            if name not in claimed and self._by_symbol.get(name) == listing.id:
                del self._by_symbol[name]
        for name in claimed:
            self._by_symbol[name] = listing.id


def _is_news(listing: Listing, seen: Sighting) -> bool:
    """Return whether a sighting contains a new statement of its source. Replays contain none."""
    last = listing.latest_from(seen.source)
    if last is None:
        return True
    if seen.at_ms < last.at_ms or (seen.facts == last.facts and seen.present == last.present):
        return False
    if last.present and not seen.present and last.facts.symbol != seen.facts.symbol:
        return False  # old name of a symbol that this source lists under its new name
    return seen not in listing.sightings


def _may_be_same(listing: Listing, facts: ListingFacts) -> bool:
    """Return whether no fact contradicts a match, such as another asset with the same ticker."""
    if listing.coin_id and facts.coin_id and listing.coin_id != facts.coin_id:
        return False
    if listing.quote and facts.quote and listing.quote != facts.quote:
        return False
    known_ms = listing.opened_ms
    return known_ms is None or facts.opens_ms is None or facts.opens_ms - known_ms < RELIST_MS


def _identity(listing: Listing) -> ListingFacts:
    return ListingFacts(symbol=listing.symbol, coin_id=listing.coin_id, quote=listing.quote)


def _claimed_names(listing: Listing) -> Iterator[str]:
    says: Mapping[ListingSource, Sighting] = {seen.source: seen for seen in listing.sightings}
    return (seen.facts.symbol for seen in says.values() if seen.present)
