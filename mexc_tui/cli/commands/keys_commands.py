"""Commands of the MEXC API key and its storage."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mexc_tui.cli.command_runner import NO_ENGINE, NOT_DONE, WRONG_USAGE, fail, with_chosen_options
from mexc_tui.model.mode import Mode

if TYPE_CHECKING:
    from mexc_tui.app.key_check import KeyCheckResult
    from mexc_tui.host.keys.record import StorageKind
    from mexc_tui.host.keys.stored_keys import StoredKeys
    from mexc_tui.model.credentials import Credentials

profiled = click.option("--profile", default=Mode.LIVE.value, show_default=True, help="Profile of the key.")
piped = click.option(
    "--stdin",
    "from_pipe",
    is_flag=True,
    help="Read lines of standard input: access key, secret and, for a file, its passphrase.",
)
stored_in = click.option(
    "--storage",
    type=click.Choice(["keyring", "file"]),
    help="Store in the keyring of this system, or in a file encrypted with a passphrase. "
    "Default: the keyring, if there is one.",
)
on_exchange = click.option(
    "--exchange",
    "exchange_file",
    type=click.Path(path_type=Path),
    help="Use an exchange on this machine instead of MEXC: a file with the output of `mexc-tui exchange`.",
)
NONE = "No key is stored for profile {profile}. Next step: mexc-tui keys set"
NO_TERMINAL = "There is no terminal to type a key. From a pipe: --stdin and two lines, access key and secret."
ON_SITE = "The key is still valid on the exchange. Delete it on the exchange's site too."
OLD_ON_SITE = "The old key is still valid on the exchange. Delete it on the exchange's site."
RESTART = "A running engine keeps the old key until it is restarted: mexc-tui stop, then start it again."


@click.group()
def keys() -> None:
    """Store, show, check, rotate and remove the API key."""


@keys.command("set")
@profiled
@piped
@stored_in
def set_key(profile: str, from_pipe: bool, storage: str | None) -> None:
    """Store a key on this machine. It replaces the previous key; input is hidden."""
    if storage is None and not from_pipe and sys.stdin.isatty():
        _explain_file(profile)
    access_key, secret, passphrase = _piped() if from_pipe else _typed()
    stored = _keys(profile, passphrase)
    kind = _store(stored, access_key, secret, storage=storage)
    click.echo(
        with_chosen_options(
            f"Stored for profile {profile}: {kind.value}. {kind.not_protected}\n"
            "Next steps: mexc-tui keys check, then mexc-tui --mode live"
        )
    )


@keys.command()
@profiled
def show(profile: str) -> None:
    """Show the last characters of the access key, its storage and its expiry."""
    from mexc_tui.host.keys.record import CredentialsError

    try:
        found = _keys(profile).shown()
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    if found is None:
        fail(NONE.format(profile=profile), NO_ENGINE)
    click.echo(f"Profile {profile}: a key that ends in {found.ends_with}")
    click.echo(f"Stored in: {found.kind.value}. {found.kind.not_protected}")
    click.echo(found.expiry_text(datetime.now(UTC).date()))


@keys.command()
@profiled
@on_exchange
def check(profile: str, exchange_file: Path | None) -> None:
    """Check the key's permissions on the exchange. Exit code: 0 fit for live, 1 not, 3 no response."""
    from mexc_tui.app.endpoints import StartError
    from mexc_tui.app.launch_options import selected_endpoint, with_stored_key

    try:
        endpoint, key = with_stored_key(selected_endpoint(exchange_file, Mode.LIVE), profile)
    except StartError as error:
        fail(str(error), NO_ENGINE)
    checked = _checked(endpoint.rest, key.credentials, key.expiry)
    click.echo(with_chosen_options("\n".join(checked.words)))
    if not checked.is_fit:
        sys.exit(NOT_DONE)


