"""Retries requests at the start: without limit while there is exposure, else for a short time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mexc_tui.engine.runtime.supervisor import WorkerFailure
from mexc_tui.model.errors import RequestRefused
from mexc_tui.model.outcome import KEY_CODES

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Pauses double from the first to the longest."""
SLOW_S = 3.0
PROCEED_AFTER_S = 0.5
"""With exposure, exits and the desk start after this time although a request is still unanswered."""
EXPOSED = "Positions or orders of unknown outcome exist: the engine keeps running and retries."


class StartRetry:
    """Pauses between the attempts of one start-up request and reports each new problem at once."""

    def __init__(
        self, has_exposure: Callable[[], bool], give_up_s: float, report: Callable[[str], None]
    ) -> None:
        """`has_exposure`: whether positions or unknown orders exist; else give up after `give_up_s`.

        `report`: called with the problem whenever it changes.
        """
        self._has_exposure = has_exposure
        self._report = report
        self._give_up_s = give_up_s
        self._waited_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._reported = ""

    async def wait(self, error: Exception, at_least_s: float = 0.0) -> None:
        """Report the error if it is new, then pause. Raises WorkerFailure to give up.

        `at_least_s`: pause required by the exchange (Retry-After).
        """
        if not self._has_exposure() and (is_final(error) or self._waited_s >= self._give_up_s):
            raise error if isinstance(error, WorkerFailure) else WorkerFailure(error_text(error))
        self._report_once(error_text(error))
        pause_s = max(self._pause_s, at_least_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        await asyncio.sleep(pause_s)
        self._waited_s += pause_s

    async def request(self, request: Awaitable[T]) -> T:
        """Await a request and return its result; report if it takes long."""
        loop = asyncio.get_running_loop()
        slow = loop.call_later(SLOW_S, self._report_once, f"no response for {SLOW_S:g} s.")
        try:
            return await request
        finally:
            slow.cancel()

    def _report_once(self, problem: str) -> None:
        if problem != self._reported:
            self._reported = problem
            self._report(problem)
            exposed = f" {EXPOSED}" if self._has_exposure() else ""
            log.warning("start-up waits for the exchange: %s%s", problem, exposed)


def is_final(error: Exception) -> bool:
    """Return whether a retry is useless: the exchange rejects the API key or this IP address."""
    return isinstance(error, RequestRefused) and error.refusal.code in KEY_CODES


def error_text(error: Exception) -> str:
    """Return the text of an error, with the next step if the API key was rejected."""
    step = " Check the API key and its IP allowlist on MEXC, then run: mexc-tui keys check."
    return f"{error}{step if is_final(error) else ''}"
