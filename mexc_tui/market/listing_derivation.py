"""Derivation of a listing from its sightings: pure, and independent of the order of sources."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from mexc_tui.model.listing import (
    ChangeKind,
    Disagreement,
    Listing,
    ListingChange,
    ListingFacts,
    ListingSource,
    ListingStage,
    ListingTopic,
    Sighting,
    SourceClaim,
)

_ORDER = {source: number for number, source in enumerate(ListingSource)}
_NAMING = (
    ListingSource.EXCHANGE_INFO,
    ListingSource.SELF_SYMBOLS,
    ListingSource.DEFAULT_SYMBOLS,
    ListingSource.SYMBOLS_V2,
    ListingSource.CALENDAR,
    ListingSource.MANUAL,
    ListingSource.ANNOUNCEMENT,
)
"""Sources of the symbol name, best first."""
_TIMING = (ListingSource.EXCHANGE_INFO, ListingSource.MANUAL, ListingSource.CALENDAR)
"""Sources of the opening time: their newest statement counts. symbolsV2 is used only without one."""
_HOLDING = (
    ListingSource.CALENDAR,
    ListingSource.SYMBOLS_V2,
    ListingSource.EXCHANGE_INFO,
    ListingSource.DEFAULT_SYMBOLS,
    ListingSource.SELF_SYMBOLS,
    ListingSource.MANUAL,
)
"""A listing dropped by all of these is cancelled; an announcement remains on its page forever."""
_API = (ListingSource.EXCHANGE_INFO, ListingSource.DEFAULT_SYMBOLS, ListingSource.SELF_SYMBOLS)
_SPOKEN_ONCE = (ListingSource.MANUAL, ListingSource.ANNOUNCEMENT)
"""Sources that state a name once and do not follow a rename."""
SAME_MOMENT_MS = 1_000
"""Opening times that differ by less do not disagree."""


class _Timed(NamedTuple):
    opens_ms: int
    since_ms: int


def in_order(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Return sightings by time, keeping the order of each source."""
    return tuple(sorted(sightings, key=lambda seen: (seen.at_ms, _ORDER[seen.source])))


def listing_from(listing_id: str, sightings: Iterable[Sighting], also_ids: tuple[str, ...] = ()) -> Listing:
    """Return the listing derived from all its sightings. At least one is required."""
    derivation = _Derivation()
    ordered = in_order(sightings)
    for seen in ordered:
        derivation.add(seen)
    return derivation.listing(listing_id, ordered, also_ids)


