"""Sends prepared orders over a warm connection at an exact time (performance 4, 5).

The hot path is one clock read, one call of `may_send` and one write of prepared bytes. Budget, breaker and
connection are prepared shortly before. For an order that is sent immediately they are only checked, and its
budget use is recorded after the write. Each connection carries one order at a time: an order that arrives
meanwhile (a stop) opens another connection.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mexc_tui.exchange.limits.clock_offset import Sample
from mexc_tui.exchange.limits.waiting import NS_PER_MS, NS_PER_S, sleep_until, spin_until
from mexc_tui.exchange.rest import routes
from mexc_tui.exchange.rest.connection import (
    FAILURES,
    ConnectionAddress,
    Connections,
    HttpConnection,
    describe_failure,
)
from mexc_tui.exchange.rest.orders import order_params, order_problem
from mexc_tui.exchange.rest.requester import ADMISSION_SHARE, Requester, SendPermit
from mexc_tui.exchange.rest.responses import plain, read_or_raise
from mexc_tui.model.errors import NoResponse, NothingSent
from mexc_tui.model.market_data import ServerTime
from mexc_tui.model.order import NewOrder
from mexc_tui.model.outcome import Ambiguous, NotSent, Purpose, SendOutcome
from mexc_tui.model.report import PlacedOrder
from mexc_tui.ports.trading import FireResult, SignedOrder

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

WARM_SAMPLES = 4
WARM_NS = 30 * NS_PER_S
"""A connection counts as alive for this long after its last use (performance 10.4)."""
ROUND_TRIPS = 16
"""Number of recent round trips of which the fastest is reported."""
ADMIT_BEFORE_NS = 50 * NS_PER_MS
"""Time before the send time at which an attempt reserves its budget. It lies well inside the lane margin, so
that the budget counts the request in the same window as the exchange."""
CHECKOUT_BEFORE_NS = NS_PER_S
"""Time before the send time at which an attempt checks out its connection."""
WRITE_ATTEMPTS = 2
CAP_BYTES = 256 * 1024
REMEMBERED_REQUESTS = 4_096

_ROUTE = routes.PLACE_ORDER
_PLACED = plain(PlacedOrder)
_TIME = plain(ServerTime)

MaySend = Callable[[], bool]


@dataclass(slots=True)
class _InFlight:
    """One attempt in progress: its connection and timestamps so far."""

    signed: SignedOrder
    aim_ns: int | None
    connection: HttpConnection | None = None
    is_admitted: bool = False
    woke_ns: int | None = None
    written_ns: int | None = None
    answered_ns: int | None = None

    def result(self, outcome: SendOutcome[PlacedOrder]) -> FireResult:
        """Return the result of the attempt with its timestamps."""
        return FireResult(
            outcome=outcome,
            aim_ns=self.aim_ns,
            woke_ns=self.woke_ns,
            written_ns=self.written_ns,
            answered_ns=self.answered_ns,
        )

    def drop_connection(self) -> None:
        """Close the connection; the state of requests in flight is unknown."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class WarmConnection:
    """Implements `ports.trading.FiringLine` over HTTP/1.1."""

    def __init__(
        self, requester: Requester, *, connections: Connections, origin: str, clock: "Clock"
    ) -> None:
        """Prepare without connecting. Needs a running event loop."""
        self._requester = requester
        self._limits = requester.limits
        self._connections = connections
        self._address = ConnectionAddress(origin)
        self._permits = {purpose: requester.permit(_ROUTE, purpose) for purpose in Purpose}
        self._clock = clock
        self._now_ns = clock.monotonic_ns
        self._idle: HttpConnection | None = None
        self._used_ns = 0
        self._round_trips_ns: deque[int] = deque(maxlen=ROUND_TRIPS)
        self._prepared: dict[bytes, SendPermit] = {}
        """Permits of requests that are prepared and not sent yet."""
        self._fired: set[bytes] = set()
        self._is_closed = False

    @property
    def is_warm(self) -> bool:
        """Whether an idle connection is open and was used within `WARM_NS`."""
        idle = self._idle
        return idle is not None and idle.is_usable and self._now_ns() - self._used_ns <= WARM_NS

    @property
    def round_trip_ns(self) -> int | None:
        """Fastest recent round trip of a small request; None before the first."""
        return min(self._round_trips_ns, default=None)

    async def warm(self) -> None:
        """Connect if necessary, then measure round trip and clock over this connection.

        Raises ExchangeError.
        """
        connection = await self._checkout(routes.TIME)
        try:
            samples = [await self._query_time(connection) for _ in range(WARM_SAMPLES)]
        except BaseException:
            connection.close()
            raise
        self._check_in(connection)
        self._round_trips_ns.extend(sample.t1_ns - sample.t0_ns for sample in samples)
        self._requester.offset.add(min(samples, key=lambda sample: sample.round_trip_ms))

    def prepare(
        self, order: NewOrder, *, purpose: Purpose, timestamp_ms: int, recv_window_ms: int
    ) -> SignedOrder:
        """Build and sign a request in a few microseconds. Raises ValueError for an invalid order."""
        fault = order_problem(order)
        if fault:
            raise ValueError(fault)
        request = self._requester.signed_request(
            _ROUTE, order_params(order), recv_window_ms, timestamp_ms=timestamp_ms, address=self._address
        )
        if request not in self._fired:
            if len(self._prepared) >= REMEMBERED_REQUESTS:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[request] = self._permits[purpose]
        return SignedOrder(
            order=order,
            purpose=purpose,
            request=request,
            timestamp_ms=timestamp_ms,
            recv_window_ms=recv_window_ms,
        )

    async def fire_at(self, signed: SignedOrder, at_ns: int, may_send: MaySend) -> FireResult:
        """Send an order at `at_ns` of the monotonic clock, never earlier, and wait for the response."""
        return await self._fire(_InFlight(signed, at_ns), may_send)

    async def fire(self, signed: SignedOrder, may_send: MaySend) -> FireResult:
        """Send an order immediately and wait for the response.

        If connection and budget are available, the request is written before the next await; bookkeeping
        follows the write (performance 4).
        """
        connection, permit = self._idle, self._prepared.get(signed.request)
        if connection is not None and permit is not None and permit.is_available():
            woke_ns = self._now_ns()
            if may_send() and connection.write(signed.request):
                written_ns = self._now_ns()
                self._idle = None
                permit.record_sent(written_ns)
                self._record_fired(signed)
                return await self._fire(
                    _InFlight(signed, None, connection, True, woke_ns, written_ns), may_send
                )
        return await self._fire(_InFlight(signed, None), may_send)

    async def close(self) -> None:
        """Close the idle connection and open no more. An attempt in flight keeps its own connection."""
        self._is_closed = True
        if self._idle is not None:
            self._idle.close()
            self._idle = None

    # ---- an attempt

    async def _fire(self, attempt: _InFlight, may_send: MaySend) -> FireResult:
        try:
            connection = attempt.connection
            if attempt.written_ns is None or connection is None:
                await self._approach(attempt)
                connection = await self._write(attempt, may_send)
            return attempt.result(await self._read_response(attempt, connection))
        except NothingSent as error:
            attempt.drop_connection()
            return attempt.result(NotSent(error.problem))
        except BaseException:
            attempt.drop_connection()
            if attempt.is_admitted:
                self._requester.release(_ROUTE, attempt.signed.purpose)
            raise

    async def _approach(self, attempt: _InFlight) -> None:
        """Check out a connection, reserve budget and return at the send time. Raises NothingSent."""
        aim_ns = attempt.aim_ns
        if aim_ns is not None:
            # Connect now, not at the send time. Until shortly before, other attempts may use the connection.
            self._check_in(await self._checkout(_ROUTE))
            await sleep_until(self._clock, aim_ns - CHECKOUT_BEFORE_NS)
        attempt.connection = attempt.connection or await self._checkout(_ROUTE)
        if aim_ns is not None:
            await sleep_until(self._clock, aim_ns - ADMIT_BEFORE_NS)
            if not attempt.connection.is_usable:
                attempt.drop_connection()
                attempt.connection = await self._checkout(_ROUTE)
        await self._admit(attempt)
        if aim_ns is not None:
            await spin_until(self._clock, aim_ns)

    async def _admit(self, attempt: _InFlight) -> None:
        """Reserve budget for the order. Raises NothingSent."""
        signed = attempt.signed
        if not self._permits[signed.purpose].try_acquire():
            wait_s = min(self._limits.order_deadline_s, signed.recv_window_ms / 1000) * ADMISSION_SHARE
            await self._requester.admit(_ROUTE, signed.purpose, wait_s)
        attempt.is_admitted = True

    async def _write(self, attempt: _InFlight, may_send: MaySend) -> HttpConnection:
        """Write the request and return the connection that carried it. Raises NothingSent."""
        for _ in range(WRITE_ATTEMPTS):
            connection = attempt.connection
            if connection is None:
                # The connection dropped during the wait. Send late: recvWindow bounds the delay.
                connection = attempt.connection = await self._checkout(_ROUTE)
            attempt.woke_ns = self._now_ns()
            refusal = self._refusal(attempt.signed, may_send)
            if refusal:
                self._release(attempt)
                raise NothingSent(_ROUTE.method, _ROUTE.path, f"not sent: {refusal}")
            if connection.write(attempt.signed.request):
                attempt.written_ns = self._now_ns()
                self._record_fired(attempt.signed)
                return connection
            attempt.drop_connection()
        self._requester.record_no_response(_ROUTE)
        raise NothingSent(_ROUTE.method, _ROUTE.path, "not sent: connections broke before the first byte")

    def _refusal(self, signed: SignedOrder, may_send: MaySend) -> str:
        if signed.request not in self._prepared:
            return "this attempt was already sent; prepare another one"
        return "" if may_send() else "not sent: orders of this kind were stopped before sending"

    def _record_fired(self, signed: SignedOrder) -> None:
        if len(self._fired) >= REMEMBERED_REQUESTS:
            # The exchange rejects the old requests: their recvWindow has passed.
            self._fired.clear()
        self._fired.add(signed.request)
        del self._prepared[signed.request]

    def _release(self, attempt: _InFlight) -> None:
        """Return the connection and the breaker probe of an attempt that is not sent."""
        self._requester.release(_ROUTE, attempt.signed.purpose)
        if attempt.connection is not None:
            self._check_in(attempt.connection)
            attempt.connection = None

    async def _read_response(
        self, attempt: _InFlight, connection: HttpConnection
    ) -> SendOutcome[PlacedOrder]:
        """Wait for the response. Without a usable one the outcome is ambiguous."""
        signed, deadline_s = attempt.signed, self._limits.order_deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                response = await connection.read_response(CAP_BYTES)
        except FAILURES as error:
            attempt.drop_connection()
            self._requester.record_no_response(_ROUTE)
            return Ambiguous(
                reason=describe_failure(error, deadline_s),
                timestamp_ms=signed.timestamp_ms,
                recv_window_ms=signed.recv_window_ms,
            )
        attempt.answered_ns = self._now_ns()
        attempt.connection = None
        self._check_in(connection)
        self._requester.record_response(_ROUTE, response)
        return self._requester.outcome_of(
            response, _PLACED, signed.timestamp_ms, window_ms=signed.recv_window_ms
        )

    # ---- the connection

    async def _checkout(self, route: routes.Route) -> HttpConnection:
        """Return the idle connection or a new one for exclusive use. Raises NothingSent."""
        idle = self._checkout_idle()
        if idle is not None:
            return idle
        if self._is_closed:
            raise NothingSent(route.method, route.path, "not sent: this connection is closed")
        try:
            return await self._connections.open(self._address)
        except FAILURES as error:
            self._requester.record_no_response(route)
            problem = describe_failure(error, self._limits.connect_s)
            raise NothingSent(route.method, route.path, f"not sent: {problem}") from None

    def _checkout_idle(self) -> HttpConnection | None:
        idle, self._idle = self._idle, None
        if idle is None or idle.is_usable:
            return idle
        idle.close()
        return None

    def _check_in(self, connection: HttpConnection) -> None:
        """Keep a usable connection for the next attempt; close it if another one is idle."""
        if self._idle is not None or self._is_closed or not connection.is_usable:
            connection.close()
            return
        self._idle = connection
        self._used_ns = self._now_ns()

    async def _query_time(self, connection: HttpConnection) -> Sample:
        """Query the exchange time over this connection. Raises ExchangeError."""
        route, limits = routes.TIME, self._limits
        await self._requester.admit(route, Purpose.ENTRY, limits.deadline_s * ADMISSION_SHARE)
        t0_ns = self._now_ns()
        if not connection.write(self._requester.public_request(route, self._address)):
            self._requester.record_no_response(route)
            raise NothingSent(route.method, route.path, "not sent: the connection broke")
        try:
            async with asyncio.timeout(limits.deadline_s):
                response = await connection.read_response(CAP_BYTES)
        except FAILURES as error:
            self._requester.record_no_response(route)
            raise NoResponse(route.method, route.path, describe_failure(error, limits.deadline_s)) from None
        t1_ns = self._now_ns()
        self._requester.record_response(route, response)
        reply = read_or_raise(route.method, route.path, response.status, body=response.body, read=_TIME)
        return Sample(t0_ns, t1_ns, reply.server_time, self._clock.now_ms())
