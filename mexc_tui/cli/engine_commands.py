"""Commands that query or control an engine. Heavy packages are imported when one of them runs."""

import sys
from typing import TYPE_CHECKING

import click

from mexc_tui.cli import (
    dust_command,
    exits_command,
    keys_commands,
    live_commands,
    restore_command,
    trading_commands,
)
from mexc_tui.cli.command_runner import NO_ENGINE, CommandRunner, asked, asking
from mexc_tui.cli.confirmation import yes_flag
from mexc_tui.cli.symbol_names import any_name, pair_name
from mexc_tui.host.standard_streams import check_output

if TYPE_CHECKING:
    from mexc_tui.cli.data_source import Fits

HALTED = 1
LONG_PAST_MS = 86_400_000
"""Oldest opening, before now, of a listing that is added manually."""


@click.command()
@asked
def status(profile: str | None, as_json: bool) -> None:
    """Show the engine's status. Exit code: 0 running, 1 halted, 3 no engine responds."""
    from mexc_tui.cli.pages import status_page
    from mexc_tui.model.view import StatusRow, TradingState

    with asking(profile, as_json, is_emergency=True) as asker:
        found = asker.reach.status()
        if not isinstance(found, StatusRow):
            asker.show(found, lambda found, _: f"Profile {found.profile}: {found.cause}")
            sys.exit(NO_ENGINE)
        asker.show(found, status_page)
        if found.trading_state in (TradingState.HALTED, TradingState.FLATTENING):
            sys.exit(HALTED)


@click.command()
@yes_flag
@asked
def stop(yes: bool, profile: str | None, as_json: bool) -> None:
    """Stop the engine gracefully and wait until it has exited. Confirm first with an open position.

    Exit code: 0 stopped, 1 not stopped, 2 open position without a confirmation, 3 no engine.
    """
    from mexc_tui.cli.json_output import StopJson
    from mexc_tui.cli.stop_page import stop_page
    from mexc_tui.cli.trading_source import StoredTrading
    from mexc_tui.desk.api_types import NoEngine

    with asking(profile, as_json, is_emergency=True) as asker:
        mine = asker.reach.paths.profile
        try:
            if not yes:
                _agree_to_end(asker)
            pid = asker.reach.stop()
        except NoEngine as error:
            if not asker.as_json:
                raise
            asker.show(StopJson(profile=mine, stopped=False, cause=str(error)), lambda gone, _: gone.cause)
            sys.exit(NO_ENGINE)
        held = tuple(row.symbol for row in StoredTrading(asker.reach).positions() if row.quantity)
        asker.show(StopJson(profile=mine, stopped=True, pid=pid, held=held), stop_page)


def _agree_to_end(asker: CommandRunner) -> None:
    """Confirm before stopping an engine that watches stops. Raises NoEngine."""
    from mexc_tui.cli.confirmation import agree_by_word
    from mexc_tui.cli.preview_text import end_plan
    from mexc_tui.cli.trading_source import StoredTrading

    held = StoredTrading(asker.reach).held()
    if held.positions:
        plan = end_plan(asker.reach.paths.profile, held)
        nobody = f"{plan} A confirmation is needed, but there is no terminal. Confirm with --yes."
        agree_by_word(asker, plan, "stop", nobody)


@click.group(invoke_without_command=True)
@asked
@click.pass_context
def listings(context: click.Context, profile: str | None, as_json: bool) -> None:
    """Show all stored listings, including matured and cancelled ones; add or drop one manually."""
    from mexc_tui.cli import json_output

    if context.invoked_subcommand is not None:
        return
    from mexc_tui.cli.pages import listings_page

    with asking(profile, as_json) as asker:
        now_ms = asker.now_ms()
        rows = asker.reach.listings()
        asker.show_all(rows, lambda rows, pen: listings_page(rows, now_ms, pen), json_output.listing)


