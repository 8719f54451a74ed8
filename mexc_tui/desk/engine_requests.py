"""Queries and commands of an engine, by name. Long lists are paged."""

from typing import Annotated

import msgspec

from mexc_tui.desk.api_types import CommandKind
from mexc_tui.model.view import AlertRow, FactRow, ListingRow, SettingRow, SignalRow, StatusRow
from mexc_tui.model.why import WhyRow

PAGE = 100
"""Rows of one answer at most; fewer when they are large."""
LAST = 2**62
MOST_TEXT = 200

Limit = Annotated[int, msgspec.Meta(ge=1, le=PAGE)]
Number = Annotated[int, msgspec.Meta(ge=0, le=LAST)]
Text = Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Type of the arguments."""


class Nothing(Asked, frozen=True, kw_only=True):
    """No more than the command's name."""


class ListingsAsked(Asked, frozen=True, kw_only=True):
    """Listings behind one, newest first."""

    before_ms: Number = LAST
    before_id: Text = ""
    limit: Limit = PAGE


class ListingPage(msgspec.Struct, frozen=True):
    """Listings; there may be more behind the last one, until a page is empty."""

    rows: list[ListingRow]


class SignalsAsked(Asked, frozen=True, kw_only=True):
    """Signals below a number, newest first; with a symbol only its own."""

    before: Number = LAST
    limit: Limit = PAGE
    symbol: Text = ""


class SignalPage(msgspec.Struct, frozen=True):
    """Signals and the number for the next page; None: no more."""

    rows: list[SignalRow]
    next: int | None


class WhyAsked(Asked, frozen=True, kw_only=True):
    """One pair."""

    symbol: Text


class JournalAsked(Asked, frozen=True, kw_only=True):
    """Facts below a number, newest first, that fit what is given."""

    before: Number = LAST
    limit: Limit = PAGE
    about: Text = ""
    kind: Text = ""
    since_ms: Number = 0


class FactPage(msgspec.Struct, frozen=True):
    """Facts; there may be more behind the last one, until a page is empty."""

    rows: tuple[FactRow, ...]


class AlertsAsked(Asked, frozen=True, kw_only=True):
    """The open alerts, or with `closed` all of them, raised last first."""

    limit: Limit = PAGE
    closed: bool = False


class AlertPage(msgspec.Struct, frozen=True):
    """Alerts, raised last first."""

    rows: list[AlertRow]


class ListingAdded(Asked, frozen=True, kw_only=True):
    """A listing added manually. `opens_ms` None: unknown opening time."""

    symbol: Text
    opens_ms: int | None = None
    note: Text = ""


class ListingDropped(Asked, frozen=True, kw_only=True):
    """A listing dropped manually."""

    symbol: Text
    note: Text = ""


class SettingChange(Asked, frozen=True, kw_only=True):
    """A setting's value for the settings file; None takes it out."""

    name: Text
    text: Annotated[str, msgspec.Meta(max_length=10_000)] | None


class SettingUndo(Asked, frozen=True, kw_only=True):
    """The last change of a setting, to be taken back; without a name the last change of all."""

    name: Text = ""


class SettingList(msgspec.Struct, frozen=True):
    """Every setting."""

    rows: list[SettingRow]


class EngineStopping(msgspec.Struct, frozen=True):
    """The process that is stopping."""

    pid: int


class Agreed(msgspec.Struct, frozen=True):
    """What was asked about may be done; nothing was. The words beside it may say more."""


STATUS = CommandKind("status", Nothing, StatusRow, acts=False)
LISTINGS = CommandKind("listings", ListingsAsked, ListingPage, acts=False)
SIGNALS = CommandKind("signals", SignalsAsked, SignalPage, acts=False)
WHY = CommandKind("why", WhyAsked, WhyRow, acts=False)
JOURNAL = CommandKind("journal", JournalAsked, FactPage, acts=False)
ALERTS = CommandKind("alerts", AlertsAsked, AlertPage, acts=False)
SETTINGS = CommandKind("settings", Nothing, SettingList, acts=False)
CHECK_SETTING = CommandKind("settings_check", SettingChange, Agreed, acts=False)
ADD_LISTING = CommandKind("listings_add", ListingAdded, ListingRow)
DROP_LISTING = CommandKind("listings_drop", ListingDropped, ListingRow)
SET = CommandKind("settings_set", SettingChange, SettingRow)
UNDO = CommandKind("settings_undo", SettingUndo, SettingRow)
STOP = CommandKind("stop", Nothing, EngineStopping, reduces_risk=True, needs_operator=True)
