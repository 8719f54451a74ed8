"""Inputs of an engine: exchange, paths, settings, network and clock."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp

from mexc_tui.app.endpoints import LoadedKey
from mexc_tui.app.notify_composition import SecretOf
from mexc_tui.app.paper import Serve
from mexc_tui.engine.safety.trading_state import HaltFile
from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.host.keys.channel_secrets import stored_secret
from mexc_tui.host.paths import Paths
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.ports.clock import Clock
from mexc_tui.practice.server import served
from mexc_tui.settings.load import Layers
from mexc_tui.store.sqlite.thread import SqliteThread


def real_sockets() -> None:
    """Return no connector: connections use the sockets of the system."""


@dataclass(frozen=True, slots=True)
class EngineEnvironment:
    """Clock, randomness, network and servers of an engine; a simulation replaces them."""

    clock: Clock
    rng: Random
    connector: Callable[[], aiohttp.BaseConnector | None] = real_sockets
    """Creates a connector for each transport; None: real sockets."""
    thread: type[SqliteThread] = SqliteThread
    serve: Serve = served
    """Serves the paper exchange."""
    halt_file: Callable[[Path, str], HaltFile] = HaltFileOnDisk
    """Makes the halt file of a folder and a scope."""
    channel_secret: SecretOf = stored_secret
    """Returns the secrets of notification channels."""
    has_desk: bool = True
    """Whether front ends can attach."""

    @property
    def network(self) -> str:
        """Return the name of a simulated network; empty: the real one."""
        return "" if self.connector is real_sockets else f"-simulated-{os.getpid()}"


@dataclass(frozen=True, slots=True)
class EngineLocation:
    """Exchange, paths and settings of an engine. `layers`: settings above the file."""

    endpoint: Endpoint
    is_practice: bool
    paths: Paths
    layers: Layers = field(default_factory=Layers)
    key: LoadedKey | None = None
    """None: the key of the endpoint, as in practice mode."""