@listings.command("add")
@click.argument("symbol")
@click.option(
    "--opens", metavar="TIME", help="2026-01-31T14:00Z (UTC without a zone), +15m, or milliseconds."
)
@click.option("--note", default="", help="Source of the information.")
@asked
def add(symbol: str, opens: str | None, note: str, profile: str | None, as_json: bool) -> None:
    """Add a listing manually, or change its opening time."""
    from mexc_tui.cli import json_output
    from mexc_tui.desk.engine_requests import ADD_LISTING, ListingAdded

    with asking(profile, as_json) as asker:
        name, opens_ms = pair_name(symbol), _moment("--opens", opens, asker)
        wrong = _wrong_listing(opens_ms, note, asker.now_ms())
        if wrong:
            raise click.UsageError(wrong)
        args = ListingAdded(symbol=name, opens_ms=opens_ms, note=note)
        asker.tell(ADD_LISTING, args, json_output.listing)


def _wrong_listing(opens_ms: int | None, note: str, now_ms: int) -> str:
    """Return what is wrong with a listing to be added; empty: nothing."""
    from mexc_tui.desk.engine_requests import MOST_TEXT
    from mexc_tui.model.calendar import is_credible_opening

    if opens_ms is not None and opens_ms < now_ms - LONG_PAST_MS:
        return "--opens: the time is more than a day in the past. Check the date."
    if opens_ms is not None and not is_credible_opening(opens_ms, now_ms):
        return "--opens: the time is more than 30 days ahead. Check the date."
    return f"--note: at most {MOST_TEXT} characters." if len(note) > MOST_TEXT else ""


@listings.command("drop")
@click.argument("symbol")
@click.option("--note", default="", help="Reason.")
@asked
def drop(symbol: str, note: str, profile: str | None, as_json: bool) -> None:
    """Drop a listing until it is added again."""
    from mexc_tui.cli import json_output
    from mexc_tui.desk.engine_requests import DROP_LISTING, MOST_TEXT, ListingDropped

    if len(note) > MOST_TEXT:
        raise click.UsageError(f"--note: at most {MOST_TEXT} characters.")
    with asking(profile, as_json) as asker:
        args = ListingDropped(symbol=any_name(symbol), note=note)
        asker.tell(DROP_LISTING, args, json_output.listing)


@click.command()
@click.option("--symbol", default="", help="Show only signals of this pair.")
@click.option(
    "--last", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Number of rows."
)
@asked
def signals(symbol: str, last: int, profile: str | None, as_json: bool) -> None:
    """Show signals with reasons and probabilities, newest last; in JSON newest first."""
    from mexc_tui.cli.signal_pages import signals_page

    with asking(profile, as_json) as asker:
        asker.show_all(asker.reach.signals(last, any_name(symbol)), signals_page)


@click.command()
@click.option("--all", "closed", is_flag=True, help="Include closed alerts.")
@click.option("--last", type=click.IntRange(1, 1_000), default=100, show_default=True, help="Number of rows.")
@asked
def alerts(closed: bool, last: int, profile: str | None, as_json: bool) -> None:
    """Show open alerts with count and time, newest last; in JSON newest first."""
    from mexc_tui.cli.pages import alerts_page

    with asking(profile, as_json) as asker:
        asker.show_all(asker.reach.alerts(last, closed=closed), alerts_page)


@click.command()
@click.argument("symbol")
@asked
def why(symbol: str, profile: str | None, as_json: bool) -> None:
    """Explain a listing: its sources, changes, signals, and the detectors without a signal."""
    from mexc_tui.cli.signal_pages import why_page

    with asking(profile, as_json) as asker:
        answer = asker.reach.why(any_name(symbol))
        asker.show(answer, why_page)
        if not answer.listings:
            sys.exit(1)


