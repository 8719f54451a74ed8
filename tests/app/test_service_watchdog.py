"""An engine under systemd reports readiness, its event loop and its stop (reliability C4)."""

import os
import signal
import socket
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.support.processes.shell import Shell

pytestmark = pytest.mark.timeout(120)  # runs processes

WATCHDOG_S = 0.6


class Manager:
    """The datagram socket of a service manager, and a headless engine that it started."""

    def __init__(self, folder: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(folder / "notify"))
        self._socket.settimeout(60)
        shell = Shell(folder)
        (folder / "run").mkdir(mode=0o700)
        environ = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6))}
        self.engine = shell.start("--headless", **environ)

    def next(self) -> str:
        return self._socket.recv(1_000).decode()

    def next_other(self) -> str:
        """Return the next message that is no ping."""
        while (received := self.next()) == "WATCHDOG=1":
            pass
        return received

    def is_silent(self) -> bool:
        """Whether nothing arrives within two timeouts of the watchdog."""
        while True:
            self._socket.settimeout(2 * WATCHDOG_S)
            try:
                self._socket.recv(1_000)
            except TimeoutError:
                return True

    def close(self) -> None:
        self.engine.kill()
        self.engine.communicate()
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Generator[Manager]:
    created = Manager(tmp_path)
    yield created
    created.close()


def test_C4_systemd_receives_readiness_pings_and_the_stop(manager: Manager) -> None:
    assert manager.next() == "READY=1\nSTATUS=the engine is running"
    assert [manager.next() for _ in range(4)] == ["WATCHDOG=1"] * 4
    manager.engine.terminate()
    assert manager.next_other() == "STOPPING=1\nSTATUS=stopping: by a signal"
    assert manager.engine.wait(60) == 0


def test_C4_a_frozen_engine_sends_no_ping(manager: Manager) -> None:
    assert manager.next().startswith("READY=1")
    os.kill(manager.engine.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, manager.engine.pid, os.WSTOPPED)
    assert manager.is_silent()


def test_a_hang_up_reloads_the_settings_and_the_engine_continues(manager: Manager, tmp_path: Path) -> None:
    assert manager.next().startswith("READY=1")
    settings = tmp_path / "config" / "mexc-tui" / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("stop_loss_pct = -1\n")
    manager.engine.send_signal(signal.SIGHUP)
    assert manager.next_other().startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert "stop_loss_pct" in manager.next_other()
    settings.unlink()
    manager.engine.send_signal(signal.SIGHUP)
    assert manager.next_other().startswith("RELOADING=1")
    assert manager.next_other() == "READY=1\nSTATUS=the engine is running"


def test_a_lost_service_manager_leaves_the_engine_running(manager: Manager, tmp_path: Path) -> None:
    assert manager.next().startswith("READY=1")
    (tmp_path / "notify").unlink()
    shell = Shell(tmp_path)
    assert shell.run("status").returncode == 0
    with pytest.raises(subprocess.TimeoutExpired):
        manager.engine.wait(WATCHDOG_S)
