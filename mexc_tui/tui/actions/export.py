"""Export a row for the clipboard, or all rows of a table as CSV or JSON.

Rows of views are exported with every field, unrounded; of other tables the shown text. CSV is guarded
against formula injection in spreadsheets (reliability 4.9); JSON is lossless.
"""

import csv
import io
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

import msgspec

from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.table_rows import Line
from mexc_tui.wording.digits import plain, plain_json

CLIPBOARD_BYTES = 74_994
"""Maximum bytes of one clipboard sequence."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
Scalar = str | int | float | bool | None


def row_text(line: Line) -> str:
    """Return the cells of a row separated by tabs."""
    return "\t".join(cell.text.strip() for cell in line)


def read_rows(columns: Sequence[Column], lines: Sequence[Line]) -> list[dict[str, str]]:
    """Return rows as shown, by column head."""
    heads = [column.head or "MORE" for column in columns]
    return [dict(zip(heads, (cell.text.strip() for cell in line), strict=True)) for line in lines]


def as_json(rows: Sequence[msgspec.Struct] | Sequence[Mapping[str, str]]) -> bytes:
    """Return rows as JSON with every field; amounts are text."""
    return plain_json(msgspec.json.format(msgspec.json.encode(rows), indent=2)) + b"\n"


def as_csv(rows: Sequence[msgspec.Struct] | Sequence[Mapping[str, str]]) -> bytes:
    """Return rows as CSV; nested fields are JSON."""
    fields = [_fields(row) for row in rows]
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    if fields:
        writer.writerow([escape_formula(name) for name in fields[0]])
        writer.writerows([[_value(value) for value in row.values()] for row in fields])
    return out.getvalue().encode("utf-8")


def escape_formula(text: str) -> str:
    """Escape a text that a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def file_name(table: str, now_ms: int, ending: str) -> str:
    """Return a file name with content and time: positions-20260923T140322Z.csv."""
    word = "-".join("".join(char if char.isascii() and char.isalnum() else " " for char in table).split())
    return f"{word.lower() or 'table'}-{datetime.fromtimestamp(now_ms / 1_000, UTC):%Y%m%dT%H%M%SZ}.{ending}"


def wrap_for_tmux(text: str) -> str:
    """Return the clipboard sequence (OSC 52) wrapped for tmux."""
    inner = b64encode(text.encode("utf-8")).decode("ascii")
    return f"\x1bPtmux;\x1b\x1b]52;c;{inner}\x07\x1b\\"


def fits_clipboard(text: str) -> bool:
    """Whether a text fits one clipboard sequence."""
    return len(text.encode("utf-8")) * 4 / 3 <= CLIPBOARD_BYTES


def _fields(row: msgspec.Struct | Mapping[str, str]) -> dict[str, object]:
    if isinstance(row, msgspec.Struct):
        return {name: getattr(row, name) for name in row.__struct_fields__}
    return dict(row)


def _value(value: object) -> Scalar:
    match value:
        case Enum():
            return escape_formula(str(value.value))
        case str():
            return escape_formula(value)
        case Decimal():
            return plain(str(value))
        case bool() | int() | float() | None:
            return value
        case _:
            return escape_formula(plain_json(msgspec.json.encode(value)).decode("utf-8"))
