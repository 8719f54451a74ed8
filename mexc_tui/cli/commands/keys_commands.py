"""Commands of the MEXC API key in the keyring."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import NO_ENGINE, NOT_DONE, WRONG_USAGE, fail, with_chosen_options
from mexc_tui.model.mode import Mode

if TYPE_CHECKING:
    from mexc_tui.host.credentials import StoredKeys

profiled = click.option("--profile", default=Mode.LIVE.value, show_default=True, help="Profile of the key.")
NONE = "The keyring holds no key of profile {profile}. Next step: mexc-tui keys set"
NO_TERMINAL = "There is no terminal to type a key. From a pipe: --stdin and two lines, access key and secret."


@click.group()
def keys() -> None:
    """Store, show, check and remove the API key of live trading."""


@keys.command("set")
@profiled
@click.option(
    "--stdin", "from_pipe", is_flag=True, help="Read access key and secret from two lines of standard input."
)
def set_key(profile: str, from_pipe: bool) -> None:
    """Store a key in the keyring of this machine. It replaces the previous key; input is hidden."""
    from mexc_tui.host.credentials import CredentialsError

    stored = _keys(profile)
    access_key, secret = _piped() if from_pipe else _typed()
    try:
        stored.store(access_key, secret, datetime.now(UTC).date())
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    click.echo(
        with_chosen_options(
            f"Stored for profile {profile}. Next steps: mexc-tui keys check, then mexc-tui --mode live"
        )
    )


@keys.command()
@profiled
def show(profile: str) -> None:
    """Show the last characters of the access key and its expiry."""
    from mexc_tui.host.credentials import CredentialsError

    try:
        found = _keys(profile).shown()
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    if found is None:
        fail(NONE.format(profile=profile), NO_ENGINE)
    click.echo(f"Profile {profile}: a key that ends in {found.ends_with}")
    click.echo(found.expiry_text(datetime.now(UTC).date()))


@keys.command()
@profiled
@click.option(
    "--exchange",
    "exchange_file",
    type=click.Path(path_type=Path),
    help="Use an exchange on this machine instead of MEXC: a file with the output of `mexc-tui exchange`.",
)
def check(profile: str, exchange_file: Path | None) -> None:
    """Check the key's permissions on the exchange. Exit code: 0 fit for live, 1 not, 3 no response."""
    from mexc_tui.app.endpoints import StartError
    from mexc_tui.app.key_check import check_key
    from mexc_tui.app.launch_options import selected_endpoint, with_stored_key
    from mexc_tui.exchange.origins import OriginRefused
    from mexc_tui.model.errors import ExchangeError, RequestRefused

    try:
        endpoint, key = with_stored_key(selected_endpoint(exchange_file, Mode.LIVE), profile)
        checked = asyncio.run(check_key(endpoint.rest, key))
    except RequestRefused as error:
        fail(f"The exchange rejects orders with this key: {error}", NOT_DONE)
    except (StartError, OriginRefused, ExchangeError) as error:
        fail(str(error), NO_ENGINE)
    click.echo(with_chosen_options("\n".join(checked.words)))
    if not checked.is_fit:
        sys.exit(NOT_DONE)


@keys.command()
@profiled
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def remove(profile: str, yes: bool) -> None:
    """Remove the key from the keyring. It stays valid on the exchange: delete it there too."""
    from mexc_tui.host.credentials import CredentialsError

    if not yes and not (
        sys.stdin.isatty() and click.confirm(f"Remove the key of profile {profile}?", err=True)
    ):
        fail("Not removed: confirm with --yes.", NOT_DONE)
    try:
        had = _keys(profile).remove()
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    click.echo(f"Removed. {ON_SITE}" if had else with_chosen_options(NONE.format(profile=profile)))


ON_SITE = "The key is still valid on the exchange. Delete it on the exchange's site too."


def _keys(profile: str) -> "StoredKeys":
    from mexc_tui.host.credentials import StoredKeys
    from mexc_tui.host.paths import PathsError, check_profile

    try:
        return StoredKeys(check_profile(profile))
    except PathsError as error:
        fail(str(error), WRONG_USAGE)


def _typed() -> tuple[str, str]:
    if not sys.stdin.isatty():
        fail(NO_TERMINAL, WRONG_USAGE)
    access_key = str(click.prompt("Access key (not shown)", hide_input=True, err=True))
    secret = str(click.prompt("Secret (not shown)", hide_input=True, err=True))
    return access_key.strip(), secret.strip()


def _piped() -> tuple[str, str]:
    lines = [sys.stdin.readline(1_000).strip() for _ in range(2)]
    return lines[0], lines[1]
