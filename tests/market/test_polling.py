"""The polling schedule: intervals of 300, 30, 5 and 1 second within the exchange's weight limit."""

from collections import deque
from collections.abc import Mapping
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.market.attention import StreamKind, WantedStream, wanted_streams
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.polling import LADDER, Poll, PollAllowance, PollPace, affordable, current_pace, plan
from mexc_tui.model.listing import Listing, ListingSource
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
)


def known_with(*opens_s: float) -> Knowledge:
    """Return knowledge of listings that open this many seconds after the first one."""
    known = knowledge_of_pairs()
    entries = [
        entry(f"C{number}", OPENS_MS + round(at_s * 1_000), f"coin-{number}")
        for number, at_s in enumerate(opens_s)
    ]
    known.read_calendar(calendar(*entries), before(100_000))
    return known


def poll_times(
    listings: tuple[Listing, ...], from_ms: int, until_ms: int, weight: int = 150
) -> dict[ListingSource, list[int]]:
    """Follow the schedule for a while; return the poll times of each source."""
    now_ms = from_ms
    last: dict[ListingSource, int] = {}
    times: dict[ListingSource, list[int]] = {source: [] for source in LADDER}
    while True:
        poll = plan(listings, now_ms, last, weight_per_10s=weight)[0]
        now_ms = max(now_ms, poll.due_ms)
        if now_ms >= until_ms:
            return times
        last[poll.source] = now_ms
        times[poll.source].append(now_ms)


def worst_weight(times: Mapping[ListingSource, list[int]]) -> int:
    """Return the largest weight within any ten seconds."""
    calls = sorted((at_ms, LADDER[source].weight) for source, when in times.items() for at_ms in when)
    return max(
        sum(weight for at_ms, weight in calls if start_ms <= at_ms < start_ms + 10_000)
        for start_ms, _ in calls
    )


@pytest.mark.parametrize(
    ("seconds_before", "pace"),
    [
        (20_000, PollPace.FAR),
        (12_601, PollPace.FAR),
        (12_600, PollPace.SOON),
        (3_600, PollPace.HOUR),
        (120, PollPace.NOW),
        (0, PollPace.NOW),
        (-119, PollPace.NOW),
        (-121, PollPace.HOUR),
        (-3_601, PollPace.FAR),
    ],
)
def test_polling_accelerates_towards_the_opening_and_waits_for_an_overdue_one(
    seconds_before: float, pace: PollPace
) -> None:
    now_ms = before(seconds_before)
    assert current_pace(known_with(0).live(now_ms), now_ms) is pace


def test_without_listings_every_source_is_polled_rarely() -> None:
    times = poll_times((), 0, 300_000)
    assert {source: len(when) for source, when in times.items()} == {
        ListingSource.CALENDAR: 1,
        ListingSource.SYMBOLS_V2: 1,
        ListingSource.EXCHANGE_INFO: 1,
        ListingSource.DEFAULT_SYMBOLS: 10,
        ListingSource.SELF_SYMBOLS: 1,
        ListingSource.ANNOUNCEMENT: 1,
    }


def test_defaultSymbols_is_finally_polled_every_second_and_exchangeInfo_every_three() -> None:
    listings = known_with(0).live(before(60))
    times = poll_times(listings, before(60), before(30))
    assert len(times[ListingSource.DEFAULT_SYMBOLS]) == 30
    assert len(times[ListingSource.EXCHANGE_INFO]) == 10
    assert worst_weight(times) <= 150


def test_the_schedule_wakes_up_for_a_faster_pace() -> None:
    listings = known_with(0).live(before(3_700))
    polls = plan(listings, before(3_700), {source: before(3_700) for source in LADDER})
    due = {poll.source: poll.due_ms for poll in polls}
    assert due[ListingSource.EXCHANGE_INFO] == before(3_670)
    slow = plan(listings, before(12_700), {source: before(12_700) for source in LADDER})
    assert {poll.source: poll.due_ms for poll in slow}[ListingSource.EXCHANGE_INFO] == before(12_600)


