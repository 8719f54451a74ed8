"""Server of the practice exchange: handles requests and advances the session with one timer."""

import asyncio
import gc
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.practice.clock import PracticeClock, wall_clock
from mexc_tui.practice.faults import Faults, InjectedFault
from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.rest import responses
from mexc_tui.practice.rest.arrival_log import Arrivals
from mexc_tui.practice.rest.auth import Authenticator, SignedCall, credentials
from mexc_tui.practice.rest.http_account import AccountRoutes
from mexc_tui.practice.rest.http_closed import closed_routes
from mexc_tui.practice.rest.http_groups import StrategyRoutes
from mexc_tui.practice.rest.http_market import MarketRoutes
from mexc_tui.practice.rest.http_trade import TradeRoutes
from mexc_tui.practice.rest.http_wallet import WalletRoutes
from mexc_tui.practice.rest.limits import Block, LimitRejection, PracticeLimits
from mexc_tui.practice.rest.params import Params
from mexc_tui.practice.rest.route import Call, Json, PracticeRoute
from mexc_tui.practice.rest.web_pages import CALENDAR, SYMBOLS, calendar, symbols
from mexc_tui.practice.scenario import FaultKind, Scenario
from mexc_tui.practice.session import ExchangeSession
from mexc_tui.practice.streams.listen_keys import PracticeListenKeys
from mexc_tui.practice.streams.publisher import Publisher
from mexc_tui.practice.streams.sockets import Sockets

HOST = "127.0.0.1"
WS_PATH = "/ws"
PRACTICE_PATH = "/practice"
ARRIVALS_PATH = f"{PRACTICE_PATH}/arrivals"
SWEEP_MS = 1_000
NS_PER_MS = 1_000_000
MIN_WAIT_S = 0.001
MAX_BODY = 256 * 1024

_log = logging.getLogger(__name__)


