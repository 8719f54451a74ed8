"""The life of a listing, derived from its sources."""

from decimal import Decimal

import pytest

from mexc_tui.model.announcement import Announcement
from mexc_tui.model.listing import ChangeKind, Listing, ListingSource, ListingStage, ListingTopic
from mexc_tui.model.market_data import PublicTrade
from mexc_tui.model.symbol import SymbolStatus
from tests.support.samples.listing_sources import (
    OLD_PAIRS,
    OPENS_MS,
    before,
    calendar,
    deal,
    entry,
    knowledge_of_pairs,
    pair,
    quote,
    row,
    web,
)


def stages(listing: Listing) -> list[tuple[str, ListingSource | None]]:
    """Return the stages of a listing and the source of each."""
    return [(change.after, change.source) for change in listing.changes if change.kind is ChangeKind.STAGE]


def moves(listing: Listing) -> list[tuple[int, int, ListingSource | None]]:
    """Return the moves of the opening and their sources, in seconds relative to the first plan."""
    return [
        ((int(change.before) - OPENS_MS) // 1_000, (int(change.after) - OPENS_MS) // 1_000, change.source)
        for change in listing.changes
        if change.kind is ChangeKind.MOVED
    ]


def test_a_clean_listing_passes_its_stages_and_records_source_and_time() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(80_000))
    known.read_pairs((*OLD_PAIRS, pair(api=False)), before(1_800))
    known.read_pairs((*OLD_PAIRS, pair()), before(60))
    known.merge_deal(deal(), before(-1))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert stages(listing) == [
        (ListingStage.SCHEDULED, ListingSource.CALENDAR),
        (ListingStage.VISIBLE, ListingSource.EXCHANGE_INFO),
        (ListingStage.API_ENABLED, ListingSource.EXCHANGE_INFO),
        (ListingStage.OPEN, ListingSource.STREAM),
    ]
    assert [seen.at_ms for seen in listing.sightings] == [
        before(80_000),
        before(1_800),
        before(60),
        before(-1),
    ]
    assert (listing.visible_ms, listing.api_ms, listing.opened_ms) == (before(1_800), before(60), OPENS_MS)
    assert listing.stage_at(before(-3_599)) is ListingStage.OPEN
    assert listing.stage_at(before(-3_600)) is ListingStage.MATURED
    assert listing.disagreements == ()


def test_a_headline_announces_without_a_time_until_the_calendar_has_one() -> None:
    known = knowledge_of_pairs()
    title = "MEXC Will List New Token (NEW) in Innovation Zone"
    known.read_announcements([Announcement(title=title, post_time=before(90_000))], before(89_000))
    known.read_calendar(calendar(entry()), before(80_000))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert stages(listing) == [
        (ListingStage.ANNOUNCED, ListingSource.ANNOUNCEMENT),
        (ListingStage.SCHEDULED, ListingSource.CALENDAR),
    ]


@pytest.mark.parametrize(
    "title",
    ["MEXC Will Delist (NEW)", "Notice on (NEW) contract swap", "MEXC Will List (NEW) and (OLD)"],
)
def test_headlines_that_announce_no_single_listing_create_none(title: str) -> None:
    known = knowledge_of_pairs()
    assert known.read_announcements([Announcement(title=title, post_time=before(9))], before(8)) == ()


def test_M13_moves_are_detected_up_to_the_last_second_in_both_directions() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_calendar(calendar(entry(opens_ms=OPENS_MS + 600_000)), before(1))
    known.read_calendar(calendar(entry()), before(-2))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert moves(listing) == [(0, 600, ListingSource.CALENDAR), (600, 0, ListingSource.CALENDAR)]
    assert (listing.stage, listing.opens_ms, listing.moves) == (ListingStage.RESCHEDULED, OPENS_MS, 2)


def test_M13_two_opening_times_are_a_disagreement_and_the_newest_counts() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_pairs((*OLD_PAIRS, pair(opens_ms=OPENS_MS + 300_000)), before(1_800))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert (listing.opens_ms, listing.opens_source) == (OPENS_MS + 300_000, ListingSource.EXCHANGE_INFO)
    assert listing.claimed_ms == (OPENS_MS, OPENS_MS + 300_000)
    assert [str(disagreement) for disagreement in listing.disagreements] == [
        "sources disagree about its opening: calendar says 2026-09-21 15:13:20.000 UTC, "
        "exchangeInfo says 2026-09-21 15:18:20.000 UTC"
    ]
    known.read_calendar(calendar(entry(opens_ms=OPENS_MS + 300_000)), before(1_700))
    resolved = known.listings.named("NEWUSDT")
    assert resolved is not None
    assert resolved.disagreements == ()
    assert resolved.moves == 1