@pytest.mark.parametrize("phase_ms", [0, 700, 1_300, 2_900])
def test_M13_sources_of_the_opening_time_are_polled_once_more_one_second_before(phase_ms: int) -> None:
    listings = known_with(0).live(before(60))
    times = poll_times(listings, before(60) + phase_ms, before(0))
    for source in (ListingSource.EXCHANGE_INFO, ListingSource.CALENDAR):
        assert before(0) - max(times[source]) <= 2_500
        assert min(later - sooner for sooner, later in pairwise(times[source])) >= 1_500


def test_the_last_poll_is_not_lost_when_the_desk_wakes_up_late() -> None:
    listings = known_with(0).live(before(60))
    polls = plan(listings, before(0.9), {source: before(2.9) for source in LADDER})
    due = {poll.source: poll.due_ms for poll in polls}
    assert due[ListingSource.EXCHANGE_INFO] == before(1)


def test_the_pace_slows_down_after_the_opening() -> None:
    known = known_with(0)
    known.read_pairs((*OLD_PAIRS, pair("C0")), before(100))
    known.merge_deal(deal("C0USDT"), before(0))
    assert current_pace(known.live(before(-1)), before(-1)) is PollPace.FAR


def test_a_pair_trading_without_api_access_is_still_polled_for() -> None:
    known = known_with(0)
    known.read_pairs((*OLD_PAIRS, pair("C0", api=False)), before(100))
    known.merge_deal(deal("C0USDT"), before(0))
    assert current_pace(known.live(before(-1)), before(-1)) is PollPace.NOW


def test_a_visible_pair_without_a_time_may_open_at_any_moment() -> None:
    known = knowledge_of_pairs()
    known.read_pairs((*OLD_PAIRS, pair(opens_ms=None)), before(600))
    assert current_pace(known.live(before(500)), before(500)) is PollPace.HOUR


def test_every_reported_time_is_watched_while_sources_disagree() -> None:
    known = known_with(0)
    known.read_pairs((*OLD_PAIRS, pair("C0", opens_ms=OPENS_MS + 7_200_000)), before(1_800))
    assert current_pace(known.live(before(60)), before(60)) is PollPace.NOW


@given(
    st.lists(st.floats(-4_000, 40_000), max_size=5),
    st.floats(0, 20_000),
    st.integers(60, 300),
)
def test_the_schedule_never_exceeds_its_weight(opens_s: list[float], start_s: float, weight: int) -> None:
    from_ms = OPENS_MS + round(start_s * 1_000)
    listings = known_with(*opens_s).live(from_ms)
    times = poll_times(listings, from_ms, from_ms + 40_000, weight)
    # A window may hold one extra call per source, since all start at once, and the last
    # poll of each opening.
    allowance = sum(every.weight for every in LADDER.values()) + 25 * len(opens_s)
    assert worst_weight(times) <= weight + allowance


def test_a_source_over_budget_stays_due_while_lighter_sources_are_polled() -> None:
    due = (
        ListingSource.EXCHANGE_INFO,
        ListingSource.SELF_SYMBOLS,
        ListingSource.CALENDAR,
        ListingSource.DEFAULT_SYMBOLS,
    )
    assert affordable(due, PollAllowance(weight=27, requests=9), LADDER) == due
    assert affordable(due, PollAllowance(weight=24, requests=9), LADDER) == due[1:]
    assert affordable(due, PollAllowance(weight=25, requests=9), LADDER) == (
        ListingSource.EXCHANGE_INFO,
        ListingSource.CALENDAR,
    )
    assert affordable(due, PollAllowance(weight=99, requests=1), LADDER) == (
        ListingSource.EXCHANGE_INFO,
        ListingSource.CALENDAR,
    )
    assert affordable(due, PollAllowance(weight=0, requests=0), LADDER) == (ListingSource.CALENDAR,)


def test_the_source_due_for_longest_is_polled_first() -> None:
    last = dict.fromkeys(LADDER, before(60)) | {
        ListingSource.EXCHANGE_INFO: before(70),
        ListingSource.CALENDAR: before(61),
    }
    first = plan(known_with(0).live(before(50)), before(50), last)[0]
    assert (first.source, first.late_ms) == (ListingSource.EXCHANGE_INFO, 17_000)


