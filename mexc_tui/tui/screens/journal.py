"""Screen 8: the journal, newest first."""

import re
from collections.abc import Iterable

import msgspec

from mexc_tui.desk.engine_requests import JOURNAL, PAGE, FactPage, JournalQuery
from mexc_tui.model.event import KINDS
from mexc_tui.model.view import FactRow
from mexc_tui.tui.query_cache import QueryResponse
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.panes import LOADING, PanePlace, PicturePane, QueryPane, ScreenSpec
from mexc_tui.tui.widgets.cell import Cell, Tone
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.styled_text import Drawn, text_line, wrap
from mexc_tui.tui.widgets.table_rows import Line, SortOrder
from mexc_tui.tui.widgets.text import local_and_utc, utc
from mexc_tui.wording.event_text import event_text

FOLLOW_S = 1.0
_HANGS = 2
_PAIR = re.compile(r"[A-Z0-9]{2,}(USDT|USDC|EUR|BTC|USD1)")
_FACTS = (
    Column("NUMBER", 8, drop_order=3, is_number=True),
    Column("TIME", 9),
    Column("KIND", 18),
    Column("ABOUT", 14, drop_order=1),
    Column("WHAT", 28, grows=True),
)
_LOUD = {
    "alert": Tone.WARN,
    "guard_acted": Tone.WARN,
    "trading_changed": Tone.WARN,
    "command_begun": Tone.STRONG,
    "fill_booked": Tone.GOOD,
}


def journal_query(filter_text: str) -> JournalQuery:
    """Return the query; an event kind or a symbol in the filter is searched in the whole journal."""
    filter_words = filter_text.split()
    kind = next((word for word in filter_words if word.casefold() in KINDS), "")
    about = next((word.upper() for word in filter_words if _PAIR.fullmatch(word.upper())), "")
    return JournalQuery(kind=kind.casefold(), about=about, limit=PAGE)


def _query(context: RenderContext) -> QueryResponse[FactPage]:
    return context.query(JOURNAL, journal_query(context.filter), FOLLOW_S)


def _rows(page: FactPage, _: RenderContext) -> dict[str, Line]:
    return {str(row.sequence): _line(row) for row in page.rows}


def _line(row: FactRow) -> Line:
    return (
        Cell(str(row.sequence), Tone.FAINT, -row.sequence),
        Cell(utc(row.at_ms), rank=-row.at_ms),
        Cell(row.kind, _LOUD.get(row.kind, Tone.PLAIN)),
        Cell(row.about, Tone.STRONG),
        Cell(event_text(row)),
    )


def _detail(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del height
    return all_of(context, width)


def all_of(context: RenderContext, width: int) -> list[Drawn]:
    """Draw all fields of an event; long values continue on the next line."""
    page = _query(context).result
    if page is None:
        return [text_line(LOADING, Tone.FAINT)]
    row = next((fact for fact in page.rows if str(fact.sequence) == context.key), None)
    if row is None:
        return [text_line("Select an event to see all fields.", Tone.FAINT)]
    return [
        text_line(f"{row.kind} {row.version}  {row.about}", Tone.STRONG),
        text_line(local_and_utc(row.at_ms, context.zone), Tone.FAINT),
        *_fields(row.body, width),
    ]


def _fields(body: msgspec.Raw, width: int) -> Iterable[Drawn]:
    for line in msgspec.json.format(bytes(body), indent=2).decode().split("\n")[1:-1]:
        text = line.removesuffix(",").replace('"', "")
        indent = len(text) - len(text.lstrip())
        first, *others = wrap(text, max(width - indent - _HANGS, 8))
        yield text_line(" " * indent + first)
        for other in others:
            yield text_line(" " * (indent + _HANGS) + other)


BOARD = ScreenSpec(
    "journal",
    "Journal",
    "Every event that changed an amount or a decision, newest first. A cursor on the newest row follows new "
    "events. A filter with an event kind (order_changed) or a symbol (FOOUSDT) searches the whole journal, "
    f"not only the last {PAGE} events.",
    (
        QueryPane(
            "Journal",
            _FACTS,
            _query,
            _rows,
            "No events yet, or none match the filter.",
            SortOrder(0),
            PanePlace(share=3),
            follows=True,
        ),
        PicturePane("Event", _detail, PanePlace(share=2, is_beside=True)),
    ),
    details=all_of,
)
