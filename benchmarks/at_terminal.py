"""Shared parts of the screen benchmarks: an engine, an attached terminal, resource use of a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mexc_tui.app.run_desk import WELCOMED
from tests.support.processes.pseudo_terminal import Terminal

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
READY, PAINTED, SPLASH = "entries allowed", "Next openings", "mexc-tui   "


@contextmanager
def engine(socket: Path, rows: int, per_s: float, *words: str, is_loaded: bool = False) -> Generator[int]:
    """Run an engine for screens; yields its process id."""
    numbers = (str(socket), str(rows), str(per_s), str(int(is_loaded)))
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.desk_engine", *numbers, *words])
    while not socket.exists():
        time.sleep(0.02)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(20)


def attached(home: Path, *words: str, size: tuple[int, int] = (120, 40)) -> Terminal:
    """Return a desk attached to the engine of `home`."""
    return Terminal(environ(home), "attach", "--profile", "bench", *words, size=size)


def environ(home: Path) -> dict[str, str]:
    """Return a user's environment with all paths under `home`."""
    named = {"XDG_STATE_HOME": "s", "XDG_CONFIG_HOME": "c", "XDG_RUNTIME_DIR": "r"}
    return {**os.environ, "HOME": str(home), **{name: str(home / folder) for name, folder in named.items()}}


def new_home(home: Path) -> Path:
    """Return a new home in which the welcome was dismissed."""
    (home / "r").mkdir(parents=True, mode=0o700)
    state = home / "s/mexc-tui/practice"
    state.mkdir(parents=True, mode=0o700)
    (state / WELCOMED).touch()
    return home


def stop(home: Path) -> None:
    """Stop the engine of a home."""
    subprocess.run(
        [sys.executable, "-m", "mexc_tui", "stop"], env=environ(home), check=False, capture_output=True
    )


def cpu_s(pid: int, stat: str = "stat") -> float:
    """Return the processor time of a process, or of one of its threads."""
    fields = Path(f"/proc/{pid}/{stat}").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def screen_pid(terminal: Terminal) -> int:
    """Return the process of an attached screen: `attach` runs it in a child."""
    pid = terminal.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


def drain(terminal: Terminal, for_s: float) -> None:
    """Read the terminal for a time."""
    ends = time.monotonic() + for_s
    while time.monotonic() < ends:
        terminal.read(0.01)


def socket_of(home: Path) -> Path:
    """Return the socket path of profile bench."""
    folder = home / "r/mexc-tui"
    folder.mkdir(parents=True, mode=0o700, exist_ok=True)
    (home / "r").chmod(0o700)
    return folder / "bench.sock"


def lag_of(socket: Path) -> dict[str, float]:
    """Return the loop lag that an engine reported."""
    said: dict[str, float] = json.loads(socket.with_suffix(".lag").read_text())
    return said
