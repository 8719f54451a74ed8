"""Asks the polled sources, each at the ladder's pace and within its share of the weight."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.market.listings import Update
from mexc_tui.market.polling import Bounds, Every, Poll, affordable, plan
from mexc_tui.market.symbols import SLICE, PairChange, diff_in_slices
from mexc_tui.model.errors import ExchangeError, WebUnavailable
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.model.view import SourceRow
from mexc_tui.ports.market import Market

log = logging.getLogger(__name__)

LONGEST_SLEEP_S = 1.0
OPENING_SLEEP_S = 0.25
NO_ROOM_MS = 250
"""How soon a poll that did not fit the request budget is looked at again."""
NO_ROOM = "request budget exhausted, or address banned"
FIRST = (
    ListingSource.EXCHANGE_INFO,
    ListingSource.CALENDAR,
    ListingSource.SYMBOLS_V2,
    ListingSource.DEFAULT_SYMBOLS,
    ListingSource.SELF_SYMBOLS,
    ListingSource.ANNOUNCEMENT,
)
"""Pairs first: what the others say is understood by them."""
HEAVY = (
    ListingSource.EXCHANGE_INFO,
    ListingSource.DEFAULT_SYMBOLS,
    ListingSource.SELF_SYMBOLS,
    ListingSource.ANNOUNCEMENT,
)
"""They wait while a snipe fires; what tells that it is postponed or cancelled does not."""


@dataclass(frozen=True, slots=True)
class PollParameters:
    """How often and how much."""

    ladder: Mapping[ListingSource, Every]
    bounds: Bounds
    weight_per_10s: int


@dataclass(slots=True)
class _Health:
    read_ms: int | None = None
    failures: int = 0
    problem: str = ""
    no_room: str = ""
    """Why it was not asked for too long; empty: it was."""


class PollWorker:
    """One worker for all sources: each is asked in a task of its own, never twice at once."""

    def __init__(self, market: Market, known: KnowledgeStore, numbers: Callable[[], PollParameters]) -> None:
        self._market = market
        self._known = known
        self._numbers = numbers
        self._health = {source: _Health() for source in self._sources()}
        self._asked_ms: dict[ListingSource, int] = {}
        self._wake = asyncio.Event()
        self.is_opening: Callable[[], bool] = lambda: False
        """Whether a snipe fires about now: then sources that cost weight or time wait (performance 10)."""
        known.changed.append(self._wake.set)

    async def run(self, started: Started) -> None:
        """Read every source once, then keep at it. One that fails is asked again when it is due."""
        await self._known.load()
        for source in FIRST:
            if source in self._health:
                await self._ask(source)
        started()
        busy: dict[ListingSource, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                for source in self._due(busy):
                    self._asked_ms[source] = self._market.now_ms()
                    busy[source] = group.create_task(self._ask(source))
                await self._rest(busy)

    async def read_now(self, source: ListingSource) -> None:
        """Ask a source out of turn. What goes wrong is in `rows`, and the next turn mends it."""
        await self._ask(source)

    def rows(self) -> tuple[SourceRow, ...]:
        """Return every source for display; a doubted reading counts as a problem."""
        doubts = self._known.knowledge.doubts
        return tuple(
            SourceRow(
                source=source.value,
                read_ms=health.read_ms,
                failures=health.failures,
                problem=health.no_room or health.problem or doubts.get(source, ""),
            )
            for source, health in self._health.items()
        )

    def read_ms(self) -> dict[ListingSource, int | None]:
        """Return when each source was last read."""
        return {source: health.read_ms for source, health in self._health.items()}

    def _sources(self) -> tuple[ListingSource, ...]:
        return tuple(
            source for source in FIRST if source is not ListingSource.SELF_SYMBOLS or self._market.has_key
        )

    def _due(self, busy: Mapping[ListingSource, "asyncio.Task[None]"]) -> tuple[ListingSource, ...]:
        """Return what to ask now: what is due and fits the request budget. The rest stays due."""
        now_ms = self._market.now_ms()
        due = [poll for poll in self._waiting(busy, now_ms) if poll.due_ms <= now_ms]
        found = affordable([poll.source for poll in due], self._market.room(), self._numbers().ladder)
        for poll in due:
            self._note_room(poll, has_room=poll.source in found)
        return found

    def _waiting(self, busy: Mapping[ListingSource, "asyncio.Task[None]"], now_ms: int) -> list[Poll]:
        is_opening = self.is_opening()
        return [
            poll
            for poll in self._plan(now_ms)
            if (poll.source not in busy or busy[poll.source].done())
            and not (poll.source in HEAVY and is_opening)
        ]

    def _note_room(self, poll: Poll, *, has_room: bool) -> None:
        """Say once that a source is not asked any more; that it waits a moment for its turn is usual."""
        health = self._health[poll.source]
        if has_room or not poll.is_too_old:
            health.no_room = "" if has_room else health.no_room
            return
        if not health.no_room:
            log.warning("%s is not asked: %s", poll.source, NO_ROOM)
        health.no_room = f"not polled for {poll.late_ms // 1_000} s: {NO_ROOM}"

    async def _rest(self, busy: Mapping[ListingSource, "asyncio.Task[None]"]) -> None:
        """Wait for the next source that is due, or for news that may bring its turn forward."""
        now_ms = self._market.now_ms()
        waiting = [
            now_ms + NO_ROOM_MS if poll.due_ms <= now_ms else poll.due_ms
            for poll in self._waiting(busy, now_ms)
        ]
        longest_s = OPENING_SLEEP_S if self.is_opening() else LONGEST_SLEEP_S
        pause_s = min(longest_s, max((min(waiting, default=now_ms + 1_000) - now_ms) / 1_000, 0.01))
        self._wake.clear()
        try:
            async with asyncio.timeout(pause_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _plan(self, now_ms: int) -> tuple[Poll, ...]:
        for source, asked_ms in self._asked_ms.items():
            self._asked_ms[source] = min(asked_ms, now_ms)  # a clock that was ahead must not silence a source
        numbers = self._numbers()
        ladder = {source: every for source, every in numbers.ladder.items() if source in self._health}
        return plan(
            self._known.live(now_ms),
            now_ms,
            self._asked_ms,
            weight_per_10s=numbers.weight_per_10s,
            ladder=ladder,
            bounds=numbers.bounds,
        )

    async def _ask(self, source: ListingSource) -> None:
        health = self._health[source]
        self._asked_ms[source] = self._market.now_ms()
        try:
            await self._read(source)
        except (ExchangeError, WebUnavailable, StorageDamaged) as error:
            health.failures += 1
            health.problem = str(error)
            if health.failures & (health.failures - 1) == 0:
                log.warning("%s could not be read, time %d: %s", source, health.failures, error)
        else:
            health.failures, health.problem, health.no_room = 0, "", ""
            # What was kept over a start is as old as it is, and due as if it had been asked for then.
            health.read_ms = self._market.now_ms() - self._market.age_ms(source)
            self._asked_ms[source] = min(self._asked_ms[source], health.read_ms)

    async def _read(self, source: ListingSource) -> None:
        readers: dict[ListingSource, Callable[[], Awaitable[None]]] = {
            ListingSource.CALENDAR: self._read_calendar,
            ListingSource.SYMBOLS_V2: self._read_web_symbols,
            ListingSource.EXCHANGE_INFO: self._read_pairs,
            ListingSource.DEFAULT_SYMBOLS: self._read_default_symbols,
            ListingSource.SELF_SYMBOLS: self._read_self_symbols,
            ListingSource.ANNOUNCEMENT: self._read_announcements,
        }
        await readers[source]()

    async def _read_calendar(self) -> None:
        calendar = await self._market.calendar()
        await self._keep(self._known.knowledge.read_calendar(calendar, self._market.now_ms()))

    async def _read_web_symbols(self) -> None:
        answer = await self._market.web_symbols()
        await self._keep(self._known.knowledge.read_web_symbols(answer, self._market.now_ms()))

    async def _read_default_symbols(self) -> None:
        names = await self._market.default_symbols()
        at_ms = self._market.now_ms()
        await self._keep(self._known.knowledge.read_names(ListingSource.DEFAULT_SYMBOLS, names, at_ms))

    async def _read_self_symbols(self) -> None:
        names = await self._market.self_symbols()
        at_ms = self._market.now_ms()
        await self._keep(self._known.knowledge.read_names(ListingSource.SELF_SYMBOLS, names, at_ms))

    async def _read_announcements(self) -> None:
        headlines = await self._market.announcements()
        await self._keep(self._known.knowledge.read_announcements(headlines, self._market.now_ms()))

    async def _read_pairs(self) -> None:
        """Fold exchangeInfo in slice by slice, with the loop's turn between; stored as it is folded."""
        answer = await self._market.pairs()
        knowledge, at_ms = self._known.knowledge, self._market.now_ms()
        before = knowledge.pairs
        # A pair whose row is malformed is not gone: it stays as it was read last.
        unread = [before[row.name] for row in answer.skipped if row.name in before]
        pairs = (*answer.rows, *unread)
        changes: dict[str, PairChange] = {}
        for part in diff_in_slices(before, pairs, SLICE):
            changes.update((change.symbol, change) for change in part)
            await asyncio.sleep(0)
        # What is as it was stays the same object: then folding it in is only a look at it.
        same = [pair if pair.symbol in changes else before[pair.symbol] for pair in pairs]
        for updates in knowledge.read_pairs_in_slices(same, at_ms):
            await self._keep(updates)
            await asyncio.sleep(0)
            if self._known.knowledge is not knowledge:
                return  # it was loaded anew: the next reading is compared with that
        # Pairs that are gone, and not believed to be, are still among the known ones.
        held = knowledge.pairs
        kept = [one for one in changes.values() if (one.after is None) == (one.symbol not in held)]
        await self._known.keep((), at_ms, kept)

    async def _keep(self, updates: tuple[Update, ...]) -> None:
        await self._known.keep(updates, self._market.now_ms())
