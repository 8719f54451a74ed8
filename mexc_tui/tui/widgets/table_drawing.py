"""Draw and cache the lines and cells of a table."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from mexc_tui.tui.widgets.cell import Cell, fit, fit_cell
from mexc_tui.tui.widgets.columns import GAP, Column, ColumnPlace, placed
from mexc_tui.tui.widgets.table_rows import Line, SortOrder

INDENT = "  "
CURSOR = "> "
"""Mark of the row under the cursor (`columns.MARK` wide), visible without colours."""


class Drawing:
    """Caches drawn lines until they are invalidated."""

    def __init__(self, columns: Sequence[Column], style_of: Callable[[str], Style]) -> None:
        """`style_of` returns a style by name; its results are cached until `forget_all`."""
        self._columns = list(columns)
        self._style_of = style_of
        self._styles: dict[str, Style] = {}
        self._strips: dict[str, Strip] = {}
        self._parts: dict[str, dict[int, Segment]] = {}
        self._width = 0
        self.places: tuple[ColumnPlace, ...] = ()
        self.is_stale = False

    def resize(self, width: int) -> None:
        """Set the width."""
        if width == self._width:
            return
        self._width = width
        self.places = placed(self._columns, width)
        self.forget_all()

    def make_room(self, line: Line) -> bool:
        """Widen columns for numbers that cannot be rounded; return whether one became wider."""
        is_wider = False
        for index, (column, cell) in enumerate(zip(self._columns, line, strict=False)):
            width = cell_len(cell.text)
            if column.is_number and cell.number is None and width > column.width:
                self._columns[index] = replace(column, width=width)
                is_wider = True
        if is_wider:
            self.places = placed(self._columns, self._width)
            self.forget_all()
        return is_wider

    def forget(self, key: str, columns: frozenset[int] | None = None) -> None:
        """Invalidate columns of a row; None: all."""
        self._strips.pop(key, None)
        if columns is None:
            self._parts.pop(key, None)
            return
        parts = self._parts.get(key, {})
        for column in columns:
            parts.pop(column, None)

    def forget_all(self) -> None:
        """Invalidate everything, also the styles."""
        self._styles.clear()
        self._strips.clear()
        self._parts.clear()

    def row(self, key: str, line: Line) -> Strip:
        """Return the line of a row."""
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._row(key, line)
        return strip

    def row_under_cursor(self, line: Line, *, has_focus: bool) -> Strip:
        """Return the line of the row under the cursor, with its mark."""
        texts = [self._text(line[place.column], place) for place in self.places]
        return self.text_strip(CURSOR + (" " * GAP).join(texts), "cursor" if has_focus else "cursor-away")

    def head(self, order: SortOrder) -> Strip:
        """Return the line of column heads; an arrow shows the sort order."""
        texts: list[str] = []
        for place in self.places:
            column = self._columns[place.column]
            arrow = ("↓" if order.is_reverse else "↑") if place.column == order.column else ""
            name = fit(column.head, place.width - len(arrow)).rstrip() + arrow
            texts.append(fit(name, place.width, to_right=column.is_number))
        return self.text_strip(INDENT + (" " * GAP).join(texts), "head")

    def text_strip(self, text: str, style: str) -> Strip:
        """Return a line in one style."""
        return Strip([Segment(fit(text, self._width), self._style(style))], self._width)

    def span(self, columns: frozenset[int] | None) -> tuple[int, int]:
        """Return start and end of these columns on a line; None: the whole line. Equal: all are hidden."""
        if columns is None:
            return 0, self._width
        shown = [place for place in self.places if place.column in columns]
        return (shown[0].x, shown[-1].x + shown[-1].width) if shown else (0, 0)

    def column_at(self, x: int) -> int | None:
        """Return the column at an offset on a line."""
        return next((place.column for place in self.places if x < place.x + place.width), None)

    def _row(self, key: str, line: Line) -> Strip:
        plain = self._style("plain")
        parts = self._parts.setdefault(key, {})
        segments = [Segment(INDENT, plain)]
        for place in self.places:
            part = parts.get(place.column)
            if part is None:
                part = parts[place.column] = self._part(line[place.column], place)
            segments.append(part)
        return Strip(segments).adjust_cell_length(self._width, plain).simplify()

    def _part(self, cell: Cell, place: ColumnPlace) -> Segment:
        """Return a cell with the gap after it, in one style, so that equal neighbours are sent together."""
        tone = "faint" if self.is_stale else cell.tone.value
        return Segment(self._text(cell, place) + " " * GAP, self._style(tone))

    def _text(self, cell: Cell, place: ColumnPlace) -> str:
        return fit_cell(cell, place.width, is_number=self._columns[place.column].is_number)

    def _style(self, name: str) -> Style:
        style = self._styles.get(name)
        if style is None:
            style = self._styles[name] = self._style_of(name)
        return style
