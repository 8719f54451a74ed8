"""One engine for each profile and each account on this machine; the dead hold no lock."""

import fcntl
import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from hashlib import blake2b
from pathlib import Path

from mexc_tui.paths import Paths


class EngineRuns(Exception):
    """Another engine holds the lock; the text says which, and what to do."""


@contextmanager
def engine_lock(paths: Paths, access_key: str) -> Generator[None]:
    """Hold the locks of a profile and of an account for as long as the block runs. Raises EngineRuns."""
    with ExitStack() as stack:
        stack.enter_context(_held(paths.lock, f"An engine of profile {paths.profile} runs already"))
        if access_key:
            name = blake2b(access_key.encode(), digest_size=8).hexdigest()
            account = paths.state.parent / f"account-{name}.lock"
            stack.enter_context(_held(account, "An engine with the same account runs already"))
        yield


@contextmanager
def _held(file: Path, words: str) -> Generator[None]:
    # The file stays: whoever deleted it could let two in.
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip()
            process = f" (process {holder})" if holder.isdecimal() else ""
            raise EngineRuns(f"{words}{process}. Stop it first, or choose another --profile.") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
