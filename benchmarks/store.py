"""Storage: one durable unit of work compared with a bare commit, grouped commits, journal rate, history.

Everything is on one disk in one run: `/var/tmp` if it exists (a real disk by convention), or the folder
MEXC_TUI_BENCH_DIR.
"""

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks.common import Row, emit, percentile, rows
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.model.event import Alert, encode
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import Claim, ClaimKind, DetectorName, Input, Probability, Signal, SignalKey
from mexc_tui.store.sqlite.connections import StoreLimits, open_writer
from mexc_tui.store.sqlite.store import SqliteStore
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction, UnitOfWork

ROUNDS = 40
COMMITS = 15
TASKS = 50
EACH = 100
PACE_PER_S = 5_000
PACED_S = 4
HISTORY = 100_000
LABEL = "1"
BARE = "bare sqlite3, same schema and settings"
INSERT = """
    INSERT INTO journal (sequence, at_ms, kind, version, about, payload, digest) VALUES (?, ?, ?, ?, ?, ?, ?)
"""


EVENT = Alert(at_ms=1, about="NEWUSDT", severity=Severity.INFO, rule="bench", text="x" * 120)


def record(unit: UnitOfWork) -> int:
    """One unit of work: one fact."""
    return unit.record(EVENT)


class Bare:
    """A plain durable commit of the same row."""

    def __init__(self, folder: Path) -> None:
        self._connection = open_writer(folder / "desk.db", StoreLimits())
        self._sequence = 0
        self._row = (1, "alert", 1, "NEWUSDT", encode(EVENT), b"0123456789abcdef")

    def commit(self) -> None:
        self._sequence += 1
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(INSERT, (self._sequence, *self._row))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


async def single(folder: Path) -> list[Row]:
    """Time single durable commits in turn."""
    store = await SqliteStore.open(folder / "ours" / "desk.db", SystemClock())
    bare = Bare(folder / "bare")
    times: dict[str, list[float]] = {"unit of work": [], BARE: []}
    for round_number in range(ROUNDS + 1):
        for _ in range(COMMITS):
            began = time.perf_counter_ns()
            await store.write("bench", record)
            ours_ns = time.perf_counter_ns() - began
            began = time.perf_counter_ns()
            bare.commit()
            bare_ns = time.perf_counter_ns() - began
            if round_number:
                times["unit of work"].append(ours_ns / 1_000)
                times[BARE].append(bare_ns / 1_000)
    bare.close()
    await store.close()
    return rows("store: one durable commit (goal: ratio < 1.8)", times, base=BARE)


async def grouped(folder: Path) -> list[Row]:
    """Count durable commits per second of many tasks, each waiting for its own."""
    store = await SqliteStore.open(folder / "grouped" / "desk.db", SystemClock())

    async def write_on() -> None:
        for _ in range(EACH):
            await store.write("bench", record)

    rates: list[float] = []
    for _ in range(6):
        began = time.perf_counter()
        await asyncio.gather(*(write_on() for _ in range(TASKS)))
        rates.append(TASKS * EACH / (time.perf_counter() - began))
    await store.close()
    rates = rates[1:]
    name = f"durable events/s, {TASKS} tasks (goal: >= 10,000)"
    return [
        Row(
            "store: group commit",
            name,
            statistics.median(rates),
            min(rates),
            "1/s",
            note="p99: the worst round",
        )
    ]


