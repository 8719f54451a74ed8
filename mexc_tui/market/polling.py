"""Polling schedule: which source to request next and when, faster near openings, within the weight limit."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from mexc_tui.model.listing import Listing, ListingSource, ListingStage

WINDOW_S = 10
"""Length of a weight window (protocol 3.1)."""
EXTRA_REQUEST_MS = 1_000
"""Lead time of an extra request to the sources of the opening time, which may have moved."""
LATE_MS, LATE_INTERVALS = 30_000, 2
"""Data is too old once a request is overdue for this time and this many intervals."""
_TELL_TIMES = frozenset({ListingSource.CALENDAR, ListingSource.EXCHANGE_INFO})
UNTIMED_MS = 24 * 3_600_000
"""Time to wait for the opening of a visible symbol without an opening time."""
UNTIMED_AHEAD_MS = 1_800_000
"""Assumed distance of such an opening: the pace of the hour, not of the last minutes."""


class PollPace(IntEnum):
    """Distance of the next opening."""

    FAR = 0
    SOON = 1
    """Within the usual advance notice, 3.5 hours."""
    HOUR = 2
    NOW = 3
    """Within two minutes, until open or long overdue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PollInterval:
    """Intervals of a source at each pace, in milliseconds, and the weight of one request."""

    far_ms: int
    soon_ms: int
    hour_ms: int
    now_ms: int
    weight: int = 0

    def at(self, pace: PollPace) -> int:
        """Return the interval at a pace."""
        return (self.far_ms, self.soon_ms, self.hour_ms, self.now_ms)[pace]


LADDER: Mapping[ListingSource, PollInterval] = MappingProxyType(
    {
        # Spare the web site: its list is megabytes long (protocol 10).
        ListingSource.CALENDAR: PollInterval(far_ms=300_000, soon_ms=30_000, hour_ms=5_000, now_ms=5_000),
        ListingSource.SYMBOLS_V2: PollInterval(far_ms=300_000, soon_ms=30_000, hour_ms=10_000, now_ms=10_000),
        ListingSource.EXCHANGE_INFO: PollInterval(
            far_ms=300_000, soon_ms=30_000, hour_ms=5_000, now_ms=3_000, weight=25
        ),
        ListingSource.DEFAULT_SYMBOLS: PollInterval(
            far_ms=30_000, soon_ms=30_000, hour_ms=5_000, now_ms=1_000, weight=1
        ),
        ListingSource.SELF_SYMBOLS: PollInterval(
            far_ms=300_000, soon_ms=30_000, hour_ms=5_000, now_ms=1_000, weight=1
        ),
        ListingSource.ANNOUNCEMENT: PollInterval(
            far_ms=300_000, soon_ms=60_000, hour_ms=60_000, now_ms=60_000, weight=8
        ),
    }
)
"""The polled sources. Together with streams they detect an opening within a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Start of each pace before an opening, and how long an overdue opening is awaited."""

    soon_ms: int = 12_600_000
    hour_ms: int = 3_600_000
    now_ms: int = 120_000
    overdue_now_ms: int = 120_000
    overdue_hour_ms: int = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """One source and when its next request is due."""

    source: ListingSource
    due_ms: int
    every_ms: int
    """Current interval, as far as the weight budget allows."""
    late_ms: int = 0
    """How long the request is overdue."""

    @property
    def is_too_old(self) -> bool:
        """Whether the request is overdue for so long that the data is too old."""
        return self.late_ms >= max(LATE_MS, LATE_INTERVALS * self.every_ms)


@dataclass(frozen=True, slots=True)
class PollAllowance:
    """Remaining budget for requests without waiting."""

    weight: int
    requests: int


def affordable(
    due: Iterable[ListingSource], room: PollAllowance, ladder: Mapping[ListingSource, PollInterval]
) -> tuple[ListingSource, ...]:
    """Return the sources that fit the remaining budget, in order; web pages always fit.

    A source that does not fit stays due, so that no request is repeated later.
    """
    weight, requests = room.weight, room.requests
    found: list[ListingSource] = []
    for source in due:
        need = ladder[source].weight
        if not need:
            found.append(source)
        elif need <= weight and requests:
            found.append(source)
            weight, requests = weight - need, requests - 1
    return tuple(found)


