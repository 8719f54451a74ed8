"""Commands that query or control an engine. Heavy packages are imported when one of them runs."""

import sys
from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import NO_ENGINE, CommandRunner, command_runner, output_flags
from mexc_tui.cli.commands import (
    alerts_commands,
    backup_command,
    bundle_command,
    doctor_command,
    dust_command,
    exits_command,
    export_command,
    keys_commands,
    live_commands,
    restore_command,
    service_commands,
    settings_command,
    simulate_command,
    trading_commands,
)
from mexc_tui.cli.confirmation import yes_flag
from mexc_tui.cli.symbol_names import exchange_name, pair_name
from mexc_tui.cli.time_option import time_option_ms
from mexc_tui.host.standard_streams import check_output

if TYPE_CHECKING:
    from mexc_tui.cli.data_source import FactFilter

HALTED = 1
OLDEST_OPENING_MS = 86_400_000
"""Oldest opening, before now, of a listing that is added manually."""


@click.command()
@output_flags
def status(profile: str | None, as_json: bool) -> None:
    """Show the engine's status. Exit code: 0 running, 1 halted, 3 no engine responds."""
    from mexc_tui.cli.pages.engine_pages import status_page
    from mexc_tui.model.view import StatusRow, TradingState

    with command_runner(profile, as_json, is_emergency=True) as runner:
        found = runner.data.status()
        if not isinstance(found, StatusRow):
            runner.show(found, lambda found, _: f"Profile {found.profile}: {found.cause}")
            sys.exit(NO_ENGINE)
        runner.show(found, status_page)
        if found.trading_state in (TradingState.HALTED, TradingState.FLATTENING):
            sys.exit(HALTED)


@click.command()
@yes_flag
@output_flags
def stop(yes: bool, profile: str | None, as_json: bool) -> None:
    """Stop the engine and wait until it has exited. With an open position it asks first.

    Exit code: 0 stopped, 1 not stopped, 2 open position without a confirmation, 3 no engine.
    """
    from mexc_tui.cli.pages.json_output import StopJson
    from mexc_tui.cli.pages.stop_page import stop_page
    from mexc_tui.desk.api_types import NoEngine

    with command_runner(profile, as_json, is_emergency=True) as runner:
        profile_name = runner.profile.paths.profile
        try:
            if not yes:
                _confirm_stop(runner)
            pid = runner.engine.stop()
        except NoEngine as error:
            if not runner.as_json:
                raise
            runner.show(
                StopJson(profile=profile_name, stopped=False, cause=str(error)), lambda row, _: row.cause
            )
            sys.exit(NO_ENGINE)
        held = tuple(row.symbol for row in runner.trading.positions() if row.quantity)
        runner.show(StopJson(profile=profile_name, stopped=True, pid=pid, held=held), stop_page)


def _confirm_stop(runner: CommandRunner) -> None:
    """Confirm before stopping an engine that watches stops. Raises NoEngine."""
    from mexc_tui.cli.confirmation import confirm_by_word
    from mexc_tui.cli.pages.preview_text import stop_engine_plan

    held = runner.trading.exposure()
    if held.positions:
        plan = stop_engine_plan(runner.profile.paths.profile, held)
        no_terminal = f"{plan} A confirmation is needed, but there is no terminal. Confirm with --yes."
        confirm_by_word(runner, plan, "stop", no_terminal=no_terminal)


@click.group(invoke_without_command=True)
@output_flags
@click.pass_context
def listings(context: click.Context, profile: str | None, as_json: bool) -> None:
    """Show all stored listings, or add and drop manual ones. Matured and cancelled ones are included."""
    from mexc_tui.cli.pages import json_output

    if context.invoked_subcommand is not None:
        return
    from mexc_tui.cli.pages.engine_pages import listings_page

    with command_runner(profile, as_json) as runner:
        now_ms = runner.now_ms()
        rows = runner.data.listings()
        runner.show_all(rows, lambda rows, pen: listings_page(rows, now_ms, pen), json_output.listing)


@listings.command("add")
@click.argument("symbol")
@click.option(
    "--opens", metavar="TIME", help="2026-01-31T14:00Z (UTC without a zone), +15m, or milliseconds."
)
@click.option("--note", default="", help="Source of the information.")
@output_flags
def add(symbol: str, opens: str | None, note: str, profile: str | None, as_json: bool) -> None:
    """Add a listing manually, or change its opening time."""
    from mexc_tui.cli.pages import json_output
    from mexc_tui.desk.engine_requests import ADD_LISTING, AddListing

    with command_runner(profile, as_json) as runner:
        name, opens_ms = pair_name(symbol), time_option_ms("--opens", opens, runner.now_ms())
        wrong = _listing_problem(opens_ms, note, runner.now_ms())
        if wrong:
            raise click.UsageError(wrong)
        args = AddListing(symbol=name, opens_ms=opens_ms, note=note)
        runner.send(ADD_LISTING, args, json_output.listing)


