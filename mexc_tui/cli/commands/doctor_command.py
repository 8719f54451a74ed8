"""Command `doctor`: check machine, files, database, key, service and exchange of one profile."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from mexc_tui.cli.command_runner import (
    NOT_DONE,
    CommandRunner,
    command_runner,
    output_flags,
    with_chosen_options,
)

if TYPE_CHECKING:
    from mexc_tui.model.view import StatusRow

STATUS_S = 3.0


@click.command()
@click.option("--books", is_flag=True, help="Verify every row of the ledgers and of the journal too.")
@click.option(
    "--exchange",
    "exchange_file",
    type=click.Path(path_type=Path),
    help="Check an exchange on this machine: a file with the output of `mexc-tui exchange`.",
)
@output_flags
def doctor(books: bool, exchange_file: Path | None, profile: str | None, as_json: bool) -> None:
    """Check machine, files, database, key and network.

    Each line is ok, warn or fail, with its fix. Works with and without an engine, and changes nothing.
    Exit code: 0 no failure, 1 a check failed.
    """
    from mexc_tui.cli.pages.doctor_page import doctor_page
    from mexc_tui.doctor.check import CheckStatus
    from mexc_tui.doctor.diagnosis import DiagnosisInput, diagnose

    with command_runner(profile, as_json, is_emergency=True) as runner:
        access = runner.profile
        access.check_exists()
        engine = _engine_status(runner)
        mode = access.mode
        checks = diagnose(
            DiagnosisInput(
                paths=access.paths,
                mode=mode,
                clock=access.clock,
                environ=os.environ,
                user=runner.engine.user,
                exchange_file=exchange_file,
                settings_problem=access.ignored_error,
                engine=engine,
                absence=runner.engine.absence,
                with_books=books,
            )
        )
        checks = [msgspec.structs.replace(check, fix=with_chosen_options(check.fix)) for check in checks]
        runner.show_all(checks, doctor_page)
        if any(check.status is CheckStatus.FAIL for check in checks):
            sys.exit(NOT_DONE)


def _engine_status(runner: CommandRunner) -> "StatusRow | None":
    from mexc_tui.desk import engine_requests
    from mexc_tui.desk.api_types import FrontEndError

    try:
        return runner.engine.query(engine_requests.STATUS, engine_requests.NoArguments(), STATUS_S)
    except FrontEndError:
        return None
