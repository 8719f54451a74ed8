"""Retries for queries. Never used for requests that change state."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, TypeVar

from mexc_tui.model.errors import DeskError

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

T = TypeVar("T")

NS_PER_S = 1_000_000_000


class RetryDeadline(DeskError):
    """The total deadline passed during an attempt.

    Raised by `retrying`. Callers of the client receive it as `NoResponse`.
    """


async def retrying(
    call: Callable[[], Awaitable[T]],
    *,
    retryable: Callable[[Exception], bool],
    clock: "Clock",
    rng: Random,
    deadline_s: float,
    tries: int = 3,
    base_s: float = 0.5,
    cap_s: float = 8.0,
) -> T:
    """Call until success, at most `tries` times within `deadline_s`.

    Waits with full jitter: uniform between 0 and `base_s`, doubled after each attempt up to `cap_s`. Raises
    the error of `call` if it is not retryable, was the last attempt, or if the next wait would exceed the
    deadline; `RetryDeadline` if the deadline passes during a call.
    """
    ends_ns = clock.monotonic_ns() + round(deadline_s * NS_PER_S)
    last: Exception | None = None
    limit = asyncio.timeout(deadline_s)
    try:
        async with limit:
            for attempt in range(tries):
                try:
                    return await call()
                except Exception as error:
                    if attempt + 1 == tries or not retryable(error):
                        raise
                    last = error
                    wait_s = rng.uniform(0, min(cap_s, base_s * 2**attempt))
                    if clock.monotonic_ns() + wait_s * NS_PER_S >= ends_ns:
                        raise
                await asyncio.sleep(wait_s)
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise RetryDeadline(
            f"No response within {deadline_s:g} s. Try again later, or with a longer deadline."
        ) from (last or error)
    raise ValueError(f"tries must be at least 1, not {tries}")
