"""An in-memory network under real aiohttp, client and server: no socket, DNS or TLS, faults at byte level."""

import asyncio
import errno
import socket
from collections import deque
from contextvars import copy_context
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING
from weakref import ref

import aiohttp
from aiohttp import web
from aiohttp.connector import Connection

from mexc_tui.simulation.wire import Direction, WireEnd, join

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.client_reqrep import ClientRequest
    from aiohttp.tracing import Trace

LATENCY_S = (0.001, 0.001)
HISTORY = 40


class Host:
    """A server on the network, and the faults of the path to it. Faults affect all its connections."""

    def __init__(self, *, network: "Network", name: str, port: int, runner: web.AppRunner) -> None:
        self.name = name
        self.port = port
        self.latency_s: tuple[float, float] = LATENCY_S
        """One-way latency: uniform between the two, drawn for each piece of data; order is preserved."""
        self.refusing = False
        """Whether new connections are refused."""
        self.reset_after: dict[Direction, int] = {}
        """Reset a connection after this many bytes in that direction."""
        self.lost: set[Direction] = set()
        """Directions that are cut; changed by `lose` and `heal`."""
        self.ends: list[WireEnd] = []
        """Client ends of the open connections, oldest first."""
        self.connected = 0
        """Number of connections since the start."""
        self.on_client_write: Callable[[bytes], None] | None = None
        """Called before a client's bytes leave; what it raises keeps them back."""
        self.after_client_write: Callable[[], None] | None = None
        self._context = copy_context()
        self._network = network
        self._runner = runner
        self._healed = asyncio.Event()
        self._healed.set()

    def lose(self, *directions: Direction) -> None:
        """Cut these directions (default: both): nothing arrives until `heal`, without an error."""
        self.lost.update(directions or Direction)
        self._healed.clear()

    def heal(self) -> None:
        """Restore the directions. Data sent meanwhile arrives now, like TCP retransmissions."""
        self.lost.clear()
        self._healed.set()
        for end in self.ends:
            end.wake()
            end.peer.wake()

    def reset(self) -> None:
        """Reset every open connection."""
        for end in list(self.ends):
            end.reset()

    def draw_latency_s(self) -> float:
        """Return the latency of the next piece of data."""
        low_s, high_s = self.latency_s
        return low_s if low_s == high_s else self._network.rng.uniform(low_s, high_s)

    def note(self, number: int, what: str, size: int) -> None:
        """Write a line of the network's history."""
        self._network.note(f"{self.name}:{self.port} #{number} {what} {size}")

    async def open(self, factory: "Callable[[], ResponseHandler]", *, tls: bool) -> "ResponseHandler":
        """Connect a client protocol to this server; `OSError` if it refuses."""
        await asyncio.sleep(2 * self.draw_latency_s())
        await self._healed.wait()
        server = self._runner.server
        if self.refusing or server is None:
            self.note(0, "refused", 0)
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"{self.name}:{self.port} refuses connections")
        self.connected += 1
        client = factory()
        protocol = self._context.run(server)
        end = join(self, self.connected, client, server=protocol, tls=tls, context=self._context)
        self.note(self.connected, "open", 0)
        self.ends.append(end)
        return client

    async def stop(self) -> None:
        """Shut the server down."""
        self.refusing = True
        await self._runner.cleanup()
        self.reset()


class Network:
    """Hosts by name and port, and a connector for their production URLs."""

    def __init__(self, seed: int = 0) -> None:
        self.rng = Random(seed)
        self._hosts: dict[tuple[str, int], Host] = {}
        self._hash = blake2b(digest_size=16)
        self._history: deque[str] = deque(maxlen=HISTORY)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connectors: list[NetworkConnector] = []

    async def serve(self, name: str, port: int, app: web.Application) -> Host:
        """Serve an application as `http(s)://name:port`; for https and wss that is port 443."""
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        host = Host(network=self, name=name, port=port, runner=runner)
        self._hosts[name, port] = host
        return host

    def find(self, name: str, port: int) -> Host:
        """Return the host, or raise the error of a failed look-up or connection."""
        host = self._hosts.get((name, port))
        if host is not None:
            return host
        if any(known == name for known, _ in self._hosts):
            raise ConnectionRefusedError(errno.ECONNREFUSED, f"nothing listens on {name}:{port}")
        raise socket.gaierror(socket.EAI_NONAME, f"{name} is not on this network")

    def connector(self, *, limit: int = 100, limit_per_host: int = 0) -> "NetworkConnector":
        """Return a new connector for an `aiohttp.ClientSession`."""
        connector = NetworkConnector(self, limit=limit, limit_per_host=limit_per_host)
        self._connectors.append(connector)
        return connector

    def note(self, line: str) -> None:
        """Add a line to the history; a simulation can add its own."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()  # later notes may come from a worker thread
        line = f"{self._loop.time():.9f} {line}"
        self._hash.update(line.encode() + b"\n")
        self._history.append(line)

    def trace_hash(self) -> str:
        """Return a digest of the history: equal for equal seeds, in every process."""
        return self._hash.hexdigest()

    def history(self) -> list[str]:
        """Return the last lines of the history, to be shown with a failing seed."""
        return list(self._history)

    async def close(self) -> None:
        """Close every connector and stop every server."""
        for connector in self._connectors:
            await connector.close()
        for host in self._hosts.values():
            host.heal()
            await host.stop()


class NetworkConnector(aiohttp.BaseConnector):
    """Connects aiohttp's client to a host of the network, by one private method of its connector."""

    def __init__(self, network: Network, *, limit: int, limit_per_host: int) -> None:
        # aiohttp measures an idle connection's age with the real clock: no age limit here.
        super().__init__(limit=limit, limit_per_host=limit_per_host, keepalive_timeout=None)
        self._network = network
        self._used: list[ref[Connection]] = []

    async def connect(
        self, req: "ClientRequest", traces: "list[Trace]", timeout: aiohttp.ClientTimeout
    ) -> Connection:
        """Get a connection from the pool or create one."""
        connection = await super().connect(req, traces, timeout)
        self._used = [one for one in self._used if one() is not None]
        self._used.append(ref(connection))
        return connection

    def abandon(self) -> None:
        """Close what requests that nobody continues still use; aiohttp would do it when it is collected."""
        for one in self._used:
            if (connection := one()) is not None:
                connection.close()

    async def _create_connection(
        self, req: "ClientRequest", traces: "list[Trace]", timeout: aiohttp.ClientTimeout
    ) -> "ResponseHandler":
        key = req.connection_key
        try:
            host = self._network.find(key.host, key.port or 0)
            async with asyncio.timeout(timeout.sock_connect):
                return await host.open(self._factory, tls=key.is_ssl)
        except TimeoutError:
            raise
        except socket.gaierror as error:
            raise aiohttp.ClientConnectorDNSError(key, error) from error
        except OSError as error:
            raise aiohttp.ClientConnectorError(key, error) from error
