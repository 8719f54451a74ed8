"""Arrival times of orders in ns of the exchange's clock; an addition, MEXC has no such endpoint."""

from collections import deque

import msgspec
from aiohttp import web

ORDER_PATH = "/api/v3/order"
KEPT = 2_000


class Arrival(msgspec.Struct, frozen=True):
    """One order request on arrival, whatever its outcome."""

    at_ns: int
    client_order_id: str


class Arrivals:
    """The last arrivals, oldest first."""

    def __init__(self) -> None:
        self._log: deque[Arrival] = deque(maxlen=KEPT)

    def record(self, request: web.Request, at_ns: int) -> None:
        """Record a request that places an order."""
        if request.method == "POST" and request.path == ORDER_PATH:
            self._log.append(Arrival(at_ns, request.query.get("newClientOrderId", "")))

    def all(self) -> list[Arrival]:
        """Return the recorded requests."""
        return list(self._log)
