"""What the engine lets a desk see and do: snapshots and awaited commands, on the engine's own loop."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from mexc_tui.market.tape import Liquidity
from mexc_tui.model.event import SettingChanged
from mexc_tui.model.view import AlertRow, ListingRow, SettingRow, SignalRow, StatusRow

MOST_ALERTS = 1_000


class Face(Protocol):
    """One engine, as its desk sees it. Snapshots are of this moment; nothing here waits for the exchange."""

    def status(self) -> StatusRow:
        """Return how the engine is."""
        ...

    def listings(self) -> Sequence[ListingRow]:
        """Return the listings of which something is expected, soonest opening first."""
        ...

    def signals(self) -> Sequence[SignalRow]:
        """Return the signals that stand, newest first."""
        ...

    def liquidity(self) -> Mapping[str, Liquidity]:
        """Return what lies in the streamed books now, by pair."""
        ...

    async def alerts(self, limit: int = MOST_ALERTS, *, closed: bool = False) -> Sequence[AlertRow]:
        """Return the open alerts, or with `closed` all of them, raised last first. Raises CommandRefused."""
        ...

    def settings(self) -> Sequence[SettingRow]:
        """Return every setting."""
        ...

    async def add_listing(self, symbol: str, opens_ms: int | None, note: str = "") -> ListingRow:
        """Add a listing by hand, or take it up again. Raises CommandRefused."""
        ...

    async def drop_listing(self, symbol: str, note: str = "") -> ListingRow:
        """Drop a listing by hand. Raises CommandRefused if it is unknown."""
        ...

    async def check_setting(self, name: str, text: str | None) -> str:
        """Return why a change of a setting would not apply; empty: it would. Raises CommandRefused."""
        ...

    async def change_setting(self, name: str, text: str | None, who: str) -> SettingRow:
        """Write a setting into the settings file (None: take it out), and take it. Raises CommandRefused."""
        ...

    async def undo_setting(self, name: str, who: str) -> tuple[SettingRow, SettingChanged]:
        """Undo the last change of a setting (without a name: of any) and return it. Raises CommandRefused."""
        ...

    def stop(self, reason: str) -> None:
        """Ask for an ordered stop; returns at once."""
        ...