@click.command(context_settings={"ignore_unknown_options": True})  # a VALUE may be negative
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--default", "to_default", is_flag=True, help="Remove NAME from the settings file.")
@asked
def settings(
    name: str | None, value: str | None, to_default: bool, profile: str | None, as_json: bool
) -> None:
    """Show all settings or one, or change one in the settings file; a running engine applies it."""
    from mexc_tui.cli.pages import setting_page, settings_page

    if to_default and (name is None or value is not None):
        raise click.UsageError("--default needs a NAME and no VALUE.")
    with asking(profile, as_json) as asker:
        if name is not None and (value is not None or to_default):
            _check_setting(name)
            row, words = asker.reach.set(name, value)
            asker.show(row, lambda _, __: words)
        elif name is not None:
            _check_setting(name)
            asker.show(next(row for row in asker.reach.settings() if row.name == name), setting_page)
        else:
            asker.show_all(asker.reach.settings(), settings_page)


def _check_setting(name: str) -> None:
    from difflib import get_close_matches

    from mexc_tui.settings.table import TABLE

    if name not in TABLE:
        close = get_close_matches(name, TABLE, n=1)
        hint = f" Did you mean {close[0]}?" if close else _secret_hint(name)
        raise click.UsageError(f"Unknown setting {name[:64]!r}.{hint}")


def _secret_hint(name: str) -> str:
    """Return a hint if the name looks like that of a key or secret."""
    is_secret = any(word in name.lower() for word in ("key", "secret", "token", "password", "passphrase"))
    return " Secrets are never settings: store keys with mexc-tui keys set." if is_secret else ""


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
@asked
def journal(
    is_followed: bool, last: int, about: str, kind: str, since: str | None, profile: str | None, as_json: bool
) -> None:
    """Show journal events, oldest first. With --follow, JSON is one object per line."""
    from mexc_tui.cli.data_source import Fits
    from mexc_tui.cli.pages import facts_page

    with asking(profile, as_json) as asker:
        wanted = Fits(about, kind, _moment("--since", since, asker) or 0)
        if is_followed:
            _follow(asker, last, wanted)
            return
        asker.show_all(asker.reach.facts(last, wanted), facts_page)


def _follow(asker: CommandRunner, last: int, wanted: "Fits") -> None:
    from mexc_tui.cli import json_output
    from mexc_tui.cli.follow_command import follow
    from mexc_tui.cli.pages import fact_line
    from mexc_tui.model.view import FactRow

    def show(row: FactRow) -> None:
        if wanted.fits(row.about, row.kind, row.at_ms):
            sys.stdout.write((json_output.encode(row) if asker.as_json else fact_line(row, asker.pen)) + "\n")
            sys.stdout.flush()
            check_output()

    after = asker.reach.engine_head()
    for row in asker.reach.facts(last, wanted):
        if row.sequence <= after:
            show(row)
    try:
        follow(asker.reach.socket, asker.reach.who, after, show, lambda words: click.echo(words, err=True))
    except KeyboardInterrupt:
        sys.exit(130)


@click.command()
@click.option(
    "--since",
    metavar="TIME",
    help="Start of the report; default: start of the practice session, or the last engine start.",
)
@asked
def report(since: str | None, profile: str | None, as_json: bool) -> None:
    """Report the last day from stored data: detections, signals, trades and outcomes."""
    from mexc_tui.report.text import to_text

    with asking(profile, as_json) as asker:
        since_ms = _moment("--since", since, asker)
        asker.show(asker.reach.report(since_ms), lambda report, _: to_text(report).rstrip())


def _moment(option: str, text: str | None, asker: CommandRunner) -> int | None:
    """Return the time given as an option, in ms."""
    from mexc_tui.wording.times import moment_ms

    try:
        return None if text is None else moment_ms(text, asker.now_ms())
    except ValueError as error:
        raise click.UsageError(f"{option}: {error}.") from None


COMMANDS = (
    *(status, stop, listings, signals, alerts, why, report, settings, journal),
    *trading_commands.COMMANDS,
    exits_command.exits,
    dust_command.convert_dust,
    keys_commands.keys,
    restore_command.restore,
    *live_commands.COMMANDS,
)
