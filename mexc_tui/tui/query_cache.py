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
MOST_KEPT = 64
"""Maximum results; the least recently used one is dropped first."""


class SendCommand(Protocol):
    """Sends a command or query to the engine (`DeskClient.give`)."""

    async def __call__(
        self, kind: CommandKind[Args, Got], args: Args, *, deadline_s: float, command_id: str | None = None
    ) -> Reply[Got]:
        """Send it and return the reply. Raises FrontEndError."""
        ...


@dataclass(frozen=True, slots=True)
class QueryAnswer(Generic[Result]):
    """A result. `problem` is the reason why there is no newer one."""

    result: Result | None = None
    problem: str = ""
    at_s: float | None = None
    """Time of the last query, loop clock; None: query again now."""
    of_s: float | None = None
    """Lower bound of the time of the result, loop clock; None: no result yet."""
    of_ms: int = 0
    """The same as exchange time."""


Key = tuple[str, msgspec.Struct]
NOT_YET: QueryAnswer[Any] = QueryAnswer()


class QueryCache:
    """Repeats the queries of shown panes, each at its own interval. Runs in the screen's loop."""

    def __init__(self, give: SendCommand, now_ms: Callable[[], int]) -> None:
        """Query with `give`; `now_ms` returns exchange time."""
        self._give, self._now_ms = give, now_ms
        self._heard: dict[Key, QueryAnswer[Any]] = {}
        self._asking: dict[Key, asyncio.Task[None]] = {}
        self._listeners: list[Callable[[msgspec.Struct], None]] = []

    def on_change(self, listener: Callable[[msgspec.Struct], None]) -> None:
        """Call `listener` with the query when a result arrives."""
        self._listeners.append(listener)

    def latest(self, kind: CommandKind[Args, Got], args: Args, every_s: float) -> QueryAnswer[Got]:
        """Return the newest result without waiting; query again if it is older than `every_s`."""
        key = kind.name, args
        heard = self._heard.pop(key, NOT_YET)
        self._heard[key] = heard
        now_s = asyncio.get_running_loop().time()
        if key not in self._asking and (heard.at_s is None or now_s - heard.at_s >= every_s):
            self._asking[key] = asyncio.create_task(self._ask(key, kind, args), name=f"query {kind.name}")
        return heard

    def forget(self, kind: CommandKind[Any, Any]) -> None:
        """Query again at the next use: a command changed the result."""
        for key in [key for key in self._heard if key[0] == kind.name]:
            heard = self._heard[key]
            self._heard[key] = replace(heard, at_s=None)

    async def close(self) -> None:
        """Stop all queries."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, key: Key, kind: CommandKind[Args, Got], args: Args) -> None:
        result, problem, age_ms = None, "", 0
        asked_s, asked_ms = asyncio.get_running_loop().time(), self._now_ms()
        try:
            reply = await self._give(kind, args, deadline_s=DEADLINE_S)
            result, age_ms = reply.result, reply.age_ms
            if reply.outcome is not CommandOutcome.DONE or result is None:
                problem = reply.words or f"The engine responded: {reply.outcome.value}."
        except FrontEndError as error:
            problem = str(error)
        finally:
            del self._asking[key]
        before = self._heard.pop(key, NOT_YET)
        if result is None:
            self._heard[key] = replace(before, problem=problem, at_s=asked_s)
        else:
            self._heard[key] = QueryAnswer(
                result, problem, asked_s, asked_s - age_ms / 1_000, asked_ms - age_ms
            )
        while len(self._heard) > MOST_KEPT:
            del self._heard[next(iter(self._heard))]
        for listener in self._listeners:
            listener(args)
