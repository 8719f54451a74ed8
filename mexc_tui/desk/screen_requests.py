"""Queries of the screens: detectors, market of one pair, equity, attempts, process metrics.

Screens repeat them, a few times per second at most. The history of a listing is `WHY` (engine_requests).
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
    """Market of one pair. The engine subscribes to it for a minute after each query."""

    symbol: Symbol
    levels: Annotated[int, msgspec.Meta(ge=0, le=MAX_LEVELS)] = MAX_LEVELS
    trades: Annotated[int, msgspec.Meta(ge=0, le=MAX_TRADES)] = MAX_TRADES
    spans: Annotated[int, msgspec.Meta(ge=0, le=MAX_SPANS)] = MAX_SPANS
    """Points of the price path."""
    path_since_ms: Number = 0
    """Start of the price path; 0: the opening, or the first known price."""


class EquityQuery(Arguments, frozen=True, kw_only=True):
    """Equity curve since `since_ms`; 0: since the first point."""

    since_ms: Number = 0
    points: Annotated[int, msgspec.Meta(ge=2, le=MAX_POINTS)] = MAX_POINTS


class RiskMonitorQuery(Arguments, frozen=True, kw_only=True):
    """Actions of the risk monitor and changes of the trading state before an event number, newest first."""

    before: Number = LAST
    limit: Limit = PAGE


class RiskMonitorPage(msgspec.Struct, frozen=True):
    """One page of rows, and the number for the next page; None: last page."""

    rows: list[RiskActionRow]
    next: int | None


class LatencyQuery(Arguments, frozen=True, kw_only=True):
    """Latency of the last attempts."""

    attempts: Annotated[int, msgspec.Meta(ge=1, le=MAX_ATTEMPTS)] = MAX_ATTEMPTS


DETECTORS = CommandKind("detectors", NoArguments, DetectorsRow, changes_state=False)
MARKET = CommandKind("market", MarketQuery, MarketRow, changes_state=False)
EQUITY = CommandKind("equity", EquityQuery, EquityRow, changes_state=False)
GUARD = CommandKind("guard_history", RiskMonitorQuery, RiskMonitorPage, changes_state=False)
LATENCY = CommandKind("latency", LatencyQuery, LatencyRow, changes_state=False)
MACHINE = CommandKind("machine", NoArguments, MachineRow, changes_state=False)
