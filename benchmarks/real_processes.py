"""Real processes for benchmarks: an exchange, the engine that trades on it, and a client of its socket."""

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from threading import Thread
from typing import IO, Any

START_DEADLINE_S = 60.0


class CampaignFailed(Exception):
    """A check of a campaign with real processes failed."""


class DeskLink:
    """A connection to the engine's socket. Methods raise OSError when it ends."""

    def __init__(self, path: Path, who: str) -> None:
        """Connect, and say hello."""
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self.send({"is": "hello", "protocol": 1, "role": "operate", "who": who})
        self.head: int = self.receive()["head"]

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def send(self, message: dict[str, Any]) -> None:
        """Send one message."""
        body = json.dumps(message).encode()
        self._socket.sendall(struct.pack(">I", len(body)) + body)

    def receive(self) -> dict[str, Any]:
        """Return the next message."""
        return json.loads(self._exactly(struct.unpack(">I", self._exactly(4))[0]))

    def _exactly(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            part = self._socket.recv(size - len(parts))
            if not part:
                raise OSError("closed")
            parts += part
        return bytes(parts)


class Follower(Thread):
    """Receives the facts of an engine until it ends."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self.received: set[int] = set()

    def run(self) -> None:
        """Follow from the current end of the journal; an end of the connection ends it."""
        with contextlib.suppress(OSError, ValueError, struct.error):
            link = DeskLink(self._path, "follower")
            link.send({"is": "follow", "after": link.head})
            while True:
                facts: list[list[Any]] = link.receive().get("facts", [])
                self.received.update(int(fact[0]) for fact in facts)


class LastLines(Thread):
    """Reads the standard error of an engine to its end, so that it never blocks; keeps the last lines."""

    def __init__(self, engine: "subprocess.Popen[bytes]") -> None:
        super().__init__(daemon=True)
        self.lines: deque[str] = deque(maxlen=40)
        self._engine = engine

    def run(self) -> None:
        """Read until the engine ends."""
        assert self._engine.stderr is not None
        for line in self._engine.stderr:
            self.lines.append(line.decode("utf-8", "replace").rstrip())


class Day:
    """One exchange process and the profile that trades on it."""

    def __init__(self, folder: Path, seed: int, scenario: str = "listing-day") -> None:
        """Start the exchange; `scenario`: a name, or the path of a file."""
        self.folder = folder
        self.file = folder / "exchange.json"
        self.environ = {
            **{name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ},
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
        }
        with self.file.open("wb") as output:
            self.exchange = self._start(
                "exchange", "--scenario", scenario, "--seed", str(seed), stdout=output
            )
        while not self.file.read_bytes().endswith(b"\n"):
            if self.exchange.poll() is not None:
                raise CampaignFailed(f"the exchange did not start: {self.exchange.returncode}")
            time.sleep(0.05)
        self.began = time.monotonic()

    @property
    def database(self) -> Path:
        """Return the database of the profile."""
        return self.folder / ".local/state/mexc-tui/practice/desk.sqlite3"

    @property
    def socket(self) -> Path:
        """Return the socket of its engine."""
        return self.folder / "mexc-tui/practice.sock"

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
            raise CampaignFailed(f"no reconciliation without an engine: {done.stderr}")
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


def wait_until_ready(engine: "subprocess.Popen[bytes]") -> float:
    """Return the seconds until an engine reports that it is ready. Raises CampaignFailed."""
    began = time.monotonic()
    assert engine.stderr is not None
    for line in engine.stderr:
        if b"Ready:" in line:
            return time.monotonic() - began
        if time.monotonic() - began > START_DEADLINE_S:
            raise CampaignFailed("an engine did not start")
    raise CampaignFailed(f"an engine ended while it started: {engine.wait()}")