class _Derivation:
    """Replays the sightings in order of time."""

    def __init__(self) -> None:
        self._says: dict[ListingSource, Sighting] = {}
        self._times: dict[ListingSource, _Timed] = {}
        self._names: list[str] = []
        self._left_ms: dict[str, int] = {}
        """Names that a source replaced by another, and when: a known rename."""
        self._changes: list[ListingChange] = []
        self._name: ListingFacts | None = None
        self._stage: ListingStage | None = None
        self._opening: tuple[ListingSource, int] | None = None
        self._moves = 0
        self._triple_since_ms: int | None = None
        self._visible_ms: int | None = None
        self._api_ms: int | None = None
        self._opened_ms: int | None = None
        self._traded_ms: int | None = None
        self._cancelled_ms: int | None = None

    def add(self, seen: Sighting) -> None:
        """Merge one sighting."""
        before = self._says.get(seen.source)
        if before is not None and not seen.present and seen.facts.symbol != before.facts.symbol:
            return  # old name of a symbol that this source already lists under its new name
        self._says[seen.source] = seen
        self._note_times(seen)
        self._note_presence(before, seen)
        self._note_fields(before, seen)
        self._note_name(before, seen)
        self._note_opening(seen)
        self._note_stage(seen)

    def _note_times(self, seen: Sighting) -> None:
        opens_ms = seen.facts.opens_ms if seen.present else None
        known = self._times.get(seen.source)
        if opens_ms is None:
            self._times.pop(seen.source, None)
        elif known is None or known.opens_ms != opens_ms:
            self._times[seen.source] = _Timed(opens_ms, seen.at_ms)
        if not seen.present:
            return
        if seen.source is ListingSource.EXCHANGE_INFO:
            self._visible_ms = _first(self._visible_ms, seen.at_ms)
        if _says_api(seen):
            self._api_ms = _first(self._api_ms, seen.at_ms)
        self._traded_ms = _first(self._traded_ms, seen.facts.traded_ms)
        self._opened_ms = _first(self._opened_ms, seen.facts.quoted_ms, seen.facts.traded_ms)

    def _note_presence(self, before: Sighting | None, seen: Sighting) -> None:
        if before is None or before.present == seen.present or seen.source not in _HOLDING:
            return
        kind = ChangeKind.RETURNED if seen.present else ChangeKind.WITHDRAWN
        self._change(kind, seen, before.facts.symbol, after=seen.facts.symbol)

    def _note_fields(self, before: Sighting | None, seen: Sighting) -> None:
        old, new = (before.facts if before is not None else None), seen.facts
        if new.triple is not None and (old is None or old.triple != new.triple):
            self._triple_since_ms = seen.at_ms
            self._change(ChangeKind.TRIPLE, seen, str(old.triple) if old else "", after=str(new.triple))
        if before is None or old is None or not seen.present:
            return
        for kind, was, now in (
            (ChangeKind.STATUS, old.status, new.status),
            (ChangeKind.SIDES, old.sides, new.sides),
            (ChangeKind.API, old.api_allowed, new.api_allowed),
            (ChangeKind.AT_RISK, old.at_risk, new.at_risk),
        ):
            if was != now:
                self._change(kind, seen, _text(was), after=_text(now))

    def _note_name(self, before: Sighting | None, seen: Sighting) -> None:
        if before is not None and seen.present and before.facts.symbol != seen.facts.symbol:
            self._left_ms[before.facts.symbol] = seen.at_ms
        if seen.present:
            self._left_ms.pop(seen.facts.symbol, None)
        if seen.facts.symbol not in self._names:
            self._names.append(seen.facts.symbol)
        best = next((s.facts for s in map(self._says.get, _NAMING) if s is not None and s.present), None)
        if best is None:
            best = self._name or seen.facts
        if self._name is not None and best.symbol != self._name.symbol:
            self._change(ChangeKind.RENAMED, seen, self._name.symbol, after=best.symbol)
        self._name = best

    def _note_opening(self, seen: Sighting) -> None:
        known = [(timed.since_ms, -rank, source) for rank, source in enumerate(_TIMING)
                 if (timed := self._times.get(source)) is not None]  # fmt: skip
        if known:
            source = max(known)[2]
        elif ListingSource.SYMBOLS_V2 in self._times:
            source = ListingSource.SYMBOLS_V2
        else:
            return  # the last known value remains; the stage tells whether a source still lists it
        opens_ms = self._times[source].opens_ms
        if self._opening is not None and abs(self._opening[1] - opens_ms) >= SAME_MOMENT_MS:
            self._moves += 1
            self._change(ChangeKind.MOVED, seen, str(self._opening[1]), after=str(opens_ms))
        self._opening = (source, opens_ms)

    def _note_stage(self, seen: Sighting) -> None:
        stage = self._stage_now()
        if stage is self._stage:
            return
        self._change(ChangeKind.STAGE, seen, self._stage or "", after=stage)
        self._stage = stage
        self._cancelled_ms = seen.at_ms if stage is ListingStage.CANCELLED else None

    def _stage_now(self) -> ListingStage:
        if self._is_cancelled():
            return ListingStage.CANCELLED
        if self._opened_ms is not None:
            return ListingStage.OPEN
        if any(_says_api(seen) for seen in self._says.values()):
            return ListingStage.API_ENABLED
        if self._has(ListingSource.EXCHANGE_INFO):
            return ListingStage.VISIBLE
        if self._opening is None:
            return ListingStage.ANNOUNCED
        return ListingStage.RESCHEDULED if self._moves else ListingStage.SCHEDULED

    def _is_cancelled(self) -> bool:
        manual = self._says.get(ListingSource.MANUAL)
        if manual is not None and not manual.present:
            return True
        said = [source for source in _HOLDING if source in self._says]
        dropped = any(change.kind is ChangeKind.WITHDRAWN for change in self._changes)
        return dropped and self._opened_ms is None and not any(map(self._has, said))

    def _has(self, source: ListingSource) -> bool:
        seen = self._says.get(source)
        return seen is not None and seen.present

    def _change(self, kind: ChangeKind, seen: Sighting, before: str, *, after: str) -> None:
        self._changes.append(
            ListingChange(kind=kind, at_ms=seen.at_ms, source=seen.source, before=before, after=after)
        )

    def listing(self, listing_id: str, ordered: tuple[Sighting, ...], also_ids: tuple[str, ...]) -> Listing:
        """Return the listing after all added sightings."""
        name, stage = self._name, self._stage
        assert name is not None, "a listing has at least one sighting"
        assert stage is not None, "every sighting results in a stage"
        exchange = self._says.get(ListingSource.EXCHANGE_INFO)
        pair = exchange.facts if exchange is not None and exchange.present else None
        web = self._says.get(ListingSource.SYMBOLS_V2)
        return Listing(
            id=listing_id,
            sightings=ordered,
            also_ids=also_ids,
            first_seen_ms=ordered[0].at_ms,
            symbol=name.symbol,
            base=name.base or self._any("base"),
            quote=name.quote or self._any("quote"),
            names=tuple(self._names),
            stage=stage,
            changes=tuple(self._changes),
            disagreements=tuple(_disagreements(self._says, self._times, self._left_ms)),
            full_name=self._any("full_name"),
            coin_id=self._any("coin_id"),
            contract=self._any("contract"),
            zone=self._any("zone"),
            opens_ms=self._opening[1] if self._opening else None,
            opens_source=self._opening[0] if self._opening else None,
            claimed_ms=tuple(sorted({timed.opens_ms for timed in self._times.values()})),
            moves=self._moves,
            triple=web.facts.triple if web is not None and web.present else None,
            triple_since_ms=self._triple_since_ms,
            status=pair.status if pair else None,
            sides=pair.sides if pair else None,
            at_risk=pair.at_risk if pair else False,
            api_allowed=any(_says_api(seen) for seen in self._says.values()),
            visible_ms=self._visible_ms,
            api_ms=self._api_ms,
            opened_ms=self._opened_ms,
            traded_ms=self._traded_ms,
            cancelled_ms=self._cancelled_ms,
        )

    def _any(self, field: str) -> str:
        """Return a text field from the best source that has it."""
        for source in (*_NAMING, ListingSource.STREAM):
            seen = self._says.get(source)
            text = getattr(seen.facts, field) if seen is not None else ""
            if text:
                return str(text)
        return ""


