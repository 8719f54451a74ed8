"""REST client for one exchange endpoint and one API key."""

from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import TYPE_CHECKING, Self

import aiohttp

from mexc_tui.exchange.firing.warm_connection import WarmConnection
from mexc_tui.exchange.limits.breaker import BreakerState
from mexc_tui.exchange.limits.budget import Ban, BudgetLimits, RateBudget
from mexc_tui.exchange.limits.call_limits import CallLimits
from mexc_tui.exchange.limits.clock_offset import Measurement, OffsetEstimator, OffsetLimits, measure
from mexc_tui.exchange.origins import checked_origin
from mexc_tui.exchange.rest.account import RestAccount
from mexc_tui.exchange.rest.market import RestMarket
from mexc_tui.exchange.rest.orders import RestOrders
from mexc_tui.exchange.rest.requester import Requester
from mexc_tui.exchange.rest.routes import RouteGroup
from mexc_tui.exchange.rest.signing import Signer
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.model.credentials import Credentials
from mexc_tui.model.errors import ExchangeError

if TYPE_CHECKING:
    from mexc_tui.ports.clock import Clock

MEXC_REST = "https://api.mexc.com"


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """Limits for the request budget, the clock offset and single calls. The defaults fit MEXC."""

    budget: BudgetLimits | None = None
    offset: OffsetLimits | None = None
    calls: CallLimits = field(default_factory=CallLimits)


class MexcClient:
    """REST client with `market`, `orders` and `account` endpoints, and its state for display.

    Use it as an async context manager, or call `close`. WebSocket streams are separate.
    """

    def __init__(
        self,
        origin: str,
        *,
        clock: "Clock",
        rng: Random,
        credentials: Credentials | None = None,
        connector: aiohttp.BaseConnector | None = None,
        limits: ClientLimits | None = None,
    ) -> None:
        """Connect to `origin`, given without `/api/v3`; `connector` replaces the default TCP connector."""
        limits = limits or ClientLimits()
        self._clock = clock
        self.origin = checked_origin(origin)
        self._transport = HttpTransport(connector, limits.calls.connect_s)
        self.budget = RateBudget(clock, limits.budget)
        self.offset = OffsetEstimator(limits.offset)
        self._requester = Requester(
            self.origin,
            self._transport,
            clock=clock,
            rng=rng,
            budget=self.budget,
            offset=self.offset,
            signer=Signer(credentials) if credentials else None,
            limits=limits.calls,
        )
        self.clock_suspect = self._requester.clock_suspect
        self.market = RestMarket(self._requester)
        self.orders = RestOrders(self._requester)
        self.account = RestAccount(self._requester)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    def firing_connection(self) -> WarmConnection:
        """Return a new firing connection, not yet connected. The caller closes it."""
        return WarmConnection(
            self._requester, connections=self._transport.connections, origin=self.origin, clock=self._clock
        )

    @property
    def bans(self) -> tuple[Ban, ...]:
        """Bans in force, for display."""
        ban = self.budget.state().ban
        return (ban,) if ban is not None else ()

    @property
    def skipped_rows(self) -> tuple[str, ...]:
        """One line per endpoint whose latest list had malformed rows: the count and the first problem."""
        return self._requester.skipped.problems

    @property
    def breakers(self) -> dict[RouteGroup, BreakerState]:
        """Circuit breakers, for display."""
        return {group: breaker.state() for group, breaker in self._requester.breakers.items()}

    async def measure_clock(self, samples: int = 10) -> Measurement:
        """Measure the exchange clock and apply the best sample. Failures are returned, not raised."""
        measurement = await measure(
            self.market.server_time_ms, self._clock, errors=(ExchangeError,), samples=samples
        )
        if measurement.best is not None:
            self.offset.add(measurement.best)
            self.clock_suspect.clear()
        return measurement
