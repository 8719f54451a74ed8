"""Command `kill --direct`: halt and cancel without an engine."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from mexc_tui.cli.command_runner import (
    NO_ENGINE,
    NOT_DONE,
    CommandRunner,
    command_runner,
    fail,
    print_note,
    with_chosen_options,
)
from mexc_tui.cli.confirmation import confirm

if TYPE_CHECKING:
    from mexc_tui.app.endpoints import ExchangeHandle
    from mexc_tui.model.endpoint import Endpoint

NO_KEY = (
    "No key to cancel orders: name the practice exchange with --exchange FILE, or --profile NAME for "
    "a live desk, whose key is stored. You can also cancel on the exchange's site."
)
PLAN = (
    "KILL --direct: write the halt file of profile {profile}, then cancel every order of this desk on {rest} "
    "until none is open. Positions are not sold."
)

HALT_PLAN = (
    "KILL --direct: {why} Orders cannot be cancelled from here. Write the halt file of profile {profile}, "
    "and let a running engine cancel."
)
PAPER_PLAN = (
    "KILL --direct on paper: write the halt file of profile {profile}. Paper orders exist in the "
    "engine's process only and end with it; nothing is sent to any exchange. Positions are not sold."
)


def kill_directly(exchange_file: Path | None, profile: str | None, *, yes: bool, as_json: bool) -> None:
    """Stop without an engine. Exit code 0: the halt is stored and no order of the desk is open."""
    from mexc_tui.app.direct_kill import kill_direct
    from mexc_tui.cli.pages.json_output import encode
    from mexc_tui.exchange.origins import OriginRefused
    from mexc_tui.model.mode import Mode

    with command_runner(profile, as_json, is_emergency=True) as runner:
        if runner.profile.mode is Mode.PAPER:
            _kill_on_paper(runner, yes=yes)
            return
        exchange = _exchange_with_key(runner, exchange_file, yes=yes)
        if not yes:
            confirm(runner, PLAN.format(profile=runner.profile.paths.profile, rest=exchange.endpoint.rest))
        try:
            killed = asyncio.run(
                kill_direct(exchange, runner.profile.paths, runner.engine.front_end, report=_report)
            )
        except OriginRefused as error:
            fail(str(error), NO_ENGINE)
        click.echo(encode(killed) if runner.as_json else with_chosen_options("\n".join(killed.words)))
        if not killed.is_done:
            fail("Not complete: see above.", NOT_DONE)


def _report(text: str) -> None:
    """Print a line of progress on standard error."""
    print_note(text)


def _exchange_with_key(runner: CommandRunner, exchange_file: Path | None, *, yes: bool) -> "ExchangeHandle":
    """Return the exchange of the orders and the key to cancel them (live: the stored one)."""
    from mexc_tui.app.endpoints import ExchangeHandle, StartError
    from mexc_tui.app.launch_options import selected_endpoint
    from mexc_tui.host.lock import is_held
    from mexc_tui.model.mode import Mode

    profile = runner.profile.paths.profile
    try:
        if runner.profile.mode is Mode.LIVE or _is_live(profile):
            return _live_exchange(runner, selected_endpoint(exchange_file, Mode.LIVE), yes=yes)
        if exchange_file is None and is_held(runner.profile.paths.lock):
            _halt_without_key(runner, NO_KEY, yes=yes)
        if exchange_file is None:
            fail(NO_KEY, NO_ENGINE)
        endpoint = selected_endpoint(exchange_file, Mode.PRACTICE)
    except StartError as error:
        fail(str(error), NO_ENGINE)
    if not endpoint.api_key:
        fail(NO_KEY, NO_ENGINE)
    return ExchangeHandle(endpoint)


def _live_exchange(runner: CommandRunner, endpoint: "Endpoint", *, yes: bool) -> "ExchangeHandle":
    """Return the exchange with the stored key; without a key only the halt is written."""
    from mexc_tui.app.endpoints import ExchangeHandle, StartError
    from mexc_tui.app.launch_options import with_stored_key

    paths = runner.profile.paths
    try:
        return ExchangeHandle(*with_stored_key(endpoint, paths.profile))
    except StartError as error:
        _halt_without_key(runner, str(error), yes=yes)


def _halt_without_key(runner: CommandRunner, why: str, *, yes: bool) -> NoReturn:
    """Write the halt and command the running engine. Exit code 0: it cancelled every order."""
    from mexc_tui.app.direct_kill import halt_without_key

    paths = runner.profile.paths
    if not yes:
        confirm(runner, HALT_PLAN.format(profile=paths.profile, why=why))
    is_done, lines = halt_without_key(paths, runner.engine.front_end, _report)
    click.echo(with_chosen_options("\n".join(lines)))
    if not is_done:
        fail(why, NOT_DONE)
    raise click.exceptions.Exit(0)


def _is_live(profile: str) -> bool:
    """Whether a profile trades live: by its name, or because a key of it is stored."""
    from mexc_tui.host.keys.record import CredentialsError
    from mexc_tui.host.keys.stored_keys import StoredKeys
    from mexc_tui.model.mode import Mode

    if profile in list(Mode):
        return profile == Mode.LIVE
    try:
        return StoredKeys(profile).kind() is not None
    except CredentialsError:
        return False


def _kill_on_paper(runner: CommandRunner, *, yes: bool) -> None:
    from mexc_tui.app.direct_kill import kill_paper
    from mexc_tui.app.paper import SCOPE
    from mexc_tui.cli.pages.json_output import encode

    if not yes:
        confirm(runner, PAPER_PLAN.format(profile=runner.profile.paths.profile))
    killed = kill_paper(SCOPE, runner.profile.paths, runner.engine.front_end)
    click.echo(encode(killed) if runner.as_json else with_chosen_options("\n".join(killed.words)))
    if not killed.is_done:
        fail("Not complete: see above.", NOT_DONE)
