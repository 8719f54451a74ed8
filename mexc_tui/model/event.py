"""Facts: what happened, when, about what, in which version; and how the journal writes them down.

A kind may gain fields that have a default, and then raises its `version`; older rows stay readable. Any
other change is a new kind. What this build does not know comes back as `OpaqueEvent`, byte for byte.
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
    """Something that happened. A subclass names its kind with `tag=` and adds what there is to say."""

    at_ms: int
    """When it happened: Unix milliseconds of the clock that the kind names, this machine's if none."""
    about: str
    """What it is about: a symbol, the name of a setting or a worker."""
    version: int = 1
    """Version it was written in. A kind that gained fields says here what it is at now."""

    @property
    def kind(self) -> str:
        """Return the kind's name, as stored."""
        return kind_of(type(self))


class EngineStarted(Event, frozen=True, kw_only=True, tag="engine_started"):
    """An engine is ready. `about` is its profile."""

    mode: str
    exchange_session: str = ""
    """Id of the practice session; empty for the real exchange."""
    config_hash: str = ""


class EngineStopped(Event, frozen=True, kw_only=True, tag="engine_stopped"):
    """An engine ended gracefully. `about` is its profile."""

    reason: str


class SettingChanged(Event, frozen=True, kw_only=True, tag="setting_changed"):
    """A setting has another value than before. `about` is its name."""

    old: str
    new: str
    needs_restart: bool
    """Whether the old value stays in force until the next start."""
    origin: str
    """Where the new value came from, in words: a file and line, a variable, a flag, a person's command."""


class WorkerFailed(Event, frozen=True, kw_only=True, tag="worker_failed"):
    """A worker ended although it should go on. `about` is its name."""

    error: str
    failures: int
    """Within the supervisor's window, this one included."""
    is_degraded: bool


class WorkerRecovered(Event, frozen=True, kw_only=True, tag="worker_recovered"):
    """A worker that was degraded has run without failing for a whole window. `about` is its name."""


class Alert(Event, frozen=True, kw_only=True, tag="alert"):
    """Something a person should know. `about` is what it concerns."""

    severity: Severity
    rule: str
    """What raised it; the same rule about the same thing is one alert."""
    text: str


class ListingSeen(Event, frozen=True, kw_only=True, tag="listing_seen"):
    """A source said something new. `about` is the listing's symbol; folding these gives the listing again."""

    listing_id: str
    sighting: Sighting


class ListingChanged(Event, frozen=True, kw_only=True, tag="listing_changed"):
    """A listing entered another stage, moved, was renamed, ... `about` is its symbol."""

    listing_id: str
    change: ListingChange


class ListingLabelled(Event, frozen=True, kw_only=True, tag="listing_labelled"):
    """What became of a listing is known. `about` is its symbol."""

    outcome: ListingOutcome


class SignalRaised(Event, frozen=True, kw_only=True, tag="signal_raised"):
    """A detector spoke. `about` is the listing's symbol."""

    signal: Signal


class SignalEnded(Event, frozen=True, kw_only=True, tag="signal_ended"):
    """What a signal saw is no longer so. `about` is the listing's symbol.

    Version 2 tells why, and under which listing it stands on.
    """

    ended: SignalEnd
    version: int = 2


class CommandBegun(Event, frozen=True, kw_only=True, tag="command_begun"):
    """Somebody gave a command that acts; written down before it is done. `about` is the command's id."""

    name: str
    who: str
    """What the giver calls itself."""
    pid: int
    role: str
    digest: str
    """Tells the same command from another one under the same id."""
    args: str
    """As JSON."""


class CommandDone(Event, frozen=True, kw_only=True, tag="command_done"):
    """What came of a command. `about` is its id."""

    name: str
    outcome: str
    words: str
    digest: str
    result: str = "null"
    """As JSON."""


class SnipeChanged(Event, frozen=True, kw_only=True, tag="snipe_changed"):
    """A snipe is in another state. `about` is its symbol."""

    snipe: Snipe


class SnipeRefused(Event, frozen=True, kw_only=True, tag="snipe_refused"):
    """A listing was not armed; told again when other gates refuse. `about` is its symbol."""

    listing_id: str
    signal_id: str
    verdicts: tuple[Verdict, ...]
    """Those that refuse."""


class AttemptMade(Event, frozen=True, kw_only=True, tag="attempt_made"):
    """A snipe sent an order; what came back and what followed from it. `about` is its symbol."""

    attempt: Attempt


class OrderChanged(Event, frozen=True, kw_only=True, tag="order_changed"):
    """An order of ours or a foreign one is in another state, or more of it is filled. `about`: its symbol."""

    order: Order
    source: str
    """Who told: the answer, the stream, a question, the fence."""


class FillBooked(Event, frozen=True, kw_only=True, tag="fill_booked"):
    """More of an order is filled, and stands in the books. `about` is its symbol."""

    client_order_id: str
    side: Side
    quantity: Decimal
    """Base units that this fill added."""
    value: Decimal
    """Quote units that it added."""
    position_id: str
    realised: Decimal = Decimal(0)


class PositionChanged(Event, frozen=True, kw_only=True, tag="position_changed"):
    """A position opened, changed its stop or its size, or closed. `about` is its symbol."""

    position: Position
    words: str = ""


class TradingChanged(Event, frozen=True, kw_only=True, tag="trading_changed"):
    """The desk may do more or less than before. `about` is the profile."""

    trading: Trading


class RiskMonitorActed(Event, frozen=True, kw_only=True, tag="guard_acted"):
    """The guard found something, did something, and says what that achieved. `about` is what it concerns."""

    level: RiskLevel
    finding: str
    action: str
    achieved: str


class LiveLockChanged(Event, frozen=True, kw_only=True, tag="live_lock_changed"):
    """A person let live trading begin, or locked it. `about` is the profile."""

    by: str
    until_ms: int | None
    """When it locks itself, in the exchange's time; None: it is locked."""


class Reconciled(Event, frozen=True, kw_only=True, tag="reconciled"):
    """Our books were compared with the exchange's. `about` is the profile."""

    run: Reconciliation


class RecoveryReported(Event, frozen=True, kw_only=True, tag="taken_up"):
    """An engine took up what one before it left open. `about` is "books"."""

    lines: tuple[str, ...]
    """What was found, and what became of it."""


class EntryBooked(Event, frozen=True, kw_only=True, tag="entry_booked"):
    """The books have another entry. `about` is the asset or symbol it concerns."""

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
"""Every kind this build knows. Add a new one here."""


@dataclass(frozen=True, slots=True)
class OpaqueEvent:
    """An event of a kind or version that this build does not know: kept and passed on, never interpreted."""

    kind: str
    version: int
    at_ms: int
    about: str
    payload: bytes
    """The complete JSON object, as it was read."""


AnyEvent: TypeAlias = Event | OpaqueEvent


@dataclass(frozen=True, slots=True)
class Fact:
    """An event that is in the journal, with its number there: from 1, without gaps, in order of commit."""

    sequence: int
    event: AnyEvent


class BadEvent(DeskError, ValueError):
    """A journal row is no event, or lacks what its kind promises.

    Raised by `decode`. Skip the row: the text names the field.
    """


class _Head(msgspec.Struct, frozen=True):
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
    """Read what `encode` wrote, by this build or another. Raises BadEvent."""
    try:
        head = _head_decoder.decode(payload)
        if head.version > _VERSIONS.get(head.kind, 0):
            return OpaqueEvent(head.kind, head.version, head.at_ms, head.about, payload)
        return _decoder.decode(payload)
    except msgspec.DecodeError as error:
        raise BadEvent(f"not an event: {error}") from None
