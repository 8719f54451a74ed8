"""Shared state of all pairs: time, counters and subscribers."""

from typing import TYPE_CHECKING

from mexc_tui.practice.matching.ids import Counters

if TYPE_CHECKING:
    from collections.abc import Callable

    from mexc_tui.practice.matching.market import Match
    from mexc_tui.practice.matching.sink import MessageSink


def _nobody(_match: "Match") -> None:
    """Ignore a match whose maker is a simulated trader."""


class Hub:
    """Clock, counters and subscribers of one session."""

    def __init__(self, start_ms: int) -> None:
        self.now_ms = start_ms
        self.counters = Counters(start_ms)
        self.coin_ids: dict[str, str] = {}
        """Ids of assets that were renamed."""
        self.sinks: list[MessageSink] = []
        self.maker_filled: Callable[[Match], None] = _nobody
        """Called when a resting order of the account is filled."""
