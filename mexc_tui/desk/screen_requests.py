"""Queries of the screens: detectors, market of one pair, equity, attempts, process metrics.

All of it reads, and may be asked again and again, a few times a second at most. The listing's own page is
`why` (engine_requests.py): sources and their claims, changes with first-seen, detectors, snipes with plan and
checklist.
"""

from typing import Annotated

import msgspec

from mexc_tui.desk.api_types import CommandKind
from mexc_tui.desk.engine_requests import LAST, PAGE, Arguments, Limit, NoArguments, Number
from mexc_tui.desk.trading_requests import Symbol
from mexc_tui.model.engine_view import DetectorsRow, LatencyRow, MachineRow
from mexc_tui.model.market_view import MAX_LEVELS, MAX_SPANS, MAX_TRADES, MarketRow
from mexc_tui.model.plan_view import MAX_POINTS, EquityRow
from mexc_tui.model.trading_view import RiskActionRow

MAX_ATTEMPTS = 20


class MarketQuery(Arguments, frozen=True, kw_only=True):
    """One pair shown in a front end. It is watched for a minute after each query."""

    symbol: Symbol
    levels: Annotated[int, msgspec.Meta(ge=0, le=MAX_LEVELS)] = MAX_LEVELS
    trades: Annotated[int, msgspec.Meta(ge=0, le=MAX_TRADES)] = MAX_TRADES
    spans: Annotated[int, msgspec.Meta(ge=0, le=MAX_SPANS)] = MAX_SPANS
    """Points of the path; fewer cost less to send."""
    path_since_ms: Number = 0
    """The path from then on; 0: from the opening, or all that is known."""


class EquityQuery(Arguments, frozen=True, kw_only=True):
    """Equity from a moment on; 0: since the first point."""

    since_ms: Number = 0
    points: Annotated[int, msgspec.Meta(ge=2, le=MAX_POINTS)] = MAX_POINTS


class RiskMonitorQuery(Arguments, frozen=True, kw_only=True):
    """What the guard did and how the trading state changed, below a number of the journal, newest first."""

    before: Number = LAST
    limit: Limit = PAGE


class RiskMonitorPage(msgspec.Struct, frozen=True):
    """Rows and the number for the next page; None: no more."""

    rows: list[RiskActionRow]
    next: int | None


class LatencyQuery(Arguments, frozen=True, kw_only=True):
    """The last attempts."""

    shots: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = MAX_ATTEMPTS


DETECTORS = CommandKind("detectors", NoArguments, DetectorsRow, changes_state=False)
MARKET = CommandKind("market", MarketQuery, MarketRow, changes_state=False)
EQUITY = CommandKind("equity", EquityQuery, EquityRow, changes_state=False)
GUARD = CommandKind("guard_history", RiskMonitorQuery, RiskMonitorPage, changes_state=False)
LATENCY = CommandKind("latency", LatencyQuery, LatencyRow, changes_state=False)
MACHINE = CommandKind("machine", NoArguments, MachineRow, changes_state=False)
