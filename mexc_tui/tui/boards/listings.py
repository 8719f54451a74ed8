"""The second screen: every listing."""

from mexc_tui.tui import lines
from mexc_tui.tui.boards.panes import Board, TablePane, reading
from mexc_tui.tui.rows import Order

_ALL = TablePane(
    "Listings",
    lines.LISTING,
    reading(lambda source: source.listings, lines.listing),
    "No listing is known yet. The engine reads the calendar every few seconds.",
    "listings",
    Order(1),
)

LISTINGS = Board(
    "listings",
    "Listings",
    "Every listing: when it opens, who says so, whether the sources agree, and how it ended.",
    (_ALL,),
)
