"""Queries of the screens: detectors, market of one pair, equity, attempts, process metrics.

All of it reads, and may be asked again and again, a few times a second at most. The listing's own page is
`why` (engine_requests.py): sources and their claims, changes with first-seen, detectors, snipes with plan and
checklist.
"""

from typing import Annotated

import msgspec

from mexc_tui.desk.api_types import CommandKind
from mexc_tui.desk.engine_requests import LAST, PAGE, Asked, Limit, Nothing, Number
from mexc_tui.desk.trading_requests import Symbol
from mexc_tui.model.engine_view import DetectorsRow, LatencyRow, MachineRow
from mexc_tui.model.market_view import MOST_LEVELS, MOST_SPANS, MOST_TRADES, MarketRow
from mexc_tui.model.plan_view import MOST_POINTS, EquityRow
from mexc_tui.model.trading_view import GuardRow

MOST_SHOTS = 20


class MarketAsked(Asked, frozen=True, kw_only=True):
    """One pair shown in a front end. It is watched for a minute after each query."""

    symbol: Symbol
    levels: Annotated[int, msgspec.Meta(ge=0, le=MOST_LEVELS)] = MOST_LEVELS
    trades: Annotated[int, msgspec.Meta(ge=0, le=MOST_TRADES)] = MOST_TRADES
    spans: Annotated[int, msgspec.Meta(ge=0, le=MOST_SPANS)] = MOST_SPANS
    """Points of the path; fewer cost less to send."""
    path_since_ms: Number = 0
    """The path from then on; 0: from the opening, or all that is known."""


class EquityAsked(Asked, frozen=True, kw_only=True):
    """Equity from a moment on; 0: since the first point."""

    since_ms: Number = 0
    points: Annotated[int, msgspec.Meta(ge=2, le=MOST_POINTS)] = MOST_POINTS


class GuardAsked(Asked, frozen=True, kw_only=True):
    """What the guard did and how the trading state changed, below a number of the journal, newest first."""

    before: Number = LAST
    limit: Limit = PAGE


class GuardPage(msgspec.Struct, frozen=True):
    """Rows and the number for the next page; None: no more."""

    rows: list[GuardRow]
    next: int | None


class LatencyAsked(Asked, frozen=True, kw_only=True):
    """The last attempts."""

    shots: Annotated[int, msgspec.Meta(ge=1, le=MOST_SHOTS)] = MOST_SHOTS


DETECTORS = CommandKind("detectors", Nothing, DetectorsRow, acts=False)
MARKET = CommandKind("market", MarketAsked, MarketRow, acts=False)
EQUITY = CommandKind("equity", EquityAsked, EquityRow, acts=False)
GUARD = CommandKind("guard_history", GuardAsked, GuardPage, acts=False)
LATENCY = CommandKind("latency", LatencyAsked, LatencyRow, acts=False)
MACHINE = CommandKind("machine", Nothing, MachineRow, acts=False)
