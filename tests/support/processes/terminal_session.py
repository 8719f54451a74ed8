"""Start the desk on a pseudo-terminal and wait for its output."""

import termios
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import pytest

from mexc_tui.host.lock import is_held
from tests.support.processes.pseudo_terminal import RUN, SOON_S, Terminal
from tests.support.processes.shell import Shell

READY = "entries allowed"
ENTER = "\r"
ESCAPE = "\x1b"
INTERRUPT = "\x03"


@pytest.fixture
def shell(tmp_path: Path) -> Generator[Shell]:
    found = Shell(tmp_path)
    (found.home / "run").mkdir(mode=0o700)
    yield found
    if any(is_held(lock) for lock in found.home.glob("state/mexc-tui/*/engine.lock")):
        found.run("stop", "--yes")


def open_desk(shell: Shell, *words: str, run: Sequence[str] = RUN) -> Terminal:
    """Open the desk for the first time and continue past its welcome screen."""
    terminal = Terminal(shell.environ, *words, run=run)
    terminal.until("Welcome")
    terminal.press(ENTER)
    terminal.until(READY)
    return terminal


def wait_until_gone(pid: int) -> None:
    """Wait until a process has exited or is a zombie."""
    until(lambda: process_state(pid) in ("", "Z"))


def until(is_so: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + SOON_S
    while not is_so():
        assert time.monotonic() < give_up_s
        time.sleep(0.02)


def process_state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return ""


def is_restored(terminal: Terminal) -> bool:
    """Return whether line editing is restored and the screen from before the desk is visible."""
    entered, left = (terminal.said.rfind(code) for code in (b"\x1b[?1049h", b"\x1b[?1049l"))
    return bool(termios.tcgetattr(terminal.master)[3] & termios.ICANON) and left > entered >= 0
