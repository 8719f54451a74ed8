"""Live mode on a local exchange, from the typed key to the kill; the secret is never printed."""

import base64
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

from mexc_tui.model.endpoint import Endpoint
from tests.support.processes.key_exchange import TRADES, exchange
from tests.support.processes.pseudo_terminal import Terminal
from tests.support.processes.shell import Shell

pytestmark = pytest.mark.timeout(180)  # runs processes

RUN = [sys.executable, "-m", "tests.support.processes.file_keyring"]
RUN_WITHOUT_KEYRING = [sys.executable, "-m", "mexc_tui"]
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
PASSPHRASE = "five words of a CANARY"
ENTER = "\r"


class LiveShell(Shell):
    """A live user's shell, and everything that was printed in it. It has a keyring unless that is removed."""

    def __init__(self, home: Path, endpoint: Endpoint, file: Path) -> None:
        super().__init__(home)
        self.program = RUN
        self.key, self.secret = endpoint.api_key, endpoint.api_secret
        self.exchange = ("--exchange", str(file))
        self.heard: list[bytes] = []

    @property
    def environ(self) -> dict[str, str]:
        keyring = NO_KEYRING if self.program is RUN_WITHOUT_KEYRING else {}
        return super().environ | {"HOME": str(self.home)} | keyring

    def run(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*self.program, *words],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=50,
            check=False,
            env=self.environ | more,
        )
        self.heard.append((done.stdout + done.stderr).encode())
        return done

    @contextmanager
    def terminal(self, *words: str, **more: str) -> Generator[Terminal]:
        with Terminal(self.environ | more, *words, run=self.program) as terminal:
            yield terminal
        self.heard.append(terminal.said)

    def type_key(self) -> None:
        with self.terminal("keys", "set") as terminal:
            terminal.until("Access key")
            terminal.press(self.key + ENTER)
            terminal.until("Secret")
            terminal.press(self.secret + ENTER)
            terminal.until("Stored for profile live")

    def is_silent_of(self, text: str) -> None:
        """Search everything printed, painted, sent and written for a text and its encodings."""
        plain = text.encode()
        disguises = (plain, base64.b64encode(plain)[:-4], plain.hex().encode(), plain[::-1])
        files = [one for one in self.home.rglob("*") if one.is_file() and one.name != "keyring.json"]
        assert any(one.name == "desk.sqlite3" for one in files)
        for told in (*self.heard, *(one.read_bytes() for one in files)):
            assert not any(one in told for one in disguises)


@pytest.fixture
def shell(tmp_path: Path) -> Generator[LiveShell]:
    home = tmp_path / "h"
    for folder in ("run/mexc-tui", "wire/mexc-tui"):
        (home / folder).mkdir(mode=0o700, parents=True)
    with exchange(tmp_path, *TRADES) as (file, endpoint):
        found = LiveShell(home, endpoint, file)
        yield found
        found.run("--mode", "live", "stop")


class Wire:
    """Proxy between viewers and the engine's socket that records every byte."""

    def __init__(self, shell: LiveShell) -> None:
        self._heard, self._engine = shell.heard, str(shell.home / "run/mexc-tui/live.sock")
        self._sockets = [socket.socket(socket.AF_UNIX)]
        self._sockets[0].bind(str(shell.home / "wire/mexc-tui/live.sock"))
        self._sockets[0].listen()
        self._threads = [threading.Thread(target=self._serve)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for one in self._sockets:
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                viewer, engine = self._sockets[0].accept()[0], socket.socket(socket.AF_UNIX)
                self._sockets += (viewer, engine)
                engine.connect(self._engine)
                pairs = ((viewer, engine), (engine, viewer))
                threads = [threading.Thread(target=self._pass_on, args=pair) for pair in pairs]
                self._threads += threads
                for thread in threads:
                    thread.start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65_536):
                self._heard.append(part)
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


def test_from_the_typed_key_to_the_kill_the_secret_is_never_printed(shell: LiveShell) -> None:
    shell.type_key()
    with shell.terminal("--mode", "live", *shell.exchange) as desk:
        desk.until("Welcome")
        desk.press(ENTER)
        desk.until("LIVE LOCKED")
        assert "No open positions." in shell.run("--mode", "live", "positions").stdout
        with (
            Wire(shell),
            shell.terminal("attach", "--mode", "live", XDG_RUNTIME_DIR=str(shell.home / "wire")) as viewer,
        ):
            viewer.until("LIVE LOCKED")
            for screen in "23456789":
                viewer.press(screen)
                viewer.read(0.2)
    killed = shell.run("kill", "--direct", "--yes", "--profile", "live", *shell.exchange)
    assert killed.returncode == 0, killed.stderr + killed.stdout
    shell.is_silent_of(shell.secret)
    shell.is_silent_of(shell.key)
    (halt,) = shell.home.rglob("*halt*")
    halt.unlink()
    assert shell.run("keys", "remove", "--yes").returncode == 0
    alone = shell.run("kill", "--direct", "--yes", "--profile", "live", *shell.exchange)
    # Without a key it commands the engine, which has one.
    assert alone.returncode == 0, alone.stderr + alone.stdout
    assert "halted: emergency stop" in alone.stdout + alone.stderr
    assert halt.exists()


