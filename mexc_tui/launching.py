"""What a command line says of mode, exchange and profile: one meaning for an engine, a screen and `watch`."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.bootstrap import MEXC, StartError, practice_exchange, read_endpoint
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.mode import Mode
from mexc_tui.paths import Paths, PathsError, paths_of
from mexc_tui.settings.file import read_file
from mexc_tui.settings.layers import Unreadable, environment_layer, flag_layer
from mexc_tui.settings.load import Layers, SettingsError, load, mistakes

LIVE_LOCKED = (
    "Live trading is locked: there is no key of MEXC in the keyring, and this version can neither store "
    "nor unlock one. Nothing was started. Next step: --mode paper trades on paper with MEXC's "
    "own data, without any key."
)


class WrongUsage(Exception):
    """A command line that contradicts itself; the text says how."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What the command line says."""

    mode: str | None
    scenario: str
    seed: int
    exchange_file: Path | None
    profile: str | None
    until_done: bool = False
    assignments: tuple[str, ...] = ()
    """Settings as NAME=VALUE."""
    as_json: bool = False
    """Whether the report is for programs."""


def layers_of(launch: Launch, environ: Mapping[str, str]) -> Layers:
    """Return the places above the settings file. Raises WrongUsage for a flag that is wrong by itself."""
    try:
        flags = flag_layer({"mode": launch.mode}, launch.assignments)
    except Unreadable as error:
        raise WrongUsage(str(error)) from None
    problems = mistakes(flags)
    if problems:
        raise WrongUsage(str(SettingsError(problems)))
    return Layers(flags=flags, environment=environment_layer(environ))


def mode_of(launch: Launch, layers: Layers, environ: Mapping[str, str]) -> Mode:
    """Return the mode: a flag, a variable or the settings file names it.

    Raises SettingsError, StartError or WrongUsage.
    """
    file = read_file(places_of(launch.profile or "any", environ).settings)
    mode = load(Layers(layers.flags, layers.environment, file)).settings.mode
    if mode is Mode.LIVE:
        raise StartError(LIVE_LOCKED)
    if mode is Mode.PAPER and launch.until_done:
        raise WrongUsage("--until-done goes with --mode practice: a day on MEXC is never over.")
    return mode


def places_of(profile: str, environ: Mapping[str, str]) -> Paths:
    """Return the places of a profile. Raises WrongUsage."""
    try:
        return paths_of(profile, environ)
    except PathsError as error:
        raise WrongUsage(str(error)) from None


@asynccontextmanager
async def endpoint_of(launch: Launch, mode: Mode) -> AsyncGenerator[Endpoint]:
    """Lend the exchange that was chosen; a practice exchange of our own lives as long as the block runs."""
    if launch.exchange_file is not None:
        endpoint = await asyncio.to_thread(read_endpoint, launch.exchange_file)
        # On paper it stands in for MEXC: public data alone, no key, no world.
        is_practice = mode is Mode.PRACTICE
        yield endpoint if is_practice else Endpoint(endpoint.rest, endpoint.ws, endpoint.web)
    elif mode is Mode.PAPER:
        yield MEXC
    else:
        async with practice_exchange(launch.scenario, launch.seed) as endpoint:
            yield endpoint
