"""The outcome of every listing, traded or not, by one declared rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.detection.outcomes import outcome_of, outcome_of_ended_session, reference_return
from mexc_tui.detection.settings import DetectionSettings, LabelRule
from mexc_tui.detection.verdicts import ClaimVerdict, base_verdict
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.tape import Tape, TapeBar
from mexc_tui.model.listing import Listing
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.signal import ClaimKind
from tests.support.samples.listing_sources import (
    OLD_PAIRS,
    OPENS_MS,
    before,
    calendar,
    deal,
    entry,
    knowledge_of_pairs,
    pair,
)

FREE = LabelRule(slippage=0.0, fee=0.0)
"""The rule without costs, so that its results can be computed by hand."""


def bars(*prices: tuple[float, float, float, float]) -> list[TapeBar]:
    """Return one bar per second from (open, high, low, close), starting one second after the opening."""
    return [
        TapeBar(
            start_ms=OPENS_MS + 1_000 * (n + 1),
            open=first,
            high=high,
            low=low,
            close=last,
            value=1.0,
            bought=1.0,
        )
        for n, (first, high, low, last) in enumerate(prices)
    ]


def opened(*, api: bool = True) -> Knowledge:
    """Return knowledge of NEWUSDT after its first trade."""
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_pairs((*OLD_PAIRS, pair(api=api)), before(1_800))
    known.merge_deal(deal(at_ms=before(-0.05)), before(-0.2))
    return known


def tape_of(*prices: str) -> Tape:
    """Return a tape with one trade per second from the opening on."""
    tape = Tape()
    for second, price in enumerate(prices):
        tape.add(deal(at_ms=OPENS_MS + 50 + 1_000 * second, price=price))
    return tape


def new(known: Knowledge) -> Listing:
    """Return the only listing."""
    (listing,) = known.listings
    return listing


def decided_outcome(listing: Listing, tape: Tape | None, seconds: float) -> ListingOutcome:
    """Return the outcome, which must be decided."""
    outcome = outcome_of(listing, tape, before(seconds))
    assert outcome is not None
    return outcome


def test_an_opened_listing_is_decided_when_the_horizon_has_passed() -> None:
    listing = new(opened())
    tape = tape_of("0.05", "0.06", "0.025", "0.05")
    assert outcome_of(listing, tape, before(-3_599)) is None
    outcome = decided_outcome(listing, tape, -3_601)
    assert (outcome.end, outcome.opened_ms, outcome.late_ms) == (OutcomeEnd.OPENED, OPENS_MS + 50, 50)
    assert (outcome.trades, outcome.first_price, outcome.high_ratio) == (4, 0.05, 1.2)
    assert (outcome.low_ratio, outcome.last_ratio, outcome.traded) == (0.5, 1.0, False)


def test_the_reference_rule_sells_at_each_ladder_step() -> None:
    # 30 % at +10 %, 40 % at +20 %, the rest at the last price, -5 %.
    gain = reference_return(
        bars((1, 1.1, 1, 1.1), (1.1, 1.25, 1.1, 1.2), (1.2, 1.2, 0.95, 0.95)), OPENS_MS, FREE
    )
    assert gain is not None
    assert abs(gain - (0.3 * 1.1 + 0.4 * 1.2 + 0.3 * 0.95 - 1)) < 1e-12


def test_the_reference_rule_takes_the_stop_first_when_a_second_contains_both() -> None:
    gain = reference_return(bars((1, 2, 0.5, 2)), OPENS_MS, FREE)
    assert gain is not None
    assert abs(gain + 0.1) < 1e-12


def test_a_gap_through_the_stop_counts_in_full() -> None:
    gain = reference_return(bars((1, 1, 1, 1), (0.4, 0.4, 0.4, 0.4)), OPENS_MS, FREE)
    assert gain is not None
    assert abs(gain + 0.6) < 1e-12


def test_fees_and_slippage_make_a_flat_market_a_loss() -> None:
    gain = reference_return(bars((1, 1, 1, 1)), OPENS_MS, LabelRule())
    assert gain is not None
    assert abs(gain - (0.995 * 0.9995 / (1.005 * 1.0005) - 1)) < 1e-12


def test_nothing_is_bought_when_all_trades_came_before_the_delay() -> None:
    assert reference_return(bars((1, 1, 1, 1)), OPENS_MS + 60_000, FREE) is None


def test_a_gap_in_the_tape_leaves_the_return_undecided_but_not_the_opening() -> None:
    listing, tape = new(opened()), tape_of("0.05", "0.06")
    tape.record_gap(before(-100), before(-160))
    outcome = decided_outcome(listing, tape, -3_601)
    assert (outcome.end, outcome.has_gap, outcome.reference_return) == (OutcomeEnd.OPENED, True, None)
    assert decided_outcome(listing, None, -3_601).has_gap


def test_a_gap_before_the_opening_does_not_matter() -> None:
    tape = tape_of("0.05", "0.06")
    tape.record_gap(before(100), before(60))
    assert not decided_outcome(new(opened()), tape, -3_601).has_gap


def test_a_cancelled_listing_has_its_outcome_at_once() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_calendar(calendar(), before(60))
    assert decided_outcome(new(known), None, 60).end is OutcomeEnd.CANCELLED


def test_a_dropped_listing_has_an_unknown_outcome() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.drop("NEWUSDT", before(60))
    assert decided_outcome(new(known), None, 50).end is OutcomeEnd.UNKNOWN


def test_never_tradable_by_api_differs_from_never_open() -> None:
    assert decided_outcome(new(opened(api=False)), None, -3_601).end is OutcomeEnd.NEVER_API
    silent = knowledge_of_pairs()
    silent.read_calendar(calendar(entry()), before(7_200))
    silent.read_pairs((*OLD_PAIRS, pair()), before(1_800))
    assert outcome_of(new(silent), None, before(-3_599)) is None
    assert decided_outcome(new(silent), None, -3_600).end is OutcomeEnd.UNKNOWN


def test_a_pair_with_delayed_api_access_opens_when_the_access_starts() -> None:
    known = opened(api=False)
    known.read_pairs((*OLD_PAIRS, pair()), before(-600))
    assert outcome_of(new(known), None, before(-4_000)) is None
    assert decided_outcome(new(known), None, -4_201).opened_ms == before(-600)


def test_moved_openings_and_names_are_recorded() -> None:
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_calendar(calendar(entry("NEX", OPENS_MS + 60_000)), before(600))
    known.read_calendar(calendar(), before(500))
    outcome = decided_outcome(new(known), None, 500)
    assert (outcome.moved_ms, outcome.renamed, outcome.symbol) == ((before(600),), True, "NEXUSDT")


PRICES = st.floats(0.2, 5)


@given(st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES), min_size=1, max_size=30), st.floats(1e-6, 1e6))
def test_the_return_is_bounded_and_independent_of_the_price_unit(
    drawn: list[tuple[float, float, float, float]], unit: float
) -> None:
    path = [(a, max(a, b, c, d), min(a, b, c, d), d) for a, b, c, d in drawn]
    gain = reference_return(bars(*path), OPENS_MS, LabelRule())
    scaled = reference_return(
        bars(*[(a * unit, b * unit, c * unit, d * unit) for a, b, c, d in path]), OPENS_MS, LabelRule()
    )
    assert gain is not None
    assert scaled is not None
    assert -1 < gain <= 5 / 0.2
    assert abs(gain - scaled) < 1e-6


@pytest.mark.parametrize("version", ["1", "2"])
def test_the_label_names_its_rule(version: str) -> None:
    settings = DetectionSettings(label=LabelRule(version=version, horizon_ms=1_000))
    outcome = outcome_of(new(opened()), None, before(-9), settings=settings)
    assert outcome is not None
    assert outcome.label_version == f"{version}:1000"


def test_a_pair_the_key_may_not_trade_has_no_return() -> None:
    outcome = decided_outcome(new(opened(api=False)), tape_of("0.05", "0.06", "0.07", "0.08"), -3_601)
    assert (outcome.end, outcome.trades, outcome.reference_return) == (OutcomeEnd.NEVER_API, 4, None)


def test_a_listing_is_undecided_at_the_end_of_its_session_unless_cancelled() -> None:
    known = opened()
    left = outcome_of_ended_session(new(known), before(-100), DetectionSettings())
    assert (left.end, left.opened_ms is not None, left.reference_return) == (
        OutcomeEnd.SESSION_ENDED,
        True,
        None,
    )
    assert {base_verdict(kind, left) for kind in ClaimKind} == {ClaimVerdict.CENSORED}
    known = knowledge_of_pairs()
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_calendar(calendar(), before(600))
    assert outcome_of_ended_session(new(known), before(-100), DetectionSettings()).end is OutcomeEnd.CANCELLED
