"""Events and facts, and their encoding in the journal.

A kind may gain fields with a default, which raises its `version`; older rows stay readable. Any
other change needs a new kind. Unknown kinds and versions decode to `OpaqueEvent`, byte for byte.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, TypeAlias

import msgspec

from mexc_tui.model.errors import DeskError
from mexc_tui.model.intent import Order
from mexc_tui.model.listing import ListingChange, Sighting
from mexc_tui.model.order import Side
from mexc_tui.model.outcome_of_listing import ListingOutcome
from mexc_tui.model.position import LedgerEntry, Position
from mexc_tui.model.reconciliation import Reconciliation
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Signal, SignalEnd
from mexc_tui.model.snipe import Attempt, Snipe
from mexc_tui.model.trading import RiskLevel, Trading
from mexc_tui.model.verdict import Verdict


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A recorded event. A subclass sets its kind with `tag=` and adds fields."""

    at_ms: int
    """Unix milliseconds of the clock that the kind names, this machine's if none."""
    about: str
    """Subject: a symbol, the name of a setting or a worker."""
    version: int = 1
    """Version in which it was written. A kind with added fields sets its current version here."""

    @property
    def kind(self) -> str:
        """Return the kind's stored name."""
        return kind_of(type(self))


class EngineStarted(Event, frozen=True, kw_only=True, tag="engine_started"):
    """An engine is ready. `about` is its profile."""

    mode: str
    exchange_session: str = msgspec.field(default="", name="world")
    """Id of the practice session; empty for the real exchange. Stored as `world` since version 1."""
    config_hash: str = ""


class EngineStopped(Event, frozen=True, kw_only=True, tag="engine_stopped"):
    """An engine stopped gracefully. `about` is its profile."""

    reason: str


class SettingChanged(Event, frozen=True, kw_only=True, tag="setting_changed"):
    """A setting changed its value. `about` is its name."""

    old: str
    new: str
    needs_restart: bool
    """Whether the old value stays active until the next start."""
    origin: str
    """Source of the new value: a file and line, a variable, a flag, a command."""


class WorkerFailed(Event, frozen=True, kw_only=True, tag="worker_failed"):
    """A worker ended unexpectedly. `about` is its name."""

    error: str
    failures: int
    """Within the supervisor's window, this one included."""
    is_degraded: bool


class WorkerRecovered(Event, frozen=True, kw_only=True, tag="worker_recovered"):
    """A worker that was degraded has run without failing for a whole window. `about` is its name."""


class Alert(Event, frozen=True, kw_only=True, tag="alert"):
    """An alert for the user. `about` is its subject."""

    severity: Severity
    rule: str
    """Rule that raised it; the same rule on the same subject is one alert."""
    text: str


class ListingSeen(Event, frozen=True, kw_only=True, tag="listing_seen"):
    """A source reported something new; folding these rebuilds the listing. `about` is its symbol."""

    listing_id: str
    sighting: Sighting


class ListingChanged(Event, frozen=True, kw_only=True, tag="listing_changed"):
    """A listing changed its stage, its opening, its name, ... `about` is its symbol."""

    listing_id: str
    change: ListingChange


class ListingLabelled(Event, frozen=True, kw_only=True, tag="listing_labelled"):
    """A listing was labelled with its outcome. `about` is its symbol."""

    outcome: ListingOutcome


class SignalRaised(Event, frozen=True, kw_only=True, tag="signal_raised"):
    """A detector raised a signal. `about` is the listing's symbol."""

    signal: Signal


class SignalEnded(Event, frozen=True, kw_only=True, tag="signal_ended"):
    """A signal ended. `about` is the listing's symbol.

    Version 2 adds the reason, and the listing under which the signal continues.
    """

    ended: SignalEnd
    version: int = 2


class CommandBegun(Event, frozen=True, kw_only=True, tag="command_begun"):
    """A command that acts was received, recorded before its execution. `about` is the command's id."""

    name: str
    who: str
    """Name of the client."""
    pid: int
    role: str
    digest: str
    """Distinguishes a repeated command from another one with the same id."""
    args: str
    """As JSON."""


class CommandDone(Event, frozen=True, kw_only=True, tag="command_done"):
    """A command was completed. `about` is its id."""

    name: str
    outcome: str
    text: str = msgspec.field(name="words")
    digest: str
    result: str = "null"
    """As JSON."""


class SnipeChanged(Event, frozen=True, kw_only=True, tag="snipe_changed"):
    """A snipe changed its state. `about` is its symbol."""

    snipe: Snipe


class SnipeRefused(Event, frozen=True, kw_only=True, tag="snipe_refused"):
    """A listing was not armed; recorded again if other checks fail. `about` is its symbol."""

    listing_id: str
    signal_id: str
    verdicts: tuple[Verdict, ...]
    """The failed checks."""


class AttemptMade(Event, frozen=True, kw_only=True, tag="attempt_made"):
    """A snipe made an attempt. `about` is its symbol."""

    attempt: Attempt


