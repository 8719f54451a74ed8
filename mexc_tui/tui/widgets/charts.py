"""Character charts. Values that are not finite are skipped."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from mexc_tui.tui.widgets.cell import Tone, fit
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line, wrap

BLANK = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille cell: four rows of two dots (Unicode 3.0, block Braille Patterns)."""
MIN_WIDTH, MIN_HEIGHT = 20, 3
_MAX_FOOT = 2
NO_ROOM = "Too small for a chart."


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A marker on a chart: a fill or an exit."""

    x: float
    y: float
    sign: str
    """One column wide."""
    tone: Tone


@dataclass(frozen=True, slots=True)
class ChartLevel:
    """A horizontal level of a chart: a stop or a target."""

    y: float
    name: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Plot:
    """Content of a chart: line, markers, levels."""

    points: Sequence[tuple[float, float]]
    marks: Sequence[ChartMark] = ()
    levels: Sequence[ChartLevel] = ()
    tone: Tone = Tone.PLAIN


def chart(
    plot: Plot, width: int, height: int, *, label: Callable[[float], str], foot: str = ""
) -> list[Drawn]:
    """Draw a chart with its scale on the right and `foot` below; a text if there are no points."""
    points = [(x, y) for x, y in plot.points if math.isfinite(x) and math.isfinite(y)]
    if len(points) < 2:
        return [text_line("Not enough data for a chart yet.", Tone.FAINT)]
    scale = _scale(points, plot)
    texts = [
        label(scale.bottom),
        label(scale.top),
        *(f"{level.name} {label(level.y)}" for level in plot.levels),
    ]
    right = max(cell_len(text) for text in texts) + 1
    below = wrap(foot, max(width, 1))[:_MAX_FOOT] if foot else []
    columns, lines = width - right, height - len(below)
    if columns < MIN_WIDTH or lines < MIN_HEIGHT:
        return [text_line(fit(NO_ROOM, max(width, 0)), Tone.FAINT)]
    drawn = _Raster(columns, lines, scale)
    drawn.line(points)
    rows = [drawn.row(y, plot) for y in range(lines)]
    scaled = _labels(plot, drawn, label, lines=lines)
    found = [(*row, StyledSpan(" "), scaled.get(number, StyledSpan(""))) for number, row in enumerate(rows)]
    return [*found, *(text_line(fit(foot_line, width), Tone.FAINT) for foot_line in below)]


@dataclass(frozen=True, slots=True)
class _Scale:
    left: float
    right: float
    bottom: float
    top: float


def _scale(points: Sequence[tuple[float, float]], plot: Plot) -> _Scale:
    """Return the value range of points and markers; distant levels are ignored."""
    ys = [y for _, y in points] + [mark.y for mark in plot.marks]
    low, high = min(ys), max(ys)
    room = (high - low) or abs(high) * 0.01 or 1.0
    for level in plot.levels:
        if low - room <= level.y <= high + room:
            low, high = min(low, level.y), max(high, level.y)
    if low == high:
        low, high = low - room / 2, high + room / 2
    xs = [x for x, _ in points]
    return _Scale(min(xs), max(xs), low, high)


class _Raster:
    """Braille cells: two dots wide, four high."""

    def __init__(self, columns: int, lines: int, scale: _Scale) -> None:
        self._columns, self._lines, self.scale = columns, lines, scale
        self._cells = [[0] * columns for _ in range(lines)]

    def line(self, points: Sequence[tuple[float, float]]) -> None:
        """Draw from point to point."""
        before: tuple[int, int] | None = None
        for point in sorted(points):
            here = self._dot(*point)
            for x, y in _between(before or here, here):
                self._cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
            before = here

    def line_of(self, y: float) -> int:
        """Return the screen line of a value."""
        return self._dot(self.scale.left, y)[1] // 4

    def row(self, line: int, plot: Plot) -> Drawn:
        """Return one line: dots, with levels behind and marks in front."""
        signs: dict[int, StyledSpan] = {}
        levels = (level for level in plot.levels if self._has(level.y) and self.line_of(level.y) == line)
        level = next(levels, None)
        for mark in plot.marks:
            x, y = self._dot(mark.x, mark.y)
            if y // 4 == line:
                signs[x // 2] = StyledSpan(mark.sign, mark.tone)
        spans: list[StyledSpan] = []
        for column, cell in enumerate(self._cells[line]):
            if column in signs:
                span = signs[column]
            elif cell:
                span = StyledSpan(chr(BLANK + cell), plot.tone)
            else:
                span = StyledSpan("┈", level.tone) if level is not None else StyledSpan(" ")
            _join(spans, span)
        return tuple(spans)

    def _has(self, y: float) -> bool:
        return self.scale.bottom <= y <= self.scale.top

    def _dot(self, x: float, y: float) -> tuple[int, int]:
        scale, across, down = self.scale, self._columns * 2 - 1, self._lines * 4 - 1
        at_x = round((x - scale.left) / ((scale.right - scale.left) or 1.0) * across)
        at_y = round((scale.top - y) / ((scale.top - scale.bottom) or 1.0) * down)
        return min(max(at_x, 0), across), min(max(at_y, 0), down)


def _between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    (x0, y0), (x1, y1) = start, end
    steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    return [
        (round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps))
        for step in range(steps + 1)
    ]


def _join(spans: list[StyledSpan], span: StyledSpan) -> None:
    if spans and spans[-1].tone is span.tone:
        spans[-1] = StyledSpan(spans[-1].text + span.text, span.tone)
    else:
        spans.append(span)


def _labels(
    plot: Plot, drawn: _Raster, label: Callable[[float], str], *, lines: int
) -> dict[int, StyledSpan]:
    """Return the labels right of the lines: ends of the scale, and levels by name."""
    scale = drawn.scale
    found = {
        0: StyledSpan(label(scale.top), Tone.FAINT),
        lines - 1: StyledSpan(label(scale.bottom), Tone.FAINT),
    }
    for level in plot.levels:
        if scale.bottom <= level.y <= scale.top:
            found[drawn.line_of(level.y)] = StyledSpan(f"{level.name} {label(level.y)}", level.tone)
    return found


def waterfall(took: Sequence[float | None], width: int) -> list[str]:
    """Draw a waterfall: each bar starts where the previous one ended."""
    whole = sum(duration for duration in took if duration is not None and duration > 0)
    lines: list[str] = []
    begun = 0.0
    for duration in took:
        length = max(duration or 0.0, 0.0)
        begin = int(begun / whole * width) if whole else 0
        end = round((begun + length) / whole * width) if whole else 0
        begun += length
        text = "" if not length else " " * min(begin, width - 1) + "█" * max(end - begin, 1)
        lines.append(text[:width].ljust(width))
    return lines


def band(low: float, value: float, high: float, *, width: int) -> str:
    """Draw an interval within 0..1 with its point: `──├──●─┤───`."""
    at = [min(max(round(share * (width - 1)), 0), width - 1) for share in (low, value, high)]
    line = ["─" if at[0] < place < at[2] else "·" for place in range(width)]
    line[at[0]], line[at[2]] = "├", "┤"
    line[at[1]] = "●"
    return "".join(line)
