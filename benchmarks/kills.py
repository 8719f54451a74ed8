"""SIGKILL of a real headless engine at random moments of listing days: commits, ledger and restart times.

`KILLS=500 python -m benchmarks kills`. A client follows the journal of the engine: what it received was
committed and must be in the database after the kill. A missing fact, a damaged database, or a ledger that
differs from the exchange at the end of a day ends the campaign with an error.
"""

import contextlib
import json
import os
import random
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import closing
from pathlib import Path
from threading import Thread
from typing import IO, Any

from benchmarks.common import Row, emit, percentile

KILLS = int(os.environ.get("KILLS", "500"))
DAY_S = 215.0
"""A listing day ends after 240 s; its last engine needs the rest."""
SOON_S, LATE_S = 0.1, 4.0
"""Between readiness of an engine and its kill; one in four is killed while it starts."""
START_DEADLINE_S = 60.0


class CampaignFailed(Exception):
    """A commit is lost, a database damaged, or a ledger differs from the exchange."""


class Follower(Thread):
    """Receives the facts of an engine until it ends."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self.received: set[int] = set()

    def run(self) -> None:
        """Follow from the current end of the journal; an end of the connection ends it."""
        with contextlib.suppress(OSError, ValueError, struct.error), socket.socket(socket.AF_UNIX) as link:
            link.connect(str(self._path))
            self._send(link, {"is": "hello", "protocol": 1, "role": "view", "who": "kills"})
            head = self._receive(link)["head"]
            self._send(link, {"is": "follow", "after": head})
            while True:
                facts: list[list[Any]] = self._receive(link).get("facts", [])
                self.received.update(int(fact[0]) for fact in facts)

    @staticmethod
    def _send(link: socket.socket, message: dict[str, Any]) -> None:
        body = json.dumps(message).encode()
        link.sendall(struct.pack(">I", len(body)) + body)

    @staticmethod
    def _receive(link: socket.socket) -> dict[str, Any]:
        def exactly(size: int) -> bytes:
            parts = b""
            while len(parts) < size:
                part = link.recv(size - len(parts))
                if not part:
                    raise OSError("closed")
                parts += part
            return parts

        return json.loads(exactly(struct.unpack(">I", exactly(4))[0]))


class Day:
    """One exchange process and the profile that trades on it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.file = folder / "exchange.json"
        self.environ = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ},
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        }
        with self.file.open("wb") as output:
            self.exchange = self._start(
                "exchange", "--scenario", "listing-day", "--seed", str(seed), stdout=output
            )
        while not self.file.read_bytes().endswith(b"\n"):
            time.sleep(0.05)
        self.began = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether no further kill fits."""
        return time.monotonic() - self.began > DAY_S

    @property
    def database(self) -> Path:
        """Return the database of the profile."""
        return self.folder / ".local/state/mexc-tui/practice/desk.sqlite3"

    def engine(self) -> "subprocess.Popen[bytes]":
        """Start an engine; its standard error is a pipe."""
        return self._start("--headless", "--exchange", str(self.file), stderr=subprocess.PIPE)

    def unexplained(self) -> int:
        """Reconcile without an engine; return the number of unexplained differences."""
        done = subprocess.run(
            [sys.executable, "-m", "mexc_tui", "reconcile", "--exchange", str(self.file), "--json"],
            env=self.environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        if not done.stdout.strip():
            raise CampaignFailed(f"no reconciliation at the end of a day: {done.stderr}")
        return len(json.loads(done.stdout)["unexplained"])

    def close(self) -> None:
        """End the exchange."""
        self.exchange.terminate()
        self.exchange.wait()

    def _start(
        self, *arguments: str, stdout: IO[bytes] | None = None, stderr: int | None = None
    ) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "mexc_tui", *arguments],
            env=self.environ, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
        )  # fmt: skip


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
    began = time.monotonic()
    engine = day.engine()
    assert engine.stderr is not None
    started_s: float | None = None
    follower = Follower(day.folder / "mexc-tui/practice.sock")
    if rng.random() < 0.25:
        time.sleep(rng.uniform(0.2, 2.5))
    else:
        for line in engine.stderr:
            if b"Ready:" in line:
                started_s = time.monotonic() - began
                break
            if time.monotonic() - began > START_DEADLINE_S:
                raise CampaignFailed("an engine did not start")
        if started_s is None:
            raise CampaignFailed(f"an engine ended while it started: {engine.wait()}")
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
            while kills < KILLS and not day.is_over:
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
