"""What is said where no listing is shown: what is armed, and when the calendar was read. Pure."""

from mexc_tui.model.listing import ListingSource as Origin
from mexc_tui.model.text import many
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.source import DeskSource
from mexc_tui.tui.widgets.text import utc


def no_opening(look: RenderContext) -> str:
    """Say why no opening is listed."""
    armed = sorted(row.symbol for row in look.source.snipes.rows.values() if row.state.may_buy)
    if armed:
        return f"No opening is listed for {many(len(armed), 'armed snipe')}: {', '.join(armed)}."
    read, problem = _calendar(look.source)
    return f"No opening is {'expected' if read and not problem else 'known'}. {_words(read, problem)}"


def no_listing(look: RenderContext) -> str:
    """Say why there is no listing at all."""
    return f"No listing is known. {_words(*_calendar(look.source))}"


def _calendar(source: DeskSource) -> tuple[str, str]:
    """Return when the calendar was read last (empty: never), and what was wrong since then."""
    status = source.status_row
    for one in () if status is None else status.sources:
        if one.source == Origin.CALENDAR.value:
            return "" if one.read_ms is None else utc(one.read_ms), one.problem
    return "", ""


def _words(read: str, problem: str) -> str:
    words = f"The calendar was read at {read}." if read else "The calendar has not been read yet."
    return f"{words} The last try failed: {problem}" if problem else words
