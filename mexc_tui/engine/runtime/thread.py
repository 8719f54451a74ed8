"""Runs an engine in its own thread and event loop, so that a busy screen never delays it."""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)

Main = Callable[[asyncio.Event], Coroutine[Any, Any, int]]
"""Runs until the event is set or the work is done; returns an exit code."""


class EngineThread:
    """Thread of one engine. Every method may be called from another thread."""

    def __init__(self, main: Main, name: str = "engine") -> None:
        """Prepare the thread; `start` runs it."""
        self._main = main
        self._thread = threading.Thread(target=self._run, name=name)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_event: asyncio.Event | None = None
        self._lock = threading.RLock()  # a signal handler may call `stop` while it is held
        self._is_stop_requested = False
        self._has_ended = False
        self._listeners: list[Callable[[], None]] = []
        self._code: int | None = None
        self._error: BaseException | None = None

    def start(self) -> None:
        """Start the thread; returns at once."""
        self._thread.start()

    def on_end(self, call: Callable[[], None]) -> None:
        """Call `call` in the engine's thread when it ends; immediately if it has ended."""
        with self._lock:
            if not self._has_ended:
                self._listeners.append(call)
                return
        call()

    def stop(self) -> None:
        """Request a graceful stop; returns at once. Repeated calls have no effect."""
        with self._lock:
            self._is_stop_requested = True
            if self._loop is not None and self._stop_event is not None:
                self._loop.call_soon_threadsafe(self._stop_event.set)

    def join(self, timeout_s: float | None = None) -> int | None:
        """Wait for the thread; return its exit code, None: still running. Raises the error that ended it."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return None
        if self._error is not None:
            raise self._error
        return self._code

    def _run(self) -> None:
        try:
            with asyncio.Runner() as runner:
                self._code = runner.run(self._run_main())
        except BaseException as error:  # raised again by `join`
            log.error("the engine's thread ended: %s", error)
            self._error = error
        finally:
            with self._lock:
                self._has_ended, listeners = True, self._listeners
            for call in listeners:
                call()

    async def _run_main(self) -> int:
        stop_event = asyncio.Event()
        with self._lock:
            self._loop, self._stop_event = asyncio.get_running_loop(), stop_event
            if self._is_stop_requested:
                stop_event.set()
        try:
            return await self._main(stop_event)
        finally:
            with self._lock:
                self._loop = self._stop_event = None