def test_a_live_engine_without_a_key_does_not_start_and_names_the_next_step(shell: LiveShell) -> None:
    refused = shell.run("--headless", "--mode", "live", *shell.exchange)
    assert refused.returncode == 3
    assert refused.stderr.count("\n") == 1
    assert "mexc-tui keys set" in refused.stderr


def test_without_a_keyring_a_passphrase_is_typed_once_per_start_and_never_written(shell: LiveShell) -> None:
    shell.program = RUN_WITHOUT_KEYRING
    with shell.terminal("keys", "set") as terminal:
        terminal.until("no encrypting keyring")
        seen = 0
        for prompt, typed in (
            ("Access key", shell.key),
            ("Secret", shell.secret),
            ("New passphrase", "too short"),
            ("at least 12 characters", PASSPHRASE),
            ("again", "another one"),
            ("The passphrases differ", PASSPHRASE),
            ("again", PASSPHRASE),
        ):
            seen = terminal.until(prompt, since=seen)
            terminal.press(typed + ENTER)
        terminal.until("Stored for profile live: encrypted file.")
    with shell.terminal("keys", "check", *shell.exchange) as terminal:
        terminal.until("Passphrase of the secrets of profile live")
        terminal.press(PASSPHRASE + ENTER)
        terminal.until("It is fit for live trading.")
    with shell.terminal("--mode", "live", *shell.exchange) as desk:
        desk.until("Passphrase of the secrets of profile live")
        desk.press("not the passphrase" + ENTER)
        desk.until("Wrong passphrase. Passphrase of the secrets")
        desk.press(PASSPHRASE + ENTER)
        desk.until("Welcome")
        desk.press(ENTER)
        desk.until("LIVE LOCKED")
    # The terminal is closed: the engine continues, with the key.
    status = shell.run("--mode", "live", "status")
    assert (status.returncode, "NOT bound to an IP address" in status.stdout) == (0, True), status.stdout
    for words in (
        ("doctor", "--json", "--profile", "live", *shell.exchange),
        ("backup", "--profile", "live"),
        ("export", "journal", "--profile", "live", "--to", str(shell.home / "journal.json")),
        ("settings", "--profile", "live"),
        ("kill", "--direct", "--yes", "--profile", "live", *shell.exchange),
    ):
        done = shell.run(*words)
        assert done.returncode in (0, 1), (words, done.stderr)
        assert "Traceback" not in done.stderr
    for hidden in (shell.key, shell.secret, PASSPHRASE, "not the passphrase"):
        shell.is_silent_of(hidden)


def test_a_service_opens_an_encrypted_file_with_the_passphrase_in_a_credential(
    shell: LiveShell, tmp_path: Path
) -> None:
    shell.program = RUN_WITHOUT_KEYRING
    credential = tmp_path / "mexc-tui-live-passphrase"
    credential.write_text(f"{PASSPHRASE}\n")
    given = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    typed = f"{shell.key}\n{shell.secret}\n"
    done = subprocess.run(
        [*shell.program, "keys", "set", "--stdin"],
        input=typed, env=shell.environ | given, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    refused = shell.run("--headless", "--mode", "live", *shell.exchange)
    assert (refused.returncode, refused.stderr.count("\n")) == (3, 1)
    assert "mexc-tui-live-passphrase" in refused.stderr
    with shell.terminal("--headless", "--mode", "live", *shell.exchange, **given) as engine:
        engine.until("Ready: profile live")
        status = shell.run("--mode", "live", "status", "--json")
        assert status.returncode == 0, status.stderr
        assert shell.run("--mode", "live", "stop").returncode == 0
        assert engine.ended() == 0
    for hidden in (shell.key, shell.secret, PASSPHRASE):
        shell.is_silent_of(hidden)


def test_an_interrupted_passphrase_leaves_the_terminal_with_its_echo(shell: LiveShell) -> None:
    shell.program = RUN_WITHOUT_KEYRING
    done = subprocess.run(
        [*shell.program, "keys", "set", "--stdin"],
        input=f"{shell.key}\n{shell.secret}\n{PASSPHRASE}\n",
        env=shell.environ, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with shell.terminal("--mode", "live", *shell.exchange) as desk:
        desk.until("Passphrase of the secrets of profile live")
        assert not termios.tcgetattr(desk.master)[3] & termios.ECHO
        desk.press("\x03")
        desk.until("No passphrase was typed.")
        assert desk.ended() == 3
        assert termios.tcgetattr(desk.master)[3] & termios.ECHO
