"""Views, queries and commands of trading. Risk-reducing commands are allowed for every viewer."""

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


class ArmRequest(Arguments, frozen=True, kw_only=True):
    """One pair, and terms of its snipe; None: as in the settings."""

    symbol: Symbol
    spend: Decimal | None = None
    """Quote units, fees included."""
    max_price: Decimal | None = None
    stop_loss_pct: Decimal | None = None


class CloseRequest(Arguments, frozen=True, kw_only=True):
    """Sell a position, or a share of it; None: all of it."""

    symbol: Symbol
    share_pct: Decimal | None = None
    """Above 0, 100 at most."""


class HaltRequest(Arguments, frozen=True, kw_only=True):
    """Reason of a halt, as entered by the user."""

    words: Text = ""


class EmergencyStopRequest(Arguments, frozen=True, kw_only=True):
    """Emergency stop; `sell`: also sell all positions."""

    sell: bool = True


class ResumeRequest(Arguments, frozen=True, kw_only=True):
    """Word typed by the user, if the cause of the halt requires one."""

    typed: Text = ""


class UnlockRequest(Arguments, frozen=True, kw_only=True):
    """Phrase of the last unlock preview, as typed by the user."""

    typed: Text = ""


class ConvertDustRequest(Arguments, frozen=True, kw_only=True):
    """Coins whose dust is converted to MX, as shown in the preview; empty: all."""

    assets: Annotated[tuple[Symbol, ...], msgspec.Meta(max_length=15)] = ()


class PreviewQuery(Arguments, frozen=True, kw_only=True):
    """Effect of a command if sent now. `symbol` for arm, disarm and close; `share_pct` for close."""

    name: Preview
    symbol: Text = ""
    share_pct: Decimal | None = None


class RungEdit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rung: sell `share_pct` of the bought quantity at `gain_pct` above the entry price."""

    share_pct: Decimal
    gain_pct: Decimal


class ExitsEdit(Arguments, frozen=True, kw_only=True):
    """New exits of an open position; None leaves a field unchanged. Bounds are those of the settings."""

    symbol: Symbol
    stop_price: Decimal | None = None
    """In quote units: below the bid, and no further below the entry than `stop_loss_pct` may be."""
    trailing: bool | None = None
    trailing_after_pct: Decimal | None = None
    """Gain from which the stop trails."""
    trailing_distance_pct: Decimal | None = None
    """Distance below the high since entry."""
    ladder: Annotated[tuple[RungEdit, ...], msgspec.Meta(max_length=6)] | None = None
    """Remaining rungs, ascending; empty: none. Rungs up to the last one with a fill are kept before them and
    count in shares and numbers."""
    break_even_rung: int | None = None
    """Rung after whose sale the stop moves to break-even; 0: never."""
    time_stop_s: int | None = None
    """Seconds from opening to the time stop; 0: never."""


WHAT_IF = CommandKind("what_if", ArmRequest, WhatIfRow, changes_state=False)
PREVIEW = CommandKind("preview", PreviewQuery, PreviewRow, changes_state=False)
PERFORMANCE = CommandKind("performance", NoArguments, PerformanceRow, changes_state=False)
DUST = CommandKind("dust", NoArguments, DustRow, changes_state=False)
RECONCILE = CommandKind("reconcile", NoArguments, ReconciliationRow)
ARM = CommandKind("arm", ArmRequest, SnipeRow)
RESUME = CommandKind("resume", ResumeRequest, Achieved, needs_admin=True)
CHECK_EXITS = CommandKind("check_exits", ExitsEdit, CheckPassed, changes_state=False)
EDIT_EXITS = CommandKind("edit_exits", ExitsEdit, ExitsRow)
CONVERT_DUST = CommandKind("convert_dust", ConvertDustRequest, DustConverted)
RESTORE_LIMITS = CommandKind("restore_limits", NoArguments, Achieved, needs_admin=True)
UNLOCK = CommandKind("unlock", UnlockRequest, Achieved, needs_admin=True)
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
