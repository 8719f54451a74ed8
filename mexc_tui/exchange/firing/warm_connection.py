"""A warm connection that fires prepared orders at a moment, and nothing else (performance 4, 5).

On the hot path are one look at the clock, the caller's word, and one write of ready bytes. Budget, breaker
and connection are seen to shortly before; of a shot that goes at once they are only looked at, and what it
takes is noted when the bytes are gone. One order is in flight on a connection at a time: another that
comes meanwhile (a stop) gets a connection of its own.
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
    describe,
)
from mexc_tui.exchange.rest.orders import fault_of, order_params
from mexc_tui.exchange.rest.requester import TURN_SHARE, Leave, Requester
from mexc_tui.exchange.rest.responses import plain, read_or_raise
from mexc_tui.model.errors import NoAnswer, NothingSent
from mexc_tui.model.market_data import ServerTime
from mexc_tui.model.order import NewOrder
from mexc_tui.model.outcome import Ambiguous, NotSent, Purpose, SendOutcome
from mexc_tui.model.report import PlacedOrder
from mexc_tui.ports.trading import FireResult, SignedOrder

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

WARM_SAMPLES = 4
WARM_NS = 30 * NS_PER_S
"""A connection that was used within this is believed to be alive (performance 10.4)."""
ROUND_TRIPS = 16
"""How many round trips are remembered; the fastest of them counts."""
ADMIT_BEFORE_NS = 50 * NS_PER_MS
"""Time before its aim at which an attempt reserves its budget: well inside the lanes' margin, so that what
the budget counts is what the exchange will see."""
TAKE_BEFORE_NS = NS_PER_S
"""Time before its aim from which an attempt owns its connection."""
WRITE_TRIES = 2
CAP_BYTES = 256 * 1024
SHOTS_KNOWN = 4_096

_ROUTE = routes.PLACE_ORDER
_PLACED = plain(PlacedOrder)
_TIME = plain(ServerTime)

MaySend = Callable[[], bool]


@dataclass(slots=True)
class _Flight:
    """One attempt in progress: its connection and timestamps so far."""

    shot: SignedOrder
    aim_ns: int | None
    connection: HttpConnection | None = None
    is_admitted: bool = False
    woke_ns: int | None = None
    written_ns: int | None = None
    answered_ns: int | None = None

    def ended(self, outcome: SendOutcome[PlacedOrder]) -> FireResult:
        """Return its outcome."""
        return FireResult(outcome, self.aim_ns, self.woke_ns, self.written_ns, self.answered_ns)

    def give_up(self) -> None:
        """Close the connection; the state of requests in flight is unknown."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class WarmConnection:
    """`engine.trading_ports.FiringLine` on the wire."""

    def __init__(self, requester: Requester, connections: Connections, origin: str, clock: "Clock") -> None:
        """Connect to nothing yet. Needs a running loop."""
        self._requester = requester
        self._limits = requester.limits
        self._connections = connections
        self._place = ConnectionAddress(origin)
        self._leaves = {purpose: requester.leave(_ROUTE, purpose) for purpose in Purpose}
        self._clock = clock
        self._now_ns = clock.monotonic_ns
        self._kept: HttpConnection | None = None
        self._used_ns = 0
        self._round_trips_ns: deque[int] = deque(maxlen=ROUND_TRIPS)
        self._ready: dict[bytes, Leave] = {}
        """What was prepared and not fired yet."""
        self._fired: set[bytes] = set()
        self._is_closed = False

    @property
    def is_warm(self) -> bool:
        """Whether it is connected and was used lately."""
        kept = self._kept
        return kept is not None and kept.is_usable and self._now_ns() - self._used_ns <= WARM_NS

    @property
    def round_trip_ns(self) -> int | None:
        """Return the fastest recent round trip of a small request; None before the first."""
        return min(self._round_trips_ns, default=None)

    async def warm(self) -> None:
        """Connect if need be; measure round trip and clock over this connection. Raises ExchangeError."""
        connection = await self._take(routes.TIME)
        try:
            samples = [await self._ask_time(connection) for _ in range(WARM_SAMPLES)]
        except BaseException:
            connection.close()
            raise
        self._keep(connection)
        self._round_trips_ns.extend(sample.t1_ns - sample.t0_ns for sample in samples)
        self._requester.offset.add(min(samples, key=lambda sample: sample.round_trip_ms))

    def prepare(
        self, order: NewOrder, *, purpose: Purpose, timestamp_ms: int, recv_window_ms: int
    ) -> SignedOrder:
        """Build and sign a request, in microseconds. Raises ValueError for an order that cannot be sent."""
        fault = fault_of(order)
        if fault:
            raise ValueError(fault)
        request = self._requester.signed_request(
            _ROUTE, order_params(order), recv_window_ms, timestamp_ms, self._place
        )
        if request not in self._fired:
            if len(self._ready) >= SHOTS_KNOWN:
                del self._ready[next(iter(self._ready))]
            self._ready[request] = self._leaves[purpose]
        return SignedOrder(order, purpose, request, timestamp_ms, recv_window_ms)

    async def fire_at(self, shot: SignedOrder, at_ns: int, may_send: MaySend) -> FireResult:
        """Send an attempt at a time of the monotonic clock, never earlier; wait for the response."""
        return await self._fire(_Flight(shot, at_ns), may_send)

    async def fire(self, shot: SignedOrder, may_send: MaySend) -> FireResult:
        """Send an attempt at once; wait for the response.

        Nothing in its way: written in this turn of the loop, and what can wait is done after (performance 4).
        """
        connection, leave = self._kept, self._ready.get(shot.request)
        if connection is not None and leave is not None and leave.is_free():
            woke_ns = self._now_ns()
            if may_send() and connection.write(shot.request):
                written_ns = self._now_ns()
                self._kept = None
                leave.went(written_ns)
                self._note_fired(shot)
                return await self._fire(_Flight(shot, None, connection, True, woke_ns, written_ns), may_send)
        return await self._fire(_Flight(shot, None), may_send)

    async def close(self) -> None:
        """Close the connection. An attempt in flight is awaited first."""
        self._is_closed = True
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    # ---- an attempt

    async def _fire(self, flight: _Flight, may_send: MaySend) -> FireResult:
        try:
            connection = flight.connection
            if flight.written_ns is None or connection is None:
                await self._approach(flight)
                connection = await self._write(flight, may_send)
            return flight.ended(await self._answer(flight, connection))
        except NothingSent as error:
            flight.give_up()
            return flight.ended(NotSent(error.problem))
        except BaseException:
            flight.give_up()
            if flight.is_admitted:
                self._requester.withdrawn(_ROUTE, flight.shot.purpose)
            raise

    async def _approach(self, flight: _Flight) -> None:
        """Return at the aim, with a connection and leave to send. Raises NothingSent."""
        aim_ns = flight.aim_ns
        if aim_ns is not None:
            # Connect now, so that the moment need not wait for it; until it is near, others may use it.
            self._keep(await self._take(_ROUTE))
            await sleep_until(self._clock, aim_ns - TAKE_BEFORE_NS)
        flight.connection = flight.connection or await self._take(_ROUTE)
        if aim_ns is not None:
            await sleep_until(self._clock, aim_ns - ADMIT_BEFORE_NS)
            if not flight.connection.is_usable:
                flight.give_up()
                flight.connection = await self._take(_ROUTE)
        await self._admit(flight)
        if aim_ns is not None:
            await spin_until(self._clock, aim_ns)

    async def _admit(self, flight: _Flight) -> None:
        """Take a place in the budget. Raises NothingSent."""
        shot = flight.shot
        if not self._leaves[shot.purpose].take():
            wait_s = min(self._limits.order_deadline_s, shot.recv_window_ms / 1000) * TURN_SHARE
            await self._requester.admit(_ROUTE, shot.purpose, wait_s)
        flight.is_admitted = True

    async def _write(self, flight: _Flight, may_send: MaySend) -> HttpConnection:
        """Write the request; return the connection that it left by. Raises NothingSent."""
        for _ in range(WRITE_TRIES):
            connection = flight.connection
            if connection is None:
                # It dropped while we waited. Late is better than never: the window bounds how late.
                connection = flight.connection = await self._take(_ROUTE)
            flight.woke_ns = self._now_ns()
            refusal = self._refusal(flight.shot, may_send)
            if refusal:
                self._withdraw(flight)
                raise NothingSent(_ROUTE.method, _ROUTE.path, f"not sent: {refusal}")
            if connection.write(flight.shot.request):
                flight.written_ns = self._now_ns()
                self._note_fired(flight.shot)
                return connection
            flight.give_up()
        self._requester.lost(_ROUTE)
        raise NothingSent(_ROUTE.method, _ROUTE.path, "not sent: connections break before the first byte")

    def _refusal(self, shot: SignedOrder, may_send: MaySend) -> str:
        if shot.request not in self._ready:
            return "this attempt was already sent; prepare another one"
        return "" if may_send() else "not sent: such orders were stopped before sending"

    def _note_fired(self, shot: SignedOrder) -> None:
        if len(self._fired) >= SHOTS_KNOWN:
            # The exchange takes none of the old ones any more: their windows are over.
            self._fired.clear()
        self._fired.add(shot.request)
        del self._ready[shot.request]

    def _withdraw(self, flight: _Flight) -> None:
        """Release everything that this attempt reserved."""
        self._requester.withdrawn(_ROUTE, flight.shot.purpose)
        if flight.connection is not None:
            self._keep(flight.connection)
            flight.connection = None

    async def _answer(self, flight: _Flight, connection: HttpConnection) -> SendOutcome[PlacedOrder]:
        """Wait for what the exchange says. No usable answer: ambiguous, whatever went wrong."""
        shot, deadline_s = flight.shot, self._limits.order_deadline_s
        try:
            async with asyncio.timeout(deadline_s):
                answer = await connection.answer(CAP_BYTES)
        except FAILURES as error:
            flight.give_up()
            self._requester.lost(_ROUTE)
            return Ambiguous(describe(error, deadline_s), shot.timestamp_ms, shot.recv_window_ms)
        flight.answered_ns = self._now_ns()
        flight.connection = None
        self._keep(connection)
        self._requester.heard(_ROUTE, answer)
        return self._requester.outcome_of(answer, _PLACED, shot.timestamp_ms, shot.recv_window_ms)

    # ---- the connection

    async def _take(self, route: routes.Route) -> HttpConnection:
        """Return the kept connection, or another one, for the caller alone. Raises NothingSent."""
        kept = self._take_kept()
        if kept is not None:
            return kept
        if self._is_closed:
            raise NothingSent(route.method, route.path, "not sent: this connection is closed")
        try:
            return await self._connections.open(self._place)
        except FAILURES as error:
            self._requester.lost(route)
            problem = describe(error, self._limits.connect_s)
            raise NothingSent(route.method, route.path, f"not sent: {problem}") from None

    def _take_kept(self) -> HttpConnection | None:
        kept, self._kept = self._kept, None
        if kept is None or kept.is_usable:
            return kept
        kept.close()
        return None

    def _keep(self, connection: HttpConnection) -> None:
        """Keep a connection for the next one who asks, if it is good and none is kept."""
        if self._kept is not None or self._is_closed or not connection.is_usable:
            connection.close()
            return
        self._kept = connection
        self._used_ns = self._now_ns()

    async def _ask_time(self, connection: HttpConnection) -> Sample:
        """Ask for the exchange's time over this connection. Raises ExchangeError."""
        route, limits = routes.TIME, self._limits
        await self._requester.admit(route, Purpose.ENTRY, limits.deadline_s * TURN_SHARE)
        t0_ns = self._now_ns()
        if not connection.write(self._requester.public_request(route, self._place)):
            self._requester.lost(route)
            raise NothingSent(route.method, route.path, "not sent: the connection broke")
        try:
            async with asyncio.timeout(limits.deadline_s):
                answer = await connection.answer(CAP_BYTES)
        except FAILURES as error:
            self._requester.lost(route)
            raise NoAnswer(route.method, route.path, describe(error, limits.deadline_s)) from None
        t1_ns = self._now_ns()
        self._requester.heard(route, answer)
        told = read_or_raise(route.method, route.path, answer.status, answer.body, _TIME)
        return Sample(t0_ns, t1_ns, told.server_time, self._clock.now_ms())
