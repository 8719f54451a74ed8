"""Exchange endpoints, the system clock, and the practice exchange as a child process."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.errors import DeskError

if TYPE_CHECKING:
    from mexc_tui.model.credentials import Credentials

MEXC = Endpoint(rest="https://api.mexc.com", ws="wss://wbs-api.mexc.com/ws", web="https://www.mexc.com")
"""The real exchange (protocol 1)."""

START_DEADLINE_S = 20.0
STOP_DEADLINE_S = 5.0


class StartError(DeskError):
    """A practice exchange or a desk could not be started.

    Raised while a command prepares to run. Show the text: it names the problem and the next step.
    """


@dataclass(frozen=True, slots=True)
class LoadedKey:
    """API key loaded from its storage."""

    credentials: "Credentials"
    expiry: str
    """Expiry as text."""
    expires_ms: int | None = None
    """By the date of storage, without an IP restriction; None: unknown."""


@dataclass(frozen=True, slots=True)
class ExchangeHandle:
    """The selected exchange, with the key that signs orders."""

    endpoint: Endpoint
    """Includes the access key, if there is one."""
    key: LoadedKey | None = None
    """None: the key of the endpoint itself, as in practice mode."""


class SystemClock:
    """The clocks of this machine."""

    def now_ms(self) -> int:
        """Return the wall clock as Unix milliseconds."""
        return time.time_ns() // 1_000_000

    # The system's function itself: every message and every order is stamped with it.
    monotonic_ns = staticmethod(time.monotonic_ns)
    """Return the clock that never steps, in nanoseconds."""


def read_endpoint(file: Path) -> Endpoint:
    """Read the JSON line that `mexc-tui exchange` printed. Raises StartError."""
    try:
        line = file.read_bytes()
        endpoint = msgspec.json.decode(line, type=Endpoint)
    except OSError as error:
        raise StartError(
            f"Cannot read {file}: {error.strerror}. Start one with: mexc-tui exchange > {file}"
        ) from None
    except msgspec.DecodeError as error:
        raise StartError(f"{file} does not hold the line that `mexc-tui exchange` prints: {error}") from None
    if b'"world"' in line:  # the session's key before 0.2: without it, another ledger would be opened
        raise StartError(
            f"{file} was printed by an older version. "
            f"Start the exchange again with this version: mexc-tui exchange > {file}"
        )
    return endpoint


@asynccontextmanager
async def practice_exchange(scenario: str, seed: int) -> AsyncGenerator[Endpoint]:
    """Run a practice exchange as a child process during the block.

    It exits when its standard input closes, so it never outlives this process. Raises StartError with the
    error message of the child if it does not start.
    """
    command = [sys.executable, "-m", "mexc_tui", "exchange", "--port", "0", "--with-parent"]
    with tempfile.TemporaryFile() as stderr:
        child = await asyncio.create_subprocess_exec(
            *command,
            *("--scenario", scenario, "--seed", str(seed)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            endpoint = await _first_line(child, stderr)
        except BaseException:
            await _kill(child)
            raise
        try:
            yield endpoint
        finally:
            await _end(child)


async def _first_line(child: asyncio.subprocess.Process, stderr: IO[bytes]) -> Endpoint:
    assert child.stdout is not None
    try:
        async with asyncio.timeout(START_DEADLINE_S):
            line = await child.stdout.readline()
    except TimeoutError:
        raise StartError(f"The practice exchange was not ready within {START_DEADLINE_S:.0f} s.") from None
    if not line:
        await child.wait()
        stderr.seek(0)
        reason = stderr.read().decode("utf-8", "replace").strip().removeprefix("mexc-tui: ")
        raise StartError(f"The practice exchange did not start. {reason}")
    return msgspec.json.decode(line, type=Endpoint)


async def _end(child: asyncio.subprocess.Process) -> None:
    assert child.stdin is not None
    child.stdin.close()
    try:
        async with asyncio.timeout(STOP_DEADLINE_S):
            await child.wait()
    except TimeoutError:
        await _kill(child)


async def _kill(child: asyncio.subprocess.Process) -> None:
    if child.returncode is None:
        child.kill()
    await child.wait()