class PracticeServer:
    """One practice exchange. Every request first advances the session to the clock's time."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        clock: PracticeClock,
        *,
        strict: bool = False,
        session: ExchangeSession | None = None,
    ) -> None:
        """`session`: a session other than the scenario's own."""
        self._clock = clock
        self.session = session or ExchangeSession(scenario, seed, clock.now_ms())
        self._scenario = scenario
        self.api_key, self.api_secret = credentials(seed, self.session.id)
        self._gate = Authenticator(self.api_key, self.api_secret, scenario.account, strict=strict)
        self._limits = PracticeLimits(scenario.knobs)
        self._faults = Faults(scenario.faults, seed, self.session.start_ms)
        self._listen_keys = PracticeListenKeys(scenario.knobs, seed)
        self._publisher = Publisher(self.session)
        self._sockets = Sockets(
            session=self.session,
            clock=clock,
            faults=self._faults,
            publisher=self._publisher,
            listen_keys=self._listen_keys,
            changed=self._arm,
        )
        self._arrivals = Arrivals()
        self._routes = {(route.method, route.path): route for route in self.routes()}
        self._timer: asyncio.TimerHandle | None = None
        self._next_sweep_ms = 0
        self._is_shut_down: asyncio.Event = asyncio.Event()

    def routes(self) -> list[PracticeRoute]:
        """Return all endpoints of the API."""
        return [
            *MarketRoutes(self.session).routes(),
            *TradeRoutes(self.session).routes(),
            *AccountRoutes(self.session, self._listen_keys, self.api_key).routes(),
            *WalletRoutes(self.session).routes(),
            *closed_routes(),
            *StrategyRoutes().routes(),
        ]

    def live_listen_keys(self) -> list[str]:
        """Return the valid listen keys of the account."""
        return self._listen_keys.live(self._clock.now_ms())

    def application(self) -> web.Application:
        """Return the aiohttp application; its timer runs from start-up to shutdown."""
        application = web.Application(client_max_size=MAX_BODY)
        application.router.add_route("*", "/{path:.*}", self._serve)
        application.cleanup_ctx.append(self._running)
        application.on_shutdown.append(self._shut_down)
        return application

    def endpoint(self, port: int) -> Endpoint:
        """Return the addresses and the key of this exchange."""
        return Endpoint(
            rest=f"http://{HOST}:{port}",
            ws=f"ws://{HOST}:{port}{WS_PATH}",
            web=f"http://{HOST}:{port}",
            api_key=self.api_key,
            api_secret=self.api_secret,
            exchange_session=self.session.id,
        )

    async def warm_up(self) -> None:
        """Precompute the data of all pairs between requests, before the first query for all of them.

        Takes a second or two. The data lives as long as the server, so the garbage collector skips it.
        """
        gc.disable()
        try:
            for _ in self.session.warm():
                await asyncio.sleep(0)
        finally:
            gc.freeze()
            gc.enable()

    def push_changes(self) -> None:
        """Push external changes, and schedule the next event."""
        self._advance()
        self._arm()

    # Time

    async def _running(self, application: web.Application) -> AsyncIterator[None]:
        del application
        self._tick()
        yield
        if self._timer is not None:
            self._timer.cancel()

    async def _shut_down(self, application: web.Application) -> None:
        del application
        self._is_shut_down.set()
        self._sockets.close_all()

    def _tick(self) -> None:
        """Advance the session, push due messages, and schedule the next event."""
        self._timer = None
        try:
            now_ms = self._advance()
            if now_ms >= self._next_sweep_ms and len(self._sockets):
                self._next_sweep_ms = now_ms + SWEEP_MS
                self._sockets.sweep()
        finally:
            self._arm()

    def _advance(self) -> int:
        """Advance the session to the clock's time and push due messages; return that time."""
        now_ms = self._clock.now_ms()
        self._publisher.shown_ms = now_ms + self._faults.skew_ms(now_ms)
        self.session.advance(now_ms)
        self._publisher.publish(now_ms)
        return now_ms

    def _arm(self) -> None:
        """Set the timer to the next event, push or check of the sockets."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_ms = self._clock.now_ms()
        times = [self.session.next_event_ms(), self._publisher.next_push_ms(now_ms)]
        if len(self._sockets):
            times.append(self._next_sweep_ms)
        due = [time for time in times if time is not None]
        if due and not self._is_shut_down.is_set():
            wait_s = max((min(due) - now_ms) / 1000, MIN_WAIT_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    # Requests

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Answer every request; internal errors are logged and answered with 500."""
        try:
            return await self._respond(request)
        except web.HTTPException:
            raise
        except ConnectionResetError:  # the client is gone: nobody reads the response
            return responses.internal_error()
        except Exception:
            _log.exception("%s %s failed", request.method, request.path)
            return responses.internal_error()

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        arrived_ns = self._clock.now_ns()
        if request.path == PRACTICE_PATH:
            self._advance()
            return responses.answer(self._about())
        if request.path == ARRIVALS_PATH:
            return web.Response(body=msgspec.json.encode(self._arrivals.all()))
        skew_ms = self._faults.skew_ms(arrived_ns // NS_PER_MS)
        self._arrivals.record(request, arrived_ns + skew_ms * NS_PER_MS)
        body = (await request.read()).decode("utf-8", "surrogateescape") if request.can_read_body else ""
        now_ms = self._advance()
        hits = self._faults.of_request(now_ms, request.method, request.path)
        try:
            if hits:
                return await self._respond_with_faults(request, body, hits)
            if request.path == WS_PATH:
                return await self._sockets.serve(request)
            return self._answer(request, body)
        finally:
            self._publisher.publish(self._clock.now_ms())
            self._arm()

    def _answer(self, request: web.Request, body: str, stale_ms: int = 0) -> web.Response:
        """Answer a request without waiting, so that one request is one step of the session."""
        try:
            page = self._page(request)
            return page if page is not None else self._api(request, body, stale_ms)
        except PracticeRefusal as refusal:
            return responses.refused(refusal)

    def _page(self, request: web.Request) -> web.Response | None:
        """Answer the web site's endpoints; None: another path."""
        if request.method != "GET" or request.path not in (CALENDAR, SYMBOLS):
            return None
        if self._scenario.knobs.web_blocked:
            return responses.firewall()
        return responses.answer((calendar if request.path == CALENDAR else symbols)(self.session))

    def _api(self, request: web.Request, body: str, stale_ms: int) -> web.Response:
        route = self._routes.get((request.method, request.path))
        rejection = self._limits.admit(
            self.session.now_ms,
            request.remote or HOST,
            route.weight if route is not None else 1,
            buckets=route.buckets if route is not None else (),
            by_key=route is not None and route.access is not None,
        )
        if rejection is not None:
            return responses.limit_rejected(rejection)
        if route is None:
            return responses.not_found()
        params = Params(request.raw_path.partition("?")[2], body)
        shown_ms = self._publisher.shown_ms
        if route.access is not None:
            self._gate.check(_signed(request, params), route.access, shown_ms)
        return responses.answer(route.handler(Call(params, shown_ms, stale_ms)))

    def _about(self) -> Json:
        """Return the session info, an addition to MEXC's API."""
        session = self.session
        return {
            "exchange_session": session.id,
            "scenario": self._scenario.name,
            "seed": session.seed,
            "start_ms": session.start_ms,
            "now_ms": session.now_ms,
            "ends_ms": session.ends_ms,
            "over": session.ends_ms is not None and session.now_ms >= session.ends_ms,
            "settings": self._scenario.settings,
        }

    # Faults

    async def _respond_with_faults(
        self, request: web.Request, body: str, hits: list[InjectedFault]
    ) -> web.StreamResponse:
        """Answer a request affected by faults."""
        kinds = {hit.kind: hit.amount_ms for hit in hits}
        if FaultKind.LATE_REQUEST in kinds:
            await asyncio.sleep(kinds[FaultKind.LATE_REQUEST] / 1000)
            self._advance()
        if self._is_lost(request, body, kinds):
            return responses.cut_off(request)
        blocked = self._blocking_response(kinds)
        if blocked is not None:
            return blocked
        if request.path == WS_PATH:
            await asyncio.sleep(kinds.get(FaultKind.DELAY, 0) / 1000)
            return await self._sockets.serve(request)
        response = self._answer(request, body, kinds.get(FaultKind.STALE_SNAPSHOT, 0))
        self._publisher.flush()
        if FaultKind.DELAY in kinds:
            await asyncio.sleep(kinds[FaultKind.DELAY] / 1000)
        if FaultKind.HALF_OPEN in kinds:
            await self._is_shut_down.wait()
        if FaultKind.HALF_OPEN in kinds or FaultKind.LOSE_RESPONSE in kinds:
            return responses.cut_off(request)
        if FaultKind.MALFORMED_ROW in kinds:
            response = responses.with_malformed_row(response)
        if FaultKind.RESET in kinds:
            return responses.cut_in_half(request, response)
        return responses.denied(response, kinds)

    def _is_lost(self, request: web.Request, body: str, kinds: dict[FaultKind, int]) -> bool:
        """Return whether the connection closes without a response; a late execution still follows."""
        if FaultKind.LATE_EXECUTION in kinds:
            delay_s = kinds[FaultKind.LATE_EXECUTION] / 1000
            asyncio.get_running_loop().call_later(delay_s, self._execute_late, request, body)
        return FaultKind.LOSE_REQUEST in kinds or FaultKind.LATE_EXECUTION in kinds

    def _execute_late(self, request: web.Request, body: str) -> None:
        self._advance()
        self._answer(request, body, 0)
        self._publisher.flush()

    def _blocking_response(self, kinds: dict[FaultKind, int]) -> web.Response | None:
        """Return the response of a fault that blocks the request."""
        if FaultKind.FIREWALL in kinds:
            return responses.firewall()
        if FaultKind.MAINTENANCE in kinds:
            return responses.maintenance()
        for kind, block in ((FaultKind.BANNED, Block.BANNED), (FaultKind.TOO_MANY_REQUESTS, Block.LIMITED)):
            if kind in kinds:
                wait_s = max(math.ceil(kinds[kind] / 1000), 1)
                return responses.limit_rejected(
                    LimitRejection(block, wait_s if self._scenario.knobs.retry_after else None)
                )
        return None


def _signed(request: web.Request, params: Params) -> SignedCall:
    return SignedCall(
        method=request.method,
        content_type=request.headers.get("Content-Type", ""),
        key=request.headers.get("X-MEXC-APIKEY"),
        address=request.remote or HOST,
        params=params,
    )


@asynccontextmanager
async def serving(
    scenario: Scenario,
    seed: int,
    *,
    port: int = 0,
    clock: PracticeClock | None = None,
    strict: bool = False,
    warm: bool = False,
) -> AsyncGenerator[Endpoint]:
    """Serve a practice exchange on 127.0.0.1 during the block. Raises OSError: port in use.

    `warm` is for a separate process: see `PracticeServer.warm_up`.
    """
    server = PracticeServer(scenario, seed, clock or wall_clock(), strict=strict)
    async with served(server, port) as endpoint:
        warming = asyncio.create_task(server.warm_up()) if warm else None
        try:
            yield endpoint
        finally:
            if warming is not None:
                warming.cancel()


@asynccontextmanager
async def served(server: PracticeServer, port: int = 0) -> AsyncGenerator[Endpoint]:
    """Serve this server on 127.0.0.1 during the block. Raises OSError: port in use."""
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        address: tuple[str, int] = runner.addresses[0]
        yield server.endpoint(address[1])
    finally:
        await runner.cleanup()
