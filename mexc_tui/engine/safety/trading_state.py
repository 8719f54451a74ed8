"""Owner of the persisted trading state (active, reduce-only, halted, flattening) and of temporary pauses."""

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

RISK_MONITOR = "risk monitor"
"""Name of the risk monitor in events, alerts and the ledger."""

WRITE_S = 5.0
"""Time limit of each attempt to persist the state; actions continue after it, persisted or not."""
HALTS = (TradingState.HALTED, TradingState.FLATTENING)


class HaltFile(Protocol):
    """Second copy of a halt beside the store: either alone preserves it over a restart. Raises OSError."""

    def stamp(self) -> tuple[int, int, int] | None:
        """Return a value that differs after each change of the file; None: no file. Fast."""
        ...

    def read(self) -> Trading | None:
        """Return the halt in the file for this store; None: no halt. An unreadable file is a halt."""
        ...

    def write(self, trading: Trading) -> None:
        """Write a halt durably."""
        ...

    def clear(self) -> None:
        """Remove the halt durably."""
        ...


class TradingStateOwner:
    """Owner of the trading state. Changes apply in memory at once: every send checks it there."""

    def __init__(
        self,
        ledger: LedgerWriter,
        *,
        file: HaltFile | None,
        profile: str,
        now_ms: Callable[[], int],
        free_reserve: Callable[[], bool],
    ) -> None:
        """`file` None: only the store preserves a halt.

        `free_reserve`: free the reserved disk space; False: it was already freed.
        """
        self._ledger = ledger
        self._file = file
        self._profile = profile
        self._now_ms = now_ms
        self._free_reserve = free_reserve
        self._row_lock, self._file_lock = asyncio.Lock(), asyncio.Lock()
        self._writing = set[asyncio.Task[Any]]()
        self._pause: Trading | None = None
        self._lifted: Trading | None = None
        """A halt that was lifted, but whose file cannot be removed."""
        self._stamp: tuple[int, int, int] | None = None
        self._new_halt: Trading | None = None
        """A halt of another process that `halt_from_file` has not returned yet."""
        self._stored: Trading | None = None
        self._filed: Trading | None = None
        self._row_problem = self._file_problem = ""
        self.is_loaded = False
        """Whether the persisted state is loaded; orders that add risk are refused before."""
        self.kept = Trading()
        """State set by the user or the risk monitor; it persists over restarts."""

    @property
    def problem(self) -> str:
        """Why the state could not be persisted; empty: it was."""
        return "; ".join(filter(None, (self._row_problem, self._file_problem)))

    async def load(self) -> None:
        """Load the persisted state once; a halt in the file applies even if the store has none."""
        if self.is_loaded:
            return
        found = await asyncio.to_thread(self._file.read) if self._file is not None else None
        self.kept = self._stored = self._ledger.state.trading
        self.is_loaded = True
        if found is not None and _is_news(found, self.kept):
            self._apply_found(found)
            await self.persist()
        self._publish()

    def reread(self) -> None:
        """Apply a halt that another process wrote to the file; called before each send that adds risk."""
        if self._file is None or not self.is_loaded:
            return
        stamp = self._file.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        found = self._file.read()
        # A halt with a generation is this engine's own, and memory is newer than its file.
        if found is not None and not found.generation and found != self._lifted:
            self._apply_found(found)

    def halt_from_file(self) -> Trading | None:
        """Return a halt that another process wrote to the file, once; None: no new halt."""
        self.reread()
        halt, self._new_halt = self._new_halt, None
        return halt

    def restrict(self, wanted: TradingState, cause: Cause, text: str, *, by: str) -> Transition:
        """Restrict trading in memory at once; call `persist` to make it durable."""
        change = state.restrict(self.kept, wanted, cause, text=text, by=by, at_ms=self._now_ms())
        return self._apply(change)

    def complete_flattening(self) -> Transition:
        """Change from flattening to halted."""
        return self._apply(state.flattened(self.kept, at_ms=self._now_ms()))

    def pause(self, cause: Cause, text: str) -> None:
        """Pause entries for a temporary cause, or end the pause with Cause.NONE. Pauses are not stored."""
        if cause is Cause.NONE:
            self._pause = None
        elif self._pause is None or (self._pause.cause, self._pause.text) != (cause, text):
            is_same = self._pause is not None and self._pause.cause is cause
            self._pause = Trading(
                state=TradingState.REDUCE_ONLY,
                cause=cause,
                text=text,
                since_ms=self._pause.since_ms if is_same and self._pause else self._now_ms(),
                by=RISK_MONITOR,
            )
        self._publish()

    async def persist(self) -> bool:
        """Write a halt to its file, then the state to the store. Raises nothing.

        Returns whether the state is durable in either. Waits for the store only if the file write failed.
        """
        await self._write_file()
        row = self._begin(self._write_row())
        if not self._is_durable():
            await asyncio.shield(row)
        return self._is_durable()

    def retry(self) -> None:
        """Retry failed writes; called once a second."""
        lacks_file = self._is_halt() and self._file is not None and self._filed is not self.kept
        if self.is_loaded and not self._writing and (lacks_file or self._stored is not self.kept):
            self._begin(self.persist())

    async def settle(self, deadline_s: float) -> None:
        """Wait up to `deadline_s` for writes in progress."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=deadline_s)

    async def resume(self, user: str, word: str, blockers: tuple[str, ...]) -> Transition:
        """Allow entries again, durably: in the store first, since a remaining file halts the next start."""
        async with self._row_lock:
            self.reread()
            before = self.kept
            change = state.resume(before, user=user, word=word, blockers=blockers, at_ms=self._now_ms())
            if not change.changed:
                return change
            try:
                await self._ledger.save_trading(change.trading, self._profile)
            except StorageError as error:
                return Transition(before, f"cannot be stored: {error}")
            self._stored = change.trading
            self.reread()
            if self.kept is not before:
                return Transition(self.kept, f"{self.kept.state} in the meantime: {self.kept.text}")
            self._apply(change)
            self._row_problem = ""
            async with self._file_lock:
                self._file_problem = await self._clear_file()
            return change

    # ---- internals

    def _apply(self, change: Transition) -> Transition:
        if change.changed:
            self.kept = change.trading
            self._publish()
        return change

    def _publish(self) -> None:
        """Set the effective state: a pause applies while the persisted state is active."""
        pause, kept = self._pause, self.kept
        if kept.state is TradingState.ACTIVE and pause is not None:
            kept = msgspec.structs.replace(pause, generation=kept.generation)
        self._ledger.state.trading = kept

    def _apply_found(self, found: Trading) -> None:
        """Apply a halt of the file; `halt_from_file` returns one of another process for further action."""
        change = state.restrict(
            self.kept, found.state, found.cause, text=found.text, by=found.by, at_ms=found.since_ms
        )
        no_resting = found.no_resting or change.trading.no_resting
        self.kept = msgspec.structs.replace(change.trading, no_resting=no_resting)
        if not found.generation:
            self._new_halt = found
        self._publish()

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
            if problem and await self._freed_space(problem):
                problem = await self._try_file()
            text = "" if problem is None else f"the halt file cannot be written: {_why(problem)}"
            self._file_problem = _logged(text, self._file_problem)

    async def _try_file(self) -> Exception | None:
        if self._file is None:
            return FileNotFoundError("no file configured")
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
            if problem and await self._freed_space(problem):
                problem = await self._try_row()
            text = "" if problem is None else f"cannot be stored: {_why(problem)}"
            self._row_problem = _logged(text, self._row_problem)

    async def _try_row(self) -> Exception | None:
        kept = self.kept
        try:
            async with asyncio.timeout(WRITE_S):
                await self._ledger.save_trading(kept, self._profile)
        except (StorageError, TimeoutError) as error:
            return error
        self._stored = kept
        return None

    async def _freed_space(self, problem: Exception) -> bool:
        """Free the disk reserve; False: the problem is not a full disk, or the reserve is used up."""
        is_full = isinstance(problem, OSError) and problem.errno in (errno.ENOSPC, errno.EDQUOT)
        if not self._is_halt() or not (is_full or isinstance(problem, StorageFull)):
            return False
        try:
            return await asyncio.to_thread(self._free_reserve)
        except OSError as error:
            log.error("the disk reserve cannot be freed: %s", error)
            return False

    async def _clear_file(self) -> str:
        try:
            if self._file is not None:
                await asyncio.to_thread(self._file.clear)
        except OSError as error:
            self._lifted = await asyncio.to_thread(self._file.read) if self._file is not None else None
            return f"the halt file cannot be removed and will halt the next start: {error}"
        return ""


def _is_news(found: Trading, kept: Trading) -> bool:
    """Return whether a halt in the file is newer than the state in the store."""
    return kept.state not in HALTS or not found.generation or found.generation > kept.generation


def _logged(text: str, before: str) -> str:
    """Log a problem unless it is unchanged, and return it."""
    if text and text != before:
        log.error("trading state: %s", text)
    return text


def _why(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return "timed out"
    return problem.strerror or str(problem) if isinstance(problem, OSError) else str(problem)
