import re

from hypothesis import given, strategies
from rich.color import ColorSystem
from rich.style import Style

from mexc_tui.tui.terminal.ansi_minifier import RESET, minified

_TOKEN = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[([\d;]*)m|(\x1b\[[\d;?]*[A-Za-z])|(\r\n)|(.)", re.DOTALL)
_COLOURS = ["red", "bright_blue", "color(77)", "default", "#16202a", "#d6dde6"]


class PaintedCells:
    """Cells of a terminal: character and style of each."""

    def __init__(self, frame: str) -> None:
        self.painted: dict[tuple[int, int], tuple[str, object]] = {}
        self.orders: list[tuple[str, object]] = []
        self._y = self._x = 1
        self._style: dict[str, str] = {}
        for found in _TOKEN.finditer(frame):
            self._apply(found)
        self.end = self._y, self._x, self._now()

    def _apply(self, found: re.Match[str]) -> None:
        y, x, codes, order, newline, letter = found.groups()
        if y is not None:
            self._y, self._x = int(y), int(x)
        elif codes is not None:
            self._set_style(codes.split(";"))
        elif order is not None:
            self.orders.append((order, self._now()))
        elif newline is not None:
            self._y, self._x = self._y + 1, 1
        else:
            self.painted[self._y, self._x] = letter, self._now()
            self._x += 1

    def _now(self) -> object:
        return tuple(sorted(self._style.items()))

    def _set_style(self, codes: list[str]) -> None:
        while codes:
            code = codes.pop(0)
            if code in ("", "0"):
                self._style = {}
            elif code in ("38", "48"):
                size = 4 if codes[0] == "2" else 2
                self._style["ink" if code == "38" else "ground"] = ";".join(codes[:size])
                del codes[:size]
            elif len(code) == 1:
                self._style[code] = "on"
            else:
                is_ink = code[0] in "39"
                self._style["ink" if is_ink else "ground"] = code


def _styled(text: str, style: Style, system: ColorSystem) -> str:
    return style.render(text, color_system=system)


_styles = strategies.builds(
    Style,
    color=strategies.none() | strategies.sampled_from(_COLOURS),
    bgcolor=strategies.none() | strategies.sampled_from(_COLOURS),
    bold=strategies.none() | strategies.booleans(),
    dim=strategies.none() | strategies.booleans(),
    reverse=strategies.none() | strategies.booleans(),
    underline2=strategies.none() | strategies.booleans(),
)
_texts = strategies.text("abc ▲", min_size=1, max_size=4)
_places = strategies.integers(1, 20)
_pieces = (
    strategies.builds(_styled, _texts, _styles, strategies.sampled_from(list(ColorSystem)))
    | strategies.builds("\x1b[{};{}H".format, _places, _places)
    | strategies.sampled_from(
        ["\r\n", "\x1b[2J", "\x1b[?25l", "\x1b[?2026h", "plain", "mm", f"\x1b[1mx{RESET}"]
    )
)


@given(strategies.lists(_pieces, max_size=30))
def test_the_minified_frame_paints_the_same(pieces: list[str]) -> None:
    frame = "".join(pieces)
    fewer = minified(frame)
    before, after = PaintedCells(frame), PaintedCells(fewer)
    assert after.painted == before.painted
    assert after.orders == before.orders
    assert after.end == before.end
    assert len(fewer) <= len(frame)


def test_only_style_changes_are_sent() -> None:
    ground = "48;2;1;2;3"
    first, second, third = "38;2;9;9;9", "38;2;8;8;8", "1;38;2;8;8;8"
    frame = f"\x1b[{first};{ground}ma{RESET}\x1b[{second};{ground}mb{RESET}\x1b[{third};{ground}mc{RESET}"
    assert minified(frame) == f"\x1b[38;2;9;9;9;{ground}ma\x1b[38;2;8;8;8mb\x1b[1mc{RESET}"


def test_only_the_last_of_several_cursor_moves_is_sent() -> None:
    assert minified("\x1b[4;120H\r\n\x1b[5;1Ha") == "\x1b[5;1Ha"


def test_a_frame_with_a_link_is_unchanged() -> None:
    link = "\x1b]8;id=1;x://y\x1b\\\x1b[1mword\x1b[0m\x1b]8;;\x1b\\"
    assert minified(f"\x1b[2ma{RESET}{link}") == f"\x1b[2ma{RESET}{link}"


def test_unstyled_output_is_unchanged() -> None:
    for raw in ("", "words", "\x1b[?1049h\x1b[?25l", "\x1b]52;c;Zm9v\x07"):
        assert minified(raw) == raw
