"""Ports of the store: tables, reads, and units of work."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

from mexc_tui.model.event import Alert, AnyEvent, Fact, SettingChanged
from mexc_tui.model.listing import Listing, ListingStage
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.notification import ChannelName, Delivery, Notification
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.signal import ClaimKind, DetectionPass, DetectorName, Signal, SignalEnd
from mexc_tui.model.storage import CaseTally, Durability, StoredAlert
from mexc_tui.model.symbol import Symbol
from mexc_tui.ports.trading_store import TradingTables

T = TypeVar("T")


class SnapshotSource(Protocol):
    """Source of order book snapshots: GET depth."""

    async def depth(self, symbol: str, limit: int = 1000) -> DepthSnapshot:
        """Return both sides at one version. Raises ExchangeError if none is available."""
        ...


class JournalReader(Protocol):
    """Journal of facts by sequence number, without gaps."""

    def head(self) -> int:
        """Return the newest sequence number; 0: the journal is empty."""
        ...

    def after(self, sequence: int, limit: int = ...) -> list[Fact]:
        """Return up to `limit` facts after `sequence`, oldest first."""
        ...

    def about(self, about: str, limit: int = ...) -> list[Fact]:
        """Return the newest facts about one subject, oldest first."""
        ...

    def of_kind(self, kind: str, limit: int = ...) -> list[Fact]:
        """Return the newest facts of one kind, newest first."""
        ...

    def latest(self, limit: int = ...) -> list[Fact]:
        """Return the newest facts, oldest first."""
        ...

    def page(
        self, before: int = ..., limit: int = ..., *, about: str = ..., kind: str = ..., since_ms: int = ...
    ) -> list[Fact]:
        """Return the newest matching facts below a sequence number, newest first."""
        ...


class PairTable(Protocol):
    """The exchange's pairs as last read."""

    def save(self, changed: Iterable[Symbol], gone: Iterable[str], at_ms: int) -> None:
        """Store new and changed pairs, delete those that are gone."""
        ...

    def all(self, since_ms: int = ...) -> list[Symbol]:
        """Return the pairs added or changed since `since_ms`."""
        ...


class ListingTable(Protocol):
    """All listings."""

    def save(
        self,
        listing: Listing,
        stage: ListingStage,
        absorbed: Iterable[Listing] = ...,
        *,
        is_over: bool | None = ...,
    ) -> None:
        """Store a listing; `absorbed` turned out to be the same one.

        `is_over`: whether the listing is final, if its stage does not imply it.
        """
        ...

    def named(self, name: str) -> list[Listing]:
        """Return the listings that a source ever listed under this name, newest first."""
        ...

    def unfinished(self) -> list[Listing]:
        """Return the listings that are not final."""
        ...

    def latest(self, limit: int = ...) -> list[Listing]:
        """Return the listings discovered last, newest first."""
        ...

    def page(self, before_ms: int = ..., before_id: str = ..., limit: int = ...) -> list[Listing]:
        """Return the listings after one (by first observation and id), newest first."""
        ...


class SignalTable(Protocol):
    """All signals; each key has at most one active state."""

    def add(self, signal: Signal) -> None:
        """Store a signal; it ends the previous state of its key."""
        ...

    def end(self, ended: SignalEnd) -> bool:
        """End a signal whose condition no longer holds."""
        ...

    def active(self) -> list[Signal]:
        """Return the active signals, oldest first."""
        ...

    def of_detector(self, name: DetectorName, version: int, limit: int = ...) -> list[Signal]:
        """Return the newest signals of one version of a detector, newest first."""
        ...

    def labelled(self, label_version: str, listings: int = ...) -> list[Signal]:
        """Return the signals of the last `listings` labelled listings."""
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
        """Return signals below a number, newest first: number, signal, whether it is active."""
        ...


class OutcomeTable(Protocol):
    """Outcomes of listings, by version of the label rule."""

    def save(self, outcome: ListingOutcome) -> None:
        """Store a label; it replaces one of the same version."""
        ...

    def of(self, listing_id: str, label_version: str) -> ListingOutcome | None:
        """Return the label of one listing."""
        ...

    def newest(self, listing_id: str) -> ListingOutcome | None:
        """Return the newest label of one listing of any version, for display."""
        ...

    def latest(self, label_version: str, limit: int = ...) -> list[ListingOutcome]:
        """Return the newest labels of one version, newest first."""
        ...


