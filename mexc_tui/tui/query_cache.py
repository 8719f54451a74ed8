"""Cache of repeated queries of screens, with the age and the last problem of each result."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from mexc_tui.desk.api_types import CommandKind, CommandOutcome, FrontEndError, Reply

log = logging.getLogger(__name__)

Args = TypeVar("Args", bound=msgspec.Struct)
Result = TypeVar("Result", covariant=True)
Got = TypeVar("Got")

DEADLINE_S = 10.0
MAX_KEPT = 64
"""Maximum results; the least recently used one is dropped first."""


class SendCommand(Protocol):
    """Sends a command or query to the engine (`DeskClient.send`)."""

    async def __call__(
        self, kind: CommandKind[Args, Got], args: Args, *, deadline_s: float, command_id: str | None = None
    ) -> Reply[Got]:
        """Send it and return the reply. Raises FrontEndError."""
        ...


@dataclass(frozen=True, slots=True)
class QueryResponse(Generic[Result]):
    """A result. `problem` is the reason why there is no newer one."""

    result: Result | None = None
    problem: str = ""
    queried_s: float | None = None
    """Time of the last query, loop clock; None: query again now."""
    as_of_s: float | None = None
    """Lower bound of the time of the result, loop clock; None: no result yet."""
    as_of_ms: int = 0
    """The same as exchange time."""


Key = tuple[str, msgspec.Struct]
NO_RESPONSE: QueryResponse[Any] = QueryResponse()


class QueryCache:
    """Repeats the queries of shown panes, each at its own interval. Runs in the screen's loop."""

    def __init__(self, send: SendCommand, now_ms: Callable[[], int]) -> None:
        """Query with `send`; `now_ms` returns exchange time."""
        self._send, self._now_ms = send, now_ms
        self._responses: dict[Key, QueryResponse[Any]] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._listeners: list[Callable[[msgspec.Struct], None]] = []

    def on_change(self, listener: Callable[[msgspec.Struct], None]) -> None:
        """Call `listener` with the query when a result arrives."""
        self._listeners.append(listener)

    def latest(self, kind: CommandKind[Args, Got], args: Args, every_s: float) -> QueryResponse[Got]:
        """Return the newest result without waiting; query again if it is older than `every_s`."""
        key = kind.name, args
        response = self._responses.pop(key, NO_RESPONSE)
        self._responses[key] = response
        now_s = asyncio.get_running_loop().time()
        if key not in self._tasks and (response.queried_s is None or now_s - response.queried_s >= every_s):
            self._tasks[key] = asyncio.create_task(self._query(key, kind, args), name=f"query {kind.name}")
        return response

    def forget(self, kind: CommandKind[Any, Any]) -> None:
        """Query again at the next use: a command changed the result."""
        for key in [key for key in self._responses if key[0] == kind.name]:
            response = self._responses[key]
            self._responses[key] = replace(response, queried_s=None)

    async def close(self) -> None:
        """Stop all queries."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _query(self, key: Key, kind: CommandKind[Args, Got], args: Args) -> None:
        result, problem, age_ms = None, "", 0
        queried_s, queried_ms = asyncio.get_running_loop().time(), self._now_ms()
        try:
            reply = await self._send(kind, args, deadline_s=DEADLINE_S)
            result, age_ms = reply.result, reply.age_ms
            if reply.outcome is not CommandOutcome.DONE or result is None:
                problem = reply.message or f"The engine responded: {reply.outcome.value}."
        except FrontEndError as error:
            problem = str(error)
        finally:
            del self._tasks[key]
        before = self._responses.pop(key, NO_RESPONSE)
        if result is None:
            self._responses[key] = replace(before, problem=problem, queried_s=queried_s)
        else:
            self._responses[key] = QueryResponse(
                result, problem, queried_s, queried_s - age_ms / 1_000, queried_ms - age_ms
            )
        while len(self._responses) > MAX_KEPT:
            del self._responses[next(iter(self._responses))]
        for listener in self._listeners:
            listener(args)
