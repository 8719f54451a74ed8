"""Listings: what each source reported and when, and the derived state.

`announced -> scheduled (-> rescheduled)* -> visible -> api_enabled -> open -> matured`,
or `cancelled`, or `never_api`.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from mexc_tui.model.symbol import SymbolStatus, TradeSides


class ListingSource(StrEnum):
    """Source of listing information. Web sources are unofficial and may fail or disappear (protocol 10)."""

    CALENDAR = "calendar"
    SYMBOLS_V2 = "symbolsV2"
    EXCHANGE_INFO = "exchangeInfo"
    DEFAULT_SYMBOLS = "defaultSymbols"
    SELF_SYMBOLS = "selfSymbols"
    ANNOUNCEMENT = "announcement"
    STREAM = "stream"
    MANUAL = "manual"

    @classmethod
    def _missing_(cls, value: object) -> "ListingSource | None":
        """Read the name that older databases contain."""
        return cls.MANUAL if value == "by_hand" else None


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
    """Stage of a listing."""

    ANNOUNCED = "announced"
    SCHEDULED = "scheduled"
    RESCHEDULED = "rescheduled"
    VISIBLE = "visible"
    """exchangeInfo contains the pair."""
    API_ENABLED = "api_enabled"
    """An official source reports it as tradable through the API."""
    OPEN = "open"
    MATURED = "matured"
    CANCELLED = "cancelled"
    NEVER_API = "never_api"

    @property
    def is_over(self) -> bool:
        """Whether the stage is final."""
        return self in (ListingStage.MATURED, ListingStage.CANCELLED, ListingStage.NEVER_API)


class ListingCategory(StrEnum):
    """What is listed: a coin for the first time, or something that behaves differently at its opening."""

    COIN = "coin"
    STOCK = "stock_token"
    RWA = "rwa"
    LEVERAGED = "leveraged"
    WRAPPED = "wrapped"
    RELISTING = "relisting"
    MIGRATION = "migration"


class ChangeKind(StrEnum):
    """Kind of a listing change."""

    STAGE = "stage"
    MOVED = "moved"
    """The opening moved; `before` and `after` are Unix milliseconds as text."""
    RENAMED = "renamed"
    WITHDRAWN = "withdrawn"
    """A source no longer lists it."""
    RETURNED = "returned"
    STATUS = "status"
    SIDES = "sides"
    API = "api"
    TRIPLE = "triple"
    AT_RISK = "at_risk"


class ListingTopic(StrEnum):
    """Subject of a disagreement between sources."""

    OPENING = "opening"
    NAME = "name"
    PRESENCE = "presence"
    API = "api"


class Triple(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The web site's sts, st and tt. Their meaning is undocumented (protocol 10.2, 10.3)."""

    status: int | None
    state: int | None
    trading_type: int | None

    def __str__(self) -> str:
        """Return the text, such as 2/2/4, with ? for missing values."""
        text = f"{self.status}/{self.state}/{self.trading_type}"
        return text.replace("None", "?") if "None" in text else text


class ListingFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Data of one source about one listing; unreported fields keep their default."""

    symbol: str
    """Symbol in this source, such as NEWUSDT."""
    base: str = ""
    quote: str = ""
    full_name: str = ""
    coin_id: str = ""
    """Id shared by the calendar and symbolsV2; survives a change of name."""
    contract: str = ""
    zone: str = ""
    opens_ms: int | None = None
    triple: Triple | None = None
    status: SymbolStatus | None = None
    sides: TradeSides | None = None
    api_allowed: bool | None = None
    at_risk: bool = False
    """Whether the exchange marks the pair as at risk of delisting."""
    market_orders: bool | None = None
    """Whether the listed order types include MARKET."""
    quoted_ms: int | None = None
    """Time of the first quote."""
    traded_ms: int | None = None
    """Time of the first trade."""
    price: Decimal | None = None
    note: str = ""
    """A headline, or the text of a manual entry."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Data of a source from `at_ms` on. Not `present`: the source does not list the pair (any more)."""

    source: ListingSource
    at_ms: int
    facts: ListingFacts
    present: bool = True


class ListingChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change, its first observation and its source. No source: time passed."""

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
    """A current contradiction between sources. It is displayed, never resolved silently."""

    topic: ListingTopic
    claims: tuple[SourceClaim, ...]

    def __str__(self) -> str:
        """Return one line of text."""
        sides = ", ".join(f"{claim.source} says {claim.value}" for claim in self.claims)
        return f"sources disagree about its {self.topic}: {sides}"


MATURITY_MS = 60 * 60_000
"""How long an open listing is watched until its outcome is final."""
API_GRACE_MS = 60 * 60_000
"""Time after its opening from which a pair that the API cannot trade counts as never tradable."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Current state of one listing. All but the ids follow from `sightings`, oldest first."""

    id: str
    """Symbol and first observation; unchanged by moves and changes of name."""
    sightings: tuple[Sighting, ...]
    also_ids: tuple[str, ...] = ()
    """Earlier ids, from before it turned out to be the same listing."""
    first_seen_ms: int
    symbol: str
    base: str
    quote: str
    names: tuple[str, ...]
    """Every symbol in any source, oldest first."""
    stage: ListingStage
    """Stage without the passage of time: see `stage_at`."""
    changes: tuple[ListingChange, ...]
    disagreements: tuple[Disagreement, ...] = ()
    full_name: str = ""
    coin_id: str = ""
    contract: str = ""
    zone: str = ""
    opens_ms: int | None = None
    """Planned opening by the newest credible source."""
    opens_source: ListingSource | None = None
    claimed_ms: tuple[int, ...] = ()
    """Every opening that a source currently reports, earliest first."""
    moves: int = 0
    triple: Triple | None = None
    triple_since_ms: int | None = None
    status: SymbolStatus | None = None
    sides: TradeSides | None = None
    at_risk: bool = False
    api_allowed: bool = False
    """Whether an official source currently confirms it."""
    visible_ms: int | None = None
    """First observation in exchangeInfo."""
    api_ms: int | None = None
    """First observation as tradable through the API."""
    opened_ms: int | None = None
    """Time of the first quote or trade."""
    traded_ms: int | None = None
    """Time of the first trade."""
    cancelled_ms: int | None = None

    def stage_at(
        self, now_ms: int, maturity_ms: int = MATURITY_MS, api_grace_ms: int = API_GRACE_MS
    ) -> ListingStage:
        """Return the stage now: matured and never_api follow from time alone."""
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
        """Return the newest observation of a source; None: it never reported."""
        for sighting in reversed(self.sightings):
            if sighting.source is source:
                return sighting
        return None

    def last(self, kind: ChangeKind) -> ListingChange | None:
        """Return the newest change of a kind."""
        return next((change for change in reversed(self.changes) if change.kind is kind), None)
