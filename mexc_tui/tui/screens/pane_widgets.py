"""Build the widgets of panes and update them with rows and query results."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.panes import LOADING, PicturePane, QueryPane, TablePane
from mexc_tui.tui.terminal.repaint_scheduler import Dirty
from mexc_tui.tui.widgets.canvas import Canvas
from mexc_tui.tui.widgets.table import Table
from mexc_tui.tui.widgets.table_rows import Line, TableRows


def counted(title: str, rows: TableRows) -> str:
    """Return the title of a pane with its row count and the count of hidden rows."""
    if not rows.total:
        return title
    hidden = f" of {rows.total}" if len(rows.shown) < rows.total else ""
    return f"{title} {len(rows.shown)}{hidden}"


def replace_rows(table: Table, rows: Mapping[str, Line | None]) -> None:
    """Replace the rows of a table."""
    table.replace({key: line for key, line in rows.items() if line is not None})


def fill_table(pane: TablePane, table: Table, dirty: Dirty | None, *, context: RenderContext) -> None:
    """Update a table: the changed keys of its view, or all rows."""
    view = context.source.views()[pane.view]
    if dirty is None:
        replace_rows(table, pane.read(context, None))
    elif pane.view in dirty:
        table.apply(pane.read(context, dirty[pane.view]))
    if pane.is_over is not None:
        table.leave_finished(partial(pane.is_over, context.source))
    empty = pane.empty if isinstance(pane.empty, str) else pane.empty(context)
    table.set_empty(empty if view.is_complete else LOADING)


def fill_query_pane(pane: QueryPane[Any], table: Table, context: RenderContext) -> str:
    """Show the last query result in a table, or the reason why there is none. Return the last problem."""
    response = pane.query(context)
    has_any = response is not None and response.result is not None
    replace_rows(table, pane.rows(response.result, context) if response is not None and has_any else {})
    problem = "" if response is None else response.problem
    is_loading = response is not None and not has_any and not problem
    table.set_empty(problem or (LOADING if is_loading else pane.empty))
    return problem if has_any else ""


def table_of(pane: TablePane | QueryPane[Any], number: int) -> Table:
    """Return the widget of a table pane; `number` makes its id unique."""
    table = Table(pane.columns, empty=LOADING, order=pane.order, name=f"pane{number}")
    table.follows = isinstance(pane, QueryPane) and pane.follows
    table.styles.height = f"{pane.place.share}fr"
    return table


def picture_of(pane: PicturePane, number: int) -> Canvas:
    """Return the widget of a drawn pane; `number` makes its id unique."""
    canvas = Canvas(f"pane{number}")
    canvas.styles.height = f"{pane.place.share}fr"
    return canvas
