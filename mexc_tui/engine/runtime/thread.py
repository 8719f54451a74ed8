"""Runs an engine in a thread and an event loop of its own, so that a busy screen never delays it."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

Main = Callable[[asyncio.Event], Coroutine[Any, Any, int]]
"""Runs until the event is set, or until it is done by itself; returns an exit code."""


class EngineThread:
    """One engine beside a screen. Every method may be called from the screen's thread."""

    def __init__(self, main: Main, name: str = "engine") -> None:
        """Start nothing yet."""
        self._main = main
        self._thread = threading.Thread(target=self._run, name=name)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: asyncio.Event | None = None
        self._lock = threading.RLock()  # a signal may ask for the stop while this thread holds it
        self._stop_early = False
        self._has_ended = False
        self._listeners: list[Callable[[], None]] = []
        self._code: int | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._thread.start()

    def when_ended(self, call: Callable[[], None]) -> None:
        """Call once the engine has ended, in its thread; at once if it has."""
        with self._lock:
            if not self._has_ended:
                self._listeners.append(call)
                return
        call()

    def stop(self) -> None:
        """Ask for an ordered stop; returns at once. Asked again, or after the end, it does nothing."""
        with self._lock:
            self._stop_early = True
            if self._loop is not None and self._told is not None:
                self._loop.call_soon_threadsafe(self._told.set)

    def join(self, timeout_s: float | None = None) -> int | None:
        """Wait for the end; return the exit code, None if it still runs then. Raises what ended it."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return None
        if self._error is not None:
            raise self._error
        return self._code

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                self._code = runner.run(self._live())
        except BaseException as error:  # it is raised again in whoever joins
            log.error("the engine's thread ended: %s", error)
            self._error = error
        finally:
            with self._lock:
                self._has_ended, listeners = True, self._listeners
            for call in listeners:
                call()

    async def _live(self) -> int:
        told = asyncio.Event()
        with self._lock:
            self._loop, self._told = asyncio.get_running_loop(), told
            if self._stop_early:
                told.set()
        try:
            return await self._main(told)
        finally:
            with self._lock:
                self._loop = self._told = None
