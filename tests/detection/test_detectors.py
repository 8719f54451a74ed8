"""Each detector by example: its inputs, its signals, and the cases without a signal."""

import pytest

from mexc_tui.detection.detection_pass import DETECTORS
from mexc_tui.detection.detectors.risk_warning import RISKS
from mexc_tui.detection.settings import DetectionSettings
from mexc_tui.model.listing import ListingSource, Triple
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import ClaimKind, DetectorName, Input, Signal
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
    quote,
    row,
    web,
)


def only(signals: list[Signal]) -> Signal:
    """Return the only signal."""
    (signal,) = signals
    return signal


def test_launch_sequence_reports_the_lead_time_of_an_announcement() -> None:
    desk = announced_bench(80_000)
    desk.run_pass(79_200)
    signal = only(desk.raised(DetectorName.LAUNCH_SEQUENCE))
    assert signal.reasons[0] == "opens in 22.0 h by calendar"
    assert signal.claim.kind is ClaimKind.OPENS_BY
    assert signal.claim.due_ms == OPENS_MS + 900_000
    assert Input("lead_ms", "79200000") in signal.inputs


def test_launch_sequence_signals_again_when_the_opening_moves_and_ends_with_it() -> None:
    desk = announced_bench()
    desk.run_pass(7_000)
    desk.knowledge.read_calendar(calendar(entry(opens_ms=OPENS_MS + 600_000)), before(6_000))
    desk.run_pass(5_999)
    desk.run_pass(5_000)
    assert [signal.at_ms for signal in desk.raised(DetectorName.LAUNCH_SEQUENCE)] == [
        before(7_000),
        before(5_999),
    ]
    ended = desk.run_pass(-600).ended
    assert [item.key.detector for item in ended if item.key.detector is DetectorName.LAUNCH_SEQUENCE]


def test_launch_sequence_states_that_there_is_no_time_yet() -> None:
    desk = DetectionBench()
    desk.knowledge.add("NEWUSDT", None, before(9_000))
    desk.run_pass(8_999)
    signal = only(desk.raised(DetectorName.LAUNCH_SEQUENCE))
    assert (signal.claim.due_ms, signal.reasons[1]) == (None, "no opening time yet")


@pytest.mark.parametrize(
    ("triple", "due_s"),
    [((1, 1, 1), 6 * 3_600), ((1, 1, 4), 6 * 3_600), ((2, 1, 1), 2 * 3_600), ((2, 2, 1), 1_800)],
)
def test_pre_ready_names_the_state_and_the_expected_opening(triple: tuple[int, int, int], due_s: int) -> None:
    desk = DetectionBench()
    desk.knowledge.read_web_symbols(web(row(triple)), before(20_000))
    desk.run_pass(19_999)
    signal = only(desk.raised(DetectorName.PRE_READY))
    assert signal.claim.due_ms == before(19_999) + (due_s + 900) * 1_000
    assert desk.raised(DetectorName.READY_STATE) == []


def test_pre_ready_and_ready_state_follow_the_progression() -> None:
    desk = DetectionBench()
    for seconds, triple in ((20_000, (1, 1, 1)), (7_000, (2, 1, 1)), (900, (2, 2, 4))):
        desk.knowledge.read_web_symbols(web(row(triple)), before(seconds))
        desk.run_pass(seconds - 1)
        desk.run_pass(seconds - 2)
    assert [signal.stratum for signal in desk.raised(DetectorName.PRE_READY)] == ["1/1", "2/1"]
    ready = only(desk.raised(DetectorName.READY_STATE))
    assert ready.reasons[0].startswith("symbolsV2 shows 2/2/4")
    assert "hypothesis" in ready.reasons[1]


def test_the_ready_triple_is_a_setting() -> None:
    desk = DetectionBench(settings=DetectionSettings(ready_triple=Triple(1, 2, 3)))
    desk.knowledge.read_web_symbols(web(row((2, 2, 4))), before(900))
    desk.run_pass(899)
    assert desk.raised(DetectorName.READY_STATE) == []
    desk.knowledge.read_web_symbols(web(row((1, 2, 3))), before(800))
    desk.run_pass(799)
    assert len(desk.raised(DetectorName.READY_STATE)) == 1