def plan(
    listings: Iterable[Listing],
    now_ms: int,
    last_ms: Mapping[ListingSource, int],
    *,
    weight_per_10s: int = 150,
    ladder: Mapping[ListingSource, PollInterval] = LADDER,
    bounds: Bounds | None = None,
) -> tuple[Poll, ...]:
    """Return when each source is due, soonest and longest overdue first. `last_ms`: last request of each.

    `weight_per_10s`: share of the exchange's budget; sources beyond it are requested less often.
    """
    known = tuple(listings)
    begins = pace_begins(known, now_ms, bounds or Bounds())
    extra_ms = sorted(
        {at_ms - EXTRA_REQUEST_MS for listing in known for at_ms in expected_ms(listing, now_ms)}
    )
    slowed = {pace: _slowed(ladder, pace, weight_per_10s) for pace in begins}
    polls: list[Poll] = []
    for source in ladder:
        every = {pace: intervals[source] for pace, intervals in slowed.items()}
        due_ms = _due_ms(last_ms.get(source), now_ms, begins, every=every)
        if source in _TELL_TIMES:
            due_ms = _extra_request_ms(due_ms, last_ms.get(source), extra_ms, every_ms=min(every.values()))
        every_ms = every[min(begins)]
        late_ms = max(now_ms - last_ms.get(source, now_ms) - every_ms, 0)
        polls.append(Poll(source=source, due_ms=due_ms, every_ms=every_ms, late_ms=late_ms))
    return tuple(sorted(polls, key=lambda poll: (poll.due_ms, -poll.late_ms)))


def pace_begins(listings: Iterable[Listing], now_ms: int, bounds: Bounds) -> dict[PollPace, int]:
    """Return the current pace and each faster one ahead, with its start time."""
    begins: dict[PollPace, int] = {PollPace.FAR: now_ms}
    for listing in listings:
        for pace, from_ms, until_ms in _spans(listing, now_ms, bounds):
            if now_ms < until_ms:
                begins[pace] = min(begins.get(pace, from_ms), from_ms)
    current = max(pace for pace, from_ms in begins.items() if from_ms <= now_ms)
    return {pace: max(from_ms, now_ms) for pace, from_ms in begins.items() if pace >= current}


def current_pace(listings: Iterable[Listing], now_ms: int, bounds: Bounds | None = None) -> PollPace:
    """Return the pace for the nearest opening."""
    return min(pace_begins(listings, now_ms, bounds or Bounds()))


def expected_ms(listing: Listing, now_ms: int) -> tuple[int, ...]:
    """Return every opening time stated by a source; empty when open or closed.

    A listing that is open, but not to the API, is still awaited there.
    """
    if listing.stage is ListingStage.CANCELLED:
        return ()
    if listing.opened_ms is not None:
        return () if listing.api_allowed else (listing.opened_ms,)
    if listing.claimed_ms:
        return listing.claimed_ms
    if listing.opens_ms is not None:
        return (listing.opens_ms,)
    waits = listing.visible_ms is not None and now_ms - listing.visible_ms < UNTIMED_MS
    return (now_ms + UNTIMED_AHEAD_MS,) if waits else ()


def _spans(listing: Listing, now_ms: int, bounds: Bounds) -> Iterable[tuple[PollPace, int, int]]:
    """Yield start and end of each pace that a listing requires."""
    for opens_ms in expected_ms(listing, now_ms):
        yield PollPace.SOON, opens_ms - bounds.soon_ms, opens_ms + bounds.overdue_hour_ms
        yield PollPace.HOUR, opens_ms - bounds.hour_ms, opens_ms + bounds.overdue_hour_ms
        yield PollPace.NOW, opens_ms - bounds.now_ms, opens_ms + bounds.overdue_now_ms


def _due_ms(
    last_ms: int | None, now_ms: int, begins: Mapping[PollPace, int], *, every: Mapping[PollPace, int]
) -> int:
    """Return the first time at which the time since the last request reaches the interval in force."""
    if last_ms is None:
        return now_ms
    return min(max(from_ms, last_ms + every[pace]) for pace, from_ms in begins.items())


def _extra_request_ms(due_ms: int, last_ms: int | None, extra_ms: Iterable[int], *, every_ms: int) -> int:
    """Return the time of an extra request before an opening, at least half an interval after the last one."""
    if last_ms is None:
        return due_ms
    early = (at_ms for at_ms in extra_ms if at_ms < due_ms and at_ms - last_ms >= every_ms / 2)
    return next(early, due_ms)


def _slowed(
    ladder: Mapping[ListingSource, PollInterval], pace: PollPace, weight_per_10s: int
) -> dict[ListingSource, int]:
    """Return the intervals at a pace, with the heaviest sources slowed until all fit the weight budget."""
    intervals = {source: every.at(pace) for source, every in ladder.items()}
    heavy = sorted((source for source in ladder if ladder[source].weight), key=lambda s: -ladder[s].weight)
    for source in heavy:
        excess = _weight_per_10s(ladder, intervals) - weight_per_10s
        if excess <= 0:
            break
        own = _share(ladder[source].weight, intervals[source])
        # At least one request a minute, so that no source is lost entirely.
        left = max(own - excess, ladder[source].weight / 6)
        intervals[source] = max(intervals[source], round(ladder[source].weight * WINDOW_S * 1_000 / left))
    return intervals


def _weight_per_10s(
    ladder: Mapping[ListingSource, PollInterval], intervals: Mapping[ListingSource, int]
) -> float:
    return sum(_share(every.weight, intervals[source]) for source, every in ladder.items())


def _share(weight: int, every_ms: int) -> float:
    return weight * WINDOW_S * 1_000 / every_ms
