"""One day of the practice exchange: the knowledge, signals and outcome of each listing."""

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import pytest

from mexc_tui.detection.detection_pass import ActiveState, active_after, detect
from mexc_tui.detection.outcomes import outcome_of
from mexc_tui.detection.settings import DetectionSettings, LabelRule
from mexc_tui.exchange.rest.web_calendar import parse_calendar, parse_symbols
from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.polling import Bounds, plan
from mexc_tui.market.tape import Tape
from mexc_tui.model.listing import Listing, ListingSource, ListingStage
from mexc_tui.model.order import Side
from mexc_tui.model.outcome_of_listing import OutcomeEnd
from mexc_tui.model.signal import DetectorName, Signal, SignalEnd, SignalKey
from mexc_tui.model.stream import StreamDeal
from mexc_tui.model.symbol import Symbol
from mexc_tui.practice.rest import web_pages
from mexc_tui.practice.rest.http_market import symbol_fields
from mexc_tui.practice.scenario import ListingPlan, MarketPlan, Postponement, Scenario
from mexc_tui.practice.session import ExchangeSession

pytestmark = pytest.mark.timeout(120)  # whole days of listings

START_MS = 1_790_000_000_000
DAY_S = 240
SETTINGS = DetectionSettings(
    maturity_ms=60_000,
    api_grace_ms=40_000,
    api_warning_ms=5_000,
    overdue_ms=3_000,
    cluster_window_ms=2_000,
    label=LabelRule(horizon_ms=60_000),
)
"""Time scales shortened to match the day."""


def plan_of(base: str, opens_s: float, **special: object) -> ListingPlan:
    """Return a listing whose whole life takes minutes; `special` overrides its fields."""
    timing = {
        "announced_before_s": 600,
        "visible_before_s": 25,
        "prepared_before_s": 40,
        "ready_before_s": 15,
    }
    return msgspec.convert({"base": base, "opens_s": opens_s, **timing, **special}, ListingPlan)


DAY = Scenario(
    name="short listing day",
    duration_s=DAY_S,
    market=MarketPlan(symbols=40, active_pairs=0),
    listings=(
        plan_of("CLEAN", 30),
        plan_of("LATER", 50, postponed=[msgspec.to_builtins(Postponement(at_s=1, by_s=20))]),
        plan_of("GONE", 60, cancelled_before_s=2),
        plan_of("NOAPI", 70, api_allowed=False),
        plan_of("OLDNAME", 80, renamed_before_s=10, renamed_to="NEWNAME"),
        plan_of("EARLY", 100, early_s=4),
        plan_of("TWINA", 120),
        plan_of("TWINB", 121),
        plan_of("HALT", 130, suspended_after_s=10),
        plan_of("SILENT", 140, in_calendar=False),
    ),
)


class Day:
    """A desk that polls the exchange's JSON on its normal schedule for the length of the day."""

    def __init__(self, seed: int, *, restart_at_s: int | None = None) -> None:
        """Prepare the session and an empty desk that restarts at most once."""
        self.session = ExchangeSession(DAY, seed, START_MS)
        self.known = Knowledge()
        self.facts: list[Signal | SignalEnd] = []
        self.tapes: dict[str, Tape] = {}
        self._active: dict[SignalKey, ActiveState] = {}
        self._last_ms: dict[ListingSource, int] = {}
        self._restart_ms = None if restart_at_s is None else START_MS + restart_at_s * 1_000

    def run(self) -> "Day":
        """Run through the day with two passes a second."""
        for now_ms in range(START_MS, START_MS + DAY_S * 1_000, 500):
            self.session.advance(now_ms)
            if now_ms == self._restart_ms:
                self._restart()
            for poll in self._due(now_ms):
                self._last_ms[poll] = now_ms
                self._read(poll, now_ms)
            self._stream_trades(now_ms)
            found = detect(tuple(self.known.listings), now_ms, self._active, settings=SETTINGS)
            self.facts += [*found.raised, *found.ended]
            self._active = active_after(self.facts)
        return self

    def _due(self, now_ms: int) -> Iterator[ListingSource]:
        polls = plan(self.known.live(now_ms), now_ms, self._last_ms, bounds=Bounds(now_ms=30_000))
        return (poll.source for poll in polls if poll.due_ms <= now_ms)

    def _read(self, source: ListingSource, now_ms: int) -> None:
        match source:
            case ListingSource.CALENDAR:
                body = msgspec.json.encode(web_pages.calendar(self.session))
                self.known.read_calendar(parse_calendar(body, now_ms), now_ms)
            case ListingSource.SYMBOLS_V2:
                body = msgspec.json.encode(web_pages.symbols(self.session))
                self.known.read_web_symbols(parse_symbols(body), now_ms)
            case ListingSource.EXCHANGE_INFO:
                fields = [symbol_fields(pair, with_opening=True) for pair in self.session.visible_pairs()]
                pairs = msgspec.json.decode(msgspec.json.encode(fields), type=list[Symbol])
                self.known.read_pairs(pairs, now_ms)
            case ListingSource.DEFAULT_SYMBOLS:
                self.known.read_names(source, self.session.default_symbols(), now_ms)
            case ListingSource.SELF_SYMBOLS:
                self.known.read_names(source, self.session.self_symbols(), now_ms)
            case _:
                pass

    def _stream_trades(self, now_ms: int) -> None:
        """Process the trades of visible listings as streams deliver them."""
        for listing in self.known.live(now_ms):
            if self.session.pair(listing.symbol) is None:
                continue
            tape = self.tapes.setdefault(listing.id, Tape())
            for trade in reversed(self.session.trades(listing.symbol, 200)):
                deal = StreamDeal(
                    symbol=listing.symbol,
                    price=Decimal(trade.price),
                    quantity=Decimal(trade.quantity),
                    taker_side=Side.BUY,
                    time_ms=trade.time_ms,
                    trade_id=f"{trade.time_ms}-{trade.price}-{trade.quantity}",
                )
                if tape.add(deal):
                    self.known.merge_deal(deal, now_ms)

    def _restart(self) -> None:
        """Drop all state in memory and reload what a store holds."""
        listings = msgspec.json.decode(msgspec.json.encode(list(self.known.listings)), type=list[Listing])
        self.known = Knowledge(listings, self.known.pairs.values())
        self._active = active_after(self.facts)

    def listing(self, base: str) -> Listing:
        """Return a listing by any of its names."""
        (found,) = (listing for listing in self.known.listings if f"{base}USDT" in listing.names)
        return found

    def signals_of(self, base: str) -> list[tuple[DetectorName, str]]:
        """Return the signals of a listing, in order."""
        subject = self.listing(base).id
        return [
            (fact.key.detector, fact.key.topic)
            for fact in self.facts
            if isinstance(fact, Signal) and fact.key.subject == subject
        ]

    def end(self, base: str) -> OutcomeEnd | None:
        """Return the outcome of a listing if it is decided at the end of the day."""
        listing = self.listing(base)
        now_ms = START_MS + DAY_S * 1_000
        outcome = outcome_of(listing, self.tapes.get(listing.id), now_ms, settings=SETTINGS)
        return outcome.end if outcome is not None else None


