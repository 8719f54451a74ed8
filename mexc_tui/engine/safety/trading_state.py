"""The one trading state: what a person or the guard decided and is kept, and what lifts itself."""

import asyncio
import errno
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import msgspec

from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.model.storage import StorageError, StorageFull
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.risk import state
from mexc_tui.risk.state import Transition

log = logging.getLogger(__name__)

WRITE_S = 5.0
"""Acting goes on after this time, written down or not."""
HALTS = (TradingState.HALTED, TradingState.FLATTENING)


class HaltFile(Protocol):
    """A second place for a halt, beside the store: either alone keeps it over a restart. Raises OSError."""

    def stamp(self) -> tuple[int, int, int] | None:
        """Return what is another after each change of the file; None: there is none. It is quick."""
        ...

    def read(self) -> Trading | None:
        """Return the halt that stands there for these books; None: none. What nobody can read is a halt."""
        ...

    def write(self, trading: Trading) -> None:
        """Put a halt there, durably."""
        ...

    def clear(self) -> None:
        """Take it away, durably."""
        ...


class TradingStateOwner:
    """Owner of the trading state. Memory has every change at once: senders look there before each byte."""

    def __init__(
        self,
        keeper: LedgerWriter,
        file: HaltFile | None,
        profile: str,
        now_ms: Callable[[], int],
        make_room: Callable[[], bool],
    ) -> None:
        """Without a file the store alone keeps a halt. `make_room`: on a full disk; False: it did already."""
        self._keeper = keeper
        self._file = file
        self._profile = profile
        self._now_ms = now_ms
        self._make_room = make_room
        self._row_lock, self._file_lock = asyncio.Lock(), asyncio.Lock()
        self._writing = set[asyncio.Task[Any]]()
        self._doubt: Trading | None = None
        self._passed: Trading | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._told: Trading | None = None
        self._stored: Trading | None = None
        self._filed: Trading | None = None
        self._row_problem = self._file_problem = ""
        self.is_loaded = False
        """Whether it is known what is kept: nothing that adds risk is sent before."""
        self.kept = Trading()
        """As decided by a person or the guard; it stays over restarts."""

    @property
    def problem(self) -> str:
        """Why the state could not be written down; empty: it was."""
        return "; ".join(filter(None, (self._row_problem, self._file_problem)))

    async def load(self) -> None:
        """Take up what is kept, once; a halt in the file counts although the store knows of none."""
        if self.is_loaded:
            return
        found = await asyncio.to_thread(self._file.read) if self._file is not None else None
        self.kept = self._stored = self._keeper.state.trading
        self.is_loaded = True
        if found is not None and _is_news(found, self.kept):
            self._take_up(found)
            await self.write_down()
        self._show()

    def reread(self) -> None:
        """Take up a halt that another process put into the file: asked before each byte that adds risk."""
        if self._file is None or not self.is_loaded:
            return
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        found = self._file.read()
        # What this engine wrote has a generation: memory knows more than its file.
        if found is not None and not found.generation and found != self._passed:
            self._take_up(found)

    def told_by_file(self) -> Trading | None:
        """Return once a halt that another process put into the file; None: none did."""
        self.reread()
        told, self._told = self._told, None
        return told

    def restrict(self, wanted: TradingState, cause: Cause, words: str, by: str) -> Transition:
        """Allow less, at once, in memory; `write_down` makes it durable."""
        change = state.restrict(self.kept, wanted, cause, words, by=by, at_ms=self._now_ms())
        return self._take(change)

    def flattened(self) -> Transition:
        """Note that flattening is over: halted from here on."""
        return self._take(state.flattened(self.kept, at_ms=self._now_ms()))

    def doubt(self, cause: Cause, words: str) -> None:
        """Let nothing be bought as long as this stands; Cause.NONE: nothing does. It is not stored."""
        if cause is Cause.NONE:
            self._doubt = None
        elif self._doubt is None or (self._doubt.cause, self._doubt.words) != (cause, words):
            is_same = self._doubt is not None and self._doubt.cause is cause
            self._doubt = Trading(
                state=TradingState.REDUCE_ONLY,
                cause=cause,
                words=words,
                since_ms=self._doubt.since_ms if is_same and self._doubt else self._now_ms(),
                by="guard",
            )
        self._show()

    async def write_down(self) -> bool:
        """Make the state durable: a halt in its file at once, then in the store. Raises nothing.

        Returns whether one of them has it; the store is waited for only if the file has it not.
        """
        await self._write_file()
        row = self._begin(self._write_row())
        if not self._is_durable():
            await asyncio.shield(row)
        return self._is_durable()

    def retry(self) -> None:
        """Write again what could not be written; called each second."""
        lacks_file = self._is_halt() and self._file is not None and self._filed is not self.kept
        if self.is_loaded and not self._writing and (lacks_file or self._stored is not self.kept):
            self._begin(self.write_down())

    async def settle(self, deadline_s: float) -> None:
        """Wait so long for what is being written."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=deadline_s)

    async def resume(self, person: str, word: str, blockers: tuple[str, ...]) -> Transition:
        """Allow entries again, durably: the row first, as a file that stays halts the next start."""
        async with self._row_lock:
            self.reread()
            before = self.kept
            change = state.resume(before, person=person, word=word, blockers=blockers, at_ms=self._now_ms())
            if not change.changed:
                return change
            try:
                await self._keeper.save_trading(change.trading, self._profile)
            except StorageError as error:
                return Transition(before, f"the store does not take it: {error}")
            self._stored = change.trading
            self.reread()
            if self.kept is not before:
                return Transition(self.kept, f"it was {self.kept.state} meanwhile: {self.kept.words}")
            self._take(change)
            self._row_problem = ""
            async with self._file_lock:
                self._file_problem = await self._clear_file()
            return change

    # ---- inside

    def _take(self, change: Transition) -> Transition:
        if change.changed:
            self.kept = change.trading
            self._show()
        return change

    def _show(self) -> None:
        doubt, kept = self._doubt, self.kept
        if kept.state is TradingState.ACTIVE and doubt is not None:
            kept = msgspec.structs.replace(doubt, generation=kept.generation)
        self._keeper.state.trading = kept

    def _take_up(self, found: Trading) -> None:
        """Take up a halt of the file; what another process wrote is acted on by who asks `told_by_file`."""
        change = state.restrict(
            self.kept, found.state, found.cause, found.words, by=found.by, at_ms=found.since_ms
        )
        rests_not = found.no_resting or change.trading.no_resting
        self.kept = msgspec.structs.replace(change.trading, no_resting=rests_not)
        if not found.generation:
            self._told = found
        self._show()

    def _is_halt(self) -> bool:
        return self.kept.state in HALTS

    def _is_durable(self) -> bool:
        return self._stored is self.kept or (self._is_halt() and self._filed is self.kept)

    def _begin(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        task = asyncio.ensure_future(work)
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        return task

    async def _write_file(self) -> None:
        async with self._file_lock:
            if not self._is_halt() or self._filed is self.kept:
                return
            problem = await self._try_file()
            if problem and await self._made_room(problem):
                problem = await self._try_file()
            words = "" if problem is None else f"the halt file cannot be written: {_why(problem)}"
            self._file_problem = _logged(words, self._file_problem)

    async def _try_file(self) -> Exception | None:
        if self._file is None:
            return FileNotFoundError("there is none")
        kept = self.kept
        try:
            async with asyncio.timeout(WRITE_S):
                await asyncio.to_thread(self._file.write, kept)
        except (OSError, TimeoutError) as error:
            return error
        self._filed = kept
        return None

    async def _write_row(self) -> None:
        async with self._row_lock:
            if self._stored is self.kept:
                return
            problem = await self._try_row()
            if problem and await self._made_room(problem):
                problem = await self._try_row()
            words = "" if problem is None else f"the store does not take it: {_why(problem)}"
            self._row_problem = _logged(words, self._row_problem)

    async def _try_row(self) -> Exception | None:
        kept = self.kept
        try:
            async with asyncio.timeout(WRITE_S):
                await self._keeper.save_trading(kept, self._profile)
        except (StorageError, TimeoutError) as error:
            return error
        self._stored = kept
        return None

    async def _made_room(self, problem: Exception) -> bool:
        """Give back the room kept for this; False: that is not what is missing, or there is none left."""
        is_full = isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT)
        if not self._is_halt() or not (is_full or isinstance(problem, StorageFull)):
            return False
        try:
            return await asyncio.to_thread(self._make_room)
        except OSError as error:
            log.error("the room kept for a full disk cannot be given back: %s", error)
            return False

    async def _clear_file(self) -> str:
        try:
            if self._file is not None:
                await asyncio.to_thread(self._file.clear)
        except OSError as error:
            self._passed = await asyncio.to_thread(self._file.read) if self._file is not None else None
            return f"the halt file cannot be removed, and halts the next start: {error}"
        return ""


def _is_news(found: Trading, kept: Trading) -> bool:
    """Whether a start takes up a halt of the file: of another process, or of an engine whose store failed."""
    return kept.state not in HALTS or not found.generation or found.generation > kept.generation


def _logged(words: str, before: str) -> str:
    """Log a problem once as long as it is the same, and return it."""
    if words and words != before:
        log.error("the trading state: %s", words)
    return words


def _why(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return "it took too long"
    return problem.strerror or str(problem) if isinstance(problem, OSError) else str(problem)
