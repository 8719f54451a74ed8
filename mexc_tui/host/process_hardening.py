"""Keeps a key out of what is written of a process that broke (reliability 4.4)."""

import ctypes
import resource
import sys
from contextlib import suppress

PR_SET_DUMPABLE = 4
"""From Linux's sys/prctl.h."""


def forbid_dumps() -> None:
    """Let no core file be written of this process, and on Linux no other process of this user read it."""
    with suppress(OSError, ValueError):  # who starts it has forbidden to change that
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without it
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
