"""The first screen: what opens next, what stands, what is held."""

from collections.abc import Sequence

from mexc_tui.model.listing import Stage
from mexc_tui.tui.render_context import Look
from mexc_tui.tui.screens.empty_listings import no_opening
from mexc_tui.tui.screens.limits import strip
from mexc_tui.tui.screens.panes import Board, PicturePane, Place, TablePane, reading
from mexc_tui.tui.widgets import table_lines
from mexc_tui.tui.widgets.styled_text import Drawn
from mexc_tui.tui.widgets.table_rows import Order

_OVER = frozenset({Stage.MATURED.value, Stage.CANCELLED.value, Stage.NEVER_API.value, Stage.OPEN.value})

NEXT = TablePane(
    "Next openings",
    table_lines.LISTING,
    reading(lambda source: source.listings, table_lines.listing, lambda row: row.stage not in _OVER),
    no_opening,
    "listings",
    Order(1),
    Place(share=4),
    left_ms=table_lines.prices_left_ms,
)
SIGNALS = TablePane(
    "Signals that stand",
    table_lines.SIGNAL,
    reading(lambda source: source.signals, table_lines.signal, lambda row: row.stands),
    "No signal stands. Detectors speak up when a listing comes near.",
    "signals",
    Order(0),
    Place(share=3),
)
POSITIONS = TablePane(
    "Positions",
    table_lines.POSITION,
    reading(lambda source: source.positions, table_lines.position, lambda row: row.closed_ms is None),
    "No position is open.",
    "positions",
    place=Place(share=4),
)
SNIPES = TablePane(
    "Snipes",
    table_lines.SNIPE,
    reading(lambda source: source.snipes, table_lines.snipe),
    "Nothing is armed.",
    "snipes",
    Order(2),
    Place(share=3),
)


def _details(look: Look, width: int) -> Sequence[Drawn]:
    from mexc_tui.tui.screens.details import details  # asked for by a key, and rests on most other boards

    return details(look, width)


STRIP = PicturePane("Nearest limits", strip, Place(lines=1))

BOARD = Board(
    "desk",
    "Desk",
    "What opens next and how sure that is, what detectors say, what was bought and what protects it, and the "
    "limits that are nearest.",
    (NEXT, SIGNALS, POSITIONS, SNIPES, STRIP),
    details=_details,
)
