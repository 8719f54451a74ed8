"""Passes over all listings: one signal per state, none repeated after a restart, every listing covered."""

from collections.abc import Callable

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.detection.detection_pass import SLICE, ActiveState, active_after, detect, detect_in_slices
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.model.listing import Listing, ListingSource
from mexc_tui.model.signal import DetectorName, Signal, SignalEnd, SignalKey
from mexc_tui.model.symbol import SymbolStatus
from tests.support.samples.detection_samples import DetectionBench, announced_bench, book
from tests.support.samples.listing_sources import (
    OLD_PAIRS,
    OPENS_MS,
    before,
    calendar,
    deal,
    entry,
    knowledge_of_pairs,
    pair,
    row,
    web,
)

STEPS: dict[str, Callable[[Knowledge, int], object]] = {
    "calendar": lambda known, at_ms: known.read_calendar(calendar(entry()), at_ms),
    "moved": lambda known, at_ms: known.read_calendar(calendar(entry(opens_ms=OPENS_MS + 600_000)), at_ms),
    "renamed": lambda known, at_ms: known.read_calendar(calendar(entry("NEX")), at_ms),
    "gone": lambda known, at_ms: known.read_calendar(calendar(), at_ms),
    "web": lambda known, at_ms: known.read_web_symbols(web(row((2, 1, 1))), at_ms),
    "ready": lambda known, at_ms: known.read_web_symbols(web(row((2, 2, 4))), at_ms),
    "pair": lambda known, at_ms: known.read_pairs((*OLD_PAIRS, pair(api=False)), at_ms),
    "api": lambda known, at_ms: known.read_pairs((*OLD_PAIRS, pair()), at_ms),
    "paused": lambda known, at_ms: known.read_pairs((*OLD_PAIRS, pair(status=SymbolStatus.PAUSED)), at_ms),
    "open": lambda known, at_ms: known.merge_deal(deal(at_ms=at_ms), at_ms),
}
"""Events that can happen to NEWUSDT."""
DAYS = st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=12)


def test_a_thousand_passes_over_the_same_state_raise_each_signal_once() -> None:
    desk = announced_bench()
    desk.knowledge.read_web_symbols(web(row((2, 2, 4))), before(900))
    desk.knowledge.read_pairs((*OLD_PAIRS, pair(api=False)), before(800))
    for tenth in range(1_000):
        desk.run_pass(500 - tenth / 10)
    assert [row.key.detector for row in desk.stored if isinstance(row, Signal)] == [
        DetectorName.LAUNCH_SEQUENCE,
        DetectorName.READY_STATE,
        DetectorName.RISK_WARNING,
    ]
    assert not [row for row in desk.stored if isinstance(row, SignalEnd)]


