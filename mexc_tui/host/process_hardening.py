"""Keeps the API key out of core dumps and away from other processes (reliability 4.4)."""

import ctypes
import resource
import sys
from contextlib import suppress

PR_SET_DUMPABLE = 4
"""From Linux's sys/prctl.h."""


def forbid_core_dumps() -> None:
    """Disable core files, and on Linux also access by other processes of the user."""
    with suppress(OSError, ValueError):  # not permitted to change the limit
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # a C library without it
            ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
