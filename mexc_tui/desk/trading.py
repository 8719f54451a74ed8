"""Views, questions and commands of trading, by name. What only lowers risk any viewer may tell."""

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from mexc_tui.desk.asking import Asked, Nothing, Text
from mexc_tui.desk.kinds import CommandKind, ViewKind
from mexc_tui.model.trading_view import (
    Achieved,
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


class OfSymbol(Asked, frozen=True, kw_only=True):
    """One pair."""

    symbol: Symbol


class Closing(Asked, frozen=True, kw_only=True):
    """A position to be sold; None: all of it."""

    symbol: Symbol
    share_pct: Decimal | None = None
    """Above 0, 100 at most."""


class Stopping(Asked, frozen=True, kw_only=True):
    """Why entries are to stop, in the person's own words."""

    words: Text = ""


class Resuming(Asked, frozen=True, kw_only=True):
    """What a person typed where the cause of a halt asks for a word."""

    typed: Text = ""


WHAT_IF = CommandKind("what_if", OfSymbol, WhatIfRow, acts=False)
PERFORMANCE = CommandKind("performance", Nothing, PerformanceRow, acts=False)
RECONCILE = CommandKind("reconcile", Nothing, ReconciliationRow)
ARM = CommandKind("arm", OfSymbol, SnipeRow)
RESUME = CommandKind("resume", Resuming, Achieved)
DISARM = CommandKind("disarm", OfSymbol, SnipeRow, reduces_risk=True)
CLOSE = CommandKind("close", Closing, Achieved, reduces_risk=True)
HALT = CommandKind("halt", Stopping, Achieved, reduces_risk=True)
REDUCE_ONLY = CommandKind("reduce_only", Stopping, Achieved, reduces_risk=True)
FLATTEN = CommandKind("flatten", Nothing, Achieved, reduces_risk=True)
KILL = CommandKind("kill", Nothing, Achieved, reduces_risk=True)

ALL: tuple[CommandKind[Any, Any], ...] = (
    WHAT_IF,
    PERFORMANCE,
    RECONCILE,
    ARM,
    RESUME,
    DISARM,
    CLOSE,
    HALT,
    REDUCE_ONLY,
    FLATTEN,
    KILL,
)
"""Every question and command here."""