def _first(*moments_ms: int | None) -> int | None:
    return min((moment for moment in moments_ms if moment is not None), default=None)


def _utc(moment_ms: int) -> str:
    return (
        datetime.fromtimestamp(moment_ms / 1_000, UTC)
        .isoformat(" ", "milliseconds")
        .replace("+00:00", " UTC")
    )


def _text(value: object) -> str:
    return "" if value is None else str(getattr(value, "name", value)).lower()


def _says_api(seen: Sighting) -> bool:
    """Return whether this source allows API trading."""
    if not seen.present or seen.source not in _API:
        return False
    return seen.source is not ListingSource.EXCHANGE_INFO or seen.facts.api_allowed is True


def _disagreements(
    says: dict[ListingSource, Sighting], times: dict[ListingSource, _Timed], left_ms: dict[str, int]
) -> Iterable[Disagreement]:
    """Yield every topic on which current sources disagree.

    A statement under a name that was later replaced disagrees with none.
    """
    openings = {source: timed.opens_ms for source, timed in times.items()}
    if openings and max(openings.values()) - min(openings.values()) >= SAME_MOMENT_MS:
        yield _disagreement(ListingTopic.OPENING, {source: _utc(value) for source, value in openings.items()})
    names = {
        source: seen.facts.symbol
        for source, seen in says.items()
        if seen.present and source in _NAMING and not _is_outdated(seen, left_ms)
    }
    if len(set(names.values())) > 1:
        yield _disagreement(ListingTopic.NAME, names)
    holders = {source: "listed" for source in _HOLDING if (seen := says.get(source)) and seen.present}
    official = (ListingSource.CALENDAR, ListingSource.SYMBOLS_V2, ListingSource.EXCHANGE_INFO)
    gone = {source: "gone" for source in official
            if (seen := says.get(source)) and not seen.present}  # fmt: skip
    if holders and gone:
        yield _disagreement(ListingTopic.PRESENCE, holders | gone)
    allowed = {source: "yes" if _says_api(says[source]) else "no" for source in _API if source in says}
    if len(set(allowed.values())) > 1:
        yield _disagreement(ListingTopic.API, allowed)


def _is_outdated(seen: Sighting, left_ms: dict[str, int]) -> bool:
    """Return whether a one-time statement used a name before it was replaced."""
    return seen.source in _SPOKEN_ONCE and seen.at_ms <= left_ms.get(seen.facts.symbol, -1)


def _disagreement(topic: ListingTopic, claims: dict[ListingSource, str]) -> Disagreement:
    ordered = sorted(claims.items(), key=lambda claim: _ORDER[claim[0]])
    return Disagreement(topic, tuple(SourceClaim(source, value) for source, value in ordered))
