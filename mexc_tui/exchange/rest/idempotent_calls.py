"""Cancel requests: idempotent, so one without a response is repeated over another connection."""

import asyncio
from typing import TypeVar

from mexc_tui.exchange.rest.requester import Params, Requester
from mexc_tui.exchange.rest.responses import Reader
from mexc_tui.exchange.rest.routes import Route
from mexc_tui.model.outcome import Ambiguous, NotSent, Purpose, SendOutcome

T = TypeVar("T")

REPEAT_AFTER_S = 0.5
"""Seconds without a response before a request is repeated: four typical round trips."""


async def send_repeatable(
    requester: Requester, route: Route, read: Reader[T], *, params: Params, purpose: Purpose
) -> SendOutcome[T]:
    """Send a request, and repeat it once if no response arrives within `REPEAT_AFTER_S` of admission.

    Return the first outcome that is a response. The other request is cancelled.
    """
    pairs, is_admitted = tuple(params), asyncio.Event()
    first = asyncio.ensure_future(
        requester.send(route, read, pairs, purpose=purpose, on_admitted=is_admitted.set)
    )
    first.add_done_callback(lambda _: is_admitted.set())
    sends = [first]
    try:
        await is_admitted.wait()
        await asyncio.wait(sends, timeout=REPEAT_AFTER_S)
        if not first.done():
            sends.append(asyncio.ensure_future(requester.send(route, read, pairs, purpose=purpose)))
        return await _first_response(sends)
    finally:
        for send in sends:
            send.cancel()


async def _first_response(sends: "list[asyncio.Task[SendOutcome[T]]]") -> SendOutcome[T]:
    """Return the first outcome that is a response; without one, the outcome of the first request."""
    pending = set(sends)
    while pending:
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for send in sends:
            if send.done() and _is_response(send.result()):
                return send.result()
    return sends[0].result()


def _is_response(outcome: SendOutcome[T]) -> bool:
    is_silent = isinstance(outcome, Ambiguous) and outcome.refusal is None
    return not (is_silent or isinstance(outcome, NotSent))
