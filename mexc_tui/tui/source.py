"""What the screens look at. A mirror of the desk is a `Shown`; tests hand over frozen rows."""

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
    """A view as it is now."""

    @property
    def rows(self) -> Mapping[str, Row]:
        """Return the rows by their keys."""
        ...

    @property
    def is_complete(self) -> bool:
        """Return whether the engine has shown it at all."""
        ...

    def on_change(self, listener: Callable[[frozenset[str]], None]) -> None:
        """Call `listener` with the keys that changed."""


@dataclass(frozen=True, slots=True)
class DeskSource:
    """Everything that screens show, and how fresh it is."""

    status: MirrorSource[StatusRow]
    listings: MirrorSource[ListingRow]
    signals: MirrorSource[SignalRow]
    snipes: MirrorSource[SnipeRow]
    orders: MirrorSource[OrderRow]
    positions: MirrorSource[PositionRow]
    risk: MirrorSource[RiskRow]
    answers: QueryCache
    """What is not a view: asked while somebody looks."""
    give: SendCommand
    """Gives commands."""
    follow_news: Callable[[Callable[[Fact], None]], None]
    """Calls a listener with every fact that is written down from now on."""
    wire_per_s: Callable[[], float | None]
    """Bytes a second that this terminal was sent lately; None: nobody counts them."""
    may_operate: bool
    """False: this screen is read-only, and may only lower risk."""
    link: Callable[[], LinkState]
    now_ms: Callable[[], int]
    """The exchange's time, as well as it is known here."""
    heard_ms: Callable[[], float | None]
    """How long ago the engine was heard."""

    @property
    def status_row(self) -> StatusRow | None:
        """Return the engine's status; None: nothing was heard of it yet."""
        return next(iter(self.status.rows.values()), None)

    @property
    def risk_row(self) -> RiskRow | None:
        """Return the risk of the books; None: it is not known."""
        return next(iter(self.risk.rows.values()), None)

    def views(self) -> dict[str, MirrorSource[msgspec.Struct]]:
        """Return the views by their names."""
        return {
            "status": self.status,
            "listings": self.listings,
            "signals": self.signals,
            "snipes": self.snipes,
            "orders": self.orders,
            "positions": self.positions,
            "risk": self.risk,
        }