def test_every_listing_beyond_the_hundredth_is_covered() -> None:
    known = knowledge_of_pairs()
    entries = [entry(f"C{n}", OPENS_MS + n * 3_600_000 // 2, f"coin-{n}") for n in range(250)]
    known.read_calendar(calendar(*entries), before(90_000))
    found = detect(tuple(known.listings), before(80_000), {})
    assert found.looked_at == 250
    assert (
        len({signal.symbol for signal in found.raised if signal.key.detector is DetectorName.LAUNCH_SEQUENCE})
        == 250
    )


def test_a_sliced_pass_yields_to_the_loop_and_finds_the_same() -> None:
    known = knowledge_of_pairs()
    entries = [entry(f"C{n}", OPENS_MS + n * 3_600_000, f"coin-{n}") for n in range(2 * SLICE + 1)]
    known.read_calendar(calendar(*entries), before(90_000))
    listings, turns = tuple(known.listings), 0

    parts, found = detect_in_slices(listings, before(80_000), {}), None
    while found is None:
        try:
            next(parts)
            turns += 1
        except StopIteration as done:
            found = done.value
    assert turns == 3
    assert found == detect(listings, before(80_000), {})


def test_a_calendar_entry_alone_reaches_the_launch_detector() -> None:
    desk = announced_bench()
    assert [signal.key.detector for signal in desk.run_pass(79_000).raised] == [DetectorName.LAUNCH_SEQUENCE]


def test_the_spelling_of_a_name_changes_nothing() -> None:
    plain, telling = DetectionBench(), DetectionBench()
    plain.knowledge.read_calendar(calendar(entry("ZZZ")), before(80_000))
    telling.knowledge.read_calendar(calendar(entry("AIDEFI")), before(80_000))
    one, two = plain.run_pass(50_000).raised[0], telling.run_pass(50_000).raised[0]
    assert (one.probability, one.reasons, one.severity) == (two.probability, two.reasons, two.severity)


@settings(max_examples=60)
@given(DAYS, st.integers(0, 12))
def test_a_restart_during_the_day_repeats_and_loses_no_signal(steps: list[str], cut: int) -> None:
    through, restarted = DetectionBench(), DetectionBench()
    for number, step in enumerate(steps):
        seconds = 7_200 - 700 * number
        if number == cut:
            text = msgspec.json.encode(list(restarted.knowledge.listings))
            stored = msgspec.json.decode(text, type=list[Listing])
            restarted.knowledge = Knowledge(stored, restarted.knowledge.pairs.values())
            restarted.stored = [
                msgspec.json.decode(msgspec.json.encode(fact), type=type(fact)) for fact in restarted.stored
            ]
        for desk in (through, restarted):
            STEPS[step](desk.knowledge, before(seconds))
            desk.run_pass(seconds - 1)
    assert restarted.stored == through.stored


@settings(max_examples=60)
@given(DAYS)
def test_a_second_pass_at_the_same_time_finds_nothing_new(steps: list[str]) -> None:
    desk = DetectionBench()
    for number, step in enumerate(steps):
        seconds = 7_200 - 700 * number
        STEPS[step](desk.knowledge, before(seconds))
        desk.run_pass(seconds - 1)
        again = desk.run_pass(seconds - 1)
        assert (again.raised, again.ended) == ((), ())


@settings(max_examples=60)
@given(DAYS)
def test_every_probability_is_between_0_and_1(steps: list[str]) -> None:
    desk = DetectionBench()
    for number, step in enumerate(steps):
        STEPS[step](desk.knowledge, before(7_200 - 700 * number))
        for signal in desk.run_pass(7_199 - 700 * number, book(7_199 - 700 * number)).raised:
            known = signal.probability
            assert 0 <= known.low <= known.value <= known.high <= 1


def test_a_skipped_listing_keeps_its_active_signals() -> None:
    desk = announced_bench()
    desk.run_pass(7_000)
    found = detect((), before(6_000), desk.active)
    assert (found.raised, found.ended, found.looked_at) == ((), (), 0)


def test_active_signals_of_a_merged_listing_are_not_raised_again() -> None:
    desk = announced_bench()
    desk.run_pass(7_000)
    desk.knowledge.read_names(ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT"], before(6_000))
    desk.knowledge.read_names(ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT", "NEXUSDT"], before(5_000))
    desk.run_pass(4_999)
    assert [signal.symbol for signal in desk.raised(DetectorName.API_ENABLED)] == ["NEXUSDT"]
    desk.knowledge.read_calendar(calendar(entry("NEX")), before(4_000))
    assert [len(listing.also_ids) for listing in desk.knowledge.listings] == [1]
    (left,) = (item for item in desk.run_pass(3_999).ended if item.key.detector is DetectorName.API_ENABLED)
    (joined,) = desk.knowledge.listings
    assert (left.key.subject, left.into) == (joined.also_ids[0], joined.id)
    assert left.reason == f"its listing was joined to {joined.id}"
    assert {key.subject for key in desk.active} == {joined.id}
    assert len(desk.raised(DetectorName.API_ENABLED)) == 1
    desk.knowledge.read_names(ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT"], before(3_000))
    ended = [item for item in desk.run_pass(2_999).ended if item.key.detector is DetectorName.API_ENABLED]
    assert len(ended) == 1
    assert desk.run_pass(2_998).ended == ()


def test_identical_signals_of_two_merged_listings_are_active_once() -> None:
    desk = announced_bench()
    desk.knowledge.add("NEXUSDT", OPENS_MS, before(6_000))
    desk.run_pass(5_999)
    assert len(desk.raised(DetectorName.LAUNCH_SEQUENCE)) == 2
    desk.knowledge.read_calendar(calendar(entry("NEX")), before(5_000))
    desk.run_pass(4_999)
    assert len(desk.raised(DetectorName.LAUNCH_SEQUENCE)) == 2
    (joined,) = desk.knowledge.listings
    active = [key.subject for key in desk.active if key.detector is DetectorName.LAUNCH_SEQUENCE]
    assert active == [joined.id]
    assert (desk.run_pass(4_998).raised, desk.run_pass(4_998).ended) == ((), ())


def test_the_active_state_of_each_key_is_its_newest_until_it_ends() -> None:
    key = SignalKey(DetectorName.OPENING, "NEWUSDT-1", "open")
    desk = announced_bench()
    desk.run_pass(7_000)
    signal = msgspec.structs.replace(next(s for s in desk.stored if isinstance(s, Signal)), key=key)
    newer = msgspec.structs.replace(signal, state="other", at_ms=signal.at_ms + 1)
    assert active_after([signal, newer]) == {key: ActiveState("other", signal.at_ms + 1)}
    assert active_after([signal, newer, SignalEnd(key=key, state="other", at_ms=signal.at_ms + 2)]) == {}