def test_ready_state_states_whether_the_exchange_confirms_it() -> None:
    desk = DetectionBench()
    desk.knowledge.read_web_symbols(web(row((2, 2, 4))), before(900))
    desk.run_pass(899)
    assert only(desk.raised(DetectorName.READY_STATE)).stratum == "web only"
    other = DetectionBench()
    other.knowledge.read_pairs((*OLD_PAIRS, pair()), before(1_000))
    other.knowledge.read_web_symbols(web(row((2, 2, 4))), before(900))
    other.run_pass(899)
    assert only(other.raised(DetectorName.READY_STATE)).stratum == "confirmed"


def test_a_triple_that_disappears_and_returns_is_reported_again() -> None:
    desk = DetectionBench()
    for seconds, triple in ((900, (2, 2, 4)), (800, (2, 1, 4)), (700, (2, 2, 4))):
        desk.knowledge.read_web_symbols(web(row(triple)), before(seconds))
        desk.run_pass(seconds - 1)
    assert len(desk.raised(DetectorName.READY_STATE)) == 2


def test_api_enabled_lists_the_state_in_each_official_source() -> None:
    desk = announced_bench()
    desk.knowledge.read_pairs((*OLD_PAIRS, pair(api=False)), before(1_800))
    desk.run_pass(1_700)
    assert desk.raised(DetectorName.API_ENABLED) == []
    desk.knowledge.read_names(ListingSource.DEFAULT_SYMBOLS, ["NEWUSDT"], before(600))
    desk.run_pass(599)
    signal = only(desk.raised(DetectorName.API_ENABLED))
    assert signal.reasons[:3] == ("exchangeInfo: no", "defaultSymbols: yes", "selfSymbols: unknown")


def test_opening_compares_with_the_schedule() -> None:
    desk = announced_bench()
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(60))
    desk.run_pass(1)
    assert desk.raised(DetectorName.OPENING) == []
    desk.knowledge.merge_quote(quote(), before(-3))
    desk.run_pass(-3)
    desk.knowledge.merge_deal(deal(at_ms=before(-2)), before(-4))
    desk.run_pass(-4)
    signal = only(desk.raised(DetectorName.OPENING))
    assert signal.reasons[:2] == ("first quote received", "3 s after the planned time")
    assert signal.claim.kind is ClaimKind.PROFITS


def test_cluster_signals_once_for_listings_that_open_together() -> None:
    desk = DetectionBench()
    entries = [entry(base, OPENS_MS + late_s * 1_000, f"coin-{base}") for base, late_s in
               (("ONE", 0), ("TWO", 300), ("SIX", 600), ("FAR", 601))]  # fmt: skip
    desk.knowledge.read_calendar(calendar(*entries), before(9_000))
    desk.run_pass(8_999)
    desk.run_pass(8_998)
    signal = only(desk.raised(DetectorName.CLUSTER))
    assert signal.reasons == ("3 listings open within 10 min: ONEUSDT, TWOUSDT, SIXUSDT",)
    desk.knowledge.drop("SIXUSDT", before(8_000))
    desk.run_pass(7_999)
    assert [signal.stratum for signal in desk.raised(DetectorName.CLUSTER)] == ["many", "pair"]


def test_a_lone_listing_is_no_cluster() -> None:
    desk = announced_bench()
    desk.run_pass(7_000)
    assert desk.raised(DetectorName.CLUSTER) == []


def moved(desk: DetectionBench) -> None:
    """Postpone the opening by ten minutes, one second before it."""
    desk.knowledge.read_calendar(calendar(entry(opens_ms=OPENS_MS + 600_000)), before(1))
    desk.run_pass(0)


def renamed(desk: DetectionBench) -> None:
    """Rename the ticker."""
    desk.knowledge.read_calendar(calendar(entry("NEX")), before(60))
    desk.run_pass(59)


def cancelled(desk: DetectionBench) -> None:
    """Remove the listing from the calendar."""
    desk.knowledge.read_calendar(calendar(), before(60))
    desk.run_pass(59)