def _listing_problem(opens_ms: int | None, note: str, now_ms: int) -> str:
    """Return the problem of a listing to be added; empty: none."""
    from mexc_tui.desk.engine_requests import MAX_TEXT
    from mexc_tui.model.calendar import is_credible_opening

    if opens_ms is not None and opens_ms < now_ms - OLDEST_OPENING_MS:
        return "--opens: the time is more than a day in the past. Check the date."
    if opens_ms is not None and not is_credible_opening(opens_ms, now_ms):
        return "--opens: the time is more than 30 days ahead. Check the date."
    return f"--note: at most {MAX_TEXT} characters." if len(note) > MAX_TEXT else ""


@listings.command("drop")
@click.argument("symbol")
@click.option("--note", default="", help="Reason.")
@output_flags
def drop(symbol: str, note: str, profile: str | None, as_json: bool) -> None:
    """Drop a listing until it is added again."""
    from mexc_tui.cli.pages import json_output
    from mexc_tui.desk.engine_requests import DROP_LISTING, MAX_TEXT, DropListing

    if len(note) > MAX_TEXT:
        raise click.UsageError(f"--note: at most {MAX_TEXT} characters.")
    with command_runner(profile, as_json) as runner:
        args = DropListing(symbol=exchange_name(symbol), note=note)
        runner.send(DROP_LISTING, args, json_output.listing)


@click.command()
@click.option("--symbol", default="", help="Show only signals of this pair.")
@click.option(
    "--last", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Number of rows."
)
@output_flags
def signals(symbol: str, last: int, profile: str | None, as_json: bool) -> None:
    """Show signals with reasons and probabilities. The newest is last; in JSON, first."""
    from mexc_tui.cli.pages.signal_pages import signals_page

    with command_runner(profile, as_json) as runner:
        runner.show_all(runner.data.signals(last, exchange_name(symbol)), signals_page)


@click.command()
@click.argument("symbol")
@output_flags
def why(symbol: str, profile: str | None, as_json: bool) -> None:
    """Explain a listing: sources, changes, signals, checks. Silent detectors state their reason."""
    from mexc_tui.cli.pages.signal_pages import why_page

    with command_runner(profile, as_json) as runner:
        row = runner.data.why(exchange_name(symbol))
        runner.show(row, why_page)
        if not row.listings:
            sys.exit(1)


@click.command()
@click.option(
    "--follow", "-f", "is_followed", is_flag=True, help="Keep printing new events until interrupted."
)
@click.option(
    "--last", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="Number of rows."
)
@click.option("--about", default="", help="Show only events about this symbol, setting or worker.")
@click.option("--kind", default="", help="Show only events of this kind, such as signal_raised.")
@click.option("--since", metavar="TIME", help="Show only events since TIME (format as in `listings add`).")
@output_flags
def journal(
    is_followed: bool, last: int, about: str, kind: str, since: str | None, profile: str | None, as_json: bool
) -> None:
    """Show journal events, oldest first. With --follow, JSON is one object per line."""
    from mexc_tui.cli.data_source import FactFilter
    from mexc_tui.cli.pages.engine_pages import facts_page

    with command_runner(profile, as_json) as runner:
        wanted = FactFilter(about, kind, time_option_ms("--since", since, runner.now_ms()) or 0)
        if is_followed:
            _follow(runner, last, wanted)
            return
        runner.show_all(runner.data.facts(last, wanted), facts_page)


def _follow(runner: CommandRunner, last: int, wanted: "FactFilter") -> None:
    from mexc_tui.cli.commands.follow_command import follow
    from mexc_tui.cli.pages import json_output
    from mexc_tui.cli.pages.engine_pages import fact_line
    from mexc_tui.model.view import FactRow

    def show(row: FactRow) -> None:
        if wanted.matches(row.about, row.kind, row.at_ms):
            sys.stdout.write(
                (json_output.encode(row) if runner.as_json else fact_line(row, runner.pen)) + "\n"
            )
            sys.stdout.flush()
            check_output()

    after = runner.data.engine_head()
    for row in runner.data.facts(last, wanted):
        if row.sequence <= after:
            show(row)
    try:
        follow(
            runner.engine.socket,
            runner.engine.front_end,
            after,
            show=show,
            report=lambda words: click.echo(words, err=True),
        )
    except KeyboardInterrupt:
        sys.exit(130)


@click.command()
@click.option(
    "--since",
    metavar="TIME",
    help="Start of the report; default: start of the practice session, or the last engine start.",
)
@output_flags
def report(since: str | None, profile: str | None, as_json: bool) -> None:
    """Report the last day from stored data. Covers listings, signals, trades and outcomes."""
    from mexc_tui.report.text import to_text

    with command_runner(profile, as_json) as runner:
        since_ms = time_option_ms("--since", since, runner.now_ms())
        runner.show(runner.data.report(since_ms), lambda report, _: to_text(report).rstrip())


COMMANDS = (
    *(status, stop, listings, signals, alerts_commands.alerts, why, report, journal),
    settings_command.settings,
    *trading_commands.COMMANDS,
    exits_command.exits,
    dust_command.convert_dust,
    keys_commands.keys,
    backup_command.backup,
    restore_command.restore,
    *live_commands.COMMANDS,
    service_commands.service,
    doctor_command.doctor,
    export_command.export,
    bundle_command.bundle,
    simulate_command.simulate,
)
