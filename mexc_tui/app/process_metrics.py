"""Measures resource use of the engine's process and delays of its parts.

Each heartbeat of the desk service measures the delay of the event loop once; after a query it is measured
more often for a minute.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.engine.runtime.event_feed import EventFeedState
from mexc_tui.exchange.limits.breaker import BreakerState
from mexc_tui.exchange.limits.budget import BudgetState
from mexc_tui.exchange.rest.routes import RouteGroup
from mexc_tui.exchange.streams.shard import ShardState
from mexc_tui.model.engine_view import (
    BreakerRow,
    ConnectionRow,
    LagRow,
    MachineRow,
    QueueRow,
    StoreRow,
    ViewerRow,
)
from mexc_tui.ports.clock import Clock
from mexc_tui.store.sqlite.store import StoreState

MINUTE_NS = 60_000_000_000
SAMPLE_NS = 5_000_000_000
WATCHED_NS = MINUTE_NS
"""Duration of frequent loop measurements after a query."""
QUICK_S = 0.05
SEQUENCE_AT, SEQUENCE_BYTES = 12, 4
"""Position of the checkpoint counter in a write-ahead log (SQLite file format 4.1)."""


@dataclass(frozen=True, slots=True)
class ProcessMetricsParts:
    """Sources of measurements, read at the time of a query."""

    clock: Clock
    database: Path
    store: Callable[[], StoreState]
    feed: Callable[[], EventFeedState]
    budget: Callable[[], BudgetState]
    breakers: Callable[[], Mapping[RouteGroup, BreakerState]]
    lines: Callable[[], Sequence[ShardState]]
    counts: Callable[[], tuple[int, int]]
    """Stream messages: waiting, lost."""
    private: Callable[[], ShardState | None] = lambda: None
    """Connection of the user stream; None: there is none."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at_ns: int
    cpu_s: float
    commits: int
    messages: tuple[int, ...]


class ProcessMetrics:
    """Measures this process and the parts of one engine. For use in the engine's event loop."""

    def __init__(self, parts: ProcessMetricsParts) -> None:
        """Start without measurements."""
        self._parts = parts
        self._lags: deque[tuple[int, float]] = deque()
        self._samples: deque[_Sample] = deque()
        self._checkpoints: int | None = None
        self._checkpoint_ms: int | None = None
        self._asked_ns = 0
        self._quick: asyncio.Task[None] | None = None

    def beat(self, late_s: float) -> None:
        """Record one delay of the event loop."""
        now_ns = self._parts.clock.monotonic_ns()
        self._lags.append((now_ns, max(late_s, 0.0) * 1_000))
        while self._lags[0][0] < now_ns - MINUTE_NS:
            self._lags.popleft()
        if not self._samples or now_ns - self._samples[-1].at_ns >= SAMPLE_NS:
            self._sample(now_ns)

    def row(self, viewers: Sequence[ViewerRow]) -> MachineRow:
        """Return the current measurements, and measure the loop often for a minute.

        `viewers`: attached front ends.
        """
        self._asked_ns = self._parts.clock.monotonic_ns()
        if self._quick is None or self._quick.done():
            self._quick = asyncio.create_task(self._watch(), name="loop lag")
        return self.snapshot(viewers)

    def snapshot(self, viewers: Sequence[ViewerRow]) -> MachineRow:
        """Return the current measurements. `viewers`: attached front ends."""
        parts = self._parts
        now_ns = parts.clock.monotonic_ns()
        waiting, lost = parts.counts()
        budget = parts.budget()
        rss, peak = memory_bytes()
        return MachineRow(
            at_ms=parts.clock.now_ms(),
            rss_bytes=rss,
            rss_peak_bytes=peak,
            cpu_s=time.process_time(),
            cpu_pct=self._cpu_pct(now_ns),
            threads=threading.active_count(),
            lag=lag_row([late_ms for _, late_ms in self._lags]),
            observers=_subscribers(parts.feed()),
            stream_waiting=waiting,
            stream_lost=lost,
            connections=tuple(self._connections(now_ns)),
            store=self._store(now_ns),
            breakers=tuple(_breaker(group, breaker) for group, breaker in parts.breakers().items()),
            requests_waiting=budget.waiting,
            requests_refused=budget.refused,
            viewers=tuple(viewers),
        )

    async def close(self) -> None:
        """Stop measuring."""
        if self._quick is not None:
            self._quick.cancel()
            await asyncio.gather(self._quick, return_exceptions=True)

    # ---- measuring

    async def _watch(self) -> None:
        """Measure the loop often until a minute after the last query."""
        loop = asyncio.get_running_loop()
        while self._parts.clock.monotonic_ns() - self._asked_ns < WATCHED_NS:
            due_s = loop.time() + QUICK_S
            await asyncio.sleep(QUICK_S)
            self.beat(loop.time() - due_s)

    def _sample(self, now_ns: int) -> None:
        parts = self._parts
        messages = tuple(shard.messages for shard in parts.lines())
        self._samples.append(_Sample(now_ns, time.process_time(), parts.store().commits, messages))
        while len(self._samples) > 1 and self._samples[0].at_ns < now_ns - MINUTE_NS:
            self._samples.popleft()
        self._detect_checkpoint()

    def _detect_checkpoint(self) -> None:
        """Detect a restart of the write-ahead log, counted in its header."""
        try:
            with _wal_of(self._parts.database).open("rb") as wal:
                wal.seek(SEQUENCE_AT)
                found = wal.read(SEQUENCE_BYTES)
        except OSError:
            return
        number = int.from_bytes(found, "big")
        if self._checkpoints is not None and number != self._checkpoints:
            self._checkpoint_ms = self._parts.clock.now_ms()
        self._checkpoints = number

    # ---- rows

    def _since(self, now_ns: int) -> tuple[_Sample, float] | None:
        """Return the oldest sample and its age in seconds; None: less than a second old."""
        first = self._samples[0] if self._samples else None
        passed_s = 0.0 if first is None else (now_ns - first.at_ns) / 1e9
        return None if first is None or passed_s < 1 else (first, passed_s)

    def _cpu_pct(self, now_ns: int) -> float | None:
        since = self._since(now_ns)
        return None if since is None else (time.process_time() - since[0].cpu_s) / since[1] * 100

    def _store(self, now_ns: int) -> StoreRow:
        state, since, database = self._parts.store(), self._since(now_ns), self._parts.database
        name, took_ms = state.slowest
        return StoreRow(
            path=str(database),
            database_bytes=_size(database),
            wal_bytes=_size(_wal_of(database)),
            waiting=state.waiting,
            units=state.units,
            commits=state.commits,
            commits_per_s=0.0 if since is None else (state.commits - since[0].commits) / since[1],
            last_commit_ms=state.last_commit_ms,
            checkpoint_ms=self._checkpoint_ms,
            slow=state.slow,
            too_slow=state.too_slow,
            slowest=f"{name}, {took_ms} ms" if name else "",
            has_reserve=state.has_reserve,
        )

    def _connections(self, now_ns: int) -> Sequence[ConnectionRow]:
        since, private = self._since(now_ns), self._parts.private()
        rows = [
            _connection(f"market {number + 1}", line, _rate(line.messages, number, since))
            for number, line in enumerate(self._parts.lines())
        ]
        return [*rows, *(() if private is None else (_connection("private", private, None),))]


