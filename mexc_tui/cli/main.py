"""Commands and flags: select a mode and a front end."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from mexc_tui import __version__
from mexc_tui.cli import loading_screen
from mexc_tui.host.standard_streams import OutputLost, os_error_text, output_problem, prepare

if TYPE_CHECKING:
    from mexc_tui.app.launch_options import LaunchOptions

Command = TypeVar("Command", bound=Callable[..., Any])
NOT_DONE, NOT_STARTED, INTERRUPTED = 1, 3, 130
PATHS = ("--exchange", "--backup", "--scenario", "--to")
"""Options that name a file."""

# Heavy packages are imported inside the commands, so that --version and --help stay fast.


class CommandGroup(click.Group):
    """Group that prints usage errors in one line and imports the query commands on demand."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name."""
        return self.commands.get(cmd_name) or self._query_commands().get(cmd_name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names in alphabetical order."""
        return sorted({*self.commands, *self._query_commands()})

    def _query_commands(self) -> dict[str, click.Command]:
        from mexc_tui.cli.commands.engine_commands import COMMANDS

        return {command.name or "": command for command in COMMANDS}

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run; print an error as one line on standard error and exit with a code."""
        prepare()
        given: Sequence[str] | None = extra.pop("args", args[0] if args else None)
        extra["args"] = _decodable(sys.argv[1:] if given is None else given)
        if not extra.pop("standalone_mode", True):
            return super().main(*args[1:], standalone_mode=False, **extra)
        code = self._exit_code(*args[1:], **extra)
        problem = output_problem()
        if problem:
            code = NOT_DONE
            click.echo(f"mexc-tui: Standard output could not be written: {problem}.", err=True)
        sys.exit(code)

    def _exit_code(self, *args: Any, **extra: Any) -> int:
        """Run, and return the exit code."""
        try:
            code = super().main(*args, standalone_mode=False, **extra)
        except click.ClickException as error:
            return _print_error(error.format_message(), error.exit_code)
        except click.Abort:
            loading_screen.hide()
            return INTERRUPTED
        except SystemExit as ended:
            code = ended.code
        except (BrokenPipeError, OutputLost):  # the reader has exited, such as `| head`
            code = 0
        except (OSError, UnicodeError) as error:
            loading_screen.hide()
            return _print_error(os_error_text(error), NOT_DONE)
        return code if isinstance(code, int) else 0


def _print_error(message: str, code: int) -> int:
    click.echo(f"mexc-tui: {' '.join(message.split())}", err=True)
    return code


def _decodable(arguments: Sequence[str]) -> list[str]:
    """Return arguments with a question mark for each undecodable byte; paths stay unchanged."""
    return [
        word if before in PATHS or word.startswith(PATHS) else word.encode("utf-8", "replace").decode()
        for before, word in zip(["", *arguments], arguments, strict=False)
    ]


def launch_flags(command: Command) -> Command:
    """Add the exchange and profile flags shared by the desk, headless mode and `watch`."""
    options = (
        click.option(
            "--mode",
            type=click.Choice(["practice", "paper", "live"]),
            help="Mode; default: the setting `mode`.",
        ),
        click.option(
            "--scenario", default="calm", show_default=True, help="Scenario of the practice exchange."
        ),
        click.option("--seed", type=int, default=1, show_default=True, help="Seed of the practice exchange."),
        click.option(
            "--exchange",
            "exchange_file",
            type=click.Path(path_type=Path),
            help="Use a running exchange: a file with the output of `mexc-tui exchange`.",
        ),
        click.option(
            "--profile", help="Profile: its ledger, settings and socket; default: the name of the mode."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def display_flags(command: Command) -> Command:
    """Add the display flags."""
    options = (
        click.option("--theme", default="", help="Use this colour theme."),
        click.option("--economy", is_flag=True, help="Repaint at most once a second, for slow connections."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True
)
@click.version_option(__version__, prog_name="mexc-tui")
@click.option("--headless", is_flag=True, help="Run the engine without a screen.")
@launch_flags
@click.option("--until-done", is_flag=True, help="With --headless: exit when the practice day is over.")
@click.option("--json", "as_json", is_flag=True, help="With --until-done: print the report as JSON.")
@click.option(
    "--set", "assignments", multiple=True, metavar="NAME=VALUE", help="Override a setting for this run."
)
@display_flags
@click.pass_context
def main(
    context: click.Context,
    headless: bool,
    theme: str,
    economy: bool,
    mode: str | None,
    scenario: str,
    seed: int,
    exchange_file: Path | None,
    profile: str | None,
    until_done: bool,
    as_json: bool,
    assignments: tuple[str, ...],
) -> None:
    """A trading desk for MEXC spot listings, in a terminal."""
    if context.invoked_subcommand is not None:
        # Options before the command apply to it too.
        context.default_map = {"watch": context.params, "exchange": context.params}
        return
    gc.disable()  # importing produces no garbage; collection is enabled again after it, or by `run_screen`
    if not headless:
        loading_screen.show("Opening the desk…")
    from mexc_tui.app.launch_options import LaunchOptions

    launch = LaunchOptions(mode, scenario, seed, exchange_file, profile, until_done, assignments, as_json)
    if headless:
        from mexc_tui.app.run_headless import run_headless

        gc.enable()
        context.exit(run_headless(launch, os.environ))
    context.exit(_on_screen(launch, theme, is_economy=economy))


@main.command()
@click.option("--profile", help="Profile of the engine; default: the name of the mode.")
@click.option(
    "--mode", type=click.Choice(["practice", "paper", "live"]), help="Use the profile of this mode."
)
@click.option(
    "--role",
    type=click.Choice(["view", "operate", "admin"]),
    default="admin",
    show_default=True,
    help="Permissions: view reads and reduces risk, operate trades too, admin also changes limits.",
)
@click.option("--read-only", is_flag=True, help="The same as --role view.")
@display_flags
def attach(
    profile: str | None, mode: str | None, role: str, read_only: bool, theme: str, economy: bool
) -> None:
    """Open the desk on a running engine. Leaving the desk does not stop the engine."""
    gc.disable()  # importing produces no garbage; `run_screen` enables collection again
    loading_screen.show("Connecting to the engine…")
    from mexc_tui.app.run_screen import NO_TERMINAL, ScreenOptions, has_terminal, run_attached

    if not has_terminal():
        raise click.UsageError(NO_TERMINAL)
    try:
        options = ScreenOptions(theme, economy, "view" if read_only else role)
        code = run_attached(profile, mode, options, environ=os.environ)
    except Exception as error:
        loading_screen.hide()
        _exit_with(error)
    if code is None:
        from mexc_tui.cli.command_runner import fail

        loading_screen.hide()
        fail("No engine of this profile is running. Start one with: mexc-tui", NOT_STARTED)
    sys.exit(code)


def _on_screen(launch: "LaunchOptions", theme: str, *, is_economy: bool) -> int:
    """Show the desk, with an engine in this process if none runs; print errors as one line on stderr."""
    from mexc_tui.app.run_desk import run_desk
    from mexc_tui.app.run_screen import NO_TERMINAL, ScreenOptions, has_terminal

    if not has_terminal():
        raise click.UsageError(NO_TERMINAL)
    try:
        return run_desk(launch, ScreenOptions(theme, is_economy), os.environ)
    except Exception as error:
        loading_screen.hide()
        _exit_with(error)


def _exit_with(error: Exception) -> NoReturn:
    """Print an expected error in one line; raise an unexpected one."""
    from mexc_tui.app.endpoints import StartError
    from mexc_tui.app.launch_options import UsageProblem
    from mexc_tui.cli.command_runner import fail, fail_each
    from mexc_tui.host.paths import PathsError
    from mexc_tui.settings.load import SettingsError

    if isinstance(error, SettingsError):
        fail_each(str(error), NOT_STARTED)
    if isinstance(error, UsageProblem | PathsError):
        raise click.UsageError(str(error)) from None
    if isinstance(error, StartError | OSError | UnicodeError):
        fail(os_error_text(error), NOT_STARTED)
    raise error


@main.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Listen on this TCP port of 127.0.0.1 (0: any free port).",
)
@click.option(
    "--scenario", default="calm", show_default=True, help="Run this scenario: a shipped name or a TOML file."
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    help="Seed of the market: the same seed and the same calls give the same responses.",
)
@click.option("--strict", is_flag=True, help="Accept only exactly encoded signatures.")
@click.option("--with-parent", is_flag=True, hidden=True, help="Exit when standard input closes.")
def exchange(port: int, scenario: str, seed: int, strict: bool, with_parent: bool) -> None:
    """Run the practice exchange alone.

    Print one line of JSON with its URLs and keys once ready, then serve until SIGINT or SIGTERM.
    """
    gc.disable()  # importing produces no garbage
    from mexc_tui.cli.commands.exchange_command import run_exchange
    from mexc_tui.host.logs.handler import log_to_stderr

    gc.enable()
    log_to_stderr(os.environ)
    sys.exit(run_exchange(port=port, scenario=scenario, seed=seed, strict=strict, with_parent=with_parent))


@main.command()
@click.argument("symbols", nargs=-1, metavar="[SYMBOL]...")
@launch_flags
@click.option("--for", "seconds", type=click.FloatRange(min=0), help="Exit after this many seconds.")
def watch(
    symbols: tuple[str, ...],
    mode: str | None,
    scenario: str,
    seed: int,
    exchange_file: Path | None,
    profile: str | None,
    seconds: float | None,
) -> None:
    """Watch best bid and ask, last trade and data age.

    Also shows clock offset and message rate. Without a SYMBOL: the most active pairs and the next listings.
    """
    from mexc_tui.app.endpoints import StartError
    from mexc_tui.app.launch_options import LaunchOptions, UsageProblem
    from mexc_tui.cli.command_runner import fail_each
    from mexc_tui.cli.commands.watch import WatchCommand
    from mexc_tui.model.errors import ExchangeError
    from mexc_tui.settings.load import SettingsError

    launch = LaunchOptions(mode, scenario, seed, exchange_file, profile)
    try:
        asyncio.run(WatchCommand(launch, symbols, seconds).run(os.environ))
    except UsageProblem as error:
        raise click.UsageError(str(error)) from None
    except (StartError, SettingsError, ExchangeError) as error:
        fail_each(str(error), NOT_STARTED)
    except KeyboardInterrupt:
        sys.exit(130)
