"""Queries and commands of an engine, by name. Long lists are paged."""

from typing import Annotated

import msgspec

from mexc_tui.desk.api_types import CommandKind
from mexc_tui.model.view import AlertRow, FactRow, ListingRow, SettingRow, SignalRow, StatusRow
from mexc_tui.model.why import WhyRow

PAGE = 100
"""Rows of one answer at most; fewer when they are large."""
LAST = 2**62
MAX_TEXT = 200

Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE)]
Number = Annotated[int, msgspec.Meta(ge=0, le=LAST)]
Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT)]


class Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Type of the arguments."""


class NoArguments(Arguments, frozen=True, kw_only=True):
    """No more than the command's name."""


class ListingsQuery(Arguments, frozen=True, kw_only=True):
    """Listings behind one, newest first."""

    before_ms: Number = LAST
    before_id: Text = ""
    limit: Limit = PAGE


class ListingPage(msgspec.Struct, frozen=True):
    """Listings; there may be more behind the last one, until a page is empty."""

    rows: list[ListingRow]


class SignalsQuery(Arguments, frozen=True, kw_only=True):
    """Signals below a number, newest first; with a symbol only its own."""

    before: Number = LAST
    limit: Limit = PAGE
    symbol: Text = ""


class SignalPage(msgspec.Struct, frozen=True):
    """Signals and the number for the next page; None: no more."""

    rows: list[SignalRow]
    next: int | None


class WhyQuery(Arguments, frozen=True, kw_only=True):
    """One pair."""

    symbol: Text


class JournalQuery(Arguments, frozen=True, kw_only=True):
    """Facts below a number, newest first, that fit what is given."""

    before: Number = LAST
    limit: Limit = PAGE
    about: Text = ""
    kind: Text = ""
    since_ms: Number = 0


class FactPage(msgspec.Struct, frozen=True):
    """Facts; there may be more behind the last one, until a page is empty."""

    rows: tuple[FactRow, ...]


class AlertsQuery(Arguments, frozen=True, kw_only=True):
    """The open alerts, or with `closed` all of them, raised last first."""

    limit: Limit = PAGE
    closed: bool = False


class AlertPage(msgspec.Struct, frozen=True):
    """Alerts, raised last first."""

    rows: list[AlertRow]


class AddListing(Arguments, frozen=True, kw_only=True):
    """A listing added manually. `opens_ms` None: unknown opening time."""

    symbol: Text
    opens_ms: int | None = None
    note: Text = ""


class DropListing(Arguments, frozen=True, kw_only=True):
    """A listing dropped manually."""

    symbol: Text
    note: Text = ""


class SettingChange(Arguments, frozen=True, kw_only=True):
    """A setting's value for the settings file; None takes it out."""

    name: Text
    text: Annotated[str, msgspec.Meta(max_length=10_000)] | None


class SettingUndo(Arguments, frozen=True, kw_only=True):
    """The last change of a setting, to be taken back; without a name the last change of all."""

    name: Text = ""


class SettingList(msgspec.Struct, frozen=True):
    """Every setting."""

    rows: list[SettingRow]


class EngineStopping(msgspec.Struct, frozen=True):
    """The process that is stopping."""

    pid: int


class CheckPassed(msgspec.Struct, frozen=True):
    """What was asked about may be done; nothing was. The words beside it may say more."""


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
SET = CommandKind("settings_set", SettingChange, SettingRow)
UNDO = CommandKind("settings_undo", SettingUndo, SettingRow)
STOP = CommandKind("stop", NoArguments, EngineStopping, reduces_risk=True, needs_operator=True)