class VerdictTable(Protocol):
    """Tallies of past claims: correct or not."""

    def add(self, detector: DetectorName, version: int, stratum: str, *, listing_id: str, hit: bool) -> None:
        """Count a listing once for a case."""
        ...

    def add_base(self, claim: ClaimKind, listing_id: str, *, hit: bool) -> None:
        """Count a listing, with or without a signal."""
        ...

    def forget(self, listing_id: str) -> None:
        """Remove all verdicts on a listing."""
        ...

    def tallies(self) -> list[CaseTally]:
        """Return the counts of all cases."""
        ...

    def base(self) -> dict[ClaimKind, tuple[int, int]]:
        """Return the number of judged listings, and of correct ones, per kind of claim."""
        ...


class AlertTable(Protocol):
    """Alerts; the same rule on the same subject is one alert until it is closed."""

    def add(self, alert: Alert) -> bool:
        """Store an alert; False: it was open already."""
        ...

    def close(self, rule: str, about: str, at_ms: int) -> bool:
        """Close an alert; False: none was open."""
        ...

    def open(self) -> list[StoredAlert]:
        """Return the open alerts."""
        ...

    def latest(self, limit: int = ...) -> list[StoredAlert]:
        """Return the latest alerts, newest first, closed ones included."""
        ...


class NotificationTable(Protocol):
    """Outbox: notifications, what each channel has not received, and the newest fact considered."""

    def add(self, notification: Notification, channels: Iterable[tuple[ChannelName, int]]) -> bool:
        """Store a notification to be sent by each channel from a time on; False: the key is stored."""
        ...

    def previous(self, rule: str, about: str) -> Notification | None:
        """Return the newest notification of a rule about a subject."""
        ...

    def pending(self, channel: ChannelName, limit: int = ...) -> list[Delivery]:
        """Return what a channel has not received, the next attempt first."""
        ...

    def sent_since(self, channel: ChannelName, since_ms: int) -> int:
        """Return how many notifications a channel has received after a time."""
        ...

    def save_sent(self, number: int, at_ms: int) -> None:
        """Store that a delivery succeeded."""
        ...

    def save_failed(self, number: int, next_ms: int, error: str) -> None:
        """Store that an attempt failed, and the time of the next one."""
        ...

    def postpone(self, number: int, next_ms: int) -> None:
        """Move an attempt that was not made."""
        ...

    def give_up(self, number: int, at_ms: int, reason: str) -> None:
        """Store that a delivery is not tried again."""
        ...

    def position(self) -> int | None:
        """Return the newest fact considered; None: no channel was configured."""
        ...

    def save_position(self, sequence: int) -> None:
        """Store the newest fact considered; it never decreases."""
        ...

    def forget_position(self) -> None:
        """Start at the newest fact when a channel is configured again."""
        ...


class PassTable(Protocol):
    """Rows of detection passes."""

    def add(self, done: DetectionPass) -> None:
        """Store one pass."""
        ...


class SettingTable(Protocol):
    """Changes of settings."""

    def add(self, change: SettingChanged) -> None:
        """Store one change."""
        ...

    def of(self, name: str, limit: int = ...) -> list[SettingChanged]:
        """Return the newest changes of one setting, newest first."""
        ...


class Stored(Protocol):
    """Everything stored, as of one instant. Runs beside the event loop and never waits for it."""

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
    def notifications(self) -> NotificationTable: ...
    @property
    def passes(self) -> PassTable: ...
    @property
    def settings(self) -> SettingTable: ...

    def verdicts(self, label_version: str) -> VerdictTable:
        """Return the tallies of past claims, by one version of the label rule."""
        ...

    def trading(self, scope: str) -> TradingTables:
        """Return the trading tables of one scope: an account in an exchange session."""
        ...

    def newest_scope(self) -> str:
        """Return the scope that was reconciled last; empty: none."""
        ...

    def scopes(self) -> list[str]:
        """Return the scopes with a ledger, in alphabetical order."""
        ...


class UnitOfWork(Stored, Protocol):
    """One unit of work: all of its changes are committed, or none."""

    def record(self, event: AnyEvent) -> int:
        """Append a fact to the journal; return its sequence number. It is published after the commit."""
        ...


class Store(Protocol):
    """The store. Functions passed to it use only their argument."""

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
        """Run `work` on the committed state. Raises what `work` raises, or StorageError."""
        ...

    def release_reserve(self) -> bool:
        """Release the disk reserve for exits and block entries from then on."""
        ...
