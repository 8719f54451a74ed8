"""One engine for each profile and each account on this machine; the dead hold no lock."""

import fcntl
import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.paths import Paths, PathsError

ANOTHER_PROFILE = "Stop it first, or choose another --profile."
ONE_ENGINE = "Stop it first: two engines would spend the same money."


class EngineRuns(Exception):
    """Another engine holds the lock; the text says which, and what to do."""


def fingerprint(access_key: str) -> str:
    """Return what an account is known by on this machine: it tells accounts apart, and not the key."""
    return blake2b(access_key.encode(), digest_size=8).hexdigest()


def scope_of(endpoint: Endpoint) -> str:
    """Return what books belong to: the account and its world."""
    return f"{fingerprint(endpoint.api_key)}/{endpoint.world or endpoint.rest}"


@contextmanager
def engine_lock(paths: Paths, access_key: str) -> Generator[None]:
    """Hold the locks of a profile and of an account for as long as the block runs.

    Raises EngineRuns, or PathsError when a lock's file cannot be opened.
    """
    with ExitStack() as stack:
        mine = f"An engine of profile {paths.profile} runs already"
        stack.enter_context(_held(paths.lock, mine, ANOTHER_PROFILE))
        if access_key:
            account = paths.state.parent / f"account-{fingerprint(access_key)}.lock"
            stack.enter_context(_held(account, "An engine with the same account runs already", ONE_ENGINE))
        yield


@contextmanager
def _held(file: Path, words: str, next_step: str) -> Generator[None]:
    # The file stays: whoever deleted it could let two in.
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise PathsError(
            f"Cannot open {file}: {error.strerror}. Check its folder's owner and mount."
        ) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            process = f" (process {holder})" if holder.isdecimal() else ""
            raise EngineRuns(f"{words}{process}. {next_step}") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