def test_unofficial_times_of_symbolsV2_never_override_the_calendar() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_web_symbols(web(row(opens_ms=OPENS_MS + 60_000)), before(7_000))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert (listing.opens_ms, listing.moves) == (OPENS_MS, 0)
    assert [disagreement.topic for disagreement in listing.disagreements] == [ListingTopic.OPENING]


def test_M13_a_cancellation_one_second_before_the_opening_is_detected() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    update = known.read_calendar(calendar(), before(1))[0]
    assert update.after.stage is ListingStage.CANCELLED
    assert update.after.cancelled_ms == before(1)
    assert known.live(before(1)) == ()


def test_a_cancelled_listing_that_returns_is_the_same_listing() -> None:
    known = knowledge_of_pairs()
    first = known.read_calendar(calendar(entry()), before(7_200))[0].after
    known.read_calendar(calendar(), before(7_000))
    back = known.read_calendar(calendar(entry()), before(6_000))[0].after
    assert (back.id, back.stage, back.cancelled_ms) == (first.id, ListingStage.SCHEDULED, None)
    assert [change.kind for change in back.changes if change.kind is not ChangeKind.STAGE] == [
        ChangeKind.WITHDRAWN,
        ChangeKind.RETURNED,
    ]


def test_a_withdrawal_by_one_source_only_is_a_disagreement_not_a_cancellation() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_pairs((*OLD_PAIRS, pair()), before(1_800))
    listing = known.read_calendar(calendar(), before(600))[0].after
    assert listing.stage is ListingStage.API_ENABLED
    assert [disagreement.topic for disagreement in listing.disagreements] == [ListingTopic.PRESENCE]


def test_an_entry_that_leaves_the_calendar_after_the_opening_is_only_outdated() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_pairs((*OLD_PAIRS, pair()), before(60))
    known.merge_deal(deal(), before(-1))
    assert known.read_calendar(calendar(), before(-60)) == ()


def test_M13_a_cancellation_in_the_last_second_is_detected_after_the_planned_time() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    assert known.read_calendar(calendar(), before(-4))[0].after.stage is ListingStage.CANCELLED


def test_M13_an_early_opening_is_open_whatever_the_schedule() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_pairs((*OLD_PAIRS, pair()), before(700))
    update = known.merge_quote(quote(), before(600))
    assert update is not None
    assert (update.after.stage, update.after.opened_ms) == (ListingStage.OPEN, before(600))


def test_a_quote_without_asks_opens_nothing() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    assert known.merge_quote(quote(ask=None, bid="0.04"), before(60)) is None
    assert known.merge_quote(quote(ask=None, bid=None), before(60)) is None


def test_the_first_trade_after_a_quote_is_recorded_as_well() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.merge_quote(quote(), before(0))
    known.merge_deal(deal(at_ms=before(-0.2)), before(-0.3))
    assert known.merge_deal(deal(at_ms=before(-5)), before(-5)) is None
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert (listing.opened_ms, listing.traded_ms) == (OPENS_MS, before(-0.2))


def test_M13_a_listing_renamed_in_the_calendar_keeps_its_history_and_id() -> None:
    known = knowledge_of_pairs()
    first = known.read_calendar(calendar(entry()), before(7_200))[0].after
    renamed = known.read_calendar(calendar(entry("NEX")), before(600))[0].after
    assert (renamed.id, renamed.symbol, renamed.names) == (first.id, "NEXUSDT", ("NEWUSDT", "NEXUSDT"))
    assert known.listings.named("NEXUSDT") is renamed
    assert known.listings.named("NEWUSDT") is None


