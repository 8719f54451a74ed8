"""Command `export`: tables of the ledger as CSV, JSON or Parquet, and the performance as a page."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from mexc_tui.cli.command_runner import (
    NO_ENGINE,
    NOT_DONE,
    CommandRunner,
    command_runner,
    fail,
    print_note,
)
from mexc_tui.cli.time_option import time_option_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from mexc_tui.export.ledger_tables import ExportTable, Period
    from mexc_tui.ports.store import Stored

T = TypeVar("T")
DEADLINE_S = 600.0
"""A ledger of years is read completely."""
TABLES = ("trades", "fills", "journal", "performance")
FORMATS = ("csv", "json", "parquet", "html")


@click.command()
@click.argument("table", type=click.Choice(TABLES))
@click.option("--format", "form", type=click.Choice(FORMATS), default="csv", show_default=True)
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path),
    help="Write this new file; default: standard output. Parquet needs it.",
)
@click.option("--since", metavar="TIME", help="Only rows since TIME, such as 2026-01-01 (UTC).")
@click.option("--until", metavar="TIME", help="Only rows before TIME.")
@click.option("--profile", help="Profile of the ledger; default: the name of the mode.")
def export(
    table: str, form: str, target: Path | None, since: str | None, until: str | None, profile: str | None
) -> None:
    """Export trades, fills, the journal or the performance.

    Amounts are exact, times are UTC. `export performance --format html` is one page with charts.
    Exit code: 0 written, 1 not written, 3 no ledger.
    """
    from mexc_tui.export.ledger_tables import NEWEST, ExportTable, Period

    _check_options(table, form, target)
    with command_runner(profile, as_json=False) as runner:
        since_ms = time_option_ms("--since", since, runner.now_ms())
        until_ms = time_option_ms("--until", until, runner.now_ms())
        period = Period(since_ms or 0, NEWEST if until_ms is None else until_ms)
        if form == "html":
            _write_text(_page(runner), target)
        else:
            _export(runner, ExportTable(table), period, form=form, target=target)


def _check_options(table: str, form: str, target: Path | None) -> None:
    if form == "html" and table != "performance":
        raise click.UsageError("--format html is for performance only.")
    if form == "parquet" and target is None:
        raise click.UsageError("--format parquet needs --to FILE.")


def _export(
    runner: CommandRunner, table: "ExportTable", period: "Period", *, form: str, target: Path | None
) -> None:
    from mexc_tui.export.ledger_tables import ROW_TYPES, read_rows
    from mexc_tui.export.parquet import write_parquet
    from mexc_tui.export.tables import csv_text, json_text

    rows = _read(runner, lambda stored: read_rows(stored, table, period))
    kind = ROW_TYPES[table]
    if form == "parquet" and target is not None:
        _write(target, lambda file: write_parquet(kind, rows, file))
    else:
        _write_text(csv_text(kind, rows) if form == "csv" else json_text(rows), target)
    if target is not None:
        print_note(f"Wrote {len(rows)} rows to {target}.")


def _read(runner: CommandRunner, work: "Callable[[Stored], T | None]") -> T:
    """Return the result of `work` on stored data, also beside a running engine."""
    access = runner.profile
    access.check_exists()
    if not access.has_store:
        fail(f"Nothing to export: {access.missing_store_message}", NO_ENGINE)
    found = access.read_store(work, deadline_s=DEADLINE_S)
    if found is None:
        fail(f"No engine of profile {access.paths.profile} has traded yet: there is no ledger.", NO_ENGINE)
    return found


def _page(runner: CommandRunner) -> str:
    from mexc_tui.export.ledger_tables import read_performance
    from mexc_tui.export.performance_html import performance_html

    row, trades = _read(runner, read_performance)
    return performance_html(row, trades, runner.profile.paths.profile, now_ms=runner.now_ms())


def _write_text(text: str, target: Path | None) -> None:
    if target is None:
        click.echo(text, nl=False)
    else:
        _write(target, lambda file: file.write_text(text, "utf-8"))


def _write(target: Path, write: "Callable[[Path], object]") -> None:
    from mexc_tui.export.new_file import write_new_file
    from mexc_tui.export.parquet import ExportFailed

    try:
        write_new_file(target, write)
    except ExportFailed as error:
        fail(str(error), NOT_DONE)
