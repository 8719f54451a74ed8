"""A day of the practice exchange, in its own words: what is known, signalled and recorded of each listing."""

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
"""Times as short as the day."""


def plan_of(base: str, opens_s: float, **special: object) -> ListingPlan:
    """Return a listing whose whole life fits into minutes; `special` is what it differs in."""
    timing = {
        "announced_before_s": 600,
        "visible_before_s": 25,
        "prepared_before_s": 40,
        "ready_before_s": 15,
    }
    return msgspec.convert({"base": base, "opens_s": opens_s, **timing, **special}, ListingPlan)


DAY = Scenario(
    name="listing day in small",
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
    """A desk that polls by its ladder, over the exchange's own JSON, for as long as the day lasts."""

    def __init__(self, seed: int, *, restart_at_s: int | None = None) -> None:
        """Prepare the session and an empty desk, which may be stopped and started again once."""
        self.session = ExchangeSession(DAY, seed, START_MS)
        self.known = Knowledge()
        self.facts: list[Signal | SignalEnd] = []
        self.tapes: dict[str, Tape] = {}
        self._standing: dict[SignalKey, ActiveState] = {}
        self._last_ms: dict[ListingSource, int] = {}
        self._restart_ms = None if restart_at_s is None else START_MS + restart_at_s * 1_000

    def live(self) -> "Day":
        """Live through the day, looking twice a second."""
        for now_ms in range(START_MS, START_MS + DAY_S * 1_000, 500):
            self.session.advance(now_ms)
            if now_ms == self._restart_ms:
                self._restart()
            for poll in self._due(now_ms):
                self._last_ms[poll] = now_ms
                self._read(poll, now_ms)
            self._hear(now_ms)
            found = detect(tuple(self.known.listings), now_ms, self._standing, settings=SETTINGS)
            self.facts += [*found.raised, *found.ended]
            self._standing = active_after(self.facts)
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

    def _hear(self, now_ms: int) -> None:
        """Take in the trades of visible listings, as streams would bring them."""
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
        """Lose all that is in memory, and read back what a store holds."""
        listings = msgspec.json.decode(msgspec.json.encode(list(self.known.listings)), type=list[Listing])
        self.known = Knowledge(listings, self.known.pairs.values())
        self._standing = active_after(self.facts)

    def listing(self, base: str) -> Listing:
        """Return a listing by any name it had."""
        (found,) = (one for one in self.known.listings if f"{base}USDT" in one.names)
        return found

    def told(self, base: str) -> list[tuple[DetectorName, str]]:
        """Return what was signalled of a listing, in order."""
        subject = self.listing(base).id
        return [
            (one.key.detector, one.key.topic)
            for one in self.facts
            if isinstance(one, Signal) and one.key.subject == subject
        ]

    def end(self, base: str) -> OutcomeEnd | None:
        """Return how a listing ended, if that is decided by the end of the day."""
        listing = self.listing(base)
        now_ms = START_MS + DAY_S * 1_000
        outcome = outcome_of(listing, self.tapes.get(listing.id), now_ms, settings=SETTINGS)
        return outcome.end if outcome is not None else None


@pytest.fixture(scope="module")
def day() -> Day:
    """Return a day that was lived through."""
    return Day(seed=1).live()


def test_every_listing_is_known_once_and_no_old_pair_is_one(day: Day) -> None:
    names = {listing.names[0] for listing in day.known.listings}
    assert names == {plan.base + "USDT" for plan in DAY.listings}
    assert len(day.known.listings) == len(DAY.listings)


def test_a_clean_listing_is_announced_prepared_ready_allowed_and_open(day: Day) -> None:
    risks = {DetectorName.RISK_WARNING}
    assert [detector for detector, _ in day.told("CLEAN") if detector not in risks] == [
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
    assert (DetectorName.RISK_WARNING, topic) in day.told(base)
    assert day.end(base) is end


def test_a_clean_listing_is_not_warned_of_as_any_of_them(day: Day) -> None:
    troubles = {"moved", "cancelled", "never_api", "renamed", "early", "suspended", "overdue", "withdrawn"}
    assert not troubles & {topic for _, topic in day.told("CLEAN")}


def test_listings_that_open_together_are_a_cluster(day: Day) -> None:
    told = [*day.told("TWINA"), *day.told("TWINB")]
    assert told.count((DetectorName.CLUSTER, "together")) == 1


def test_a_listing_that_no_calendar_names_is_found_all_the_same(day: Day) -> None:
    listing = day.listing("SILENT")
    assert listing.latest_from(ListingSource.CALENDAR) is None
    assert listing.stage is ListingStage.OPEN
    assert day.end("SILENT") is OutcomeEnd.OPENED


@pytest.mark.parametrize("restart_at_s", [29, 49, 75, 110])
def test_a_restart_in_the_middle_of_the_day_signals_nothing_twice_and_forgets_nothing(
    day: Day, restart_at_s: int
) -> None:
    again = Day(seed=1, restart_at_s=restart_at_s).live()
    once = [(one.key, one.state) for one in day.facts if isinstance(one, Signal)]
    twice = [(one.key, one.state) for one in again.facts if isinstance(one, Signal)]
    assert twice == once