async def paced(folder: Path) -> list[Row]:
    """Write events at a constant rate, each in its own unit of work; check whether a queue grows."""
    store = await SqliteStore.open(folder / "paced" / "desk.db", SystemClock())
    took: list[float] = []
    queue: list[float] = []

    async def write() -> None:
        began = time.perf_counter()
        await store.write("bench", record)
        took.append((time.perf_counter() - began) * 1_000)

    began = time.perf_counter()
    sent = 0
    async with asyncio.TaskGroup() as group:
        while (elapsed := time.perf_counter() - began) < PACED_S:
            for _ in range(int(elapsed * PACE_PER_S) - sent):
                group.create_task(write())
                sent += 1
            queue.append(sent - len(took))
            await asyncio.sleep(0.002)
    await store.close()
    second_half = queue[len(queue) // 2 :]
    group_name = f"store: journal at {PACE_PER_S:,} events/s for {PACED_S} s"
    return [
        Row(group_name, "time until durable", statistics.median(took), percentile(took, 0.99), "ms"),
        Row(
            group_name,
            "events in the queue",
            statistics.median(queue),
            percentile(queue, 0.99),
            "events",
            note=f"median of the second half {statistics.median(second_half):.0f}: the queue does not grow",
        ),
    ]


def past_signal(number: int) -> Signal:
    """Return one of many historic signals."""
    return Signal(
        key=SignalKey(DetectorName.READY_STATE, f"N{number}USDT-1", "opening"),
        state="ready",
        at_ms=number,
        version=1,
        config_hash="0123456789ab",
        symbol=f"N{number % 2_000}USDT",
        severity=Severity.WARNING,
        claim=Claim(ClaimKind.OPENS_BY, number + 1_000),
        stratum=f"stratum {number % 7}",
        probability=Probability(value=0.4, low=0.1, high=0.8, n=30, hits=12),
        reasons=("the triple is 2/2/4 since 12 min", "the calendar agrees"),
        inputs=(Input("triple", "2/2/4"), Input("opens_ms", str(number))),
    )


def past_outcome(number: int) -> ListingOutcome:
    """Return the outcome of that signal's listing."""
    return ListingOutcome(
        listing_id=f"N{number}USDT-1",
        symbol=f"N{number % 2_000}USDT",
        label_version=LABEL,
        labelled_ms=number,
        first_seen_ms=0,
        end=OutcomeEnd.OPENED,
        planned_ms=number,
        opened_ms=number + 250,
        api_ms=number,
        high_ratio=1.5,
    )


def fill(unit: UnitOfWork, numbers: range) -> None:
    """Store a part of a long history."""
    verdicts = unit.verdicts(LABEL)
    for number in numbers:
        signal = past_signal(number)
        unit.signals.add(signal)
        unit.outcomes.save(past_outcome(number))
        verdicts.add(
            DetectorName.READY_STATE, 1, signal.stratum, listing_id=signal.key.subject, hit=number % 3 == 0
        )


QUERIES: dict[str, Callable[[ReadTransaction], object]] = {
    "tally of a detector's case": lambda past: past.verdicts(LABEL).tally(
        DetectorName.READY_STATE, 1, "stratum 3"
    ),
    "tallies of all cases": lambda past: past.verdicts(LABEL).tallies(),
    "signals of one symbol (50 rows)": lambda past: past.signals.of_symbol("N77USDT"),
    "signals of the 100 listings labelled last": lambda past: past.signals.labelled(LABEL, listings=100),
}


async def history(folder: Path) -> list[Row]:
    """Time queries of stored history through the store."""
    store = await SqliteStore.open(folder / "history" / "desk.db", SystemClock())
    for start in range(0, HISTORY, 1_000):
        await store.write("fill", lambda unit, s=start: fill(unit, range(s, s + 1_000)), deadline_s=120)
    found: list[Row] = []
    for name, query in QUERIES.items():
        took = await _timed(lambda q=query: store.read("bench", q), 150)
        group = f"store: history with {HISTORY:,} rows (goal: < 2 ms)"
        found.append(Row(group, name, statistics.median(took), percentile(took, 0.99), "ms"))
    await store.close()
    return found


async def _timed(call: Callable[[], Awaitable[object]], times: int) -> list[float]:
    took: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await call()
        took.append((time.perf_counter() - began) * 1_000)
    return took


async def measure(folder: Path) -> list[Row]:
    """Run all parts in sequence."""
    return [*await single(folder), *await grouped(folder), *await paced(folder), *await history(folder)]


def main() -> None:
    """Measure in a temporary folder and remove it."""
    base = os.environ.get("MEXC_TUI_BENCH_DIR") or ("/var/tmp" if Path("/var/tmp").is_dir() else None)  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="mexc-tui-store-", dir=base))
    try:
        emit(asyncio.run(measure(folder)))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
