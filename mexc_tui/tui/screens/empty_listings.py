"""Texts of empty listing tables: armed snipes and the state of the calendar."""

from mexc_tui.model.listing import ListingSource as Origin
from mexc_tui.model.text import many
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.text import utc


def no_opening(context: RenderContext) -> str:
    """Explain an empty table of openings."""
    armed = sorted(row.symbol for row in context.source.snipes.rows.values() if row.state.may_buy)
    if armed:
        return f"No opening listed for {many(len(armed), 'armed snipe')}: {', '.join(armed)}."
    read, problem = _calendar(context.source)
    return f"No opening {'expected' if read and not problem else 'known'}. {_words(read, problem)}"


def no_listing(context: RenderContext) -> str:
    """Explain an empty table of listings."""
    return f"No listing known. {_words(*_calendar(context.source))}"


def _calendar(source: DeskSource) -> tuple[str, str]:
    """Return the time of the last calendar poll (empty: none) and the last problem."""
    status = source.status_row
    for row in () if status is None else status.sources:
        if row.source == Origin.CALENDAR.value:
            return "" if row.read_ms is None else utc(row.read_ms), row.problem
    return "", ""


def _words(read: str, problem: str) -> str:
    text = f"Calendar read at {read}." if read else "Calendar not read yet."
    return f"{text} Last poll failed: {problem}" if problem else text
