"""Reports to systemd that the engine is ready, responsive and stopping (sd_notify(3), reliability C4)."""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping

log = logging.getLogger(__name__)

MICROSECONDS = 1_000_000
PINGS_PER_TIMEOUT = 3
"""Two lost pings must not end a healthy engine."""


class ServiceManager:
    """The service manager that started this process; without one, every call does nothing."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        """`address`: its datagram socket (empty: none). `watchdog_s`: it ends a process silent that long."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog_s = watchdog_s if address else None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "ServiceManager":
        """Return the service manager that the environment names."""
        return cls(environ.get("NOTIFY_SOCKET", ""), _watchdog_s(environ))

    def ready(self, status: str) -> None:
        """Report that the engine is started."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self, monotonic_ns: int) -> None:
        """Report that settings are read again; `ready` ends it. `monotonic_ns`: now (CLOCK_MONOTONIC)."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_ns // 1_000}")

    def stopping(self, reason: str) -> None:
        """Report that the engine stops, and why."""
        self._send(f"STOPPING=1\nSTATUS=stopping: {reason}")

    async def feed_watchdog(self) -> None:
        """Ping from the event loop until cancelled: a blocked loop stops the pings."""
        if self.watchdog_s is None:
            return
        while True:
            self._send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / PINGS_PER_TIMEOUT)

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as connection:
                connection.setblocking(False)
                connection.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("systemd was not notified (%s): %s", message.partition("\n")[0], error)


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    """Return the watchdog timeout set for this process; None: no watchdog."""
    timeout, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not timeout.isdecimal() or int(timeout) == 0 or pid not in ("", str(os.getpid())):
        return None
    return int(timeout) / MICROSECONDS
