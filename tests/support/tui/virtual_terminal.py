"""Interpret the bytes sent to a terminal and return the text that it shows."""

import re

from rich.cells import cell_len

_PIECE = re.compile(
    r"\x1b\[(?P<numbers>[0-9;?<>=$]*)[ -/]*(?P<code>[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b[=>78cDEHM]"
    r"|(?P<newline>\r?\n)|(?P<text>[^\x1b\x07\x18\r\n]+)|."
)


class VirtualTerminal:
    """The cells of a terminal without colours."""

    def __init__(self, columns: int, lines: int) -> None:
        self._cells = [[" "] * columns for _ in range(lines)]
        self._x = self._y = 0
        self._incomplete = ""

    @property
    def lines(self) -> list[str]:
        """Return the visible lines."""
        return ["".join(cells) for cells in self._cells]

    def write(self, data: str) -> None:
        """Apply the output; keep an incomplete sequence until the rest arrives."""
        data = self._incomplete + data
        cut = data.rfind("\x1b")
        is_whole = cut < 0 or re.match(r"\x1b(\[[0-9;?<>=$]*[ -/]*[@-~]|[^\[\]])", data[cut:]) is not None
        self._incomplete = "" if is_whole else data[cut:]
        for piece in _PIECE.finditer(data if is_whole else data[:cut]):
            if piece["text"] is not None:
                self._put(piece["text"])
            elif piece["newline"] is not None:
                self._x, self._y = 0, min(self._y + 1, len(self._cells) - 1)
            elif piece["code"] is not None:
                self._apply_code(piece["code"], piece["numbers"])

    def _apply_code(self, code: str, numbers: str) -> None:
        if code == "H":
            y, x = (int(number or 1) for number in (numbers or "1;1").split(";"))
            self._y, self._x = min(y, len(self._cells)) - 1, min(x, len(self._cells[0])) - 1
        elif code == "J" or (code == "h" and numbers == "?1049"):
            self._cells = [[" "] * len(cells) for cells in self._cells]

    def _put(self, text: str) -> None:
        cells = self._cells[self._y]
        for char in text:
            width = cell_len(char)
            if self._x < len(cells) and width:
                cells[self._x] = char
                cells[self._x + 1 : self._x + width] = [""] * (width - 1)
            self._x += width
