"""Pipeline of every REST call: breaker, budget, clock, signature, transport, response.

Queries may be retried. Requests that change state are sent once and return a SendOutcome.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, TypeVar

from mexc_tui.exchange.limits.breaker import Breaker
from mexc_tui.exchange.limits.budget import BudgetRefused, LaneCosts, RateBudget
from mexc_tui.exchange.limits.call_limits import CallLimits
from mexc_tui.exchange.limits.clock_offset import ClockOutOfBounds, OffsetEstimator
from mexc_tui.exchange.rest.connection import ConnectionAddress, Headers, RawResponse
from mexc_tui.exchange.rest.error_codes import explain, read_error
from mexc_tui.exchange.rest.responses import UNREADABLE, Reader, read_or_raise
from mexc_tui.exchange.rest.retry import RetryDeadline, retrying
from mexc_tui.exchange.rest.routes import Route, RouteGroup
from mexc_tui.exchange.rest.rows import SkippedRows
from mexc_tui.exchange.rest.signing import Signer, encode
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.model.errors import NoResponse, NothingSent, RequestRefused
from mexc_tui.model.outcome import Accepted, Ambiguous, NotSent, Purpose, Refusal, Rejected, SendOutcome

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

T = TypeVar("T")
Params = Iterable[tuple[str, str]]

ADMISSION_SHARE = 0.5
"""Share of the deadline that a request may wait for admission. A request sent later could not receive its
response in time: an order would become ambiguous without need."""
NS_PER_S = 1_000_000_000
MS_PER_S = 1_000
CLOCK_REJECTIONS = (700003, 10073)
TIME_OPEN_S = 1.0
"""How long the breaker of the exchange time stays open: without a right clock no exit is signed."""


class Requester:
    """Sends requests through breaker, budget, clock, signer and transport. One per exchange and key."""

    def __init__(
        self,
        origin: str,
        transport: HttpTransport,
        *,
        clock: "Clock",
        rng: Random,
        budget: RateBudget,
        offset: OffsetEstimator,
        signer: Signer | None = None,
        limits: CallLimits | None = None,
    ) -> None:
        self.limits = limits or CallLimits()
        self.budget = budget
        self.offset = offset
        self.breakers = {group: Breaker(clock, self.limits.breaker) for group in RouteGroup}
        self.breakers[RouteGroup.TIME] = Breaker(clock, replace(self.limits.breaker, open_s=TIME_OPEN_S))
        self.skipped = SkippedRows()
        self.clock_suspect = asyncio.Event()
        """Set when the exchange rejects a timestamp: measure the clock offset again (protocol 6.1)."""
        self._origin = origin
        self._transport = transport
        self._clock = clock
        self._rng = rng
        self._signer = signer
        public = {"Accept-Encoding": "identity", "Accept": "application/json", "User-Agent": "mexc-tui"}
        self.access_key = signer.access_key if signer else ""
        key = {"X-MEXC-APIKEY": self.access_key} if signer else {}
        self._public_headers = Headers(public)
        self._read_headers = Headers({**public, **key})
        # Signed POST, PUT and DELETE requests are refused without it, even without a body (protocol 2.3).
        self._write_headers = Headers({**public, **key, "Content-Type": "application/json"})

    async def get(
        self,
        route: Route,
        read: Reader[T],
        params: Params = (),
        *,
        purpose: Purpose = Purpose.ORDINARY,
        deadline_s: float | None = None,
    ) -> T:
        """Send a query, with retries within the deadline. Raises ExchangeError."""
        pairs = tuple(params)
        limits = self.limits
        total_s = deadline_s or limits.deadline_s

        async def once() -> T:
            return await self.call(route, read, pairs, purpose=purpose, deadline_s=total_s / 2)

        try:
            return await retrying(
                once,
                retryable=_is_retryable,
                clock=self._clock,
                rng=self._rng,
                deadline_s=total_s,
                tries=limits.tries,
                base_s=limits.retry_base_s,
                cap_s=limits.retry_cap_s,
            )
        except RetryDeadline:
            raise NoResponse(route.method, route.path, f"no complete response within {total_s:g} s") from None

    async def call(
        self,
        route: Route,
        read: Reader[T],
        params: Params = (),
        *,
        purpose: Purpose = Purpose.ORDINARY,
        deadline_s: float | None = None,
    ) -> T:
        """Send a request once and return the decoded response. Raises ExchangeError."""
        window_ms, total_s = self.limits.window_ms, deadline_s or self.limits.deadline_s
        response, _ = await self._exchange(
            route, params, purpose, recv_window_ms=window_ms, deadline_s=total_s
        )
        try:
            return read_or_raise(route.method, route.path, response.status, body=response.body, read=read)
        except RequestRefused as error:
            self._apply_refusal(error.refusal)
            raise

    async def send(
        self,
        route: Route,
        read: Reader[T],
        params: Params,
        *,
        purpose: Purpose,
        recv_window_ms: int | None = None,
        deadline_s: float | None = None,
        on_admitted: Callable[[], None] | None = None,
    ) -> SendOutcome[T]:
        """Send a state-changing request once and return its outcome.

        `on_admitted` is called when the rate budget admits it. Raises only CancelledError; treat a cancelled
        send as ambiguous.
        """
        window_ms = recv_window_ms or self.limits.order_window_ms
        total_s = deadline_s or self.limits.order_deadline_s
        try:
            response, timestamp_ms = await self._exchange(
                route, params, purpose, recv_window_ms=window_ms, deadline_s=total_s, on_admitted=on_admitted
            )
        except NothingSent as error:
            return NotSent(error.problem)
        except _NoResponse as error:
            return Ambiguous(reason=error.problem, timestamp_ms=error.timestamp_ms, recv_window_ms=window_ms)
        return self.outcome_of(response, read, timestamp_ms, window_ms=window_ms)

    # ---- used by the firing connection, which writes its requests itself

    def signed_request(
        self,
        route: Route,
        params: Params,
        recv_window_ms: int,
        *,
        timestamp_ms: int,
        address: ConnectionAddress,
    ) -> bytes:
        """Build and sign a request for a given exchange time. Raises ValueError."""
        if self._signer is None:
            raise ValueError("this needs a key, but none is loaded")
        query = self._signer.signed_query(params, recv_window_ms, timestamp_ms)
        return address.request_bytes(route.method, route.path, query, headers=self._headers(route))

    def public_request(self, route: Route, address: ConnectionAddress) -> bytes:
        """Build a public query without parameters."""
        return address.request_bytes(route.method, route.path, "", headers=self._public_headers)

    async def admit(self, route: Route, purpose: Purpose, deadline_s: float) -> None:
        """Wait until a request may be sent. Raises NothingSent if breaker or budget refuse it."""
        self._check_breaker(route, purpose)
        try:
            await self._admit(route, purpose, deadline_s)
        except (_Withheld, asyncio.CancelledError):
            self.release(route, purpose)
            raise

    def permit(self, route: Route, purpose: Purpose) -> "SendPermit":
        """Return a permit that admits such requests without waiting."""
        lane_costs = self.budget.lane_costs(route.weight, purpose, is_order=route.is_order, lanes=route.lanes)
        return SendPermit(
            breaker=self.breakers[route.group], budget=self.budget, lane_costs=lane_costs, purpose=purpose
        )

    def release(self, route: Route, purpose: Purpose) -> None:
        """Return the breaker probe of an admitted request that ended without a result."""
        self.breakers[route.group].release_probe(purpose)

    def record_no_response(self, route: Route) -> None:
        """Record a request without a response."""
        self.breakers[route.group].record_failure()

    def record_response(self, route: Route, response: RawResponse) -> None:
        """Update breaker and budget with a response."""
        if response.status >= 500:
            self.breakers[route.group].record_failure()
        else:
            self.breakers[route.group].record_success()
        self.budget.record_response(response.status, response.retry_after_s)

    def outcome_of(
        self, response: RawResponse, read: Reader[T], timestamp_ms: int, *, window_ms: int
    ) -> SendOutcome[T]:
        """Return the outcome that a response means for a signed request."""
        if 200 <= response.status < 300:
            try:
                return Accepted(read(response.body), timestamp_ms)
            except UNREADABLE:  # an unexpected body with status 200: its error code decides, below
                pass
        refusal = explain(response.status, read_error(response.body))
        if response.retry_after_s is not None:
            refusal = replace(refusal, retry_after_ms=round(response.retry_after_s * MS_PER_S))
        self._apply_refusal(refusal)
        if refusal.definite:
            return Rejected(refusal)
        return Ambiguous(
            reason=refusal.text, timestamp_ms=timestamp_ms, recv_window_ms=window_ms, refusal=refusal
        )

    async def _exchange(
        self,
        route: Route,
        params: Params,
        purpose: Purpose,
        *,
        recv_window_ms: int,
        deadline_s: float,
        on_admitted: Callable[[], None] | None = None,
    ) -> tuple[RawResponse, int]:
        """Send one request; return the response and the exchange time in its signature."""
        self._check_breaker(route, purpose)
        try:
            return await self._round_trip(
                route,
                params,
                purpose,
                recv_window_ms=recv_window_ms,
                deadline_s=deadline_s,
                on_admitted=on_admitted,
            )
        except (_Withheld, asyncio.CancelledError):
            self.release(route, purpose)
            raise

    async def _round_trip(
        self,
        route: Route,
        params: Params,
        purpose: Purpose,
        *,
        recv_window_ms: int,
        deadline_s: float,
        on_admitted: Callable[[], None] | None,
    ) -> tuple[RawResponse, int]:
        start_ns = self._clock.monotonic_ns()
        await self._admit(route, purpose, deadline_s * ADMISSION_SHARE)
        if on_admitted is not None:
            on_admitted()
        now_ns = self._clock.monotonic_ns()
        query = self._query(route, params, recv_window_ms, now_ns=now_ns, purpose=purpose)
        try:
            response = await self._transport.send(
                route.method,
                self._origin,
                route.path,
                query=query.text,
                headers=self._headers(route),
                deadline_s=max(0.001, deadline_s - (now_ns - start_ns) / NS_PER_S),
            )
        except NothingSent:
            self.record_no_response(route)
            raise
        except NoResponse as error:
            self.record_no_response(route)
            raise _NoResponse(error, query.timestamp_ms) from None
        self.record_response(route, response)
        return response, query.timestamp_ms

    def _check_breaker(self, route: Route, purpose: Purpose) -> None:
        if not self.breakers[route.group].allow(purpose):
            raise _Withheld(
                route.method,
                route.path,
                f"not sent: {route.group.value} failed repeatedly; trying again soon",
            )

    async def _admit(self, route: Route, purpose: Purpose, deadline_s: float) -> None:
        try:
            await self.budget.acquire(
                route.weight, purpose, is_order=route.is_order, deadline_s=deadline_s, lanes=route.lanes
            )
        except BudgetRefused as error:
            raise _Withheld(route.method, route.path, str(error)) from None

    def _query(
        self, route: Route, params: Params, recv_window_ms: int, *, now_ns: int, purpose: Purpose
    ) -> "_Query":
        try:
            if not route.signed:
                return _Query(encode(params), 0)
            if self._signer is None:
                raise _Withheld(route.method, route.path, "not sent: this needs a key, but none is loaded")
            timestamp_ms = self._time_to_sign(now_ns, purpose)
            return _Query(self._signer.signed_query(params, recv_window_ms, timestamp_ms), timestamp_ms)
        except ClockOutOfBounds as error:
            raise _Withheld(route.method, route.path, f"not sent: {error}") from None
        except ValueError:
            raise _Withheld(route.method, route.path, "not sent: a parameter is not valid UTF-8") from None

    def _time_to_sign(self, now_ns: int, purpose: Purpose) -> int:
        """Return the exchange time; local time for exits and stops while the offset is unknown."""
        try:
            return self.offset.exchange_now_ms(now_ns)
        except ClockOutOfBounds:
            if not purpose.reduces_risk:
                raise
            return self._clock.now_ms()

    def _headers(self, route: Route) -> Headers:
        if not route.signed:
            return self._public_headers
        return self._read_headers if route.method == "GET" else self._write_headers

    def _apply_refusal(self, refusal: Refusal) -> None:
        if refusal.code in CLOCK_REJECTIONS:
            self.clock_suspect.set()
        if refusal.code == 429 and refusal.http_status != 429:
            self.budget.record_response(429, None)


class SendPermit:
    """Admits one kind of request without waiting, for the hot path."""

    __slots__ = ("_breaker", "_budget", "_headroom", "_lane_costs", "_purpose")

    def __init__(
        self, *, breaker: Breaker, budget: RateBudget, lane_costs: LaneCosts, purpose: Purpose
    ) -> None:
        self._breaker = breaker
        self._budget = budget
        self._lane_costs = lane_costs
        self._purpose = purpose
        self._headroom = tuple((lane, cap - amount) for lane, amount, cap in lane_costs)

    def try_acquire(self) -> bool:
        """Reserve budget; False where `admit` would wait or refuse."""
        return self._breaker.is_closed and self._budget.try_acquire(self._lane_costs, self._purpose)

    def is_available(self) -> bool:
        """Whether a request may be sent now and recorded afterwards. False: use `try_acquire`."""
        is_available = self._breaker.is_closed and self._budget.is_uncontended
        for lane, most in self._headroom:
            # Expired amounts still count here, because the clock is not read.
            is_available = is_available and lane.used <= most
        return is_available

    def record_sent(self, at_ns: int) -> None:
        """Record a request sent directly after `is_available` returned True."""
        self._budget.record_sent(self._lane_costs, at_ns)


@dataclass(frozen=True, slots=True, repr=False)
class _Query:
    """An encoded query and the exchange time in its signature. `repr` hides the signature."""

    text: str
    timestamp_ms: int


class _Withheld(NothingSent):
    """A request was refused locally by breaker, budget, clock or key check.

    Raised before a send. An immediate retry has the same result.
    """


class _NoResponse(NoResponse):
    """No response arrived; carries the exchange time in the signature.

    Raised after a send. `send` converts it to an Ambiguous outcome.
    """

    def __init__(self, error: NoResponse, timestamp_ms: int) -> None:
        super().__init__(error.method, error.path, error.problem)
        self.timestamp_ms = timestamp_ms


def _is_retryable(error: Exception) -> bool:
    """Whether a query may be retried: no response, or an internal error of the exchange."""
    if isinstance(error, RequestRefused):
        return error.refusal.http_status >= 500
    return isinstance(error, NothingSent | NoResponse) and not isinstance(error, _Withheld)
