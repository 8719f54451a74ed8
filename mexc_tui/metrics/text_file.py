"""Writes the metrics to a file for the textfile collector of Prometheus' node exporter."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

MODE = 0o640
"""Readable by the group: add the node exporter's user to it."""

log = logging.getLogger(__name__)


class MetricsFile:
    """Replaces a file regularly until cancelled. An error is logged once, and writing is tried again."""

    def __init__(self, file: Path, page: Callable[[], Awaitable[str]], every_s: Callable[[], float]) -> None:
        """`page`: returns the content; `every_s`: interval in force."""
        self._file = file
        self._page = page
        self._every_s = every_s
        self._problem = ""
        self._lock = Lock()
        """Held while the file is written or removed: a write continues in its thread after a cancellation."""
        self._is_over = False

    async def run(self) -> None:
        """Write until cancelled, then remove the file: stale metrics would look like a healthy engine."""
        try:
            while True:
                await self.write()
                await asyncio.sleep(self._every_s())
        finally:
            with self._lock, suppress(OSError):
                self._is_over = True
                self._file.unlink()

    async def write(self) -> None:
        """Write the file once. Errors are logged."""
        try:
            text = await self._page()
            await asyncio.to_thread(self._replace, text)
        except Exception as error:  # metrics must never end the engine
            problem = f"{type(error).__name__}: {error}"
            if problem != self._problem:
                log.warning("metrics were not written to %s: %s", self._file, problem)
            self._problem = problem
        else:
            self._problem = ""

    def _replace(self, text: str) -> None:
        with self._lock:
            if not self._is_over:
                replace_file(self._file, text)


def replace_file(file: Path, text: str) -> None:
    """Replace a file at once, so that no reader sees a part of it. Raises OSError."""
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            os.fchmod(opened.fileno(), MODE)
            opened.write(text)
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
