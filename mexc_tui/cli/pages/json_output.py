"""JSON output of the commands: money as text, times as `_ms`."""

from collections.abc import Iterable

import msgspec

from mexc_tui.cli.pages.engine_pages import money
from mexc_tui.model.reconciliation import Difference, Excluded
from mexc_tui.model.trading_view import ReconciliationRow
from mexc_tui.model.view import ListingRow
from mexc_tui.wording.digits import plain_json

_encoder = msgspec.json.Encoder(decimal_format="string")


class ListingJson(msgspec.Struct, frozen=True, kw_only=True):
    """A listing with its price as text; the rest as in `ListingRow`."""

    id: str
    symbol: str
    names: tuple[str, ...]
    stage: str
    opens_ms: int | None
    opens_source: str
    moves: int
    triple: str
    api_allowed: bool
    opened_ms: int | None
    first_seen_ms: int
    first_source: str
    sources: tuple[str, ...]
    disagreements: tuple[str, ...]
    price: str | None
    trades: int
    outcome: str
    priced_ms: int | None
    """Time of the newest price message; None: none since the engine started."""


class NoEngineJson(msgspec.Struct, frozen=True, kw_only=True):
    """Known facts about an engine that does not respond."""

    profile: str
    cause: str
    mode: str | None = None
    """Mode of the last engine."""
    exchange_session: str | None = None
    running: bool = False
    pid: int | None = None
    trading_state: str | None = None
    clock: None = None
    streams: None = None


class ReconciliationJson(msgspec.Struct, frozen=True, kw_only=True):
    """One reconciliation with the exchange."""

    at_ms: int
    explained: tuple[Difference, ...]
    unexplained: tuple[Difference, ...]
    excluded: tuple[Excluded, ...] = ()


class StopJson(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of a stop. No process: none was running."""

    profile: str
    stopped: bool
    pid: int | None = None
    cause: str = ""
    """Reason why no engine was stopped."""
    held: tuple[str, ...] = ()
    """Pairs with an open position, whose stops are no longer watched."""


def encode(value: object) -> str:
    """Return a value as JSON in one line."""
    return plain_json(_encoder.encode(value)).decode()


def many(values: Iterable[msgspec.Struct]) -> str:
    """Return one array with one element per line."""
    lines = ",\n".join(map(encode, values))
    return f"[{lines}]"


def reconciliation(row: ReconciliationRow) -> ReconciliationJson:
    """Return a reconciliation as JSON."""
    return ReconciliationJson(
        at_ms=row.at_ms, explained=row.explained, unexplained=row.unexplained, excluded=row.excluded
    )


def listing(row: ListingRow) -> ListingJson:
    """Return a listing as JSON."""
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    fields["price"] = None if row.price is None else money(row.price)
    return msgspec.convert(fields, ListingJson)
