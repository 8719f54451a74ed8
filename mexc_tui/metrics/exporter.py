"""Opens every way to read the metrics of an engine, and closes them. No failure here ends the engine."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.desk.api_types import FrontEndError
from mexc_tui.desk.private_socket import DeskSocket
from mexc_tui.metrics.engine_metrics import EngineRows, engine_metrics
from mexc_tui.metrics.exposition import exposition
from mexc_tui.metrics.http_server import MetricsServer
from mexc_tui.metrics.text_file import MetricsFile

SUFFIX = ".metrics.sock"
LONGEST_SOCKET = 103
"""Longest path of a Unix socket on all supported systems, in bytes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MetricsOptions:
    """Where metrics are offered. `port` 0: no port; `file` empty: no file."""

    port: int = 0
    file: str = ""
    every_s: float = 15.0


def metrics_socket(desk_socket: Path) -> Path:
    """Return the path of the metrics socket, beside that of the desk."""
    return desk_socket.with_suffix(SUFFIX)


class MetricsExporter:
    """Offers the metrics on a Unix socket, and as options say on a loopback port and in a file."""

    def __init__(self, rows: Callable[[], Awaitable[EngineRows]]) -> None:
        """`rows`: returns the rows of the engine."""
        self._rows = rows
        self._server = MetricsServer(self.text)
        self._writing: asyncio.Task[None] | None = None

    async def text(self) -> str:
        """Return all metrics in Prometheus text."""
        return exposition(engine_metrics(await self._rows()))

    async def open(self, desk_socket: Path, options: MetricsOptions) -> None:
        """Start. What cannot be opened is logged and left out."""
        await self._open_socket(metrics_socket(desk_socket))
        if options.port:
            try:
                await self._server.open_port(options.port)
            except OSError as error:
                log.warning("no metrics on port %d: %s", options.port, error.strerror)
        if options.file:
            file = MetricsFile(Path(options.file), self.text, lambda: options.every_s)
            self._writing = asyncio.create_task(file.run(), name="metrics file")

    async def _open_socket(self, path: Path) -> None:
        if len(str(path).encode("utf-8", "surrogateescape")) > LONGEST_SOCKET:
            log.warning("no metrics socket: its path is longer than %d bytes", LONGEST_SOCKET)
            return
        try:
            await self._server.open_socket(DeskSocket(path))
        except (FrontEndError, OSError) as error:
            log.warning("no metrics socket: %s", error)

    async def close(self) -> None:
        """Stop, and remove socket and file."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._server.close()
