"""Queries and commands of every engine: status, listings, signals, journal, settings. Lists are paged."""

from typing import Annotated

import msgspec

from mexc_tui.desk.api_types import CommandKind
from mexc_tui.model.view import AlertRow, FactRow, ListingRow, SettingRow, SignalRow, StatusRow
from mexc_tui.model.why import WhyRow

PAGE = 100
"""Maximum rows of one response; fewer if they are large."""
LAST = 2**62
MAX_TEXT = 200

Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE)]
Number = Annotated[int, msgspec.Meta(ge=0, le=LAST)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the arguments of a request."""


class NoArguments(Arguments, frozen=True, kw_only=True):
    """A request without arguments."""


class ListingsQuery(Arguments, frozen=True, kw_only=True):
    """Listings after the given one, newest first."""

    before_ms: Number = LAST
    before_id: Text = ""
    limit: Limit = PAGE


class ListingPage(msgspec.Struct, frozen=True):
    """One page of listings; request the next page until one is empty."""

    rows: list[ListingRow]


class SignalsQuery(Arguments, frozen=True, kw_only=True):
    """Signals with a lower number, newest first; of one symbol, or of all."""

    before: Number = LAST
    limit: Limit = PAGE
    symbol: Text = ""


class SignalPage(msgspec.Struct, frozen=True):
    """One page of signals, and the number for the next page; None: last page."""

    rows: list[SignalRow]
    next: int | None


class WhyQuery(Arguments, frozen=True, kw_only=True):
    """History and current pre-trade check of one pair."""

    symbol: Text


class JournalQuery(Arguments, frozen=True, kw_only=True):
    """Events with a lower number, newest first, that match every given field."""

    before: Number = LAST
    limit: Limit = PAGE
    about: Text = ""
    kind: Text = ""
    since_ms: Number = 0


class FactPage(msgspec.Struct, frozen=True):
    """One page of events; request the next page until one is empty."""

    rows: tuple[FactRow, ...]


class AlertsQuery(Arguments, frozen=True, kw_only=True):
    """Open alerts, or with `closed` all alerts, latest first."""

    limit: Limit = PAGE
    closed: bool = False


class AlertPage(msgspec.Struct, frozen=True):
    """Alerts, latest first."""

    rows: list[AlertRow]


class AddListing(Arguments, frozen=True, kw_only=True):
    """Add a listing manually. `opens_ms` None: unknown opening time."""

    symbol: Text
    opens_ms: int | None = None
    note: Text = ""


class DropListing(Arguments, frozen=True, kw_only=True):
    """Drop a listing manually."""

    symbol: Text
    note: Text = ""


class SettingChange(Arguments, frozen=True, kw_only=True):
    """New value of a setting in the settings file; None removes it from the file."""

    name: Text
    text: Annotated[str, msgspec.Meta(max_length=10_000)] | None


class SettingUndo(Arguments, frozen=True, kw_only=True):
    """Undo the last change of a setting; without a name, the last change of any setting."""

    name: Text = ""


class SettingList(msgspec.Struct, frozen=True):
    """All settings."""

    rows: list[SettingRow]


class EngineStopping(msgspec.Struct, frozen=True):
    """Process id of the stopping engine."""

    pid: int


class CheckPassed(msgspec.Struct, frozen=True):
    """The checked change is allowed; it was not made. The text of the reply may add details."""


STATUS = CommandKind("status", NoArguments, StatusRow, changes_state=False)
LISTINGS = CommandKind("listings", ListingsQuery, ListingPage, changes_state=False)
SIGNALS = CommandKind("signals", SignalsQuery, SignalPage, changes_state=False)
WHY = CommandKind("why", WhyQuery, WhyRow, changes_state=False)
JOURNAL = CommandKind("journal", JournalQuery, FactPage, changes_state=False)
ALERTS = CommandKind("alerts", AlertsQuery, AlertPage, changes_state=False)
SETTINGS = CommandKind("settings", NoArguments, SettingList, changes_state=False)
CHECK_SETTING = CommandKind("settings_check", SettingChange, CheckPassed, changes_state=False)
ADD_LISTING = CommandKind("listings_add", AddListing, ListingRow)
DROP_LISTING = CommandKind("listings_drop", DropListing, ListingRow)
SET = CommandKind("settings_set", SettingChange, SettingRow, needs_admin=True)
UNDO = CommandKind("settings_undo", SettingUndo, SettingRow, needs_admin=True)
STOP = CommandKind("stop", NoArguments, EngineStopping, reduces_risk=True, needs_operator=True)