def withdrawn(desk: DetectionBench) -> None:
    """Remove it from the calendar while the exchange shows the pair."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(100))
    desk.knowledge.read_calendar(calendar(), before(60))
    desk.run_pass(59)


def disagreement(desk: DetectionBench) -> None:
    """Report another opening time from exchangeInfo."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair(opens_ms=OPENS_MS + 60_000)), before(100))
    desk.run_pass(59)


def overdue(desk: DetectionBench) -> None:
    """Let the opening time pass."""
    desk.run_pass(-120)


def early(desk: DetectionBench) -> None:
    """Open the pair a minute early."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(100))
    desk.knowledge.merge_deal(deal(at_ms=before(60)), before(60))
    desk.run_pass(59)


def never_api(desk: DetectionBench) -> None:
    """Show the pair without API access."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair(api=False)), before(1_000))
    desk.run_pass(601)
    assert desk.raised(DetectorName.RISK_WARNING, "never_api") == []
    desk.run_pass(600)


def own_key(desk: DetectionBench) -> None:
    """Leave the pair out of the key's symbols."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(1_000))
    desk.knowledge.read_names(ListingSource.SELF_SYMBOLS, ["BTCUSDT"], before(900))
    desk.run_pass(890)
    assert desk.raised(DetectorName.RISK_WARNING, "own_key") == []
    desk.knowledge.read_names(ListingSource.DEFAULT_SYMBOLS, ["BTCUSDT", "NEWUSDT"], before(800))
    desk.run_pass(799)
    assert desk.raised(DetectorName.RISK_WARNING, "own_key") == []
    desk.run_pass(600)


def side_closed(desk: DetectionBench) -> None:
    """Close selling."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair(sides=2)), before(1_000))
    desk.run_pass(600)


def suspended(desk: DetectionBench) -> None:
    """Suspend the pair (reliability M14)."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(1_000))
    desk.knowledge.read_pairs((*OLD_PAIRS, pair(status=SymbolStatus.PAUSED)), before(900))
    desk.run_pass(600)


def delisted(desk: DetectionBench) -> None:
    """Remove the pair after it opened (reliability M14)."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(1_000))
    desk.knowledge.merge_deal(deal(), before(-1))
    desk.knowledge.read_pairs(OLD_PAIRS, before(-60))
    desk.run_pass(-61)


def at_risk(desk: DetectionBench) -> None:
    """Mark the pair as at risk."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair(at_risk=True)), before(1_000))
    desk.run_pass(600)


def thin_book(desk: DetectionBench) -> None:
    """Open the pair with a thin order book."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(1_000))
    desk.knowledge.merge_deal(deal(), before(-1))
    desk.run_pass(-2, book(-2, value=499))


def wide_spread(desk: DetectionBench) -> None:
    """Open the pair with a wide spread."""
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(1_000))
    desk.knowledge.merge_deal(deal(), before(-1))
    desk.run_pass(-2, book(-2, spread=0.06))


EXAMPLES = {
    "moved": (moved, "calendar moved the opening 10 min later, 1 s before the planned time"),
    "renamed": (renamed, "renamed from NEWUSDT to NEXUSDT by calendar"),
    "cancelled": (cancelled, "cancelled: no source lists it"),
    "withdrawn": (
        withdrawn,
        "sources disagree about its presence: calendar says gone, exchangeInfo says listed",
    ),
    "disagreement": (
        disagreement,
        "sources disagree about its opening: calendar says 2026-09-21 15:13:20.000 UTC, "
        "exchangeInfo says 2026-09-21 15:14:20.000 UTC",
    ),
    "overdue": (overdue, "overdue by 2 min, not open"),
    "early": (early, "opened 60 s before the planned time"),
    "never_api": (
        never_api,
        "in exchangeInfo, but API trading is not enabled this close to the opening (zone NEW)",
    ),
    "own_key": (
        own_key,
        "not in selfSymbols: this API key may not trade it; check the key's symbols on the exchange",
    ),
    "side_closed": (side_closed, "buy only: selling is closed"),
    "suspended": (suspended, "trading paused by the exchange"),
    "delisted": (
        delisted,
        "no longer in exchangeInfo: positions cannot be sold on the exchange",
    ),
    "at_risk": (at_risk, "marked by the exchange as at risk of delisting"),
    "thin_book": (thin_book, "thin book: 499 USDT bids / 499 USDT asks within 2 %"),
    "wide_spread": (wide_spread, "spread 5.8%"),
}