def test_M13_a_rename_seen_first_in_exchange_info_is_recognised_by_the_contract() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_web_symbols(web(row()), before(7_000))
    known.read_pairs((*OLD_PAIRS, pair()), before(1_800))
    known.read_pairs((*OLD_PAIRS, pair("NEX")), before(600))
    (listing,) = known.listings
    assert listing.symbol == "NEXUSDT"
    assert [disagreement.topic for disagreement in listing.disagreements] == [ListingTopic.NAME]
    assert [change.kind for change in listing.changes].count(ChangeKind.RENAMED) == 1
    assert ChangeKind.WITHDRAWN not in [change.kind for change in listing.changes]
    updated = listing.latest_from(ListingSource.EXCHANGE_INFO)
    assert updated is not None
    assert (updated.facts.symbol, updated.present) == ("NEXUSDT", True)


def test_reports_under_the_old_name_do_not_contradict_a_known_rename() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.add("NEWUSDT", OPENS_MS, before(7_100))
    headline = Announcement(title="MEXC Will List New Token (NEW)", post_time=before(7_000))
    known.read_announcements([headline], before(7_000))
    known.read_web_symbols(web(row()), before(6_900))
    known.read_calendar(calendar(entry("NEX")), before(600))
    (listing,) = known.listings
    (claims,) = (disagreement.claims for disagreement in listing.disagreements)
    assert {claim.source for claim in claims} == {ListingSource.CALENDAR, ListingSource.SYMBOLS_V2}
    known.read_web_symbols(web(row(base="NEX")), before(590))
    (listing,) = known.listings
    assert (listing.symbol, listing.disagreements) == ("NEXUSDT", ())
    assert known.listings.named("NEWUSDT") is listing


def test_a_different_name_in_a_better_source_is_a_disagreement_not_a_rename() -> None:
    known = knowledge_of_pairs()
    known.add("NEWUSDT", OPENS_MS, before(7_100))
    known.read_web_symbols(web(row()), before(7_000))
    known.read_pairs((*OLD_PAIRS, pair("NEX")), before(600))
    (listing,) = known.listings
    assert [disagreement.topic for disagreement in listing.disagreements] == [ListingTopic.NAME]


def test_a_reverted_name_is_the_valid_one_again() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.add("NEWUSDT", OPENS_MS, before(7_100))
    known.read_calendar(calendar(entry("NEX")), before(600))
    known.read_calendar(calendar(entry()), before(500))
    (listing,) = known.listings
    assert (listing.symbol, listing.disagreements) == ("NEWUSDT", ())


def test_two_listings_found_to_be_one_are_merged_under_the_older_id() -> None:
    known = knowledge_of_pairs()
    old = known.read_calendar(calendar(entry()), before(7_200))[0].after
    known.add("NEXUSDT", None, before(700))
    joined = known.read_calendar(calendar(entry("NEX")), before(600))[0]
    assert joined.after.id == old.id
    assert [listing.symbol for listing in joined.absorbed] == ["NEXUSDT"]
    assert {seen.source for seen in joined.after.sightings} == {ListingSource.CALENDAR, ListingSource.MANUAL}
    assert len(known.listings) == len(known.live(before(600))) == 1


def test_an_earlier_trade_reported_later_becomes_the_first_one() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.merge_deal(deal(at_ms=before(-9)), before(-9))
    trades = [
        PublicTrade(Decimal("0.04"), Decimal(1), before(second), False) for second in (-8, 0, 9_000_000)
    ]
    updated = known.merge_trades("NEWUSDT", trades, before(-10))
    assert updated is not None
    assert (updated.after.opened_ms, updated.after.traded_ms) == (
        OPENS_MS,
        OPENS_MS,
    )  # not those of an earlier life
    assert known.merge_trades("NEWUSDT", trades, before(-11)) is None


def test_a_clock_that_was_hours_ahead_loses_no_listing() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    assert known.live(before(-10_000)) == ()
    assert [listing.symbol for listing in known.live(before(7_000))] == ["NEWUSDT"]


def test_a_listing_is_live_until_its_maturity() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_pairs((*OLD_PAIRS, pair()), before(600))
    known.merge_deal(deal(), before(0))
    assert known.live(before(-7_200)) == ()
    assert len(known.live(before(-7_200), maturity_ms=14_400_000)) == 1


def test_another_coin_with_the_same_ticker_is_another_listing() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_calendar(calendar(entry(), entry(coin_id="coin-other", opens_ms=OPENS_MS + 1)), before(7_000))
    assert len(known.listings) == 2


