"""Signals to a desk on a real terminal: the terminal is always restored."""

import json
import os
import signal
import socket
import termios
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.processes.pseudo_terminal import RUN, Terminal
from tests.support.processes.ready_line import ready_line
from tests.support.processes.shell import Shell
from tests.support.processes.terminal_session import (
    ENTER,
    INTERRUPT,
    READY,
    is_restored,
    open_desk,
    shell,
    until,
    wait_until_gone,
)

pytestmark = pytest.mark.timeout(180)  # runs processes

__all__ = ["shell"]

MODES = (1000, 1003, 1006, 1004, 1049)
"""Mouse reports, focus reports, the alternate screen."""


def _is_left(terminal: Terminal) -> bool:
    """Whether every screen mode is off. A shell enables bracketed paste itself."""
    said = terminal.said
    is_off = all(said.rfind(b"\x1b[?%dl" % mode) > said.rfind(b"\x1b[?%dh" % mode) for mode in MODES)
    return is_off and said.rfind(b"\x1b[?25h") > said.rfind(b"\x1b[?25l")


def _is_whole(terminal: Terminal) -> bool:
    """Whether a shell can use the terminal: screen modes are off and keys are echoed."""
    marks_pastes = terminal.said.rfind(b"\x1b[?2004h") > terminal.said.rfind(b"\x1b[?2004l")
    echoes = bool(termios.tcgetattr(terminal.master)[3] & termios.ECHO)
    return _is_left(terminal) and not marks_pastes and echoes


def _child(terminal: Terminal) -> int:
    """Return the child process, which paints."""
    pid = terminal.process.pid
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Generator[Shell]:
    """Yield a shell and a running headless engine."""
    found = Shell(tmp_path_factory.mktemp("h"))
    (found.home / "run").mkdir(mode=0o700)
    with found.start("--headless") as engine:
        ready_line(engine)
        yield found
        engine.terminate()


LEAVING = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGABRT]
KILLING = [signal.SIGKILL, signal.SIGSEGV]


@pytest.mark.parametrize("is_child", [False, True])
@pytest.mark.parametrize("number", LEAVING)
def test_a_signal_to_an_attached_screen_restores_the_terminal(
    running: Shell, number: signal.Signals, is_child: bool
) -> None:
    with Terminal(running.environ, "attach") as terminal:
        terminal.until(READY)
        os.kill(_child(terminal) if is_child else terminal.process.pid, number)
        assert terminal.ended() == 0
        assert _is_whole(terminal)
        assert "Traceback" not in terminal.text()


@pytest.mark.parametrize("is_child", [False, True])
@pytest.mark.parametrize("number", KILLING)
def test_killing_an_attached_screen_restores_the_terminal(
    running: Shell, number: signal.Signals, is_child: bool
) -> None:
    with Terminal(running.environ, "attach") as terminal:
        terminal.until(READY)
        child = _child(terminal)
        os.kill(child if is_child else terminal.process.pid, number)
        terminal.ended()
        until(lambda: terminal.read(0.05) is False and _is_whole(terminal))
        wait_until_gone(child)
        if is_child:
            assert "The screen was killed. The engine keeps running." in terminal.text()
    assert running.json("status")["running"]


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGABRT, signal.SIGINT])
def test_a_signal_to_a_desk_stops_its_engine_gracefully(shell: Shell, number: signal.Signals) -> None:
    with open_desk(shell) as terminal:
        terminal.process.send_signal(number)
        assert terminal.ended() == 0
        assert "The engine has stopped." in terminal.text()
        assert _is_whole(terminal)
    assert shell.run("status").returncode == 3


def test_a_sent_hang_up_restores_the_terminal_and_the_engine_continues(shell: Shell) -> None:
    with open_desk(shell) as terminal:
        pid = shell.json("status")["pid"]
        terminal.process.send_signal(signal.SIGHUP)
        assert terminal.ended() == 0
        assert _is_whole(terminal)
        assert "Reattach: mexc-tui attach." in terminal.text()
    assert shell.json("status")["pid"] == pid


