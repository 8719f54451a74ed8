"""SIGKILL of a real headless engine at random moments of listing days: commits, ledger and restart times.

`KILLS=500 python -m benchmarks kills`. A client follows the journal of the engine: what it received was
committed and must be in the database after the kill. A missing fact, a damaged database, or a ledger that
differs from the exchange at the end of a day ends the campaign with an error.
"""

import contextlib
import os
import random
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from benchmarks.common import Row, emit, percentile
from benchmarks.real_processes import CampaignFailed, Day, Follower, wait_until_ready

KILLS = int(os.environ.get("KILLS", "500"))
DAY_S = 215.0
"""A listing day ends after 240 s; its last engine needs the rest."""
SOON_S, LATE_S = 0.1, 4.0
"""Between readiness of an engine and its kill; one in four is killed while it starts."""


def is_over(day: Day) -> bool:
    """Return whether no further kill fits into a day."""
    return time.monotonic() - day.began > DAY_S


def check_commits(database: Path, received: set[int]) -> None:
    """Check that every received fact is stored, that the journal has no gap, and that the file is intact."""
    if not database.exists():
        if received:
            raise CampaignFailed("facts were received and there is no database")
        return
    with closing(sqlite3.connect(database)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise CampaignFailed(f"the database is damaged: {verdict}")
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise CampaignFailed("a row refers to a missing one")
        count, newest = connection.execute(
            "SELECT count(*), coalesce(max(sequence), 0) FROM journal"
        ).fetchone()
        if count != newest:
            raise CampaignFailed(f"the journal has {count} facts and ends at {newest}")
        stored = {number for (number,) in connection.execute("SELECT sequence FROM journal")}
    lost = sorted(received - stored)
    if lost:
        raise CampaignFailed(f"{len(lost)} acknowledged commits are lost, the first is {lost[0]}")


def kill_once(day: Day, rng: random.Random) -> tuple[float | None, int]:
    """Start an engine and kill it; return its start in seconds (None: not ready), and the facts received."""
    engine = day.engine()
    assert engine.stderr is not None
    started_s: float | None = None
    follower = Follower(day.socket)
    if rng.random() < 0.25:
        time.sleep(rng.uniform(0.2, 2.5))
    else:
        started_s = wait_until_ready(engine)
        follower.start()
        time.sleep(rng.uniform(SOON_S, LATE_S))
    engine.send_signal(signal.SIGKILL)
    engine.wait()
    engine.stderr.close()
    if follower.ident is not None:
        follower.join(5)
    check_commits(day.database, follower.received)
    return started_s, len(follower.received)


@contextlib.contextmanager
def day_of(rng: random.Random) -> Generator[Day]:
    """Open a day; at its end compare the ledger with the exchange."""
    with tempfile.TemporaryDirectory() as folder:
        day = Day(Path(folder), rng.randrange(1, 1_000_000))
        try:
            yield day
            if unexplained := day.unexplained():
                raise CampaignFailed(f"{unexplained} unexplained differences at the end of a day")
        finally:
            day.close()


def main() -> None:
    """Run the campaign and print its figures."""
    rng = random.Random(int(os.environ.get("SEED", "1")))
    starts: list[float] = []
    kills, facts, played = 0, 0, 0
    while kills < KILLS:
        played += 1
        with day_of(rng) as day:
            while kills < KILLS and not is_over(day):
                started_s, received = kill_once(day, rng)
                kills, facts = kills + 1, facts + received
                starts += [] if started_s is None else [started_s]
        print(f"{kills} kills, {facts} facts received, {played} days", file=sys.stderr)
    note = f"{kills} kills in {played} days; {facts} acknowledged facts, 0 lost; ledgers equal"
    emit(
        [Row("kills", "restart to ready", percentile(starts, 0.5), percentile(starts, 0.99), "s", note=note)]
    )


if __name__ == "__main__":
    main()
