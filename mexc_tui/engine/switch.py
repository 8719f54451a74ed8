"""The one trading state: what a person or the guard decided and is kept, and what lifts itself."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from mexc_tui.engine.bookkeeper import Bookkeeper
from mexc_tui.model.storage import StorageError
from mexc_tui.model.trading import Cause, Trading, TradingState
from mexc_tui.risk import state
from mexc_tui.risk.state import Transition

log = logging.getLogger(__name__)

WRITE_S = 5.0
"""Acting goes on after this time, written down or not."""
HALTS = (TradingState.HALTED, TradingState.FLATTENING)


class HaltFile(Protocol):
    """A second place for a halt, beside the store: either alone keeps it over a restart. Raises OSError."""

    def read(self) -> Trading | None:
        """Return the halt that stands there for these books; None: none. What nobody can read is a halt."""
        ...

    def write(self, trading: Trading) -> None:
        """Put a halt there, durably."""
        ...

    def clear(self) -> None:
        """Take it away, durably."""
        ...


class Switch:
    """Owner of the trading state. Memory has every change at once: senders look there before each byte."""

    def __init__(
        self, keeper: Bookkeeper, file: HaltFile | None, profile: str, now_ms: Callable[[], int]
    ) -> None:
        """Without a file the store alone keeps a halt."""
        self._keeper = keeper
        self._file = file
        self._profile = profile
        self._now_ms = now_ms
        self._lock = asyncio.Lock()
        self._doubt: Trading | None = None
        self._is_loaded = False
        self._passed: Trading | None = None
        self.kept = Trading()
        """As decided by a person or the guard; it stays over restarts."""
        self.problem = ""
        """Why the state could not be written down; empty: it was."""

    async def load(self) -> None:
        """Take up what is kept, once; a halt in the file counts although the store knows of none."""
        if self._is_loaded:
            return
        self.kept = self._keeper.open.trading
        self._is_loaded = True
        found = await asyncio.to_thread(self._file.read) if self._file is not None else None
        if found is not None and self.kept.state not in HALTS:
            generation = max(found.generation, self.kept.generation) + 1
            self.kept = msgspec.structs.replace(found, generation=generation)
            self._show()
            await self.write_down()
        self._show()

    async def told_by_file(self) -> Trading | None:
        """Return a halt that somebody put into the file while this engine ran; None: nobody did."""
        if self._file is None or self.kept.state in HALTS or self._lock.locked():
            return None
        async with self._lock:
            found = await asyncio.to_thread(self._file.read)
        return None if found == self._passed else found

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
        """Make the state durable, in the file and in the store; False: in neither. Raises nothing."""
        async with self._lock:
            problems = [await self._write_row()]
            if self.kept.state in HALTS:
                problems.append(await self._write_file())
            self.problem = "; ".join(filter(None, problems))
            return not all(problems)

    async def resume(self, person: str, word: str, blockers: tuple[str, ...]) -> Transition:
        """Allow entries again, durably: the row first, as a file that stays halts the next start."""
        async with self._lock:
            before = self.kept
            change = state.resume(before, person=person, word=word, blockers=blockers, at_ms=self._now_ms())
            if not change.changed:
                return change
            try:
                await self._keeper.save_trading(change.trading, self._profile)
            except StorageError as error:
                return Transition(before, f"the store does not take it: {error}")
            if self.kept is not before:
                return Transition(self.kept, f"it was {self.kept.state} meanwhile: {self.kept.words}")
            self.problem = await self._clear_file()
            return self._take(change)

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
        self._keeper.open.trading = kept

    async def _write_file(self) -> str:
        if self._file is None:
            return "there is no halt file"
        try:
            async with asyncio.timeout(WRITE_S):
                await asyncio.to_thread(self._file.write, self.kept)
        except (OSError, TimeoutError) as error:
            log.error("the halt file cannot be written: %s", error)
            return f"the halt file cannot be written: {error or 'it took too long'}"
        return ""

    async def _write_row(self) -> str:
        try:
            async with asyncio.timeout(WRITE_S):
                await self._keeper.save_trading(self.kept, self._profile)
        except (StorageError, TimeoutError) as error:
            log.error("the trading state cannot be stored: %s", error)
            return f"the store does not take it: {error or 'it took too long'}"
        return ""

    async def _clear_file(self) -> str:
        try:
            if self._file is not None:
                await asyncio.to_thread(self._file.clear)
        except OSError as error:
            self._passed = await asyncio.to_thread(self._file.read) if self._file is not None else None
            return f"the halt file cannot be removed, and halts the next start: {error}"
        return ""
