"""The commands that ask an engine or tell it something. Heavy rooms are imported when one of them runs."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from mexc_tui.questions.reach import Fits, Reach
    from mexc_tui.questions.tables import Pen

Command = TypeVar("Command", bound=Callable[..., Any])

HALTED, NO_ENGINE, WRONG = 1, 3, 2


@dataclass(frozen=True, slots=True)
class Asker:
    """How a command was asked: of which profile, and whether a person or a program reads."""

    reach: "Reach"
    pen: "Pen"
    as_json: bool

    def now_ms(self) -> int:
        """Return this machine's time."""
        return self.reach.clock.now_ms()


def _asked(command: Command) -> Command:
    """Add the flags that all these commands have."""
    profile = click.option("--profile", help="Whose engine; by default the mode's name.")
    as_json = click.option("--json", "as_json", is_flag=True, help="For programs: JSON.")
    return as_json(profile(command))


@contextmanager
def _asking(profile: str | None, as_json: bool) -> Generator[Asker]:
    """Turn what can go wrong into one line and an exit code."""
    from mexc_tui.desk.kinds import DeskError, NoEngine
    from mexc_tui.model.storage import StorageError
    from mexc_tui.questions.reach import Failure, Reach
    from mexc_tui.questions.tables import Pen
    from mexc_tui.settings.load import SettingsError

    above = click.get_current_context().find_root().params
    has_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    try:
        reach = Reach(profile or above.get("profile"), above.get("mode"), os.environ)
        yield Asker(reach, Pen(has_colour), as_json)
    except Failure as failure:
        _fail(str(failure), failure.code)
    except SettingsError as error:
        _fail(str(error), WRONG)
    except NoEngine as error:
        _fail(str(error), NO_ENGINE)
    except (DeskError, StorageError) as error:
        _fail(str(error), NO_ENGINE)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(words: str, code: int) -> None:
    click.echo(" ".join(words.splitlines()) if code != WRONG else words, err=True)
    sys.exit(code)


@click.command()
@_asked
def status(profile: str | None, as_json: bool) -> None:
    """Say how the engine is. Exit code: 0 it answers and may trade, 1 it is halted, 3 none answers."""
    from mexc_tui.model.view import StatusRow, TradingState
    from mexc_tui.questions import asjson
    from mexc_tui.questions.pages import status_page

    with _asking(profile, as_json) as asker:
        found = asker.reach.status()
        if as_json:
            click.echo(asjson.encode(found))
        elif isinstance(found, StatusRow):
            click.echo(status_page(found, asker.pen))
        else:
            click.echo(f"Profile {found.profile}: {found.cause}")
        if not isinstance(found, StatusRow):
            sys.exit(NO_ENGINE)
        if found.trading_state is TradingState.HALTED:
            sys.exit(HALTED)


@click.command()
@_asked
def stop(profile: str | None, as_json: bool) -> None:
    """Stop the engine in good order, and wait until it is gone. Exit code: 0 stopped, 3 none ran."""
    from mexc_tui.desk.asking import Stopping
    from mexc_tui.questions import asjson

    with _asking(profile, as_json) as asker:
        pid = asker.reach.stop()
        click.echo(asjson.encode(Stopping(pid)) if as_json else f"Process {pid} has stopped.")


@click.group(invoke_without_command=True)
@_asked
@click.pass_context
def listings(context: click.Context, profile: str | None, as_json: bool) -> None:
    """Show every listing ever stored, matured and cancelled ones too; add or drop one by hand."""
    if context.invoked_subcommand is not None:
        return
    from mexc_tui.questions import asjson
    from mexc_tui.questions.pages import listings_page

    with _asking(profile, as_json) as asker:
        rows = asker.reach.listings()
        if as_json:
            click.echo(asjson.many(map(asjson.listing, rows)))
        else:
            click.echo(listings_page(rows, asker.now_ms(), asker.pen))


@listings.command("add")
@click.argument("symbol")
@click.option(
    "--opens", metavar="TIME", help="2026-01-31T14:00Z (UTC without a zone), +15m, or milliseconds."
)
@click.option("--note", default="", help="Where you know it from.")
@_asked
def add(symbol: str, opens: str | None, note: str, profile: str | None, as_json: bool) -> None:
    """Add a listing that you know of, or move the opening of one."""
    from mexc_tui.questions.moments import moment_ms

    with _asking(*_inherited(profile, as_json)) as asker:
        try:
            opens_ms = None if opens is None else moment_ms(opens, asker.now_ms())
        except ValueError as error:
            raise click.UsageError(f"--opens: {error}.") from None
        _tell_listing(asker, asker.reach.add_listing(symbol.upper(), opens_ms, note))


@listings.command("drop")
@click.argument("symbol")
@click.option("--note", default="", help="Why.")
@_asked
def drop(symbol: str, note: str, profile: str | None, as_json: bool) -> None:
    """Drop a listing; it stays dropped until you add it again."""
    with _asking(*_inherited(profile, as_json)) as asker:
        _tell_listing(asker, asker.reach.drop_listing(symbol.upper(), note))


def _inherited(profile: str | None, as_json: bool) -> tuple[str | None, bool]:
    """Take the flags of the command above where this one has none."""
    above = click.get_current_context().parent
    params = above.params if above is not None else {}
    return profile or params.get("profile"), as_json or bool(params.get("as_json"))


