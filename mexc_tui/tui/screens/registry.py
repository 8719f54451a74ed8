"""The screens in the order of their number keys; each module is loaded on first use."""

from functools import cache
from importlib import import_module

from mexc_tui.tui.screens.panes import ScreenSpec

NAMES = ("desk", "listings", "signals", "positions", "risk", "detectors", "engine", "journal", "settings")


@cache
def board(name: str) -> ScreenSpec:
    """Return the screen of this name."""
    found = import_module(f"mexc_tui.tui.screens.{name}").BOARD
    assert isinstance(found, ScreenSpec)
    return found


def all_boards() -> tuple[ScreenSpec, ...]:
    """Return every screen, in the order of the keys."""
    return tuple(board(name) for name in NAMES)
