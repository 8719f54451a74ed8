"""The desk on real terminals: open, detach, lose, attach. Real processes, sockets and store."""

import os
import signal
import sys
import termios

import pytest

from tests.support.processes.pseudo_terminal import RUN, Terminal
from tests.support.processes.shell import Shell
from tests.support.processes.terminal_session import (
    ENTER,
    INTERRUPT,
    READY,
    is_restored,
    open_desk,
    process_state,
    shell,
    until,
    wait_until_gone,
)

pytestmark = pytest.mark.timeout(180)  # runs processes

__all__ = ["shell"]


def test_a_desk_is_opened_detached_attached_twice_hung_up_and_stopped(shell: Shell) -> None:
    with open_desk(shell) as first:
        first.press("q")
        first.until("Enter detaches.")
        first.press("d")
        assert first.ended() == 0
        assert "Reattach: mexc-tui attach." in first.text()
        assert first.said.rstrip().endswith(b"mexc-tui stop.")
        assert b"\x1b[?1049l" in first.said
    pid = shell.json("status")["pid"]
    with (
        Terminal(shell.environ, "attach") as second,
        Terminal(shell.environ, "attach", "--read-only") as third,
    ):
        second.until(READY)
        third.until(READY)
        second.hang_up()
        wait_until_gone(second.process.pid)
        third.press("q")
        assert third.ended() == 0
    assert shell.json("status")["pid"] == pid
    with Terminal(shell.environ) as fourth:  # without options it attaches to the running engine
        fourth.until(READY)
        fourth.press("q")
        fourth.until("Enter detaches.")
        fourth.press("s")
        fourth.until("Y confirm")
        fourth.until("[ 9s]")  # keys are ignored at first: a held key stops no engine
        fourth.press("Y")
        assert fourth.ended() == 0
        assert "The engine has stopped." in fourth.text()
    assert shell.run("status").returncode == 3


def test_a_lost_terminal_detaches_the_engine(shell: Shell) -> None:
    with open_desk(shell) as terminal:
        pid = shell.json("status")["pid"]
        assert pid != terminal.process.pid
        terminal.hang_up()
        wait_until_gone(terminal.process.pid)
    until(lambda: os.getsid(pid) == pid)
    assert shell.json("status")["running"]
    with Terminal(shell.environ, "attach") as again:
        again.until(READY)
        log = (shell.home / "state/mexc-tui/practice/engine.log").read_text()
        assert "Traceback" not in log


def test_terminating_the_parent_stops_the_engine_gracefully(shell: Shell) -> None:
    with open_desk(shell) as terminal:
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.ended() == 0
        assert "The engine has stopped." in terminal.text()
    assert shell.run("status").returncode == 3


def test_hostile_terminal_input_is_harmless(shell: Shell) -> None:
    """Many resizes, a pasted megabyte, a terminal that stops reading, and a stopped engine."""
    with open_desk(shell) as terminal:
        for number in range(40):
            terminal.resize(80 + number, 24 + number % 20)
        facts = shell.json("status")["journal"]
        paste = "\x1b[200~" + "hXYqs" * 200_000 + "\x1b[201~"
        for begin in range(0, len(paste), 4_000):
            terminal.press(paste[begin : begin + 4_000])
            terminal.read(0)
        begun = terminal.until("Z", since=len(terminal.said))
        assert not any(
            fact["kind"] == "command_begun" for fact in shell.json("journal") if fact["sequence"] > facts
        )
        terminal.resize(118, 38)
        until(lambda: terminal.is_full)  # without a reader
        assert shell.json("status")["running"]
        terminal.resize(120, 40)
        terminal.until(READY, since=begun)
        pid = shell.json("status")["pid"]
    with Terminal(shell.environ, "attach") as again:
        again.until(READY)
        os.kill(pid, signal.SIGSTOP)
        try:
            again.until("ENGINE SILENT")
        finally:
            os.kill(pid, signal.SIGCONT)
        again.until("connected", since=len(again.said))


def test_a_terminal_that_stopped_reading_is_still_released(shell: Shell) -> None:
    with open_desk(shell) as terminal:
        pid = shell.json("status")["pid"]
        sizes = iter(range(100, 2_000))

        def is_long_full() -> bool:
            """Request repaints; return whether the terminal was full for several of them."""
            nonlocal in_vain
            terminal.resize(next(sizes) % 40 + 100, 40)
            in_vain += terminal.is_full
            return in_vain > 40

        in_vain = 0
        until(is_long_full)
        terminal.press("q")

        def has_let_go() -> bool:
            """Answer the invisible question, if it is open by now."""
            terminal.press("d")
            return os.getsid(pid) == pid

        until(has_let_go)
        assert terminal.ended() == 0
        assert is_restored(terminal)
        assert b"mexc-tui stop." in terminal.said[-100:]