class OrderChanged(Event, frozen=True, kw_only=True, tag="order_changed"):
    """An order, own or foreign, changed its state or its fill. `about` is its symbol."""

    order: Order
    source: str
    """Source: the response, the stream, a query, the fence."""


class FillBooked(Event, frozen=True, kw_only=True, tag="fill_booked"):
    """A fill was booked. `about` is its symbol."""

    client_order_id: str
    side: Side
    quantity: Decimal
    """Base units of this fill."""
    value: Decimal
    """Quote units of this fill."""
    position_id: str
    realised: Decimal = Decimal(0)


class PositionChanged(Event, frozen=True, kw_only=True, tag="position_changed"):
    """A position opened, changed its stop or its size, or closed. `about` is its symbol."""

    position: Position
    text: str = msgspec.field(default="", name="words")


class TradingChanged(Event, frozen=True, kw_only=True, tag="trading_changed"):
    """The trading state changed. `about` is the profile."""

    trading: Trading


class RiskMonitorActed(Event, frozen=True, kw_only=True, tag="guard_acted"):
    """The risk monitor acted on a finding. `about` is its subject."""

    level: RiskLevel
    finding: str
    action: str
    achieved: str


class LiveLockChanged(Event, frozen=True, kw_only=True, tag="live_lock_changed"):
    """Live trading was unlocked or locked. `about` is the profile."""

    by: str
    until_ms: int | None
    """Time of the automatic lock, in exchange time; None: locked."""
    rules: str = ""
    """Date of the notice about MEXC's rules that this unlock acknowledged; empty: none was shown."""


class Reconciled(Event, frozen=True, kw_only=True, tag="reconciled"):
    """Ledger and exchange were reconciled. `about` is the profile."""

    run: Reconciliation


class RecoveryReported(Event, frozen=True, kw_only=True, tag="taken_up"):
    """An engine recovered the state of the previous one. `about` is "books"."""

    lines: tuple[str, ...]
    """Lines of the recovery report."""


class EntryBooked(Event, frozen=True, kw_only=True, tag="entry_booked"):
    """An entry was booked. `about` is its asset or symbol."""

    entry: LedgerEntry


KnownEvent: TypeAlias = (
    EngineStarted
    | EngineStopped
    | SettingChanged
    | WorkerFailed
    | WorkerRecovered
    | Alert
    | ListingSeen
    | ListingChanged
    | ListingLabelled
    | SignalRaised
    | SignalEnded
    | CommandBegun
    | CommandDone
    | SnipeChanged
    | SnipeRefused
    | AttemptMade
    | OrderChanged
    | FillBooked
    | PositionChanged
    | TradingChanged
    | RiskMonitorActed
    | LiveLockChanged
    | Reconciled
    | RecoveryReported
    | EntryBooked
)
"""All known kinds. Add a new one here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueEvent:
    """An event of an unknown kind or version: kept and passed on, never interpreted."""

    kind: str
    version: int
    at_ms: int
    about: str
    payload: bytes
    """The complete JSON object, as it was read."""


AnyEvent: TypeAlias = Event | OpaqueEvent


@dataclass(frozen=True, slots=True)
class Fact:
    """An event in the journal, with its sequence number: from 1, without gaps, in order of commit."""

    sequence: int
    event: AnyEvent


class BadEvent(DeskError, ValueError):
    """A journal row is not a valid event.

    Raised by `decode`. Skip the row: the text names the field.
    """


class _Head(msgspec.Struct, frozen=True, kw_only=True):
    kind: str
    version: Annotated[int, msgspec.Meta(ge=1)]
    at_ms: int
    about: str


def kind_of(event_type: type[Event]) -> str:
    """Return the stored name of a kind."""
    return str(event_type.__struct_config__.tag)


def version_of(event_type: type[Event]) -> int:
    """Return the version in which this build writes a kind."""
    return next(field.default for field in msgspec.structs.fields(event_type) if field.name == "version")


KINDS: dict[str, type[Event]] = {kind_of(known): known for known in KnownEvent.__args__}
"""Known kinds by their stored name."""

_VERSIONS = {kind: version_of(known) for kind, known in KINDS.items()}

_encoder = msgspec.json.Encoder(decimal_format="string")
_head_decoder = msgspec.json.Decoder(_Head)
_decoder = msgspec.json.Decoder[KnownEvent](KnownEvent)


def encode(event: AnyEvent) -> bytes:
    """Return the event as one JSON object: `kind`, `at_ms`, `about`, `version` and its own fields."""
    return event.payload if isinstance(event, OpaqueEvent) else _encoder.encode(event)


def decode(payload: bytes) -> KnownEvent | OpaqueEvent:
    """Decode an event that any build encoded. Raises BadEvent."""
    try:
        head = _head_decoder.decode(payload)
        if head.version > _VERSIONS.get(head.kind, 0):
            return OpaqueEvent(
                kind=head.kind, version=head.version, at_ms=head.at_ms, about=head.about, payload=payload
            )
        return _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise BadEvent(f"not an event: {error}") from None