@pytest.mark.parametrize("topic", EXAMPLES)
def test_a_risk_warning_is_raised_once_with_a_plain_message(topic: str) -> None:
    make_example, words = EXAMPLES[topic]
    desk = announced_bench()
    desk.run_pass(7_200)
    assert desk.raised(DetectorName.RISK_WARNING) == []
    make_example(desk)
    signal = only(desk.raised(DetectorName.RISK_WARNING, topic))
    assert signal.reasons == (words,)
    assert signal.claim.kind is ClaimKind.GOES_WRONG
    assert signal.severity is not Severity.INFO


def test_every_signal_type_and_every_risk_has_an_example_that_fires() -> None:
    assert {detector.name for detector in DETECTORS} == set(DetectorName)
    assert set(EXAMPLES) == set(RISKS)
    desk = DetectionBench()
    desk.knowledge.read_calendar(calendar(entry(), entry("TWO", coin_id="coin-two")), before(90_000))
    desk.knowledge.read_web_symbols(web(row((2, 1, 1))), before(7_200))
    desk.run_pass(7_000)
    desk.knowledge.read_web_symbols(web(row((2, 2, 4))), before(900))
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(600))
    desk.run_pass(500)
    desk.knowledge.merge_deal(deal(), before(-1))
    desk.run_pass(-2, book(-2, value=1))
    assert {row.key.detector for row in desk.stored if isinstance(row, Signal)} == set(DetectorName)


def test_never_api_grows_from_suspicion_to_certainty() -> None:
    desk = announced_bench()
    desk.knowledge.read_pairs((*OLD_PAIRS, pair(api=False)), before(1_000))
    for seconds in (600, 599, -60, -3_599, -3_600, -3_700):
        desk.run_pass(seconds)
    assert [signal.state for signal in desk.raised(DetectorName.RISK_WARNING, "never_api")] == [
        "suspected",
        "confirmed",
    ]


def test_a_spread_oscillating_around_the_threshold_is_reported_once_in_five_minutes() -> None:
    desk = announced_bench()
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(1_000))
    desk.knowledge.merge_deal(deal(), before(0))
    for second in range(1, 301):
        desk.run_pass(-second, book(-second, spread=0.06 if second % 2 else 0.01))
    assert len(desk.raised(DetectorName.RISK_WARNING, "wide_spread")) == 1


def test_a_stale_quote_neither_raises_nor_ends_a_warning() -> None:
    desk = announced_bench()
    desk.knowledge.read_pairs((*OLD_PAIRS, pair()), before(1_000))
    desk.knowledge.merge_deal(deal(), before(0))
    desk.run_pass(-20, book(-10, spread=0.5))
    assert desk.raised(DetectorName.RISK_WARNING, "wide_spread") == []
    desk.run_pass(-21, book(-21, spread=0.5))
    assert len(desk.raised(DetectorName.RISK_WARNING, "wide_spread")) == 1
    assert not [item for item in desk.run_pass(-900, book(-800)).ended if item.key.topic == "wide_spread"]
    assert [item for item in desk.run_pass(-901, book(-901)).ended if item.key.topic == "wide_spread"]


def test_a_signal_records_version_inputs_reasons_and_the_hash_of_the_settings() -> None:
    desk = announced_bench()
    desk.run_pass(7_000)
    other = DetectionBench(known=knowledge_of_pairs(), settings=DetectionSettings(config_hash="other"))
    other.knowledge.read_calendar(calendar(entry()), before(80_000))
    other.run_pass(7_000)
    one, two = (
        only(desk.raised(DetectorName.LAUNCH_SEQUENCE)),
        only(other.raised(DetectorName.LAUNCH_SEQUENCE)),
    )
    assert one.version == 1
    assert one.inputs
    assert one.reasons
    assert (one.config_hash, two.config_hash) == (DetectionSettings().config_hash, "other")
    assert one.reasons == two.reasons
