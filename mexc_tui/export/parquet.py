"""Writes rows as a Parquet file. Needs the extra `parquet`; pyarrow is imported here only, on use."""

import importlib
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

import msgspec

from mexc_tui.model.errors import DeskError

DIGITS, DECIMALS = 38, 18
NO_LIBRARY = (
    "Parquet needs the library pyarrow, which is not installed. Next step: pip install 'mexc-tui[parquet]', "
    "or use --format csv."
)


class ExportFailed(DeskError):
    """Rows could not be exported.

    Raised by the exports. Show the text, which names the next step; no file was written.
    """


def write_parquet(kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct], file: Path) -> None:
    """Write rows to an open private file path. Amounts are decimals with 18 places. Raises ExportFailed."""
    arrow: Any = _library("pyarrow")
    parquet: Any = _library("pyarrow.parquet")
    types = get_type_hints(kind)
    try:
        columns = {
            name: arrow.array([getattr(row, name) for row in rows], _arrow_type(arrow, types[name]))
            for name in kind.__struct_fields__
        }
        parquet.write_table(arrow.table(columns), str(file))
    except arrow.ArrowException as error:
        raise ExportFailed(f"An amount does not fit a Parquet decimal ({error}). Use --format csv.") from None


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ExportFailed(NO_LIBRARY) from None


def _arrow_type(arrow: Any, hint: object) -> Any:
    kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if Decimal in kinds:
        return arrow.decimal128(DIGITS, DECIMALS)
    if int in kinds:
        return arrow.int64()
    return arrow.float64() if float in kinds else arrow.string()
