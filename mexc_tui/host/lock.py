"""Locks: one engine per profile and per account on this machine. A lock is released when its process ends."""

import errno
import fcntl
import logging
import os
import pwd
import socket
import struct
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from mexc_tui.host.paths import Paths, PathsError
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.errors import DeskError

ANOTHER_PROFILE = "Stop it first, or choose another --profile."
ONE_ENGINE = "Stop it first: two engines would spend the same balance."


log = logging.getLogger(__name__)

_PEER = struct.Struct("3i")
"""Process, user and group of the peer of a socket (Linux `struct ucred`)."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Process that holds a lock, and the socket that it serves."""

    pid: int
    socket: Path | None


class EngineRuns(DeskError):
    """Another engine holds the lock.

    Raised before an engine starts. Attach to that engine or stop it: the text names it.
    """


def fingerprint(access_key: str) -> str:
    """Return a fingerprint that identifies an account on this machine without revealing its key."""
    return blake2b(access_key.encode(), digest_size=8).hexdigest()


def scope_of(endpoint: Endpoint) -> str:
    """Return the scope of a ledger: account and exchange session."""
    return f"{fingerprint(endpoint.api_key)}/{endpoint.exchange_session or endpoint.rest}"


@contextmanager
def engine_lock(paths: Paths, access_key: str, *, network: str = "") -> Generator[None]:
    """Hold the locks of a profile and of an account during the block.

    `network`: names a simulated network, whose accounts are its own; empty: the real one. Raises EngineRuns,
    or PathsError when a lock's file cannot be opened.
    """
    with ExitStack() as stack:
        message = f"An engine of profile {paths.profile} is already running"
        stack.enter_context(locked_file(paths.lock, message, ANOTHER_PROFILE, serves=str(paths.socket)))
        if access_key:
            stack.enter_context(_account_lock(f"account-{fingerprint(access_key)}{network}"))
        yield


@contextmanager
def _account_lock(name: str) -> Generator[None]:
    """Hold the lock of an account, which is independent of the profile's folders."""
    text = "An engine with the same account is already running"
    if sys.platform != "linux":
        file = _home_of_user() / f".mexc-tui-{name}.lock"
        with locked_file(file, text, ONE_ENGINE):
            try:
                yield
            finally:
                file.unlink(missing_ok=True)  # while it is held: waiting processes check again
        return
    # An abstract socket name needs no folder and no disk, and ends with its process.
    address = f"\0mexc-tui-{name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
        try:
            held.bind(address)
            held.listen()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise PathsError(f"Cannot lock the account: {error.strerror}.") from None
            raise EngineRuns(f"{text}{_process(_listener(address))}. {ONE_ENGINE}") from None
        yield


def _listener(address: str) -> str:
    """Return the id of the process that listens at an address; empty if unknown."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.setblocking(False)
        try:
            caller.connect(address)
            pid, _, _ = _PEER.unpack(caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        except OSError:
            return ""
    return str(pid)


def _process(pid: str) -> str:
    return f" (process {pid})" if pid.isdecimal() else ""


def _home_of_user() -> Path:
    """Return the home folder of the user, ignoring the environment."""
    return Path(pwd.getpwuid(os.geteuid()).pw_dir)


def is_held(lock: Path) -> bool:
    """Whether an engine holds its lock."""
    try:
        descriptor = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def recorded_holder(lock: Path) -> Holder | None:
    """Return the last holder of a lock, which may have ended. None: none recorded."""
    try:
        pid, _, rest = lock.read_text("utf-8", "surrogateescape").partition("\n")
    except OSError:
        return None
    socket_at = rest.partition("\n")[0]
    return Holder(int(pid), Path(socket_at) if socket_at else None) if pid.strip().isdecimal() else None


def socket_of(paths: Paths) -> Path:
    """Return the socket of a profile's engine, as recorded in its lock."""
    holder = recorded_holder(paths.lock)
    return paths.socket if holder is None or holder.socket is None else holder.socket


@contextmanager
def locked_file(file: Path, text: str, next_step: str, *, serves: str = "") -> Generator[None]:
    """Hold a lock file during the block; create it if missing. Raises EngineRuns, PathsError."""
    descriptor = _locked(file, text, next_step)
    try:
        _record_holder(descriptor, serves)
        yield
    finally:
        os.close(descriptor)


def _locked(file: Path, text: str, next_step: str) -> int:
    """Open and lock a file; try again if the file was replaced or deleted before it was locked.

    Raises EngineRuns or PathsError.
    """
    while True:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise PathsError(
                f"Cannot open {file}: {error.strerror}. Check its folder's owner and mount."
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), os.lstat(file)):
                return descriptor
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise EngineRuns(f"{text}{_process(holder)}. {next_step}") from None
        except FileNotFoundError:
            pass  # it was deleted in between: the next try creates it again
        os.close(descriptor)


def _record_holder(descriptor: int, serves: str) -> None:
    """Record process and socket in a lock file. The lock is valid without this, as on a full disk."""
    note = f"{os.getpid():<19d}\n{serves}\n".encode("utf-8", "surrogateescape")
    try:
        # Overwrites the previous record, which works on a full disk.
        os.pwrite(descriptor, note, 0)
        os.ftruncate(descriptor, len(note))
    except OSError as error:
        log.warning("the lock is held but does not name its process: %s", error.strerror)
