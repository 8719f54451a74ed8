"""Screen 1: next openings, active signals, positions, snipes and the nearest limits."""

from collections.abc import Sequence

from mexc_tui.model.listing import ListingStage
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.empty_listings import no_opening
from mexc_tui.tui.screens.limits import strip
from mexc_tui.tui.screens.panes import PanePlace, PicturePane, ScreenSpec, TablePane, reading
from mexc_tui.tui.widgets import table_lines
from mexc_tui.tui.widgets.styled_text import Drawn
from mexc_tui.tui.widgets.table_rows import SortOrder

_FINISHED = frozenset(
    {
        ListingStage.MATURED.value,
        ListingStage.CANCELLED.value,
        ListingStage.NEVER_API.value,
        ListingStage.OPEN.value,
    }
)

NEXT = TablePane(
    "Next openings",
    table_lines.LISTING,
    reading(lambda source: source.listings, table_lines.listing, lambda row: row.stage not in _FINISHED),
    no_opening,
    "listings",
    SortOrder(1),
    PanePlace(share=4),
    left_ms=table_lines.prices_left_ms,
)
SIGNALS = TablePane(
    "Active signals",
    table_lines.SIGNAL,
    reading(lambda source: source.signals, table_lines.signal, lambda row: row.is_active),
    "No active signal. Detectors raise signals shortly before an opening.",
    "signals",
    SortOrder(0),
    PanePlace(share=3),
)
POSITIONS = TablePane(
    "Positions",
    table_lines.POSITION,
    reading(lambda source: source.positions, table_lines.position, lambda row: row.closed_ms is None),
    "No open position.",
    "positions",
    place=PanePlace(share=4),
)
SNIPES = TablePane(
    "Snipes",
    table_lines.SNIPE,
    reading(lambda source: source.snipes, table_lines.snipe),
    "No snipe is armed.",
    "snipes",
    SortOrder(2),
    PanePlace(share=3),
)


def _details(context: RenderContext, width: int) -> Sequence[Drawn]:
    from mexc_tui.tui.screens.details import details  # opened by a key only; imports most other screens

    return details(context, width)


STRIP = PicturePane("Nearest limits", strip, PanePlace(lines=1))

BOARD = ScreenSpec(
    "desk",
    "Desk",
    "Next openings, active signals with their probabilities, open positions with their stops, snipes and the "
    "limits closest to being reached.",
    (NEXT, SIGNALS, POSITIONS, SNIPES, STRIP),
    details=_details,
)
