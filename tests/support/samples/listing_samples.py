"""Listings, signals and outcomes to store."""

from mexc_tui.model.listing import (
    ChangeKind,
    Listing,
    ListingChange,
    ListingFacts,
    ListingSource,
    ListingStage,
    Sighting,
)
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import (
    Claim,
    ClaimKind,
    DetectionPass,
    DetectorName,
    Input,
    Probability,
    ReadAge,
    Signal,
    SignalEnd,
    SignalKey,
)
from mexc_tui.model.symbol import ListedType, Symbol, SymbolStatus


def sighting(at_ms: int, symbol: str = "NEWUSDT", source: ListingSource = ListingSource.CALENDAR) -> Sighting:
    return Sighting(
        source=source, at_ms=at_ms, facts=ListingFacts(symbol=symbol, opens_ms=90_000, note="ünï")
    )


def change(at_ms: int, after: str = "scheduled") -> ListingChange:
    return ListingChange(
        kind=ChangeKind.STAGE, at_ms=at_ms, source=ListingSource.CALENDAR, before="announced", after=after
    )


def listing(
    symbol: str = "NEWUSDT", at_ms: int = 1_000, *, observed: int = 1, opens_ms: int | None = 90_000
) -> Listing:
    """Return a listing with `observed` sightings and as many changes."""
    return Listing(
        id=f"{symbol}-{at_ms}",
        sightings=tuple(sighting(at_ms + place, symbol) for place in range(observed)),
        first_seen_ms=at_ms,
        symbol=symbol,
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        names=(symbol,),
        stage=ListingStage.SCHEDULED,
        changes=tuple(change(at_ms + place) for place in range(observed)),
        opens_ms=opens_ms,
    )


def key(
    subject: str = "NEWUSDT-1000", topic: str = "opening", detector: DetectorName = DetectorName.READY_STATE
) -> SignalKey:
    return SignalKey(detector, subject, topic)


def signal(
    about: SignalKey | None = None, at_ms: int = 5_000, *, state: str = "ready", symbol: str = "NEWUSDT"
) -> Signal:
    return Signal(
        key=about or key(),
        state=state,
        at_ms=at_ms,
        version=1,
        config_hash="0123456789ab",
        symbol=symbol,
        severity=Severity.WARNING,
        claim=Claim(ClaimKind.OPENS_BY, 90_000),
        probability=Probability(value=0.4, low=0.1, high=0.8, n=3, hits=1),
        reasons=("the triple is 2/2/4",),
        inputs=(Input("triple", "2/2/4"),),
        stratum="2/2/4",
    )


def ended(about: SignalKey | None = None, at_ms: int = 6_000, state: str = "ready") -> SignalEnd:
    return SignalEnd(key=about or key(), state=state, at_ms=at_ms)


def outcome(listing_id: str = "NEWUSDT-1000", at_ms: int = 9_000, *, version: str = "1") -> ListingOutcome:
    return ListingOutcome(
        listing_id=listing_id,
        symbol=listing_id.split("-")[0],
        label_version=version,
        labelled_ms=at_ms,
        first_seen_ms=1_000,
        end=OutcomeEnd.OPENED,
        planned_ms=90_000,
        opened_ms=90_250,
        api_ms=80_000,
        high_ratio=1.5,
    )


def pair(symbol: str, *, status: SymbolStatus = SymbolStatus.ONLINE) -> Symbol:
    return Symbol(
        symbol=symbol,
        status=status,
        base_asset=symbol.removesuffix("USDT"),
        quote_asset="USDT",
        base_asset_precision=2,
        quote_precision=4,
        is_spot_trading_allowed=True,
        order_types=(ListedType.LIMIT,),
        quote_amount_precision="1.000000",
        first_open_time=1_764_547_200_000,
    )


def detection_pass(at_ms: int) -> DetectionPass:
    read = (ReadAge(ListingSource.CALENDAR, 300), ReadAge(ListingSource.STREAM, None))
    return DetectionPass(at_ms=at_ms, read=read, looked_at=40, raised=1, ended=0, duration_ns=1_500_000)
