"""Listings of a session: calendar, symbolsV2, new and delisted pairs."""

from collections import deque
from collections.abc import Callable

from mexc_tui.practice.listings import ListingStep, PracticeListing
from mexc_tui.practice.matching.hub import Hub
from mexc_tui.practice.matching.ids import seeded
from mexc_tui.practice.matching.intervals import DAY_MS
from mexc_tui.practice.matching.pairs import PairStatus, PracticePair
from mexc_tui.practice.matching.rules import OpeningRules
from mexc_tui.practice.matching.values import PracticeAnnouncement, PracticeCalendarEntry, PracticeWebSymbol
from mexc_tui.practice.price_models import OpeningPrice
from mexc_tui.practice.scenario import ListingPlan, Scenario
from mexc_tui.practice.schedule import Schedule
from mexc_tui.practice.traders import Crowd, opening_trade_units, seed_opening

CALENDAR_KEPT_MS = 7 * DAY_MS
"""Time for which the calendar shows past openings (protocol 10.1)."""
OPEN_KEPT = 100
"""Opened listings of an endless series above which the oldest pair is delisted."""


class ListingBoard:
    """Runs the listing plans of a scenario."""

    def __init__(
        self,
        *,
        scenario: Scenario,
        seed: int,
        hub: Hub,
        schedule: Schedule,
        pairs: dict[str, PracticePair],
        in_use: Callable[[PracticePair], bool],
    ) -> None:
        """`pairs`: those in exchangeInfo; `in_use`: whether the account has a balance or order in one."""
        self._scenario = scenario
        self._seed = seed
        self._hub = hub
        self._schedule = schedule
        self._pairs = pairs
        self._in_use = in_use
        self._start_ms = hub.now_ms
        self._used_assets = {pair.rules.base for pair in pairs.values()}
        self._listings: dict[str, PracticeListing] = {}
        """Upcoming and open listings, by current symbol."""
        self._opened: deque[PracticeListing] = deque()
        self._delisted: deque[PracticeCalendarEntry] = deque()
        self._announced: deque[PracticeAnnouncement] = deque(maxlen=500)
        for plan in scenario.listings:
            self._schedule_listing(plan, 0)

    def _schedule_listing(self, plan: ListingPlan, number: int) -> None:
        """Add a listing at its first event; a series continues with the next one."""
        listing = PracticeListing(
            plan=plan, number=number, seed=self._seed, start_ms=self._start_ms, taken=self._used_assets
        )
        first_ms = max(listing.opens_ms - listing.lead_ms(), self._start_ms)

        def begin(_at_ms: int) -> None:
            self._listings[listing.symbol] = listing
            self._await_step(listing)
            if plan.every_s is not None:
                self._schedule_listing(plan, number + 1)

        self._schedule.add(first_ms, begin)

    def _await_step(self, listing: PracticeListing) -> None:
        coming = listing.next_step()
        if coming is None:
            return
        at_ms, step = coming

        def run(now_ms: int) -> None:
            self._run_step(listing, step, now_ms)
            self._await_step(listing)

        self._schedule.add(max(at_ms, self._hub.now_ms), run)

    def _run_step(self, listing: PracticeListing, step: ListingStep, now_ms: int) -> None:
        before = listing.symbol
        if step is ListingStep.OPEN:
            self._ensure_shown(listing, now_ms)
        listing.apply(step, now_ms)
        match step:
            case ListingStep.ANNOUNCE:
                self._announce(listing, now_ms)
            case ListingStep.SHOW:
                self._show(listing)
            case ListingStep.ALLOW:
                self._allow(listing)
            case ListingStep.OPEN:
                self._open(listing, now_ms)
            case _:
                self._plans_changed(listing, step, before)

    def _plans_changed(self, listing: PracticeListing, step: ListingStep, before: str) -> None:
        match step:
            case ListingStep.RENAME:
                self._rename(listing, before)
            case ListingStep.POSTPONE:
                self._moved(listing)
            case ListingStep.CANCEL:
                self._pairs.pop(before, None)
                self._listings.pop(before, None)
            case ListingStep.SUSPEND:
                self._suspend(listing)
            case _:
                pass  # visible in symbolsV2 only

    def _ensure_shown(self, listing: PracticeListing, now_ms: int) -> None:
        """Run the steps that an opening earlier than planned would skip."""
        api_from_s = listing.plan.api_from_s
        wanted = [ListingStep.SHOW, ListingStep.READY]
        if api_from_s is None or api_from_s >= 0:
            wanted.append(ListingStep.ALLOW)
        for step in wanted:
            if not listing.has(step):
                self._run_step(listing, step, now_ms)

    def _announce(self, listing: PracticeListing, now_ms: int) -> None:
        if not listing.plan.in_calendar:
            return
        slug = f"{listing.full_name}-{listing.base}".replace(" ", "-").lower()
        title = f"Initial Listing: MEXC Will List {listing.full_name} ({listing.base})"
        self._announced.appendleft(
            PracticeAnnouncement(title, f"https://www.mexc.com/announcements/article/{slug}", now_ms)
        )

    def _show(self, listing: PracticeListing) -> None:
        pair = PracticePair(
            rules=listing.pair_rules(self._scenario.knobs), hub=self._hub, seed=self._seed, past_until_ms=None
        )
        pair.trading = False
        pair.api_allowed = listing.plan.api_allowed and listing.has(ListingStep.ALLOW)
        pair.blocked = listing.plan.blocked
        pair.first_open_ms = listing.opens_ms if self._scenario.knobs.first_open_time else None
        self._pairs[listing.symbol] = pair

    def _allow(self, listing: PracticeListing) -> None:
        pair = self._pairs.get(listing.symbol)
        if pair is not None:
            pair.api_allowed = listing.plan.api_allowed

    def _rename(self, listing: PracticeListing, before: str) -> None:
        self._listings.pop(before, None)
        self._listings[listing.symbol] = listing
        self._hub.coin_ids[listing.base] = listing.coin_id
        if self._pairs.pop(before, None) is not None:
            self._show(listing)

    def _moved(self, listing: PracticeListing) -> None:
        pair = self._pairs.get(listing.symbol)
        if pair is not None and self._scenario.knobs.first_open_time:
            pair.first_open_ms = listing.opens_ms

    def _open(self, listing: PracticeListing, now_ms: int) -> None:
        pair, plan = self._pairs[listing.symbol], listing.plan
        pair.trading = True
        rng = seeded(self._seed, f"opening/{listing.symbol}/{listing.opens_ms}")
        seed_opening(pair, plan, rng)
        reference = float(pair.ticks(plan.price))
        motion = OpeningPrice(
            shape=plan.shape,
            reference_ticks=reference,
            peak=plan.peak,
            trades_per_s=plan.trades_per_s,
            opened_ms=now_ms,
            rng=rng,
        )
        crowd = Crowd(pair=pair, motion=motion, trade_units=opening_trade_units(pair, plan), rng=rng)
        self._await_crowd(listing, crowd, now_ms)
        self._opened.append(listing)
        self._retire(now_ms)

    def _await_crowd(self, listing: PracticeListing, crowd: Crowd, now_ms: int) -> None:
        gap_ms = crowd.gap_ms(now_ms)
        pair = crowd.pair
        if gap_ms is None or pair.status is not PairStatus.ONLINE:
            return

        def act(at_ms: int) -> None:
            if pair.status is not PairStatus.ONLINE:
                return
            ceiling = listing.opening_rules(at_ms).ceiling
            crowd.ceiling_ticks = None if ceiling is None else pair.ticks(ceiling)
            crowd.act(at_ms)
            self._await_crowd(listing, crowd, at_ms)

        self._schedule.add(now_ms + gap_ms, act)

    def _suspend(self, listing: PracticeListing) -> None:
        pair = self._pairs.get(listing.symbol)
        if pair is not None:
            pair.status = PairStatus.PAUSED

    def _retire(self, now_ms: int) -> None:
        """Delist the oldest pairs, so that an endless series uses constant memory."""
        for _ in range(len(self._opened) - OPEN_KEPT):
            listing = self._opened.popleft()
            pair = self._pairs.get(listing.symbol)
            if pair is not None and self._in_use(pair):
                self._opened.append(listing)
                continue
            entry = listing.calendar_entry()
            if entry is not None:
                self._delisted.append(entry)
            if pair is not None:
                pair.status = PairStatus.OFFLINE
                del self._pairs[listing.symbol]
            self._listings.pop(listing.symbol, None)
        while self._delisted and self._delisted[0].first_open_ms < now_ms - CALENDAR_KEPT_MS:
            self._delisted.popleft()

    def is_upcoming(self, symbol: str) -> bool:
        """Whether a listing of this symbol is scheduled and not visible yet."""
        return symbol in self._listings

    def opening_rules(self, symbol: str, now_ms: int) -> OpeningRules:
        """Return the order rules of this pair in the first seconds of its listing."""
        listing = self._listings.get(symbol)
        return OpeningRules() if listing is None else listing.opening_rules(now_ms)

    def calendar(self, now_ms: int) -> list[PracticeCalendarEntry]:
        """Return announced listings and those opened in the last week, by opening time."""
        entries = [entry for each in self._listings.values() if (entry := each.calendar_entry())]
        entries.extend(self._delisted)
        recent = (entry for entry in entries if entry.first_open_ms >= now_ms - CALENDAR_KEPT_MS)
        return sorted(recent, key=lambda entry: entry.first_open_ms)

    def web_symbols(self) -> dict[str, PracticeWebSymbol]:
        """Return the symbolsV2 rows of listings, by symbol."""
        return {symbol: row for symbol, each in self._listings.items() if (row := each.web_symbol())}

    def announcements(self) -> list[PracticeAnnouncement]:
        """Return announcements, newest first."""
        return list(self._announced)