def test_a_desk_whose_parent_was_killed_leaves_the_terminal_and_continues(shell: Shell) -> None:
    with open_desk(shell) as terminal:
        pid = shell.json("status")["pid"]
        terminal.process.kill()
        until(lambda: os.getsid(pid) == pid)
        until(lambda: terminal.read(0.05) is False and _is_whole(terminal))
    assert shell.json("status")["pid"] == pid


def test_a_suspended_desk_releases_the_terminal_and_takes_it_again(shell: Shell) -> None:
    prompted = {**shell.environ, "PS1": "now $ "}
    with Terminal(prompted, "--norc", "--noprofile", "-i", run=["bash"]) as terminal:
        terminal.until("now $")
        terminal.press(" ".join(RUN) + ENTER)
        terminal.until("Welcome")
        terminal.press(ENTER)
        terminal.until(READY)
        pid = shell.json("status")["pid"]
        os.kill(int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]), signal.SIGTSTP)
        begun = terminal.until("Stopped")
        assert _is_left(terminal)
        facts = shell.json("status")
        assert (facts["running"], facts["pid"]) == (True, pid)
        terminal.press("echo a sh''ell" + ENTER)
        ended = terminal.until("a shell", since=begun)
        terminal.press("fg" + ENTER)
        terminal.until(READY, since=ended)
        assert not _is_left(terminal)
        terminal.press("?")
        terminal.until("Sort by the next column", since=ended)
        terminal.press("?")
        terminal.press("q")
        terminal.until("Enter detaches.", since=ended)
        terminal.press("d")
        terminal.until("now $", since=terminal.until("Reattach", since=ended))
        assert _is_left(terminal)


# ---- during start-up


@pytest.fixture
def silent(tmp_path: Path) -> Generator[Path]:
    """Yield an exchange that accepts connections and never responds, so that an engine keeps starting."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        origin = f"127.0.0.1:{listener.getsockname()[1]}"
        file = tmp_path / "silent.json"
        rest = f"http://{origin}"
        file.write_text(json.dumps({"rest": rest, "ws": f"ws://{origin}/ws", "web": rest}))
        yield file


@pytest.mark.parametrize("seen", ["Opening the desk", "\x1b[?1003h", "Welcome", "connecting"])
def test_an_interrupt_at_any_time_of_start_up_exits_with_130(shell: Shell, silent: Path, seen: str) -> None:
    with Terminal(shell.environ, "--mode", "paper", "--exchange", str(silent)) as terminal:
        until(lambda: seen.encode() in terminal.said or not terminal.read(5) or seen in terminal.text())
        terminal.press(INTERRUPT)
        assert terminal.ended() == 130
        assert is_restored(terminal)
        assert terminal.text().rstrip().endswith("Start-up interrupted.")
        assert "Traceback" not in terminal.text()
    assert shell.run("status", "--profile", "paper").returncode == 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGINT])
def test_a_signal_before_start_up_restores_the_terminal(shell: Shell, number: signal.Signals) -> None:
    waits = "import mexc_tui.cli.loading_screen as s, signal; s.show('opens'); signal.pause()"
    with Terminal(shell.environ, "-c", waits, run=[RUN[0]]) as terminal:
        terminal.until("opens")
        terminal.process.send_signal(number)
        assert terminal.ended() == 128 + number
        assert is_restored(terminal)


def test_interrupting_while_the_command_line_is_loaded_prints_no_traceback(shell: Shell) -> None:
    loads = (
        "import sys, types, os, signal\n"
        "class Slow:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'mexc_tui.cli.main':\n"
        "            os.write(1, b'loading')\n"
        "            signal.pause()\n"
        "sys.meta_path.insert(0, Slow())\n"
        "from mexc_tui.__main__ import main\n"
        "main()\n"
    )
    with Terminal(shell.environ, "-c", loads, run=[RUN[0]]) as terminal:
        terminal.until("loading")
        terminal.press(INTERRUPT)
        assert terminal.ended() == 130
        assert "Start-up interrupted." in terminal.text()
        assert "Traceback" not in terminal.text()