def lag_row(late_ms: Sequence[float]) -> LagRow:
    """Return quantiles of the delays of an event loop."""
    if not late_ms:
        return LagRow()
    ordered = sorted(late_ms)
    last = len(ordered) - 1
    return LagRow(
        n=len(ordered), p50_ms=ordered[last // 2], p99_ms=ordered[-(-last * 99 // 100)], max_ms=ordered[-1]
    )


def memory_bytes() -> tuple[int | None, int | None]:
    """Return current and peak resident memory; None where the system does not report it."""
    try:
        lines = Path("/proc/self/status").read_text("ascii", "replace").splitlines()
    except OSError:
        return None, None
    found = {name: rest.split() for name, _, rest in (line.partition(":") for line in lines)}
    now, peak = found.get("VmRSS"), found.get("VmHWM")
    return (int(now[0]) * 1024 if now else None, int(peak[0]) * 1024 if peak else None)


def _connection(name: str, line: ShardState, per_s: float | None) -> ConnectionRow:
    is_up = line.age_s is not None
    return ConnectionRow(
        name=name,
        topics=line.topics,
        is_up=is_up,
        age_s=line.age_s,
        messages=line.messages,
        messages_per_s=per_s,
        connects=line.connects,
        rotations=line.rotations,
        reason="" if is_up else line.reason,
    )


def _rate(messages: int, number: int, since: tuple[_Sample, float] | None) -> float | None:
    """Return messages per second; None: too soon, or topics have moved between connections."""
    if since is None or number >= len(since[0].messages) or messages < since[0].messages[number]:
        return None
    return (messages - since[0].messages[number]) / since[1]


def _subscribers(feed: EventFeedState) -> tuple[QueueRow, ...]:
    return tuple(
        QueueRow(
            name=subscriber.name,
            waiting=subscriber.waiting,
            resumes=subscriber.resumes,
            failures=subscriber.failures,
            busy_ms=subscriber.busy_ms,
            last_error=subscriber.last_error,
        )
        for subscriber in feed.subscribers
    )


def _breaker(group: RouteGroup, state: BreakerState) -> BreakerRow:
    return BreakerRow(
        group=group.value,
        phase=state.phase.value,
        failures=state.failures,
        retry_in_s=state.retry_in_s,
        refused=state.refused,
    )


def _wal_of(database: Path) -> Path:
    return database.with_name(database.name + "-wal")


def _size(file: Path) -> int | None:
    try:
        return file.stat().st_size
    except OSError:
        return None
