"""SIGSEGV, SIGSTOP and SIGHUP of a real headless engine at random moments of listing days.

`python -m benchmarks signals --count 60`. After each signal: every fact that a client received is stored, the
database is intact, and the ledger equals the exchange. A hang-up must not end the engine, and a stopped one
must respond once it continues. The first breach ends the campaign with an error.
"""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.common import Row, emit, percentile
from benchmarks.kills import LATE_S, SOON_S, check_commits, is_over
from benchmarks.real_processes import CampaignFailed, Day, DeskLink, Follower, wait_until_ready

if TYPE_CHECKING:
    from subprocess import Popen

SIGNALS = (signal.SIGSEGV, signal.SIGSTOP, signal.SIGHUP)
STOPPED_S = (0.2, 8.0)
"""Shorter and longer than every time limit of streams and prices."""
AFTER_HANG_UP_S = (0.1, 2.0)
ANSWER_S, END_S = 20.0, 30.0


def answer_s(path: Path) -> float:
    """Return the seconds until the engine accepts a connection and answers. Raises CampaignFailed."""
    began = time.monotonic()
    try:
        DeskLink(path, "signals").close()
    except OSError as error:
        raise CampaignFailed(f"the engine does not answer: {error}") from error
    took_s = time.monotonic() - began
    if took_s > ANSWER_S:
        raise CampaignFailed(f"the engine answered only after {took_s:.1f} s")
    return took_s


def signal_once(day: Day, number: signal.Signals, rng: random.Random) -> tuple[int, float | None]:
    """Start an engine, signal it and end it; return the facts received, and the seconds until it answered."""
    engine, follower = day.engine(), Follower(day.socket)
    assert engine.stderr is not None
    answered_s: float | None = None
    try:
        wait_until_ready(engine)
        follower.start()
        time.sleep(rng.uniform(SOON_S, LATE_S))
        engine.send_signal(number)
        if number is not signal.SIGSEGV:
            if number is signal.SIGSTOP:
                time.sleep(rng.uniform(*STOPPED_S))
                engine.send_signal(signal.SIGCONT)
            answered_s = answer_s(day.socket)
            time.sleep(rng.uniform(*AFTER_HANG_UP_S))
            if engine.poll() is not None:
                raise CampaignFailed(f"{number.name} ended the engine: {engine.returncode}")
            engine.terminate()
        _check_end(engine, number)
    finally:
        engine.kill()
        engine.wait()
        engine.stderr.close()
    follower.join(5)
    check_commits(day.database, follower.received)
    if unexplained := day.unexplained():
        raise CampaignFailed(f"{unexplained} unexplained differences after {number.name}")
    return len(follower.received), answered_s


def _check_end(engine: "Popen[bytes]", number: signal.Signals) -> None:
    """Read the rest of its messages until it ends, and check its exit code."""
    expected = -number if number is signal.SIGSEGV else 0
    _, text = engine.communicate(timeout=END_S)
    if engine.returncode != expected:
        raise CampaignFailed(f"{number.name}: the engine ended with {engine.returncode}: {text[-500:]!r}")


def main() -> int:
    """Run the campaign and print its figures; return 1 if a check failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks signals", description=__doc__)
    parser.add_argument("--count", type=int, default=9, help="signals in all")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    sent, facts, days = Counter[str](), 0, 0
    answered_s: list[float] = []
    try:
        while sent.total() < options.count:
            days += 1
            with tempfile.TemporaryDirectory() as folder:
                day = Day(Path(folder), rng.randrange(1, 1_000_000))
                try:
                    while sent.total() < options.count and not is_over(day):
                        number = SIGNALS[sent.total() % len(SIGNALS)]
                        received, took_s = signal_once(day, number, rng)
                        sent[number.name] += 1
                        facts += received
                        answered_s += [] if took_s is None else [took_s]
                finally:
                    day.close()
            print(f"{dict(sent)}, {facts} facts received, {days} days", file=sys.stderr)
    except CampaignFailed as error:
        print(f"signals: {error}.", file=sys.stderr)
        return 1
    counts = ", ".join(f"{count} {name}" for name, count in sent.items())
    note = f"{counts} in {days} days; {facts} acknowledged facts, 0 lost; ledgers equal after each"
    emit(
        [
            Row(
                "signals",
                "answer after SIGSTOP or SIGHUP",
                percentile(answered_s or [0.0], 0.5),
                percentile(answered_s or [0.0], 0.99),
                "s",
                note=note,
            )
        ]
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
