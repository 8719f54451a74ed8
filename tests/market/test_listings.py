"""Folding sightings: the order of sources does not matter, and replays change nothing."""

from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.market.listing_derivation import in_order, listing_from
from mexc_tui.market.listings import KnownListings, ListingUpdate
from mexc_tui.model.listing import Listing, ListingFacts, ListingSource, Sighting, Triple
from tests.support.samples.listing_sources import OPENS_MS, before

POLLED = (
    ListingSource.CALENDAR,
    ListingSource.SYMBOLS_V2,
    ListingSource.EXCHANGE_INFO,
    ListingSource.DEFAULT_SYMBOLS,
    ListingSource.MANUAL,
)
REPORTED = (ListingSource.CALENDAR, ListingSource.SYMBOLS_V2)
"""Sources that report the id of the coin."""


@st.composite
def reports_by_source(draw: st.DrawFn) -> dict[ListingSource, list[Sighting]]:
    """Draw the reports of each source about one coin, in the source's own order, with random changes."""
    reports: dict[ListingSource, list[Sighting]] = {}
    for source in draw(st.sets(st.sampled_from(POLLED), min_size=1)):
        times = draw(st.lists(st.integers(1, 40), min_size=1, max_size=5, unique=True))
        reports[source] = [draw(sightings(source, before(10_000 - 100 * at))) for at in sorted(times)]
    return reports


@st.composite
def sightings(draw: st.DrawFn, source: ListingSource, at_ms: int) -> Sighting:
    """Draw one report of a source."""
    facts = ListingFacts(
        symbol="NEWUSDT",
        base="NEW",
        quote="USDT",
        coin_id="coin-new" if source in REPORTED else "",
        opens_ms=draw(st.none() | st.sampled_from([OPENS_MS, OPENS_MS + 60_000, OPENS_MS - 60_000])),
        triple=draw(st.sampled_from([Triple(1, 1, 1), Triple(2, 2, 4)])) if source in REPORTED else None,
        api_allowed=draw(st.booleans()) if source is ListingSource.EXCHANGE_INFO else None,
    )
    return Sighting(source=source, at_ms=at_ms, facts=facts, present=draw(st.booleans()))


@st.composite
def two_orders(draw: st.DrawFn) -> tuple[list[Sighting], list[Sighting]]:
    """Draw the same sightings in two interleavings that keep each source's own order."""
    reports = draw(reports_by_source())
    turns = [source for source, seen in reports.items() for _ in seen]
    orders: list[list[Sighting]] = []
    for turn in (draw(st.permutations(turns)), draw(st.permutations(turns))):
        queues = {source: iter(seen) for source, seen in reports.items()}
        orders.append([next(queues[source]) for source in turn])
    return orders[0], orders[1]


def known_after(seen: list[Sighting]) -> KnownListings:
    """Return the knowledge after folding in all sightings, the first one marked as present."""
    known = KnownListings()
    known.merge(ANCHOR)
    known.merge_all(seen)
    return known


ANCHOR = Sighting(
    source=ListingSource.SELF_SYMBOLS,
    at_ms=before(10_000),
    facts=ListingFacts(symbol="NEWUSDT", quote="USDT"),
)
"""Makes the listing exist: a removal before any report creates nothing."""


@given(two_orders())
def test_the_order_of_the_sources_does_not_matter(
    orders: tuple[list[Sighting], list[Sighting]],
) -> None:
    one, other = (list(known_after(seen)) for seen in orders)
    assert one == other
    assert len(one) == 1


@given(two_orders())
def test_a_full_replay_changes_nothing(orders: tuple[list[Sighting], list[Sighting]]) -> None:
    known = known_after(orders[0])
    once = list(known)
    assert known.merge_all(orders[0]) == ()
    assert known.merge_all(orders[1]) == ()
    assert list(known) == once


@given(two_orders(), st.integers(0, 25))
def test_a_restart_in_the_middle_loses_nothing(
    orders: tuple[list[Sighting], list[Sighting]], cut: int
) -> None:
    seen = orders[0]
    first = known_after(seen[:cut])
    stored = [msgspec.json.decode(msgspec.json.encode(listing), type=Listing) for listing in first]
    second = KnownListings(stored)
    second.merge_all(seen[cut:])
    assert list(second) == list(known_after(seen))


@given(two_orders())
def test_a_listing_is_fully_determined_by_its_sightings(
    orders: tuple[list[Sighting], list[Sighting]],
) -> None:
    for listing in known_after(orders[0]):
        assert listing_from(listing.id, listing.sightings) == listing


@given(two_orders())
def test_each_update_reports_exactly_the_new_changes(
    orders: tuple[list[Sighting], list[Sighting]],
) -> None:
    in_time = in_order(orders[0])
    known = KnownListings()
    updates: list[ListingUpdate] = [
        update for seen in (ANCHOR, *in_time) if (update := known.merge(seen)) is not None
    ]
    reported = [change for update in updates for change in update.changes]
    assert reported == [change for listing in known for change in listing.changes]


def test_two_reports_of_a_source_at_one_time_are_not_repeated_by_a_replay() -> None:
    reports = [
        Sighting(
            source=ListingSource.CALENDAR,
            at_ms=before(9),
            facts=ListingFacts(symbol="NEWUSDT", opens_ms=OPENS_MS + late_ms),
        )
        for late_ms in (0, 60_000)
    ]
    known = KnownListings()
    assert len(known.merge_all(reports)) == 2
    assert known.merge_all(reports) == ()


COINS = st.sampled_from(["A", "B", "C"])


@st.composite
def mixed_sightings(draw: st.DrawFn) -> list[Sighting]:
    """Draw sightings of a few coins that differ in ticker, coin id and contract."""
    seen: list[Sighting] = []
    for number in range(draw(st.integers(1, 12))):
        coin = draw(COINS)
        source = draw(
            st.sampled_from([ListingSource.CALENDAR, ListingSource.SYMBOLS_V2, ListingSource.EXCHANGE_INFO])
        )
        facts = ListingFacts(
            symbol=coin + "USDT",
            quote="USDT",
            coin_id=f"coin-{coin}" if source in REPORTED else "",
            contract=f"0x{coin}" if source is not ListingSource.CALENDAR else "",
        )
        seen.append(Sighting(source=source, at_ms=before(10_000 - number), facts=facts))
    return seen


@settings(max_examples=200)
@given(mixed_sightings(), st.randoms(use_true_random=False))
def test_coins_never_mix_whatever_the_order(seen: list[Sighting], chance: Random) -> None:
    known = KnownListings()
    chance.shuffle(seen)
    known.merge_all(seen)
    named = {sighting.facts.symbol for sighting in seen}
    assert {listing.symbol for listing in known} == named
    assert len(known) == len(named)
    for listing in known:
        assert {sighting.facts.symbol for sighting in listing.sightings} == {listing.symbol}
        assert known.named(listing.symbol) is listing
