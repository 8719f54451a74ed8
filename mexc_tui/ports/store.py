"""Everything an engine can be given another of."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from mexc_tui.model.event import Alert, AnyEvent, Fact, SettingChanged
from mexc_tui.model.listing import Listing, ListingStage
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.signal import ClaimKind, DetectionPass, DetectorName, Signal, SignalEnd
from mexc_tui.model.storage import CaseTally, Durability, StoredAlert
from mexc_tui.model.symbol import Symbol
from mexc_tui.ports.trading_store import TradingTables

T = TypeVar("T")


class SnapshotSource(Protocol):
    """Where a book's snapshot comes from: GET depth."""

    async def depth(self, symbol: str, limit: int = 1000) -> DepthSnapshot:
        """Return both sides at one version. Raises ExchangeError when none could be had."""
        ...


class JournalReader(Protocol):
    """Facts in the order of their numbers, which have no gaps."""

    def head(self) -> int:
        """Return the newest number, 0 when nothing has happened yet."""
        ...

    def after(self, sequence: int, limit: int = ...) -> list[Fact]:
        """Return up to `limit` facts behind `sequence`, oldest first."""
        ...

    def about(self, about: str, limit: int = ...) -> list[Fact]:
        """Return the newest facts about one thing, oldest first."""
        ...

    def latest(self, limit: int = ...) -> list[Fact]:
        """Return the newest facts, oldest first."""
        ...

    def page(
        self, before: int = ..., limit: int = ..., *, about: str = ..., kind: str = ..., since_ms: int = ...
    ) -> list[Fact]:
        """Return the newest facts below a number that fit, newest first."""
        ...


class PairTable(Protocol):
    """The exchange's pairs as read last."""

    def save(self, changed: Iterable[Symbol], gone: Iterable[str], at_ms: int) -> None:
        """Store what is new or changed, forget what is gone."""
        ...

    def all(self, since_ms: int = ...) -> list[Symbol]:
        """Return every pair that was seen new or changed from `since_ms` on."""
        ...


class ListingTable(Protocol):
    """Every listing ever seen."""

    def save(
        self,
        listing: Listing,
        stage: ListingStage,
        absorbed: Iterable[Listing] = ...,
        *,
        is_over: bool | None = ...,
    ) -> None:
        """Store a listing as it is now; `absorbed` were found to be the same one.

        `is_over` says whether more is expected of it, if its stage does not tell.
        """
        ...

    def named(self, name: str) -> list[Listing]:
        """Return the listings that a source ever called so, newest first."""
        ...

    def unfinished(self) -> list[Listing]:
        """Return those of which more is expected."""
        ...

    def latest(self, limit: int = ...) -> list[Listing]:
        """Return those first seen most recently, newest first."""
        ...

    def page(self, before_ms: int = ..., before_id: str = ..., limit: int = ...) -> list[Listing]:
        """Return those behind one, named by first sighting and id, newest first."""
        ...


class SignalTable(Protocol):
    """Every signal ever raised; per key one state stands at a time."""

    def add(self, signal: Signal) -> None:
        """Store a signal; the state its key stood in before ends."""
        ...

    def end(self, ended: SignalEnd) -> bool:
        """Note that what a signal saw is no longer so."""
        ...

    def standing(self) -> list[Signal]:
        """Return what stands, oldest first."""
        ...

    def of_detector(self, name: DetectorName, version: int, limit: int = ...) -> list[Signal]:
        """Return the newest signals of one version of a detector, newest first."""
        ...

    def labelled(self, label_version: str, listings: int = ...) -> list[Signal]:
        """Return every signal about the listings whose outcomes were labelled last: `listings` of them."""
        ...

    def of_symbol(self, symbol: str, limit: int = ...) -> list[Signal]:
        """Return the newest signals about a pair, newest first."""
        ...

    def of_listing(self, listing_id: str, limit: int = ...) -> list[Signal]:
        """Return the newest signals about a listing, newest first."""
        ...

    def latest(self, limit: int = ..., before_ms: int = ...) -> list[Signal]:
        """Return the newest signals, newest first."""
        ...

    def page(self, before: int = ..., limit: int = ..., symbol: str = ...) -> list[tuple[int, Signal, bool]]:
        """Return signals below a number, newest first: number, signal, whether it stands."""
        ...


