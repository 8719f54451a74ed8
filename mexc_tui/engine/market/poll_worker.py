"""Polls the listing sources, each at its current interval and within the request budget."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from mexc_tui.engine.market.knowledge_store import KnowledgeStore
from mexc_tui.engine.runtime.supervisor import Started
from mexc_tui.market.listings import ListingUpdate
from mexc_tui.market.polling import Bounds, Poll, PollInterval, affordable, plan
from mexc_tui.market.symbols import SLICE, PairChange, diff_in_slices
from mexc_tui.model.errors import ExchangeError, WebUnavailable
from mexc_tui.model.listing import ListingSource
from mexc_tui.model.storage import StorageDamaged
from mexc_tui.model.view import SourceRow
from mexc_tui.ports.market import Market

log = logging.getLogger(__name__)

LONGEST_SLEEP_S = 1.0
OPENING_SLEEP_S = 0.25
BUDGET_RETRY_MS = 250
"""How soon a poll that did not fit the request budget is retried."""
BUDGET_EXHAUSTED = "request budget exhausted, or address banned"
FIRST = (
    ListingSource.EXCHANGE_INFO,
    ListingSource.CALENDAR,
    ListingSource.SYMBOLS_V2,
    ListingSource.DEFAULT_SYMBOLS,
    ListingSource.SELF_SYMBOLS,
    ListingSource.ANNOUNCEMENT,
)
"""Order of the first polls: pairs first, because the other sources refer to them."""
HEAVY = (
    ListingSource.EXCHANGE_INFO,
    ListingSource.DEFAULT_SYMBOLS,
    ListingSource.SELF_SYMBOLS,
    ListingSource.ANNOUNCEMENT,
)
"""Paused while a snipe fires; sources that announce a postponement or cancellation are not."""


@dataclass(frozen=True, slots=True)
class PollParameters:
    """Poll intervals and request budget."""

    ladder: Mapping[ListingSource, PollInterval]
    bounds: Bounds
    weight_per_10s: int


@dataclass(slots=True, kw_only=True)
class _SourceState:
    read_ms: int | None = None
    failures: int = 0
    problem: str = ""
    overdue: str = ""
    """Why it is overdue; empty: it is not."""


class PollWorker:
    """Worker that polls all sources, each in its own task and never concurrently with itself."""

    def __init__(
        self,
        *,
        market: Market,
        knowledge_store: KnowledgeStore,
        parameters: Callable[[], PollParameters],
        is_opening: Callable[[], bool] = lambda: False,
    ) -> None:
        """`is_opening`: whether a snipe is firing, which pauses expensive sources (performance 10)."""
        self._market = market
        self._knowledge_store = knowledge_store
        self._parameters = parameters
        self.is_opening = is_opening
        self._states = {source: _SourceState() for source in self._sources()}
        self._polled_ms: dict[ListingSource, int] = {}
        self._wake = asyncio.Event()
        knowledge_store.on_change(self._wake.set)

    async def run(self, started: Started) -> None:
        """Poll every source once, then at its interval. A failed source is polled again when due."""
        await self._knowledge_store.load()
        for source in FIRST:
            if source in self._states:
                await self._poll(source)
        started()
        busy: dict[ListingSource, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                for source in self._due(busy):
                    self._polled_ms[source] = self._market.now_ms()
                    busy[source] = group.create_task(self._poll(source))
                await self._wait_until_due(busy)

    async def poll_now(self, source: ListingSource) -> None:
        """Poll a source immediately. A failure shows in `rows`; the next poll retries."""
        await self._poll(source)

    def rows(self) -> tuple[SourceRow, ...]:
        """Return the state of every source; an implausible response counts as a problem."""
        implausible = self._knowledge_store.knowledge.doubts
        return tuple(
            SourceRow(
                source=source.value,
                read_ms=state.read_ms,
                failures=state.failures,
                problem=state.overdue or state.problem or implausible.get(source, ""),
            )
            for source, state in self._states.items()
        )

    def read_ms(self) -> dict[ListingSource, int | None]:
        """Return when each source was last read, exchange time."""
        return {source: state.read_ms for source, state in self._states.items()}

    def _sources(self) -> tuple[ListingSource, ...]:
        return tuple(
            source for source in FIRST if source is not ListingSource.SELF_SYMBOLS or self._market.has_key
        )

    def _due(self, busy: Mapping[ListingSource, "asyncio.Task[None]"]) -> tuple[ListingSource, ...]:
        """Return the sources that are due and fit the request budget. The rest stays due."""
        now_ms = self._market.now_ms()
        due = [poll for poll in self._waiting(busy, now_ms) if poll.due_ms <= now_ms]
        chosen = affordable([poll.source for poll in due], self._market.room(), self._parameters().ladder)
        for poll in due:
            self._update_overdue(poll, is_affordable=poll.source in chosen)
        return chosen

    def _waiting(self, busy: Mapping[ListingSource, "asyncio.Task[None]"], now_ms: int) -> list[Poll]:
        is_opening = self.is_opening()
        return [
            poll
            for poll in self._plan(now_ms)
            if (poll.source not in busy or busy[poll.source].done())
            and not (poll.source in HEAVY and is_opening)
        ]

    def _update_overdue(self, poll: Poll, *, is_affordable: bool) -> None:
        """Mark a source whose data is too old and log it once; a short wait for budget is normal."""
        state = self._states[poll.source]
        if is_affordable or not poll.is_too_old:
            state.overdue = "" if is_affordable else state.overdue
            return
        if not state.overdue:
            log.warning("%s is not polled: %s", poll.source, BUDGET_EXHAUSTED)
        state.overdue = f"not polled for {poll.late_ms // 1_000} s: {BUDGET_EXHAUSTED}"

    async def _wait_until_due(self, busy: Mapping[ListingSource, "asyncio.Task[None]"]) -> None:
        """Wait until a source is due, or a changed listing may have brought one forward."""
        now_ms = self._market.now_ms()
        waiting = [
            now_ms + BUDGET_RETRY_MS if poll.due_ms <= now_ms else poll.due_ms
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
        for source, polled_ms in self._polled_ms.items():
            self._polled_ms[source] = min(polled_ms, now_ms)  # after a clock correction backwards
        parameters = self._parameters()
        ladder = {source: every for source, every in parameters.ladder.items() if source in self._states}
        return plan(
            self._knowledge_store.live(now_ms),
            now_ms,
            self._polled_ms,
            weight_per_10s=parameters.weight_per_10s,
            ladder=ladder,
            bounds=parameters.bounds,
        )

    async def _poll(self, source: ListingSource) -> None:
        state = self._states[source]
        self._polled_ms[source] = self._market.now_ms()
        try:
            await self._read(source)
        except (ExchangeError, WebUnavailable, StorageDamaged) as error:
            state.failures += 1
            state.problem = str(error)
            if state.failures & (state.failures - 1) == 0:
                log.warning("%s could not be read (failure %d): %s", source, state.failures, error)
        else:
            state.failures, state.problem, state.overdue = 0, "", ""
            # A response cached before a restart keeps its age, which decides when it is due again.
            state.read_ms = self._market.now_ms() - self._market.age_ms(source)
            self._polled_ms[source] = min(self._polled_ms[source], state.read_ms)

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
        await self._save(self._knowledge_store.knowledge.read_calendar(calendar, self._market.now_ms()))

    async def _read_web_symbols(self) -> None:
        response = await self._market.web_symbols()
        await self._save(self._knowledge_store.knowledge.read_web_symbols(response, self._market.now_ms()))

    async def _read_default_symbols(self) -> None:
        names = await self._market.default_symbols()
        at_ms = self._market.now_ms()
        await self._save(
            self._knowledge_store.knowledge.read_names(ListingSource.DEFAULT_SYMBOLS, names, at_ms)
        )

    async def _read_self_symbols(self) -> None:
        names = await self._market.self_symbols()
        at_ms = self._market.now_ms()
        await self._save(self._knowledge_store.knowledge.read_names(ListingSource.SELF_SYMBOLS, names, at_ms))

    async def _read_announcements(self) -> None:
        headlines = await self._market.announcements()
        await self._save(self._knowledge_store.knowledge.read_announcements(headlines, self._market.now_ms()))

    async def _read_pairs(self) -> None:
        """Apply exchangeInfo in slices, yielding to the event loop in between; each slice is stored."""
        response = await self._market.pairs()
        knowledge, at_ms = self._knowledge_store.knowledge, self._market.now_ms()
        before = knowledge.pairs
        # A pair with a malformed row is not delisted: it keeps its previous version.
        unread = [before[row.name] for row in response.skipped if row.name in before]
        pairs = (*response.rows, *unread)
        changes: dict[str, PairChange] = {}
        for part in diff_in_slices(before, pairs, SLICE):
            changes.update((change.symbol, change) for change in part)
            await asyncio.sleep(0)
        # An unchanged pair stays the same object, so that applying it costs one comparison.
        current = [pair if pair.symbol in changes else before[pair.symbol] for pair in pairs]
        for updates in knowledge.read_pairs_in_slices(current, at_ms):
            await self._save(updates)
            await asyncio.sleep(0)
            if self._knowledge_store.knowledge is not knowledge:
                return  # reloaded meanwhile: the next poll compares with the new state
        # A removal that was judged implausible left its pair in place: it is not stored.
        now = knowledge.pairs
        accepted = [
            change for change in changes.values() if (change.after is None) == (change.symbol not in now)
        ]
        await self._knowledge_store.save((), at_ms, accepted)

    async def _save(self, updates: tuple[ListingUpdate, ...]) -> None:
        await self._knowledge_store.save(updates, self._market.now_ms())
