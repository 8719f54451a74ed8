"""Exported text is read back unchanged, and no cell begins a formula of a spreadsheet."""

import csv
import io
import json
from decimal import Decimal as D
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mexc_tui.export import parquet
from mexc_tui.export.new_file import write_new_file
from mexc_tui.export.parquet import ExportFailed, write_parquet
from mexc_tui.export.tables import TRIGGERS, csv_text, json_text

CSV_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=["\0", "\r"]))


class Row(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    amount: D | None = None
    count: int | None = None
    share: float | None = None


def cells(rows: list[Row]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_text(Row, rows), newline="")))


@given(name=CSV_TEXTS)
@example(name="=HYPERLINK(A1)")
@example(name="＝1+1")
@example(name=" =1+1")
@example(name='a,"b"\n;c')
def test_every_text_survives_and_never_begins_a_formula(name: str) -> None:
    head, (found, *rest) = cells([Row(name=name)])
    assert head == ["name", "amount", "count", "share"]
    assert rest == ["", "", ""]
    assert not found.lstrip(" ").startswith(TRIGGERS)
    assert found in (name, f"'{name}")


@given(
    amount=st.decimals(
        allow_nan=False, allow_infinity=False, places=18, min_value=-(10**15), max_value=10**15
    )
)
@example(amount=D("1E+3"))
@example(amount=D("1E-18"))
def test_amounts_are_exact_plain_numbers(amount: D) -> None:
    _, (_, found, *_) = cells([Row(name="x", amount=amount)])
    assert D(found) == amount
    assert "E" not in found
    (row,) = json.loads(json_text([Row(name="x", amount=amount)]))
    assert D(row["amount"]) == amount
    assert "E" not in row["amount"]


def test_without_pyarrow_the_error_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ExportFailed, match=r"pip install 'mexc-tui\[parquet\]'"):
        write_new_file(tmp_path / "x.parquet", lambda file: write_parquet(Row, [Row(name="x")], file))
    assert list(tmp_path.iterdir()) == []


def test_parquet_keeps_amounts_exactly_and_refuses_those_that_do_not_fit(tmp_path: Path) -> None:
    reader = pytest.importorskip("pyarrow.parquet")
    rows = [Row(name="=1", amount=D("-1.000000000000000001"), count=7, share=0.5), Row(name="y")]
    write_parquet(Row, rows, tmp_path / "x.parquet")
    assert reader.read_table(tmp_path / "x.parquet").to_pylist() == [
        msgspec.structs.asdict(row) for row in rows
    ]
    with pytest.raises(ExportFailed, match="does not fit"):
        write_parquet(Row, [Row(name="x", amount=D(10) ** 25)], tmp_path / "y.parquet")


def test_an_existing_file_is_never_replaced_and_a_new_one_is_private(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    write_new_file(file, lambda path: path.write_text("first"))
    assert file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ExportFailed, match="already exists"):
        write_new_file(file, lambda path: path.write_text("second"))
    with pytest.raises(ExportFailed, match="cannot be written"):
        write_new_file(tmp_path / "missing" / "x.csv", lambda path: path.write_text("x"))
    assert (file.read_text(), [one.name for one in tmp_path.iterdir()]) == ("first", ["x.csv"])


def test_parquet_is_imported_on_use_only() -> None:
    assert "pyarrow" not in vars(parquet)
