"""The desk in a real pty: keys to paint, bytes, CPU, memory, start-up, cost for the engine.

Start-up is compared with a minimal Textual app, and with peers if `DESK_PEERS` is a folder with an
environment for each: `peer-toolong`, `peer-posting`, `peer-harlequin`, `peer-dolphie`. Peers have
other content; compared are the waiting times of the user and the bytes on the line.
"""

import os
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.at_terminal import (
    PAINTED,
    READY,
    SPLASH,
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
from benchmarks.common import Row, emit, percentile
from benchmarks.screen_ends import day, hang_ups, stalled, stopped
from tests.support.processes.pseudo_terminal import Terminal

ROUNDS = 7
WINDOW_S, IDLE_S = 8.0, 40.0
WARM_S = 3.0
KEYS = 80
PATIENCE_S = 10.0
CURSOR = re.compile(r"> S\d{3}USDT")


@dataclass(frozen=True, slots=True)
class Peer:
    """Another program: its command, and a word of its first frame."""

    name: str
    argv: tuple[str, ...]
    word: str


def peers() -> list[Peer]:
    """Return the installed peers."""
    folder = os.environ.get("DESK_PEERS")
    if not folder:
        return []
    root = Path(folder)
    found = [
        Peer("toolong", (str(root / "peer-toolong/bin/tl"), "docs/practice.md"), "Chance"),
        Peer("posting", (str(root / "peer-posting/bin/posting"),), "GET"),
        Peer("harlequin", (str(root / "peer-harlequin/bin/harlequin"),), "Query"),
        Peer("dolphie", (str(root / "peer-dolphie/bin/dolphie"), "--tab-setup"), "Connect to a Host"),
    ]
    return [peer for peer in found if Path(peer.argv[0]).exists()]


def watch(terminal: Terminal, seconds: float, warm_s: float = WARM_S) -> tuple[float, float]:
    """Return kB/s and per cent of a core over a window."""
    pid, ends = screen_pid(terminal), time.monotonic() + warm_s
    while time.monotonic() < ends:
        terminal.read(0.05)
    size, cpu, began = len(terminal.said), cpu_s(pid), time.monotonic()
    while time.monotonic() < began + seconds:
        terminal.read(0.05)
    took = time.monotonic() - began
    return (len(terminal.said) - size) / took / 1_000, (cpu_s(pid) - cpu) / took * 100


def presses(terminal: Terminal) -> list[float]:
    """Return milliseconds from a key to the paint of the selected row."""
    took: list[float] = []
    terminal.press("4")
    terminal.until("Since the opening")
    drain(terminal, 1.0)
    for number in range(1, KEYS + 1):
        size, began = len(terminal.said), time.perf_counter()
        terminal.press("j")
        while not CURSOR.search(terminal.text(size)):
            if not terminal.read(2.0) or time.perf_counter() - began > PATIENCE_S:
                raise RuntimeError(f"the next row was not painted: {terminal.text(size)[-500:]}")
        took.append((time.perf_counter() - began) * 1_000)
        drain(terminal, 0.02 + (number % 7) * 0.01)
    return took


def started(open_: Callable[[], Terminal], *words: str) -> list[float]:
    """Return seconds from exec until each of these words is painted."""
    began = time.perf_counter()
    took: list[float] = []
    with open_() as terminal:
        for word in words:
            terminal.until(word)
            took.append(time.perf_counter() - began)
    return took


def starts(home: Path) -> Generator[Row]:
    """Start-up times in turn: minimal app, attaching, complete desk, peers."""
    commands: dict[str, tuple[Callable[[], Terminal], tuple[str, ...]]] = {
        "least Textual app": (
            lambda: Terminal(environ(home), run=(sys.executable, "-m", "benchmarks.least_app")),
            ("painted",),
        ),
        "mexc-tui attach": (lambda: attached(home), (SPLASH, PAINTED, READY)),
    }
    for peer in peers():
        commands[peer.name] = (lambda argv=peer.argv: Terminal(environ(home), run=argv), (peer.word,))
    took: dict[str, list[list[float]]] = {name: [] for name in commands}
    with engine(socket_of(home), 10, 0):
        for _ in range(ROUNDS):
            for name, (open_, words) in commands.items():
                took[name].append(started(open_, *words))
    whole: list[list[float]] = []
    for number in range(ROUNDS):
        fresh = new_home(home / f"f{number}")
        whole.append(started(lambda home=fresh: Terminal(environ(home)), SPLASH, PAINTED, READY))
        stop(fresh)
    base = statistics.median(one[0] for one in took["least Textual app"])
    for name, values in (*took.items(), ("mexc-tui (engine and exchange inside)", whole)):
        frames = ("first line", "board", "with data") if len(values[0]) > 1 else ("first frame",)
        for index, what in enumerate(frames):
            times = [one[index] for one in values]
            median = statistics.median(times)
            yield Row(
                "start",
                f"{name}: {what}",
                median,
                max(times),
                "s",
                median / base,
                "ratio to the least app; max",
            )


def costs(home: Path) -> Generator[Row]:
    """Bytes, processor and memory of an attached screen, idle and busy."""
    for name, rows, per_s, keys in (
        ("idle", 10, 0.0, ""),
        ("10 rows × 3 cells at 4 Hz", 10, 4.0, "4"),
        ("200 rows at 5 Hz (1,000 changes/s)", 200, 5.0, "4"),
    ):
        with engine(socket_of(home), rows, per_s), attached(home) as terminal:
            first = terminal.until(READY)
            terminal.press(keys)
            sent, cpu = watch(terminal, WINDOW_S if per_s else IDLE_S)
            yield Row("screen 120×40", f"{name}: bytes", sent, sent, "kB/s")
            yield Row("screen 120×40", f"{name}: processor", cpu, cpu, "% core")
            if not per_s:
                memory = rss_mb(screen_pid(terminal))
                yield Row("screen 120×40", "attached: memory", memory, memory, "MB")
                yield Row("screen 120×40", "first screen", first / 1_000, first / 1_000, "kB")
    yield from slow_line(home)
    yield from calm(home)


def idle_peers(home: Path) -> Generator[Row]:
    """Bytes, processor and memory of idle peers."""
    for peer in peers():
        with Terminal(environ(home), run=peer.argv) as terminal:
            terminal.until(peer.word)
            sent, cpu = watch(terminal, WINDOW_S)
            yield Row("idle peer", f"{peer.name}: bytes", sent, sent, "kB/s")
            memory = rss_mb(screen_pid(terminal))
            yield Row("idle peer", f"{peer.name}: processor", cpu, cpu, "% core")
            yield Row("idle peer", f"{peer.name}: memory", memory, memory, "MB")


def slow_line(home: Path) -> Generator[Row]:
    """Bytes on a slow line: economy mode, a page of rows, the first screen of a small terminal."""
    name = "screen 120×40"
    with engine(socket_of(home), 10, 4.0), attached(home, "--economy") as terminal:
        terminal.until(READY)
        terminal.press("4")
        sent, _ = watch(terminal, 2 * WINDOW_S, 4 * WARM_S)
        yield Row(name, "economy, 10 rows × 3 cells at 4 Hz: bytes", sent, sent, "kB/s")
    with engine(socket_of(home), 200, 0.0), attached(home) as terminal:
        terminal.until(READY)
        for keys, rows in (("4", "11 rows"), ("z", "34 rows, one pane alone")):
            terminal.press(keys)
            drain(terminal, 2.0)
            pages = [paged(terminal) for _ in range(4)]
            yield Row(name, f"page down, {rows}", statistics.median(pages), max(pages), "kB")
    with engine(socket_of(home), 10, 0.0), attached(home, size=(80, 24)) as terminal:
        first = terminal.until(READY) / 1_000
        yield Row("screen 80×24", "first screen", first, first, "kB")


def paged(terminal: Terminal) -> float:
    """Return the kB of a page down."""
    size = len(terminal.said)
    terminal.press("\x1b[6~")
    drain(terminal, 0.6)
    return (len(terminal.said) - size) / 1_000


def calm(home: Path) -> Generator[Row]:
    """The first screen over half a minute of the calm scenario, engine and exchange inside."""
    fresh = new_home(home / "calm")
    with Terminal(environ(fresh), "--scenario", "calm") as terminal:
        terminal.until(READY)
        sent, _ = watch(terminal, 30.0)
        yield Row("screen 120×40", "calm scenario, first screen: bytes", sent, sent, "kB/s")
    stop(fresh)


def beside(home: Path) -> Generator[Row]:
    """Keys to paint and the engine's lag, screen and engine in one process under 2,000 messages a second."""
    lags: dict[str, dict[str, float]] = {}
    for name, rows, per_s, has_screen in (
        ("no screen", 10, 4.0, False),
        ("10 rows × 4 Hz", 10, 4.0, True),
        ("100 rows × 4 Hz", 100, 4.0, True),
        ("200 rows × 5 Hz", 200, 5.0, True),
    ):
        socket = socket_of(home)
        words = (str(socket), str(rows), str(per_s), "1")
        if has_screen:
            argv = (sys.executable, "-m", "benchmarks.desk_engine", *words, "screen")
            with Terminal(environ(home), run=argv) as terminal:
                terminal.until(READY)
                drain(terminal, 5.0)
                took = presses(terminal) if rows > KEYS else []
                terminal.press("" if took else "4")
                drain(terminal, 5.0 if took else 15.0)
                terminal.process.send_signal(signal.SIGTERM)
                terminal.ended()
            if took:
                median, worst = statistics.median(took), percentile(took, 0.99)
                yield Row("key to paint, 2,000 messages/s", name, median, worst, "ms")
        else:
            with engine(socket, rows, per_s, is_loaded=True):
                time.sleep(15)
        lags[name] = lag_of(socket)
    for name, lag in lags.items():
        ratio = lag["p99"] / lags["no screen"]["p99"]
        yield Row("engine's loop lag", name, lag["p50"], lag["p99"], "ms", ratio, "ratio of p99 to no screen")


def main(chosen: Sequence[str]) -> None:
    """Measure the chosen parts, or all."""
    parts = {
        "starts": starts,
        "costs": costs,
        "peers": idle_peers,
        "beside": beside,
        "stalled": stalled,
        "stopped": stopped,
        "hang-ups": hang_ups,
        "day": day,
    }
    for name in chosen or list(parts):
        with tempfile.TemporaryDirectory() as folder:
            emit(list(parts[name](Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1:])
