"""How long a start waits for the exchange: as long as it takes with something held, else not for long."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from mexc_tui.engine.runtime.supervisor import WorkerFailure
from mexc_tui.model.errors import RequestRefused
from mexc_tui.model.outcome import KEY_CODES

T = TypeVar("T")

log = logging.getLogger(__name__)

FIRST_S, LONGEST_S = 1.0, 30.0
"""Pauses double from the first to the longest."""
SLOW_S = 3.0
GO_ON_S = 0.5
"""With something held, exits and the desk start after so long beside each question that has no answer yet."""
HELD = "Something is held, or an order's outcome is unknown: the engine stays up and tries again."


class StartPatience:
    """Pauses between the tries of one thing; says each new problem at once."""

    def __init__(self, holds: Callable[[], bool], give_up_s: float, note: Callable[[str], None]) -> None:
        """`holds`: whether something is held or unknown; without it, `give_up_s` is all that is waited.

        `note` gets what is waited for, as soon as that changes.
        """
        self._holds = holds
        self._note = note
        self._give_up_s = give_up_s
        self._waited_s = 0.0
        self._pause_s = FIRST_S
        self._said = ""

    async def wait(self, error: Exception, at_least_s: float = 0.0) -> None:
        """Say what is wrong if it is new, then pause. Raises WorkerFailure when nothing is worth waiting for.

        `at_least_s`: what the exchange asked for with Retry-After.
        """
        holds = self._holds()
        if not holds and (is_final(error) or self._waited_s >= self._give_up_s):
            raise error if isinstance(error, WorkerFailure) else WorkerFailure(told_why(error))
        self._say(told_why(error))
        pause_s = max(self._pause_s, at_least_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_S)
        await asyncio.sleep(pause_s)
        self._waited_s += pause_s

    async def answer(self, asking: Awaitable[T]) -> T:
        """Return what is answered; say so if that takes long."""
        loop = asyncio.get_running_loop()
        slow = loop.call_later(SLOW_S, self._say, f"it has not answered for {SLOW_S:g} s.")
        try:
            return await asking
        finally:
            slow.cancel()

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self._note(words)
            held = f" {HELD}" if self._holds() else ""
            log.warning("the start waits for the exchange: %s%s", words, held)


def is_final(error: Exception) -> bool:
    """Whether asking again changes nothing: the exchange refuses the key or this machine's address."""
    return isinstance(error, RequestRefused) and error.refusal.code in KEY_CODES


def told_why(error: Exception) -> str:
    """Return an error in words, with the next step for a key that is refused."""
    step = " Check the key and its list of addresses on the exchange's site: mexc-tui keys check."
    return f"{error}{step if is_final(error) else ''}"