def test_a_stopped_desk_takes_the_terminal_again_and_a_killed_one_restores_it(shell: Shell) -> None:
    with open_desk(shell) as terminal:
        pid = shell.json("status")["pid"]
        os.kill(pid, signal.SIGSTOP)
        shells = termios.tcgetattr(terminal.master)
        shells[3] |= termios.ICANON | termios.ECHO
        termios.tcsetattr(terminal.master, termios.TCSANOW, shells)
        begun = len(terminal.said)
        os.kill(pid, signal.SIGCONT)
        until(lambda: terminal.read(0.05) and b"\x1b[?1049h" in terminal.said[begun:])
        terminal.until(READY, since=begun)
        assert not termios.tcgetattr(terminal.master)[3] & termios.ICANON
        os.kill(pid, signal.SIGKILL)
        assert terminal.ended() == 128 + signal.SIGKILL
        assert is_restored(terminal)
        assert "The engine was killed: stops of open positions are not monitored." in terminal.text()


def test_a_background_desk_does_not_use_the_terminal_until_it_is_resumed(shell: Shell) -> None:
    shell_words = {**shell.environ, "PS1": "now $ "}
    with Terminal(shell_words, "--norc", "--noprofile", "-i", run=["bash"]) as terminal:
        terminal.until("now $")
        terminal.press(" ".join(RUN) + ENTER)
        terminal.until("Welcome")
        terminal.press(ENTER)
        terminal.until(READY)
        pid = shell.json("status")["pid"]
        os.killpg(os.getpgid(pid), signal.SIGSTOP)
        terminal.until("Stopped")
        terminal.press("bg" + ENTER)
        begun = terminal.until("&", since=len(terminal.said))
        terminal.press("sleep 1.5; echo ov''er" + ENTER)  # it repaints every second while it has the terminal
        ended = terminal.until("over", since=begun)
        assert process_state(pid) in ("S", "R")
        assert "UTC" not in terminal.text(begun)
        assert b"\x1b[1;" not in terminal.said[begun:ended]
        terminal.press("fg" + ENTER)
        terminal.until(READY, since=ended)
        terminal.press("q")
        terminal.until("Enter detaches.")
        terminal.press("d")
        terminal.until("now $", since=terminal.until("Reattach", since=ended))
        assert shell.json("status")["pid"] == pid


def test_an_interrupt_during_start_up_restores_the_terminal(shell: Shell) -> None:
    with Terminal(shell.environ) as terminal:
        terminal.until("Opening the desk")
        terminal.press(INTERRUPT)
        assert terminal.ended() == 130
        assert is_restored(terminal)
        assert "killed" not in terminal.text()


BREAKS = """
from mexc_tui.tui.app import DeskApp

def broken(self):
    hidden = "a secret of a variable"
    raise ValueError("nobody foresaw this")

DeskApp.action_help = broken
from mexc_tui.cli.main import main
main()
"""


def test_a_failed_screen_exits_with_1_and_the_engine_keeps_running(shell: Shell) -> None:
    with open_desk(shell, run=[sys.executable, "-c", BREAKS]) as terminal:
        pid = shell.json("status")["pid"]
        terminal.press("?")
        _assert_failure_shown(terminal, shell, "engine.log")
    until(lambda: os.getsid(pid) == pid)
    with Terminal(shell.environ, "attach", run=[sys.executable, "-c", BREAKS]) as attached:
        attached.until(READY)
        attached.press("?")
        _assert_failure_shown(attached, shell, "screen.log")
    assert shell.json("status")["pid"] == pid


def _assert_failure_shown(terminal: Terminal, shell: Shell, log_name: str) -> None:
    """Check the terminal, exit code and message after a screen failed."""
    assert terminal.ended() == 1
    log = shell.home / "state/mexc-tui/practice" / log_name
    said = "The screen failed (ValueError: nobody foresaw this); "
    assert (
        f"{said}details are in {log}. The engine keeps running. Reattach: mexc-tui attach." in terminal.text()
    )
    assert "Traceback" not in terminal.text()
    assert "nobody foresaw this" in log.read_text()
    assert all("a secret" not in text for text in (terminal.text(), log.read_text()))
    assert is_restored(terminal)


def test_without_a_terminal_the_alternative_is_printed(shell: Shell) -> None:
    done = shell.run()
    assert done.returncode == 2
    assert "mexc-tui --headless" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_attach_without_an_engine_is_reported(shell: Shell) -> None:
    with Terminal(shell.environ, "attach") as terminal:
        assert terminal.ended() == 3
        assert "mexc-tui: No engine of this profile is running." in terminal.text()
