"""Data source of the screens: client-side copies of the views, or fixed rows in tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import msgspec

from mexc_tui.desk.client import LinkState
from mexc_tui.model.event import Fact
from mexc_tui.model.trading_view import OrderRow, PositionRow, RiskRow, SnipeRow
from mexc_tui.model.view import ListingRow, SignalRow, StatusRow
from mexc_tui.tui.query_cache import QueryCache, SendCommand

Row = TypeVar("Row", bound=msgspec.Struct, covariant=True)


class MirrorSource(Protocol[Row]):
    """Current rows of a view."""

    @property
    def rows(self) -> Mapping[str, Row]:
        """Return the rows by their keys."""
        ...

    @property
    def is_complete(self) -> bool:
        """Whether the view was received at least once."""
        ...

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call `listener` with the changed keys."""


@dataclass(frozen=True, slots=True)
class DeskSource:
    """All data of the screens, with its age."""

    status: MirrorSource[StatusRow]
    listings: MirrorSource[ListingRow]
    signals: MirrorSource[SignalRow]
    snipes: MirrorSource[SnipeRow]
    orders: MirrorSource[OrderRow]
    positions: MirrorSource[PositionRow]
    risk: MirrorSource[RiskRow]
    queries: QueryCache
    """Cache of queries, for data without a view."""
    send: SendCommand
    """Sends commands."""
    follow_events: Callable[[Callable[[Fact], None]], None]
    """Calls a listener with every new event."""
    wire_per_s: Callable[[], float | None]
    """Recent bytes per second sent to this terminal; None: not counted."""
    may_operate: bool
    """False in read-only mode: only actions that reduce risk."""
    link: Callable[[], LinkState]
    now_ms: Callable[[], int]
    """Estimated exchange time."""
    silence_ms: Callable[[], float | None]
    """Time since the last message of the engine."""

    @property
    def status_row(self) -> StatusRow | None:
        """Return the engine's status; None before the first message."""
        return next(iter(self.status.rows.values()), None)

    @property
    def risk_row(self) -> RiskRow | None:
        """Return the current risk; None if unknown."""
        return next(iter(self.risk.rows.values()), None)

    def views(self) -> dict[str, MirrorSource[msgspec.Struct]]:
        """Return the views by name."""
        return {
            "status": self.status,
            "listings": self.listings,
            "signals": self.signals,
            "snipes": self.snipes,
            "orders": self.orders,
            "positions": self.positions,
            "risk": self.risk,
        }
