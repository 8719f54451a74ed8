"""Writes rows as CSV or JSON text. CSV cells are never formulas of a spreadsheet (reliability 4.9)."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from mexc_tui.wording.digits import plain_json

TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters, full-width ones included, that make a spreadsheet evaluate a text."""
_json = msgspec.json.Encoder(decimal_format="string")


def csv_text(kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct]) -> str:
    """Return a header and one line per row. Numbers are plain numbers; None is an empty cell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_MINIMAL, lineterminator="\n")
    writer.writerow(kind.__struct_fields__)
    for row in rows:
        writer.writerow([_cell(getattr(row, name)) for name in kind.__struct_fields__])
    return out.getvalue()


def json_text(rows: Sequence[msgspec.Struct]) -> str:
    """Return one array with one row per line: lossless, amounts as text."""
    lines = ",\n".join(plain_json(_json.encode(row)).decode() for row in rows)
    return f"[{lines}]\n"


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return safe_text(value) if isinstance(value, str) else str(value)


def safe_text(text: str) -> str:
    """Return a text that no spreadsheet evaluates: an apostrophe precedes a first character of a formula."""
    return f"'{text}" if text.lstrip(" ").startswith(TRIGGERS) else text
