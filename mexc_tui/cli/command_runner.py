"""Shared parts of the commands: flags, output, errors and exit codes."""

import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
import msgspec

from mexc_tui.cli.errors import NO_ENGINE, NOT_DONE, WRONG_USAGE, CommandFailed
from mexc_tui.host.standard_streams import is_output_complete

if TYPE_CHECKING:
    from mexc_tui.cli.data_source import DataSource
    from mexc_tui.cli.engine_access import EngineAccess
    from mexc_tui.cli.pages.tables import Pen
    from mexc_tui.cli.profile_access import ProfileAccess
    from mexc_tui.cli.trading_source import TradingSource
    from mexc_tui.desk.api_types import Args, CommandKind, Result

Command = TypeVar("Command", bound=Callable[..., Any])
Shown = TypeVar("Shown", bound=msgspec.Struct)

RESPONSE_S = 10.0
"""Seconds to wait for the response to a command that does not wait for the exchange."""
MIN_WIDTH = 40
"""Smallest width in columns at which a table is readable."""


@dataclass(frozen=True, slots=True)
class CommandRunner:
    """Context of one command: its profile and its output format."""

    profile: "ProfileAccess"
    engine: "EngineAccess"
    pen: "Pen"
    as_json: bool

    @property
    def data(self) -> "DataSource":
        """Return the rows of the profile."""
        from mexc_tui.cli.data_source import DataSource

        return DataSource(self.profile, self.engine)

    @property
    def trading(self) -> "TradingSource":
        """Return the orders, positions and risk of the profile."""
        from mexc_tui.cli.trading_source import TradingSource

        return TradingSource(self.profile, self.engine)

    def now_ms(self) -> int:
        """Return this machine's time."""
        return self.profile.clock.now_ms()

    def show(
        self,
        row: Shown,
        page: "Callable[[Shown, Pen], str]",
        as_json: Callable[[Shown], msgspec.Struct] | None = None,
    ) -> None:
        """Print one result: formatted by `page`, or as one JSON object."""
        from mexc_tui.cli.pages.json_output import encode

        if self.as_json:
            click.echo(encode(as_json(row) if as_json else row))
        else:
            click.echo(with_chosen_options(page(row, self.pen)))

    def show_all(
        self,
        rows: Sequence[Shown],
        page: "Callable[[Sequence[Shown], Pen], str]",
        as_json: Callable[[Shown], msgspec.Struct] | None = None,
    ) -> None:
        """Print a list: formatted by `page`, or as one JSON array."""
        from mexc_tui.cli.pages.json_output import many

        objects: Iterable[msgspec.Struct] = map(as_json, rows) if as_json else rows
        click.echo(many(objects) if self.as_json else with_chosen_options(page(rows, self.pen)))
        if not rows and not self.as_json and not self.profile.has_store and is_output_complete():
            print_note(self.profile.missing_store_message)

    def send(
        self,
        kind: "CommandKind[Args, Result]",
        args: "Args",
        as_json: "Callable[[Result], msgspec.Struct] | None" = None,
        *,
        deadline_s: float = RESPONSE_S,
    ) -> None:
        """Send a command and print its outcome: its message, or its result as JSON.

        A partial result is printed too; the exit code is then 1.
        """
        from mexc_tui.cli.pages.json_output import encode
        from mexc_tui.desk.api_types import CommandOutcome

        reply = self.engine.send(kind, args, deadline_s)
        if self.as_json and reply.result is not None:
            click.echo(encode(as_json(reply.result) if as_json else reply.result))
        if reply.outcome is not CommandOutcome.DONE:
            fail(reply.message, NOT_DONE)
        if not self.as_json:
            click.echo(with_chosen_options(reply.message))


def output_flags(command: Command) -> Command:
    """Add the flags --profile and --json."""
    profile = click.option("--profile", help="Profile of the engine; default: the name of the mode.")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    return as_json(profile(command))


@contextmanager
def command_runner(
    profile: str | None, as_json: bool, mode: str | None = None, *, is_emergency: bool = False
) -> Generator[CommandRunner]:
    """Yield the context of a command; convert its errors into one line and an exit code.

    Flags of the parent command also apply. `mode` selects the profile unless a flag does. `is_emergency`: the
    command lowers risk, so it ignores unreadable settings and does not wait for an unresponsive engine.
    """
    from mexc_tui.cli.engine_access import EngineAccess
    from mexc_tui.cli.pages.tables import Pen
    from mexc_tui.cli.profile_access import ProfileAccess
    from mexc_tui.desk.api_types import FrontEndError
    from mexc_tui.model.storage import StorageError
    from mexc_tui.settings.load import SettingsError

    pen = Pen(sys.stdout.isatty() and not os.environ.get("NO_COLOR"), line_width(os.environ))
    above = click.get_current_context().parent
    is_json = as_json or any(context.params.get("as_json") for context in _contexts(above))
    try:
        named, wanted = _own_or_parent_option("profile", profile), _own_or_parent_option("mode", None) or mode
        assignments = [
            text for context in _contexts(above) for text in context.params.get("assignments") or ()
        ]
        access = ProfileAccess(named, wanted, os.environ, assignments=assignments, is_emergency=is_emergency)
        if access.ignored_error:
            message = f"{access.ignored_error} Ignored; using profile {access.paths.profile}."
            print_note(message)
        yield CommandRunner(access, EngineAccess(access), pen, is_json)
    except CommandFailed as failure:
        fail(str(failure), failure.code)
    except SettingsError as error:
        fail_each(str(error), WRONG_USAGE)
    except (FrontEndError, StorageError) as error:
        fail(str(error), NO_ENGINE)


def line_width(environ: Mapping[str, str]) -> int | None:
    """Return the line width: of COLUMNS or the terminal; None without either."""
    if not sys.stdout.isatty() and not environ.get("COLUMNS", "").isdecimal():
        return None
    return max(shutil.get_terminal_size().columns, MIN_WIDTH)


def print_note(text: str) -> None:
    """Print one line on standard error, beside the result."""
    click.echo(f"mexc-tui: {' '.join(with_chosen_options(text).split())}", err=True)


def fail(text: str, code: int) -> NoReturn:
    """Print an error in one line on standard error, and exit."""
    print_note(text)
    sys.exit(code)


def fail_each(text: str, code: int) -> NoReturn:
    """Print each line of an error on its own line, and exit."""
    for line in text.splitlines():
        print_note(line)
    sys.exit(code)


def with_chosen_options(text: str) -> str:
    """Return a text whose next steps name the profile, mode and exchange of this command line."""
    from mexc_tui.wording.command_options import ChosenOptions, with_options

    return with_options(text, ChosenOptions(_chosen("profile"), _chosen("mode"), _chosen("exchange_file")))


def _chosen(name: str) -> str:
    """Return an option of this command or a parent command; empty if not given."""
    for ancestor in _contexts(click.get_current_context(silent=True)):
        source = ancestor.get_parameter_source(name)
        if ancestor.params.get(name) and source is not click.core.ParameterSource.DEFAULT:
            return str(ancestor.params[name])
    return ""


def _own_or_parent_option(name: str, own: str | None) -> str | None:
    """Return an option of this command, or of the nearest parent command that has it."""
    found = (ancestor.params.get(name) for ancestor in _contexts(click.get_current_context().parent))
    return own or next((value for value in found if value), None)


def _contexts(context: click.Context | None) -> Generator[click.Context]:
    while context is not None:
        yield context
        context = context.parent
