"""Runs each check on its own: an error of one check is its result, and stops no other check."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from mexc_tui.doctor.check import Check, fail
from mexc_tui.model.errors import DeskError

DEADLINE_S = 30.0
REPORT = "Report this as a defect of mexc-tui, with the log."

log = logging.getLogger(__name__)


async def isolated(name: str, work: Awaitable[list[Check]], deadline_s: float = DEADLINE_S) -> list[Check]:
    """Return the checks of `work`; an error or a missed deadline is a failed check named `name`."""
    try:
        async with asyncio.timeout(deadline_s):
            return await work
    except TimeoutError:
        return [
            fail(name, f"No result within {deadline_s:g} s.", "Try again; check the network of this machine.")
        ]
    except Exception as error:  # any error of one check is its result
        return [_failed(name, error)]


def isolated_now(name: str, work: Callable[[], Check | Iterable[Check]]) -> list[Check]:
    """Return the checks of a blocking `work`; an error is a failed check named `name`."""
    try:
        found = work()
    except Exception as error:  # any error of one check is its result
        return [_failed(name, error)]
    return [found] if isinstance(found, Check) else list(found)


def _failed(name: str, error: Exception) -> Check:
    if isinstance(error, DeskError):
        return fail(name, str(error), "Follow the message.")
    if isinstance(error, OSError):
        return fail(
            name,
            f"{error.filename or 'The system'}: {error.strerror or type(error).__name__}.",
            "Check that this user may read it.",
        )
    # Other texts are not shown: they may contain data.
    log.warning("the check %s failed: %s", name, type(error).__name__)
    return fail(name, f"The check itself failed ({type(error).__name__}).", REPORT)
