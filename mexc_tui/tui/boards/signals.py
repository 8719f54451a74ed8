"""The third screen: every signal."""

from mexc_tui.tui import lines
from mexc_tui.tui.boards.panes import Board, TablePane, reading
from mexc_tui.tui.rows import Order

_ALL = TablePane(
    "Signals",
    lines.SIGNAL,
    reading(lambda source: source.signals, lines.signal),
    "No signal has been raised yet.",
    "signals",
    Order(0),
)

SIGNALS = Board(
    "signals",
    "Signals",
    "Every signal: how sure the detector is, how many cases that rests on, and why it spoke up.",
    (_ALL,),
)