@keys.command()
@profiled
@piped
@on_exchange
def rotate(profile: str, from_pipe: bool, exchange_file: Path | None) -> None:
    """Replace the key by a new one, after the exchange has confirmed that the new one is fit for live."""
    from mexc_tui.app.endpoints import StartError
    from mexc_tui.app.launch_options import check_key_destination, selected_endpoint
    from mexc_tui.host.keys.record import CredentialsError, KeyRecord, check_record, expiry_text

    try:
        old = _keys(profile).kind()
        if old is None:
            fail(NONE.format(profile=profile), NO_ENGINE)
        endpoint = selected_endpoint(exchange_file, Mode.LIVE)
        check_key_destination(endpoint)
        access_key, secret, passphrase = _piped() if from_pipe else _typed()
        record = KeyRecord(access_key, secret)
        check_record(record)
    except StartError as error:
        fail(str(error), NO_ENGINE)
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    today = datetime.now(UTC).date()
    checked = _checked(endpoint.rest, record.credentials, expiry_text(today, today))
    if not checked.is_fit:
        click.echo(with_chosen_options("\n".join(checked.words)))
        fail("The new key is not fit for live trading. The old key stays in use.", NOT_DONE)
    kind = _store(_keys(profile, passphrase), access_key, secret, storage=old)
    click.echo(with_chosen_options(f"Replaced for profile {profile}: {kind.value}. {OLD_ON_SITE}\n{RESTART}"))


@keys.command()
@profiled
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def remove(profile: str, yes: bool) -> None:
    """Remove the key from this machine. It stays valid on the exchange: delete it there too."""
    from mexc_tui.host.keys.record import CredentialsError

    if not yes and not (
        sys.stdin.isatty() and click.confirm(f"Remove the key of profile {profile}?", err=True)
    ):
        fail("Not removed: confirm with --yes.", NOT_DONE)
    try:
        had = _keys(profile).remove()
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    click.echo(f"Removed. {ON_SITE}" if had else with_chosen_options(NONE.format(profile=profile)))


def _explain_file(profile: str) -> None:
    """Print why a key goes into an encrypted file, before the user types it."""
    from mexc_tui.host.keys.record import CredentialsError

    try:
        problem = _keys(profile).keyring_problem()
    except CredentialsError as error:
        fail(str(error), NOT_DONE)
    if problem:
        click.echo(f"{problem} The key goes into a file, encrypted with a passphrase.", err=True)


def _checked(origin: str, credentials: "Credentials", expiry: str) -> "KeyCheckResult":
    """Check a key on an exchange; end the command without a response or for a rejected key."""
    from mexc_tui.app.key_check import check_key
    from mexc_tui.exchange.origins import OriginRefused
    from mexc_tui.model.errors import ExchangeError, RequestRefused

    try:
        return asyncio.run(check_key(origin, credentials, expiry))
    except RequestRefused as error:
        fail(f"The exchange rejects orders with this key: {error}", NOT_DONE)
    except (OriginRefused, ExchangeError) as error:
        fail(str(error), NO_ENGINE)


def _store(
    stored: "StoredKeys", access_key: str, secret: str, *, storage: "str | StorageKind | None"
) -> "StorageKind":
    """Store a key; return where. A failure ends the command."""
    from mexc_tui.host.keys.record import CredentialsError, StorageKind

    kinds = {"keyring": StorageKind.KEYRING, "file": StorageKind.FILE}
    kind = storage if isinstance(storage, StorageKind) else kinds.get(storage or "")
    try:
        return stored.store(access_key, secret, datetime.now(UTC).date(), kind=kind)
    except CredentialsError as error:
        fail(str(error), NOT_DONE)


def _keys(profile: str, new_passphrase: str = "") -> "StoredKeys":
    from mexc_tui.host.keys.stored_keys import StoredKeys
    from mexc_tui.host.paths import PathsError

    try:
        return StoredKeys(profile, new_passphrase=new_passphrase)
    except PathsError as error:
        fail(str(error), WRONG_USAGE)


def _typed() -> tuple[str, str, str]:
    if not sys.stdin.isatty():
        fail(NO_TERMINAL, WRONG_USAGE)
    access_key = str(click.prompt("Access key (not shown)", hide_input=True, err=True))
    secret = str(click.prompt("Secret (not shown)", hide_input=True, err=True))
    return access_key.strip(), secret.strip(), ""


def _piped() -> tuple[str, str, str]:
    access_key, secret, passphrase = (sys.stdin.readline(1_000).strip() for _ in range(3))
    return access_key, secret, passphrase
