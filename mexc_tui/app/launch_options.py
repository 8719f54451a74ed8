"""Mode, exchange and profile of a command line, shared by engine, screen and `watch`."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from mexc_tui.app.endpoints import (
    MEXC,
    ExchangeHandle,
    LoadedKey,
    StartError,
    practice_exchange,
    read_endpoint,
)
from mexc_tui.host.paths import Paths, PathsError, paths_of, profiles_of
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.errors import DeskError
from mexc_tui.model.mode import Mode
from mexc_tui.settings.file import read_file
from mexc_tui.settings.layers import UnreadableSettings, environment_layer, flag_layer
from mexc_tui.settings.load import Layers, SettingsError, load, problems_of
from mexc_tui.wording.command_options import ChosenOptions

NO_KEY = (
    "Live trading needs a key of MEXC, and none is stored for profile {profile}. Not started. "
    "Next step: mexc-tui keys set. Without a key, --mode paper trades on paper with MEXC's own data."
)
NOT_LIVE = (
    "{url} is not on this machine. In live mode --exchange names an exchange on this machine that replaces "
    "MEXC; without it orders go to MEXC itself."
)


class UsageProblem(DeskError):
    """A command line that contradicts itself.

    Raised while options are read. Show the text and exit with code 2.
    """


@dataclass(frozen=True, slots=True)
class LaunchOptions:
    """Options of the command line."""

    mode: str | None
    scenario: str
    seed: int
    exchange_file: Path | None
    profile: str | None
    until_done: bool = False
    assignments: tuple[str, ...] = ()
    """Settings as NAME=VALUE."""
    as_json: bool = False
    """Print the report as JSON."""

    @property
    def chosen(self) -> ChosenOptions:
        """Return the options that suggested commands must repeat."""
        file = "" if self.exchange_file is None else str(self.exchange_file)
        return ChosenOptions(self.profile or "", self.mode or "", file)


def layers_of(launch: LaunchOptions, environ: Mapping[str, str]) -> Layers:
    """Return the settings layers above the file. Raises UsageProblem for an invalid flag."""
    try:
        flags = flag_layer({"mode": launch.mode}, launch.assignments)
    except UnreadableSettings as error:
        raise UsageProblem(str(error)) from None
    problems = problems_of(flags)
    if problems:
        raise UsageProblem(str(SettingsError(problems)))
    return Layers(flags=flags, environment=environment_layer(environ))


def mode_of(launch: LaunchOptions, layers: Layers, environ: Mapping[str, str]) -> Mode:
    """Return the mode: of a flag, a variable or the settings file.

    Raises SettingsError, StartError or UsageProblem.
    """
    file = read_file(profile_paths(launch.profile or "any", environ).settings)
    mode = load(Layers(flags=layers.flags, environment=layers.environment, file=file)).settings.mode
    if mode is not Mode.PRACTICE and launch.until_done:
        raise UsageProblem("--until-done needs --mode practice: a day on MEXC never ends.")
    return mode


def profile_paths(profile: str, environ: Mapping[str, str]) -> Paths:
    """Return the paths of a profile. Raises UsageProblem."""
    try:
        return paths_of(profile, environ)
    except PathsError as error:
        raise UsageProblem(str(error)) from None


@asynccontextmanager
async def open_exchange(launch: LaunchOptions, mode: Mode) -> AsyncGenerator[ExchangeHandle]:
    """Open the selected exchange; one started here runs during the block.

    In live mode it comes with the stored key. Raises StartError.
    """
    if launch.exchange_file is None and mode is Mode.PRACTICE:
        async with practice_exchange(launch.scenario, launch.seed) as endpoint:
            yield ExchangeHandle(endpoint)
        return
    endpoint = await asyncio.to_thread(selected_endpoint, launch.exchange_file, mode)
    if mode is Mode.LIVE:
        yield ExchangeHandle(*await asyncio.to_thread(with_stored_key, endpoint, launch.profile))
    else:
        yield ExchangeHandle(endpoint)


def selected_endpoint(exchange_file: Path | None, mode: Mode) -> Endpoint:
    """Return MEXC, or the exchange of a file; in paper and live mode only its addresses."""
    if exchange_file is None:
        return MEXC
    found = read_endpoint(exchange_file)
    return found if mode is Mode.PRACTICE else Endpoint(rest=found.rest, ws=found.ws, web=found.web)


def with_stored_key(endpoint: Endpoint, profile: str | None) -> tuple[Endpoint, LoadedKey]:
    """Return an exchange with the stored key of a profile. Blocks. Raises StartError."""
    from mexc_tui.host.keys.record import CredentialsError  # imported in live mode only
    from mexc_tui.host.keys.stored_keys import StoredKeys
    from mexc_tui.host.logs.handler import hide_in_logs
    from mexc_tui.host.process_hardening import forbid_core_dumps
    from mexc_tui.model.credentials import Secret

    name = profile or Mode.LIVE.value
    check_key_destination(endpoint)
    forbid_core_dumps()
    try:
        found = StoredKeys(name).load()
    except (CredentialsError, PathsError) as error:
        raise StartError(str(error)) from None
    if found is None:
        raise StartError(NO_KEY.format(profile=name))
    key, shown = found
    hide_in_logs(Secret(key.access_key), key.secret)
    signed = Endpoint(rest=endpoint.rest, ws=endpoint.ws, web=endpoint.web, api_key=key.access_key)
    return signed, LoadedKey(key, shown.expiry_text(datetime.now(UTC).date()), shown.expires_ms)


def ask_passphrase(mode: Mode, profile: str | None) -> None:
    """Let the user type the passphrase of encrypted files, before the terminal is used otherwise.

    Does nothing if the key of a live engine and the secrets of its channels are stored elsewhere. Without a
    terminal, channels whose secrets cannot be read are reported by the engine. Blocks. Raises StartError.
    """
    name = profile or mode.value
    has_channels = sys.stdin.isatty() and any((profiles_of(os.environ) / name).glob("channel-*.encrypted"))
    if mode is not Mode.LIVE and not has_channels:
        return
    from mexc_tui.host.keys.channel_secrets import ChannelSecrets
    from mexc_tui.host.keys.record import CredentialsError, StorageKind
    from mexc_tui.host.keys.stored_keys import StoredKeys

    try:
        if mode is Mode.LIVE and (keys := StoredKeys(name)).kind() is StorageKind.FILE:
            keys.load()
        elif has_channels:
            ChannelSecrets(name).unlock()
    except (CredentialsError, PathsError) as error:
        raise StartError(str(error)) from None


def check_key_destination(endpoint: Endpoint) -> None:
    """Refuse to send a real key to any host but MEXC and this machine. Raises StartError."""
    from mexc_tui.exchange.origins import is_loopback_host  # heavy, live mode only

    if endpoint is MEXC:
        return
    for url in (endpoint.rest, endpoint.ws, endpoint.web):
        if not is_loopback_host(urlsplit(url).hostname or ""):
            raise StartError(NOT_LIVE.format(url=url))