@pytest.fixture(scope="module")
def day() -> Day:
    """Return a completed day."""
    return Day(seed=1).run()


def test_every_listing_is_known_once_and_no_old_pair_is_a_listing(day: Day) -> None:
    names = {listing.names[0] for listing in day.known.listings}
    assert names == {plan.base + "USDT" for plan in DAY.listings}
    assert len(day.known.listings) == len(DAY.listings)


def test_a_clean_listing_is_announced_prepared_ready_allowed_and_open(day: Day) -> None:
    risks = {DetectorName.RISK_WARNING}
    assert [detector for detector, _ in day.signals_of("CLEAN") if detector not in risks] == [
        DetectorName.LAUNCH_SEQUENCE,
        DetectorName.PRE_READY,
        DetectorName.API_ENABLED,
        DetectorName.READY_STATE,
        DetectorName.OPENING,
    ]
    assert day.end("CLEAN") is OutcomeEnd.OPENED


@pytest.mark.parametrize(
    ("base", "topic", "end"),
    [
        ("LATER", "moved", OutcomeEnd.OPENED),
        ("GONE", "cancelled", OutcomeEnd.CANCELLED),
        ("NOAPI", "never_api", OutcomeEnd.NEVER_API),
        ("OLDNAME", "renamed", OutcomeEnd.OPENED),
        ("EARLY", "early", OutcomeEnd.OPENED),
        ("HALT", "suspended", OutcomeEnd.OPENED),
    ],
)
def test_each_kind_of_trouble_is_warned_of_and_recorded(
    day: Day, base: str, topic: str, end: OutcomeEnd
) -> None:
    assert (DetectorName.RISK_WARNING, topic) in day.signals_of(base)
    assert day.end(base) is end


def test_a_clean_listing_causes_none_of_these_warnings(day: Day) -> None:
    troubles = {"moved", "cancelled", "never_api", "renamed", "early", "suspended", "overdue", "withdrawn"}
    assert not troubles & {topic for _, topic in day.signals_of("CLEAN")}


def test_listings_that_open_together_are_a_cluster(day: Day) -> None:
    signals_of = [*day.signals_of("TWINA"), *day.signals_of("TWINB")]
    assert signals_of.count((DetectorName.CLUSTER, "together")) == 1


def test_a_listing_missing_in_the_calendar_is_detected(day: Day) -> None:
    listing = day.listing("SILENT")
    assert listing.latest_from(ListingSource.CALENDAR) is None
    assert listing.stage is ListingStage.OPEN
    assert day.end("SILENT") is OutcomeEnd.OPENED


@pytest.mark.parametrize("restart_at_s", [29, 49, 75, 110])
def test_a_restart_during_the_day_repeats_and_loses_no_signal_of_a_listing(
    day: Day, restart_at_s: int
) -> None:
    again = Day(seed=1, restart_at_s=restart_at_s).run()
    once = [(fact.key, fact.state) for fact in day.facts if isinstance(fact, Signal)]
    twice = [(fact.key, fact.state) for fact in again.facts if isinstance(fact, Signal)]
    assert twice == once