def _tell_listing(asker: Asker, told: tuple[Any, str]) -> None:
    from mexc_tui.questions import asjson

    row, words = told
    click.echo(asjson.encode(asjson.listing(row)) if asker.as_json else words)


@click.command()
@click.option("--symbol", default="", help="Only signals about this pair.")
@click.option("--last", type=click.IntRange(1, 100_000), default=100, show_default=True, help="So many.")
@_asked
def signals(symbol: str, last: int, profile: str | None, as_json: bool) -> None:
    """Show what detectors said, with reasons and probabilities. The newest is at the end; in JSON first."""
    from mexc_tui.questions import asjson
    from mexc_tui.questions.pages import signals_page

    with _asking(profile, as_json) as asker:
        rows = asker.reach.signals(last, symbol.upper())
        click.echo(asjson.many(rows) if as_json else signals_page(rows[::-1], asker.pen))


@click.command()
@click.argument("symbol")
@_asked
def why(symbol: str, profile: str | None, as_json: bool) -> None:
    """Tell the story of a listing: who said what, what changed, what each detector saw, said, and why not."""
    from mexc_tui.questions import asjson
    from mexc_tui.questions.pages import why_page

    with _asking(profile, as_json) as asker:
        answer = asker.reach.why(symbol.upper())
        click.echo(asjson.encode(answer) if as_json else why_page(answer, asker.pen))
        if not answer.listings:
            sys.exit(1)


@click.command()
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--default", "to_default", is_flag=True, help="Take NAME out of the settings file.")
@_asked
def settings(
    name: str | None, value: str | None, to_default: bool, profile: str | None, as_json: bool
) -> None:
    """Show all settings, one, or change one in the settings file; a running engine takes it at once."""
    from mexc_tui.questions import asjson
    from mexc_tui.questions.pages import setting_page, settings_page

    if to_default and (name is None or value is not None):
        raise click.UsageError("--default goes with a NAME and no VALUE.")
    with _asking(profile, as_json) as asker:
        if name is not None and (value is not None or to_default):
            _check_setting(name)
            row, words = asker.reach.set(name, value)
            click.echo(asjson.encode(row) if as_json else words)
            return
        rows = asker.reach.settings()
        if name is None:
            click.echo(asjson.many(rows) if as_json else settings_page(rows, asker.pen))
            return
        _check_setting(name)
        row = next(row for row in rows if row.name == name)
        click.echo(asjson.encode(row) if as_json else setting_page(row, asker.pen))


def _check_setting(name: str) -> None:
    from difflib import get_close_matches

    from mexc_tui.settings.table import TABLE

    if name not in TABLE:
        close = get_close_matches(name, TABLE, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise click.UsageError(f"There is no setting {name[:64]!r}.{hint}")


@click.command()
@click.option(
    "--follow", "-f", "is_followed", is_flag=True, help="Go on with what happens, until interrupted."
)
@click.option("--last", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="So many.")
@click.option("--about", default="", help="Only facts about this: a symbol, a setting, a worker.")
@click.option("--kind", default="", help="Only facts of this kind, such as signal_raised.")
@click.option("--since", metavar="TIME", help="Only facts from then on; TIME as in `listings add`.")
@_asked
def journal(
    is_followed: bool, last: int, about: str, kind: str, since: str | None, profile: str | None, as_json: bool
) -> None:
    """Show what happened, oldest first. With --follow JSON is one object a line."""
    from mexc_tui.questions import asjson
    from mexc_tui.questions.moments import moment_ms
    from mexc_tui.questions.pages import facts_page
    from mexc_tui.questions.reach import Fits

    with _asking(profile, as_json) as asker:
        try:
            since_ms = 0 if since is None else moment_ms(since, asker.now_ms())
        except ValueError as error:
            raise click.UsageError(f"--since: {error}.") from None
        wanted = Fits(about, kind, since_ms)
        if is_followed:
            _follow(asker, last, wanted)
            return
        rows = asker.reach.facts(last, wanted)
        click.echo(asjson.many(rows) if as_json else facts_page(rows, asker.pen))


def _follow(asker: Asker, last: int, wanted: "Fits") -> None:
    from mexc_tui.model.view import FactRow
    from mexc_tui.questions import asjson
    from mexc_tui.questions.follow import follow
    from mexc_tui.questions.pages import fact_line

    def show(row: FactRow) -> None:
        if wanted.fits(row.about, row.kind, row.at_ms):
            sys.stdout.write((asjson.encode(row) if asker.as_json else fact_line(row, asker.pen)) + "\n")
            sys.stdout.flush()

    after = asker.reach.engine_head()
    for row in asker.reach.facts(last, wanted):
        if row.sequence <= after:
            show(row)
    try:
        follow(
            asker.reach.paths.socket, asker.reach.who, after, show, lambda words: click.echo(words, err=True)
        )
    except KeyboardInterrupt:
        sys.exit(130)


COMMANDS = (status, stop, listings, signals, why, settings, journal)


def add_to(group: click.Group) -> None:
    """Add them all."""
    for command in COMMANDS:
        group.add_command(command)
