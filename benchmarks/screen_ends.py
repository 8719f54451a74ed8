"""Cost of a terminal that stalls, closes or stays for a day: parts of `python -m benchmarks.screen`."""

import os
import re
import signal
import statistics
import sys
import time
from collections.abc import Generator
from pathlib import Path

from benchmarks.at_terminal import (
    READY,
    attached,
    cpu_s,
    drain,
    engine,
    environ,
    lag_of,
    new_home,
    rss_mb,
    screen_pid,
    socket_of,
    stop,
)
from benchmarks.common import Row
from tests.support.processes.pseudo_terminal import Terminal

STALLED_S, STOPPED_S = 10.0, 60.0
ROUNDS = 5
EQUITY = re.compile(r"equity (\d+)\.00")
DAY_PAINTS = 12 * 3_600 * 4
"""Paints of a 12-hour day at 4 Hz."""
DAY_PER_S = 200.0
QUARTERS = 4


def stalled(home: Path) -> Generator[Row]:
    """The screen's loop before and while its terminal reads nothing for ten seconds."""
    file = home / "gaps"
    with engine(socket_of(home), 200, 5.0), watched(home, file, 4.0) as terminal:
        terminal.until(READY)
        terminal.press("4")
        drain(terminal, 5.0)
        before = len(_gaps(file))
        time.sleep(STALLED_S)
        gaps = _gaps(file)
        drain(terminal, 2.0)
    usual, longest = gaps[2:before], gaps[before:]
    for name, found in (("read at once", usual), ("nothing read for 10 s", longest)):
        worst = [one.gap_ms for one in found]
        yield Row("longest gap of the screen's loop", name, statistics.median(worst), max(worst), "ms")


def stopped(home: Path) -> Generator[Row]:
    """An engine with a viewer that is stopped for a minute, and with a running one."""
    socket, took = socket_of(home), 0.0
    for is_stopped, name in ((False, "a viewer that reads"), (True, "a viewer stopped for 60 s")):
        with engine(socket, 200, 5.0) as pid, attached(home) as terminal:
            terminal.until(READY)
            drain(terminal, 5.0)
            before = rss_mb(pid)
            if is_stopped:
                os.kill(screen_pid(terminal), signal.SIGSTOP)
            drain(terminal, STOPPED_S)
            grown = (rss_mb(pid) - before) * 1_000
            if is_stopped:
                took = _until_current(terminal)
        waiting = lag_of(socket)["waiting_bytes"] / 1_000
        yield Row("engine's memory", f"{name}: growth", grown, grown, "kB")
        yield Row("engine's memory", f"{name}: kept for it at most", waiting, waiting, "kB")
    yield Row("a viewer that wakes", "until it shows what is true now", took, took, "s")


def _until_current(terminal: Terminal) -> float:
    """Wake the viewer; return the seconds until it shows an equity from after that."""
    size, shown = len(terminal.said), max(_equities(terminal.text()))
    os.kill(screen_pid(terminal), signal.SIGCONT)
    began = time.monotonic()
    while max(_equities(terminal.text(size)), default=0) < shown + STOPPED_S * 10:
        if not terminal.read(10.0):
            raise RuntimeError("the viewer does not come back")
    return time.monotonic() - began


def _equities(text: str) -> list[int]:
    return [int(one) for one in EQUITY.findall(text)]


def hang_ups(home: Path) -> Generator[Row]:
    """From a closed terminal to an ended screen: attached, and with the engine in the same process."""
    took: list[float] = []
    with engine(socket_of(home), 10, 4.0):
        for _ in range(ROUNDS):
            with attached(home) as terminal:
                terminal.until(READY)
                drain(terminal, 1.0)
                began = time.monotonic()
                terminal.hang_up()
                terminal.process.wait(10)
                took.append(time.monotonic() - began)
    yield Row("hang-up", "attached: process gone", statistics.median(took), max(took), "s")
    lag = lag_of(socket_of(home))
    yield Row("hang-up", "engine's loop lag over five of them", lag["p50"], lag["p99"], "ms")
    yield from _whole_desk_hung_up(home)


def _whole_desk_hung_up(home: Path) -> Generator[Row]:
    took: list[float] = []
    idle: list[float] = []
    for number in range(ROUNDS):
        fresh = new_home(home / f"h{number}")
        with Terminal(environ(fresh)) as terminal:
            terminal.until(READY)
            drain(terminal, 2.0)
            pid = screen_pid(terminal)
            began = time.monotonic()
            terminal.hang_up()
            while any(_is_terminal(one) for one in Path(f"/proc/{pid}/fd").iterdir()):
                time.sleep(0.005)
            took.append(time.monotonic() - began)
            time.sleep(1.0)
            before = _main_thread_s(pid)
            time.sleep(5.0)
            idle.append((_main_thread_s(pid) - before) / 5.0 * 100)
        stop(fresh)
    yield Row("hang-up", "engine inside: terminal let go", statistics.median(took), max(took), "s")
    name = "engine inside: the screen's thread afterwards"
    yield Row("hang-up", name, statistics.median(idle), max(idle), "% core")


def _is_terminal(descriptor: Path) -> bool:
    try:
        return str(descriptor.readlink()).startswith("/dev/pts/")
    except FileNotFoundError:
        return False


def _main_thread_s(pid: int) -> float:
    return cpu_s(pid, f"task/{pid}/stat")


def day(home: Path) -> Generator[Row]:
    """The paints, moves and row changes of a 12-hour day at 4 Hz, at full speed."""
    file = home / "gaps"
    with engine(socket_of(home), 10, DAY_PER_S, "turnover"), watched(home, file, DAY_PER_S) as terminal:
        terminal.until(READY)
        pid, painted = screen_pid(terminal), 0
        cpu, at = cpu_s(pid), 0
        for quarter in range(QUARTERS + 1):
            while painted < max(DAY_PAINTS * quarter // QUARTERS, 2_000):
                terminal.said = b""
                drain(terminal, 1.0)
                painted = _gaps(file)[-1].painted
            spent = (cpu_s(pid) - cpu) / max(painted - at, 1) * 1_000
            cpu, at = cpu_s(pid), painted
            memory, hours = rss_mb(pid), painted / 4 / 3_600
            yield Row("a 12-hour day", f"memory after {hours:.1f} h of paints", memory, memory, "MB")
            yield Row("a 12-hour day", f"processor a paint until then, {hours:.1f} h", spent, spent, "ms")
            print(f"{painted} paints, {memory:.1f} MB, {spent:.2f} ms", file=sys.stderr)


class Gap:
    """One line of a watched screen's log."""

    def __init__(self, line: str) -> None:
        _, gap_ms, painted = line.split()
        self.gap_ms, self.painted = float(gap_ms), int(painted)


def _gaps(file: Path) -> list[Gap]:
    lines = file.read_text().splitlines() if file.exists() else []
    return [Gap(line) for line in lines] or [Gap("0 0 0")]


def watched(home: Path, file: Path, per_s: float) -> Terminal:
    """Return a desk with a watched loop."""
    run = (sys.executable, "-m", "benchmarks.watched_screen", str(file), str(per_s))
    return Terminal(environ(home), "attach", "--profile", "bench", run=run)