def test_data_is_stale_after_half_a_minute_and_two_missed_intervals() -> None:
    assert not Poll(source=ListingSource.SELF_SYMBOLS, due_ms=0, every_ms=1_000, late_ms=29_999).is_too_old
    assert Poll(source=ListingSource.SELF_SYMBOLS, due_ms=0, every_ms=1_000, late_ms=30_000).is_too_old
    assert not Poll(source=ListingSource.SELF_SYMBOLS, due_ms=0, every_ms=300_000, late_ms=599_999).is_too_old
    assert Poll(source=ListingSource.SELF_SYMBOLS, due_ms=0, every_ms=300_000, late_ms=600_000).is_too_old


@given(
    others=st.lists(st.integers(0, 12), min_size=60, max_size=60),
    opens_s=st.floats(0, 60),
)
def test_polls_use_only_free_weight_and_no_source_is_starved(others: list[int], opens_s: float) -> None:
    """Other requests take their weight each second; the limit holds and every source is polled."""
    limit, window_ms = 200, 11_000
    listings = known_with(opens_s).live(before(30))
    used: deque[tuple[int, int]] = deque()
    last: dict[ListingSource, int] = {}
    oldest: dict[ListingSource, int] = dict.fromkeys(LADDER, 0)
    for step in range(240):
        now_ms = before(30) + step * 250
        while used and used[0][0] <= now_ms - window_ms:
            used.popleft()
        left = limit - sum(weight for _, weight in used)
        taken = min(others[step // 4], left) if step % 4 == 0 else 0
        used.append((now_ms, taken))
        polls = [poll for poll in plan(listings, now_ms, last) if poll.due_ms <= now_ms]
        asks = affordable([poll.source for poll in polls], PollAllowance(left - taken, 10), LADDER)
        for poll in polls:
            oldest[poll.source] = max(oldest[poll.source], poll.late_ms)
        for source in asks:
            last[source] = now_ms
            used.append((now_ms, LADDER[source].weight))
        assert sum(weight for _, weight in used) <= limit
    assert last.keys() == LADDER.keys()
    assert max(oldest.values()) < 11_000


def test_streams_cover_listings_within_the_hour_and_symbols_on_screen() -> None:
    known = known_with(0, 7_200)
    wanted = wanted_streams(known.live(before(1_000)), before(1_000), shown=["BTCUSDT"])
    assert {stream.symbol for stream in wanted} == {"C0USDT", "BTCUSDT"}
    assert WantedStream("C0USDT", StreamKind.DEALS) in wanted
    assert WantedStream("BTCUSDT", StreamKind.DEEP_LEVELS) in wanted


def test_an_open_listing_is_streamed_until_it_has_matured() -> None:
    known = known_with(0)
    known.read_pairs((*OLD_PAIRS, pair("C0")), before(100))
    known.merge_quote(quote("C0USDT"), before(0))
    assert wanted_streams(tuple(known.listings), before(-3_599))
    assert not wanted_streams(tuple(known.listings), before(-3_601))


def test_both_names_are_streamed_while_sources_disagree_about_them() -> None:
    known = known_with(0)
    known.read_pairs((*OLD_PAIRS, pair("NEX")), before(1_800))
    known.read_calendar(calendar(entry("NEX", coin_id="coin-0")), before(1_700))
    known.read_calendar(calendar(entry("C0", coin_id="coin-0")), before(1_600))
    wanted = wanted_streams(known.live(before(1_000)), before(1_000))
    assert {stream.symbol for stream in wanted} == {"C0USDT", "NEXUSDT"}


def test_a_cancelled_listing_is_neither_polled_for_nor_streamed() -> None:
    known = known_with(0)
    known.drop("C0USDT", before(60))
    assert current_pace(known.live(before(50)), before(50)) is PollPace.FAR
    assert not wanted_streams(tuple(known.listings), before(50))
