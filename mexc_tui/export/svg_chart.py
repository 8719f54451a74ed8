"""Draws small charts as SVG text. Pure; every text is escaped, and nothing refers to the network."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 900, 260
LEFT, RIGHT, TOP, BOTTOM = 78, 12, 12, 28
GRID_LINES = 4


@dataclass(frozen=True, slots=True)
class ChartPoint:
    """One value with its label on the horizontal axis."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    count: int

    def x(self, place: float) -> float:
        """Return the horizontal position of the point at this place."""
        return LEFT + (WIDTH - LEFT - RIGHT) * (place / max(self.count - 1, 1))

    def slot(self) -> float:
        """Return the width of one of `count` bars."""
        return (WIDTH - LEFT - RIGHT) / max(self.count, 1)

    def y(self, value: float) -> float:
        """Return the vertical position of a value."""
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - self.low) / (self.high - self.low))


def line_chart(title: str, points: Sequence[ChartPoint], unit: str, *, is_filled: bool = False) -> str:
    """Return a line over its points; `is_filled`: the area between the line and 0 is filled."""
    if len(points) < 2:
        return _empty(title)
    scale = _scale(points, with_zero=is_filled)
    path = " ".join(
        f"{'L' if place else 'M'}{scale.x(place):.1f} {scale.y(point.value):.1f}"
        for place, point in enumerate(points)
    )
    body = f'<path class="line" d="{path}"/>'
    if is_filled:
        zero = scale.y(0)
        area = f"{path} L{scale.x(len(points) - 1):.1f} {zero:.1f} L{scale.x(0):.1f} {zero:.1f} Z"
        body = f'<path class="area" d="{area}"/>{body}'
    return _svg(title, _axes(scale, points, unit) + body)


def bar_chart(title: str, points: Sequence[ChartPoint], unit: str) -> str:
    """Return a bar from 0 for each point, coloured by its sign."""
    if not points:
        return _empty(title)
    scale = _scale(points, with_zero=True)
    slot, zero = scale.slot(), scale.y(0)
    bars = "".join(
        f'<rect class="{"gain" if point.value >= 0 else "loss"}" x="{LEFT + slot * (place + 0.1):.1f}" '
        f'y="{min(zero, scale.y(point.value)):.1f}" width="{slot * 0.8:.1f}" '
        f'height="{abs(zero - scale.y(point.value)):.1f}">'
        f"<title>{escape(point.label)}: {number(point.value)} {escape(unit)}</title></rect>"
        for place, point in enumerate(points)
    )
    return _svg(title, _axes(scale, points, unit) + bars)


def number(value: float) -> str:
    """Return a value with four significant digits, without an exponent."""
    digits = 0 if abs(value) >= 1_000 else 2 if abs(value) >= 1 else 4
    return f"{value:,.{digits}f}"


def _scale(points: Sequence[ChartPoint], *, with_zero: bool) -> _Scale:
    values = [point.value for point in points] + ([0.0] if with_zero else [])
    low, high = min(values), max(values)
    if low == high:
        low, high = low - 1, high + 1
    return _Scale(low, high, len(points))


def _axes(scale: _Scale, points: Sequence[ChartPoint], unit: str) -> str:
    lines = list[str]()
    for step in range(GRID_LINES + 1):
        value = scale.low + (scale.high - scale.low) * step / GRID_LINES
        y = scale.y(value)
        lines.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{number(value)}</text>')
    ends = ((points[0].label, LEFT, "start"), (points[-1].label, WIDTH - RIGHT, "end"))
    for label, x, anchor in ends[: len(points)]:
        lines.append(f'<text x="{x}" y="{HEIGHT - 8}" text-anchor="{anchor}">{escape(label)}</text>')
    middle = (LEFT + WIDTH - RIGHT) // 2
    lines.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(unit)}</text>')
    return "".join(lines)


def _svg(title: str, body: str) -> str:
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{body}</svg></figure>'
    )


def _empty(title: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption><p>Not enough data yet.</p></figure>"