def test_manual_entry_is_an_equal_source_and_can_drop_and_restore() -> None:
    known = knowledge_of_pairs()
    added = known.add("NEWUSDT", OPENS_MS, before(7_200), note="saw it on the forum")[0].after
    assert (added.stage, added.opens_source) == (ListingStage.SCHEDULED, ListingSource.MANUAL)
    known.read_calendar(calendar(entry()), before(7_000))
    dropped = known.drop("NEWUSDT", before(6_000))
    assert dropped is not None
    assert dropped.after.stage is ListingStage.CANCELLED
    assert known.drop("NEWUSDT", before(5_000)) is None
    again = known.add("NEWUSDT", OPENS_MS, before(4_000))[0].after
    assert (again.id, again.stage) == (added.id, ListingStage.SCHEDULED)


@pytest.mark.parametrize(
    ("symbol", "opens_ms", "problem"),
    [
        ("new usdt", None, "invalid symbol"),
        ("NEWUSDT", OPENS_MS // 1_000, "milliseconds"),
        ("NEWUSDT", OPENS_MS + 31 * 86_400_000, "30 days"),
    ],
)
def test_C5_manual_input_is_validated(symbol: str, opens_ms: int | None, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        knowledge_of_pairs().add(symbol, opens_ms, before(100))


def test_C5_an_opening_more_than_30_days_ahead_is_rejected_from_any_source() -> None:
    known = knowledge_of_pairs()
    far_ms = OPENS_MS + 40 * 86_400_000
    known.read_web_symbols(web(row(opens_ms=far_ms)), before(100))
    known.read_pairs((*OLD_PAIRS, pair(opens_ms=far_ms)), before(50))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert listing.opens_ms is None


def test_a_pair_added_by_hand_receives_the_known_facts_of_the_exchange() -> None:
    known = knowledge_of_pairs(pairs=(*OLD_PAIRS, pair(opens_ms=None)))
    known.read_names(ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT", "NEWUSDT"], before(80_000))
    assert len(known.listings) == 0
    known.add("NEWUSDT", OPENS_MS, before(600))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert listing.stage is ListingStage.API_ENABLED
    assert {seen.source for seen in listing.sightings} == {
        ListingSource.MANUAL,
        ListingSource.EXCHANGE_INFO,
        ListingSource.DEFAULT_SYMBOLS,
    }


def test_never_api_is_set_after_the_grace_period_and_reverted_if_access_comes_later() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry(zone="assessment")), before(7_200))
    known.read_pairs((*OLD_PAIRS, pair(api=False)), before(1_800))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert listing.stage_at(before(-3_599)) is ListingStage.VISIBLE
    assert listing.stage_at(before(-3_600)) is ListingStage.NEVER_API
    late = known.read_pairs((*OLD_PAIRS, pair()), before(-7_200))[0].after
    assert late.stage_at(before(-7_200)) is ListingStage.API_ENABLED


def test_official_sources_that_disagree_about_the_api_are_shown() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_names(ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT"], before(7_100))
    known.read_pairs((*OLD_PAIRS, pair()), before(1_800))
    known.read_names(ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT"], before(1_700))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert listing.stage is ListingStage.API_ENABLED
    assert [str(disagreement) for disagreement in listing.disagreements] == [
        "sources disagree about its api: exchangeInfo says yes, defaultSymbols says no"
    ]


def test_a_new_name_in_defaultSymbols_is_a_listing_without_announcement() -> None:
    known = knowledge_of_pairs()
    known.read_names(ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT", "ETHUSDT"], before(7_000))
    (update,) = known.read_names(
        ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT", "ETHUSDT", "NEWUSDT"], before(100)
    )
    assert (update.after.symbol, update.after.base, update.after.stage) == (
        "NEWUSDT",
        "NEW",
        ListingStage.API_ENABLED,
    )


def test_suspension_and_resumption_are_recorded_with_their_times() -> None:
    known = knowledge_of_pairs()
    known.read_pairs((*OLD_PAIRS, pair()), before(600))
    known.merge_deal(deal(), before(-1))
    known.read_pairs((*OLD_PAIRS, pair(status=SymbolStatus.PAUSED)), before(-100))
    known.read_pairs((*OLD_PAIRS, pair()), before(-200))
    listing = known.listings.named("NEWUSDT")
    assert listing is not None
    assert [(c.before, c.after, c.at_ms) for c in listing.changes if c.kind is ChangeKind.STATUS] == [
        ("online", "paused", before(-100)),
        ("paused", "online", before(-200)),
    ]
