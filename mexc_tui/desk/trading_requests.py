"""Views, queries and commands of trading, by name. Any viewer may send risk-reducing commands."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from mexc_tui.desk.api_types import CommandKind, ViewKind
from mexc_tui.desk.engine_requests import Arguments, CheckPassed, NoArguments, Text
from mexc_tui.model.plan_view import ExitsRow, Preview, PreviewRow
from mexc_tui.model.trading_view import (
    Achieved,
    DustConverted,
    DustRow,
    OrderRow,
    PerformanceRow,
    PositionRow,
    ReconciliationRow,
    RiskRow,
    SnipeRow,
    WhatIfRow,
)

SNIPES = ViewKind("snipes", SnipeRow)
ORDERS = ViewKind("orders", OrderRow)
POSITIONS = ViewKind("positions", PositionRow)
RISK = ViewKind("risk", RiskRow)

Symbol = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class SymbolArguments(Arguments, frozen=True, kw_only=True):
    """One pair."""

    symbol: Symbol


class CloseRequest(Arguments, frozen=True, kw_only=True):
    """A position to be sold; None: all of it."""

    symbol: Symbol
    share_pct: Decimal | None = None
    """Above 0, 100 at most."""


class HaltRequest(Arguments, frozen=True, kw_only=True):
    """Reason of a halt, as entered by the user."""

    words: Text = ""


class EmergencyStopRequest(Arguments, frozen=True, kw_only=True):
    """An emergency stop; `sell`: what is held is sold, too."""

    sell: bool = True


class ResumeRequest(Arguments, frozen=True, kw_only=True):
    """Word typed to resume, where the cause of the halt needs one."""

    typed: Text = ""


class UnlockRequest(Arguments, frozen=True, kw_only=True):
    """Phrase of the last unlock preview, as typed by the user."""

    typed: Text = ""


class ConvertDustRequest(Arguments, frozen=True, kw_only=True):
    """Coins whose dust is converted to MX, as shown in the preview; empty: all."""

    assets: Annotated[tuple[Symbol, ...], msgspec.Meta(max_length=15)] = ()


class PreviewQuery(Arguments, frozen=True, kw_only=True):
    """What a command would do now. `symbol` of arm, disarm, close; `share_pct` of close, as in `Closing`."""

    name: Preview
    symbol: Text = ""
    share_pct: Decimal | None = None


class RungEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rung: sell `share_pct` of what was bought at `gain_pct` above the entry price."""

    share_pct: Decimal
    gain_pct: Decimal


class ExitsEdit(Arguments, frozen=True, kw_only=True):
    """New exits of an open position; what is None stays as it is. Bounds are those of the settings."""

    symbol: Symbol
    stop_price: Decimal | None = None
    """In quote units: below the bid, and no further below the entry than `stop_loss_pct` may be."""
    trailing: bool | None = None
    trailing_after_pct: Decimal | None = None
    """Gain at which the stop begins to follow."""
    trailing_distance_pct: Decimal | None = None
    """Below the highest price."""
    ladder: Annotated[tuple[RungEdit, ...], msgspec.Meta(max_length=6)] | None = None
    """The remaining rungs, ascending; empty: none. Those up to the last one that sold
    something stay before them, and count in shares and numbers."""
    break_even_rung: int | None = None
    """The stop moves to break-even once this rung is sold; 0: never."""
    time_stop_s: int | None = None
    """Seconds from opening to the time stop; 0: never."""


WHAT_IF = CommandKind("what_if", SymbolArguments, WhatIfRow, changes_state=False)
PREVIEW = CommandKind("preview", PreviewQuery, PreviewRow, changes_state=False)
PERFORMANCE = CommandKind("performance", NoArguments, PerformanceRow, changes_state=False)
DUST = CommandKind("dust", NoArguments, DustRow, changes_state=False)
RECONCILE = CommandKind("reconcile", NoArguments, ReconciliationRow)
ARM = CommandKind("arm", SymbolArguments, SnipeRow)
RESUME = CommandKind("resume", ResumeRequest, Achieved)
CHECK_EXITS = CommandKind("check_exits", ExitsEdit, CheckPassed, changes_state=False)
EDIT_EXITS = CommandKind("edit_exits", ExitsEdit, ExitsRow)
CONVERT_DUST = CommandKind("convert_dust", ConvertDustRequest, DustConverted)
RESTORE_LIMITS = CommandKind("restore_limits", NoArguments, Achieved)
UNLOCK = CommandKind("unlock", UnlockRequest, Achieved)
DISARM = CommandKind("disarm", SymbolArguments, SnipeRow, reduces_risk=True)
CLOSE = CommandKind("close", CloseRequest, Achieved, reduces_risk=True)
HALT = CommandKind("halt", HaltRequest, Achieved, reduces_risk=True)
REDUCE_ONLY = CommandKind("reduce_only", HaltRequest, Achieved, reduces_risk=True)
LOCK = CommandKind("lock", NoArguments, Achieved, reduces_risk=True)
FLATTEN = CommandKind("flatten", NoArguments, Achieved, reduces_risk=True)
KILL = CommandKind("kill", EmergencyStopRequest, Achieved, reduces_risk=True)

ALL: tuple[CommandKind[Any, Any], ...] = (
    WHAT_IF,
    PREVIEW,
    PERFORMANCE,
    DUST,
    CHECK_EXITS,
    RECONCILE,
    ARM,
    RESUME,
    RESTORE_LIMITS,
    EDIT_EXITS,
    CONVERT_DUST,
    DISARM,
    CLOSE,
    HALT,
    REDUCE_ONLY,
    UNLOCK,
    LOCK,
    FLATTEN,
    KILL,
)
"""All queries and commands of trading."""
