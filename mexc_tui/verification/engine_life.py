"""One engine's life: counts its port calls, ends it at one of them, and leaves nothing of it behind.

A crash runs no `finally` that matters: from the moment of death every port call raises, connections are
closed behind what was written, and all of its tasks are cancelled within the same virtual instant.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from pathlib import Path
from typing import Any, Self, TypeVar

import aiohttp

from mexc_tui.host.halt_file import HaltFileOnDisk
from mexc_tui.model.trading import Trading
from mexc_tui.simulation.inline_store import InlineThread
from mexc_tui.simulation.network import Network, NetworkConnector
from mexc_tui.verification.plan import CrashPlan

T = TypeVar("T")
_LIFE: ContextVar["EngineLife | None"] = ContextVar("engine_life", default=None)
_IS_CHECK: ContextVar[bool] = ContextVar("is_check", default=False)
ROUNDS = 500
"""So often the tasks of a dead engine are cancelled; one that still runs then ends the simulation."""


class Crashed(BaseException):
    """The engine is dead. No `except Exception` of the engine may handle it."""


@contextmanager
def checking() -> Generator[None]:
    """Read the engine's store without counting it: a check is no port call of the engine."""
    token = _IS_CHECK.set(True)
    try:
        yield
    finally:
        _IS_CHECK.reset(token)


class EngineLife:
    """The port calls of one engine, and the crash that ends it."""

    def __init__(
        self, crash: CrashPlan | None, on_death: Callable[[str], None], disk_fails: Callable[[], bool]
    ) -> None:
        """`on_death` closes the engine's connections; its argument names the call.

        `disk_fails`: whether the store cannot be written at present.
        """
        self.calls = 0
        self.is_dead = False
        self.died = asyncio.Event()
        self._crash = crash
        self._on_death = on_death
        self.disk_fails = disk_fails
        self._tasks: dict[asyncio.Task[Any], None] = {}
        self._stores: list[InlineThread] = []
        self._connectors: list[NetworkConnector] = []

    @contextmanager
    def call(self, name: str) -> Generator[None]:
        """Count a port call around its effect. Ends with Crashed if the engine dies there, or is dead."""
        number = self.enter(name)
        yield
        self.leave(number, name)

    def enter(self, name: str) -> int:
        """Count a port call before its effect; return its number. Ends with Crashed."""
        if self.is_dead:
            raise Crashed
        if _IS_CHECK.get():
            return 0
        self.calls += 1
        crash = self._crash
        if crash is not None and self.calls == crash.at_call and not crash.is_after:
            self.end(f"before {name}")
            raise Crashed
        return self.calls

    def leave(self, number: int, name: str) -> None:
        """End the call after its effect. Ends with Crashed if the engine dies there."""
        crash = self._crash
        if crash is not None and number == crash.at_call and crash.is_after and not self.is_dead:
            self.end(f"after {name}")
            raise Crashed

    def end(self, name: str) -> None:
        """End the life now."""
        self.is_dead = True
        self._on_death(name)
        self.died.set()

    def start(self, main: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run the engine as a task; every task that it creates belongs to this life."""
        context = copy_context()
        context.run(_LIFE.set, self)
        return asyncio.get_running_loop().create_task(main, name=name, context=context)

    @property
    def tasks(self) -> int:
        """Return the number of its tasks."""
        return len(self._tasks)

    def own(self, task: asyncio.Task[Any]) -> None:
        """Add a task to this life."""
        self._tasks[task] = None
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.pop(task, None)
        if self.is_dead and not task.cancelled():
            task.exception()  # retrieved: nobody is left to do it

    def own_store(self, store: InlineThread) -> None:
        """Add an open database to this life."""
        self._stores.append(store)

    def connector(self, network: Network) -> aiohttp.BaseConnector:
        """Return a connector of this life."""
        connector = network.connector()
        self._connectors.append(connector)
        return connector

    async def bury(self) -> None:
        """Cancel what is left of a dead engine until nothing of it runs."""
        for _ in range(ROUNDS):
            tasks = list(self._tasks)
            if not tasks:
                break
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)
        else:
            raise RuntimeError(
                f"tasks of a dead engine do not end: {[one.get_name() for one in self._tasks]}"
            )
        for store in self._stores:
            store.abandon()
        for connector in self._connectors:
            connector.abandon()
            await connector.close()


def own_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Have the loop add each new task to the life whose context it is created in."""

    def factory(
        loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T], context: Any = None
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coroutine, loop=loop, context=context)
        life = _LIFE.get() if context is None else context.get(_LIFE)
        if life is not None:
            life.own(task)
        return task

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not isinstance(context.get("exception"), Crashed) and not _is_lost_request(context):
            loop.default_exception_handler(context)

    loop.set_task_factory(factory)  # pyright: ignore[reportArgumentType]
    loop.set_exception_handler(handle)


def _is_lost_request(context: dict[str, Any]) -> bool:
    """Whether aiohttp's server began a request on a connection that was lost: it fails harmlessly."""
    return "coro=<RequestHandler.start()" in repr(context.get("future")) and isinstance(
        context.get("exception"), TypeError
    )


def store_of(life: EngineLife) -> type[InlineThread]:
    """Return the store of a life: each unit of work is one port call."""

    class LifeThread(InlineThread):
        is_read_only = False

        @classmethod
        async def opened(cls, connector: Callable[[], sqlite3.Connection]) -> Self:
            with life.call("open store"):
                store = await super().opened(connector)
            life.own_store(store)
            return store

        def submit(self, function: Callable[[sqlite3.Connection], T]) -> asyncio.Future[T]:
            with life.call("store"):
                if self.is_read_only is not (fails := life.disk_fails()):
                    self.is_read_only = fails
                    super().submit(lambda connection: connection.execute(f"PRAGMA query_only = {int(fails)}"))
                return super().submit(function)

    return LifeThread


def halt_file_of(life: EngineLife) -> Callable[[Path, str], HaltFileOnDisk]:
    """Return the halt file of a life: each write is one port call."""

    class LifeHaltFile(HaltFileOnDisk):
        def write(self, trading: Trading) -> None:
            with life.call("halt file"):
                super().write(trading)

        def clear(self) -> None:
            with life.call("halt file"):
                super().clear()

    return LifeHaltFile
