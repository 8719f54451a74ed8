"""The key of MEXC: kept in the keyring, shown by its end alone, checked before it is trusted."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import NO_ENGINE, NOT_DONE, WRONG, as_chosen, fail
from mexc_tui.model.mode import Mode

if TYPE_CHECKING:
    from mexc_tui.host.credentials import StoredKeys

profiled = click.option("--profile", default=Mode.LIVE.value, show_default=True, help="Whose key.")
NONE = "There is no key of profile {profile} in the keyring. Next step: mexc-tui keys set"
NOBODY = "Nobody is at a terminal to type a key. From a pipe: --stdin and two lines, access key and secret."


@click.group()
def keys() -> None:
    """Keep, show, check and remove the key that live trading signs with."""


@keys.command("set")
@profiled
@click.option("--stdin", "from_pipe", is_flag=True, help="Two lines of standard input: access key, secret.")
def set_key(profile: str, from_pipe: bool) -> None:
    """Put a key into the keyring of this machine, in place of the one before. It is typed unseen."""
    from mexc_tui.host.credentials import CredentialsError

    keeper = _keys(profile)
    access_key, secret = _piped() if from_pipe else _typed()
    try:
        keeper.keep(access_key, secret, datetime.now(UTC).date())
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    click.echo(
        as_chosen(f"Kept for profile {profile}. Next steps: mexc-tui keys check, then mexc-tui --mode live")
    )


@keys.command()
@profiled
def show(profile: str) -> None:
    """Show the end of the access key, and until when it lasts."""
    from mexc_tui.host.credentials import CredentialsError

    try:
        found = _keys(profile).shown()
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    if found is None:
        fail(NONE.format(profile=profile), NO_ENGINE)
    click.echo(f"Profile {profile}: a key that ends in {found.ends_with}")
    click.echo(found.lasting(datetime.now(UTC).date()))


@keys.command()
@profiled
@click.option(
    "--exchange",
    "exchange_file",
    type=click.Path(path_type=Path),
    help="Instead of MEXC, an exchange on this machine: a file with what `mexc-tui exchange` printed.",
)
def check(profile: str, exchange_file: Path | None) -> None:
    """Ask the exchange what the key may do. Exit code: 0 fit for live, 1 not, 3 no answer."""
    from mexc_tui.app.endpoints import StartError
    from mexc_tui.app.key_check import check_key
    from mexc_tui.app.launch_options import stand_in, with_key
    from mexc_tui.exchange.origins import OriginRefused
    from mexc_tui.model.errors import ExchangeError, RequestRefused

    try:
        endpoint, key = with_key(stand_in(exchange_file, Mode.LIVE), profile)
        checked = asyncio.run(check_key(endpoint.rest, key))
    except RequestRefused as error:
        fail(f"The exchange takes no order with this key: {error}", NOT_DONE)
    except (StartError, OriginRefused, ExchangeError) as error:
        fail(str(error), NO_ENGINE)
    click.echo(as_chosen("\n".join(checked.words)))
    if not checked.is_fit:
        sys.exit(NOT_DONE)


@keys.command()
@profiled
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(profile: str, yes: bool) -> None:
    """Take the key out of the keyring. On the exchange it goes on: delete it there too."""
    from mexc_tui.host.credentials import CredentialsError

    if not yes and not (
        sys.stdin.isatty() and click.confirm(f"Remove the key of profile {profile}?", err=True)
    ):
        fail("Nothing was done: add --yes if you mean it.", NOT_DONE)
    try:
        had = _keys(profile).remove()
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    click.echo(f"Removed. {ON_SITE}" if had else as_chosen(NONE.format(profile=profile)))


ON_SITE = "On the exchange it goes on: delete it on its site too."


def _keys(profile: str) -> "StoredKeys":
    from mexc_tui.host.credentials import StoredKeys
    from mexc_tui.host.paths import PathsError, check_profile

    try:
        return StoredKeys(check_profile(profile))
    except PathsError as error:
        fail(str(error), WRONG)


def _typed() -> tuple[str, str]:
    if not sys.stdin.isatty():
        fail(NOBODY, WRONG)
    access_key = str(click.prompt("Access key (not shown)", hide_input=True, err=True))
    secret = str(click.prompt("Secret (not shown)", hide_input=True, err=True))
    return access_key.strip(), secret.strip()


def _piped() -> tuple[str, str]:
    lines = [sys.stdin.readline(1_000).strip() for _ in range(2)]
    return lines[0], lines[1]