class OutcomeTable(Protocol):
    """What became of listings, by version of the label rule."""

    def save(self, outcome: ListingOutcome) -> None:
        """Store a label, in place of one of the same version."""
        ...

    def of(self, listing_id: str, label_version: str) -> ListingOutcome | None:
        """Return the label of one listing."""
        ...

    def newest(self, listing_id: str) -> ListingOutcome | None:
        """Return the newest label of one listing by any version, to be shown."""
        ...

    def latest(self, label_version: str, limit: int = ...) -> list[ListingOutcome]:
        """Return the labels of one version that were made last, newest first."""
        ...


class VerdictTable(Protocol):
    """Whether past claims came true, counted."""

    def add(self, detector: DetectorName, version: int, stratum: str, listing_id: str, *, hit: bool) -> None:
        """Count a listing once for a case."""
        ...

    def add_base(self, claim: ClaimKind, listing_id: str, *, hit: bool) -> None:
        """Count a listing, signalled or not."""
        ...

    def forget(self, listing_id: str) -> None:
        """Take back every verdict on a listing."""
        ...

    def tallies(self) -> list[CaseTally]:
        """Return the counts of all cases."""
        ...

    def base(self) -> dict[ClaimKind, tuple[int, int]]:
        """Return for each kind of claim how many listings were judged, and of how many it was true."""
        ...


class AlertTable(Protocol):
    """Alerts; the same rule about the same thing is one until it is closed."""

    def add(self, alert: Alert) -> bool:
        """Store an alert; False: it was open already."""
        ...

    def close(self, rule: str, about: str, at_ms: int) -> bool:
        """Close an alert; False: none was open."""
        ...

    def open(self) -> list[StoredAlert]:
        """Return the open ones."""
        ...

    def latest(self, limit: int = ...) -> list[StoredAlert]:
        """Return those raised last, newest first, closed ones too."""
        ...


class PassTable(Protocol):
    """The row that each pass of detection leaves."""

    def add(self, done: DetectionPass) -> None:
        """Store one pass."""
        ...


class SettingTable(Protocol):
    """Every change of a setting."""

    def add(self, change: SettingChanged) -> None:
        """Store one change."""
        ...

    def of(self, name: str, limit: int = ...) -> list[SettingChanged]:
        """Return the newest changes of one setting, newest first."""
        ...


class Stored(Protocol):
    """All that is stored, as of one instant. It works beside the event loop and never waits for it."""

    @property
    def journal(self) -> JournalReader: ...
    @property
    def pairs(self) -> PairTable: ...
    @property
    def listings(self) -> ListingTable: ...
    @property
    def signals(self) -> SignalTable: ...
    @property
    def outcomes(self) -> OutcomeTable: ...
    @property
    def alerts(self) -> AlertTable: ...
    @property
    def passes(self) -> PassTable: ...
    @property
    def settings(self) -> SettingTable: ...

    def verdicts(self, label_version: str) -> VerdictTable:
        """Return what came true of past claims, by one version of the label rule."""
        ...

    def trading(self, scope: str) -> TradingTables:
        """Return the trading tables of one scope: an account in an exchange session."""
        ...

    def newest_scope(self) -> str:
        """Return the scope whose books were compared last; empty: none ever were."""
        ...


class UnitOfWork(Stored, Protocol):
    """What one unit of work may change: all of it or nothing."""

    def record(self, event: AnyEvent) -> int:
        """Append a fact to the journal; return its number. It is published after the commit."""
        ...


class Store(Protocol):
    """Where things are kept. What the functions given to it touch is their argument alone."""

    async def write(
        self,
        name: str,
        work: Callable[[UnitOfWork], T],
        *,
        durability: Durability = ...,
        deadline_s: float | None = None,
    ) -> T:
        """Run `work` in a transaction, perhaps twice; return its result once that is committed.

        Cancelling the caller leaves all of it or nothing. Raises what `work` raises, or StorageError.
        """
        ...

    async def read(self, name: str, work: Callable[[Stored], T], *, deadline_s: float | None = None) -> T:
        """Run `work` on what is committed now. Raises what `work` raises, or StorageError."""
        ...

    def release_reserve(self) -> bool:
        """Give the room kept for exits back to a full disk; nothing is bought from then on."""
        ...
