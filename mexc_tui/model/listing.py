"""A listing and its life: what each source said of it and when, and what the desk makes of that.

`announced -> scheduled (-> rescheduled)* -> visible -> api_enabled -> open -> matured`,
or `cancelled`, or `never_api`.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.symbol import SymbolStatus, TradeSides


class ListingSource(StrEnum):
    """Who told us. Web sources are unofficial and may fail or vanish (protocol 10)."""

    CALENDAR = "calendar"
    SYMBOLS_V2 = "symbolsV2"
    EXCHANGE_INFO = "exchangeInfo"
    DEFAULT_SYMBOLS = "defaultSymbols"
    SELF_SYMBOLS = "selfSymbols"
    ANNOUNCEMENT = "announcement"
    STREAM = "stream"
    BY_HAND = "by_hand"


_OFFICIAL = frozenset(
    {
        ListingSource.EXCHANGE_INFO,
        ListingSource.DEFAULT_SYMBOLS,
        ListingSource.SELF_SYMBOLS,
        ListingSource.ANNOUNCEMENT,
        ListingSource.STREAM,
    }
)


class ListingStage(StrEnum):
    """Where a listing stands in its life."""

    ANNOUNCED = "announced"
    SCHEDULED = "scheduled"
    RESCHEDULED = "rescheduled"
    VISIBLE = "visible"
    """exchangeInfo shows the pair."""
    API_ENABLED = "api_enabled"
    """An official source says that it may be traded through the API."""
    OPEN = "open"
    MATURED = "matured"
    CANCELLED = "cancelled"
    NEVER_API = "never_api"

    @property
    def is_over(self) -> bool:
        """Whether nothing more is expected of it."""
        return self in (ListingStage.MATURED, ListingStage.CANCELLED, ListingStage.NEVER_API)


class ChangeKind(StrEnum):
    """What changed about a listing."""

    STAGE = "stage"
    MOVED = "moved"
    """The opening; `before` and `after` are Unix milliseconds as text."""
    RENAMED = "renamed"
    WITHDRAWN = "withdrawn"
    """A source that listed it does so no more."""
    RETURNED = "returned"
    STATUS = "status"
    SIDES = "sides"
    API = "api"
    TRIPLE = "triple"
    AT_RISK = "at_risk"


class ListingTopic(StrEnum):
    """What sources can disagree about."""

    OPENING = "opening"
    NAME = "name"
    PRESENCE = "presence"
    API = "api"


class Triple(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The web site's sts, st and tt. What they mean is hearsay (protocol 10.2, 10.3)."""

    status: int | None
    state: int | None
    trading_type: int | None

    def __str__(self) -> str:
        """Return it as 2/2/4, with ? for what was not sent."""
        text = f"{self.status}/{self.state}/{self.trading_type}"
        return text.replace("None", "?") if "None" in text else text


class ListingFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one source says of one listing; it leaves out what it does not tell."""

    symbol: str
    """The pair as this source names it, such as NEWUSDT."""
    base: str = ""
    quote: str = ""
    full_name: str = ""
    coin_id: str = ""
    """Joins the calendar and symbolsV2; outlives a change of name."""
    contract: str = ""
    zone: str = ""
    opens_ms: int | None = None
    triple: Triple | None = None
    status: SymbolStatus | None = None
    sides: TradeSides | None = None
    api_allowed: bool | None = None
    at_risk: bool = False
    """The exchange marks the pair as at risk of being delisted."""
    market_orders: bool | None = None
    """Whether MARKET is among the order types listed."""
    quoted_ms: int | None = None
    """First quote seen."""
    traded_ms: int | None = None
    """First trade seen."""
    price: Decimal | None = None
    note: str = ""
    """A headline, or the words of a person."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a source said from `at_ms` on. Not `present`: it does not list the pair (any more)."""

    source: ListingSource
    at_ms: int
    facts: ListingFacts
    present: bool = True


class ListingChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change, when it was first seen and who told. No source: time passed."""

    kind: ChangeKind
    at_ms: int
    source: ListingSource | None
    before: str
    after: str


class SourceClaim(msgspec.Struct, frozen=True):
    """One side of a disagreement."""

    source: ListingSource
    value: str


class Disagreement(msgspec.Struct, frozen=True):
    """Sources that contradict each other at present. It is shown, never settled in silence."""

    topic: ListingTopic
    claims: tuple[SourceClaim, ...]

    def __str__(self) -> str:
        """Return it in one line of plain words."""
        sides = ", ".join(f"{claim.source} says {claim.value}" for claim in self.claims)
        return f"sources disagree about its {self.topic}: {sides}"


MATURITY_MS = 60 * 60_000
"""An open listing is watched this long; its outcome is known then."""
API_GRACE_MS = 60 * 60_000
"""So long after its opening a pair that the API may not trade counts as never tradable."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One listing as known now. All but the ids follows from `sightings`, oldest first."""

    id: str
    """Symbol and first sighting; stays the same through moves and changes of name."""
    sightings: tuple[Sighting, ...]
    also_ids: tuple[str, ...] = ()
    """Ids it was kept under before it turned out to be the same listing."""
    first_seen_ms: int
    symbol: str
    base: str
    quote: str
    names: tuple[str, ...]
    """Every symbol that a source gave it, oldest first."""
    stage: ListingStage
    """Without what only time tells: ask `stage_at`."""
    changes: tuple[ListingChange, ...]
    disagreements: tuple[Disagreement, ...] = ()
    full_name: str = ""
    coin_id: str = ""
    contract: str = ""
    zone: str = ""
    opens_ms: int | None = None
    """The planned opening by the newest credible word."""
    opens_source: ListingSource | None = None
    claimed_ms: tuple[int, ...] = ()
    """Every opening that a source claims at present, earliest first."""
    moves: int = 0
    triple: Triple | None = None
    triple_since_ms: int | None = None
    status: SymbolStatus | None = None
    sides: TradeSides | None = None
    at_risk: bool = False
    api_allowed: bool = False
    """An official source says yes now."""
    visible_ms: int | None = None
    """First seen in exchangeInfo."""
    api_ms: int | None = None
    """First seen as tradable through the API."""
    opened_ms: int | None = None
    """First quote or trade."""
    traded_ms: int | None = None
    """First trade."""
    cancelled_ms: int | None = None

    def stage_at(
        self, now_ms: int, maturity_ms: int = MATURITY_MS, api_grace_ms: int = API_GRACE_MS
    ) -> ListingStage:
        """Return where it stands now: matured and never_api are told by time alone."""
        if self.stage is ListingStage.CANCELLED:
            return self.stage
        if not self.api_allowed and self.api_ms is None:
            began_ms = self.opened_ms if self.opened_ms is not None else self.opens_ms
            if began_ms is not None and now_ms >= began_ms + api_grace_ms:
                return ListingStage.NEVER_API
        if self.opened_ms is not None and now_ms >= self.opened_ms + maturity_ms:
            return ListingStage.MATURED
        return self.stage

    def latest_from(self, source: ListingSource) -> Sighting | None:
        """Return what a source says at present; None if it never said a word."""
        for seen in reversed(self.sightings):
            if seen.source is source:
                return seen
        return None

    def last(self, kind: ChangeKind) -> ListingChange | None:
        """Return the newest change of a kind."""
        return next((change for change in reversed(self.changes) if change.kind is kind), None)
