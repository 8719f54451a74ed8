"""Builds the exchange side of an engine: REST client, market adapter, trading adapter and paper exchange."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.app.exchange_settings_mapping import client_limits, socket_timings
from mexc_tui.app.market_adapter import MarketAdapterParts, MexcMarket
from mexc_tui.app.paper import SCOPE, PaperMarket, paper_balances, paper_exchange
from mexc_tui.app.settings_mapping import cache_lifetimes
from mexc_tui.app.trading_adapter import MexcTrading, TradingAdapterParts
from mexc_tui.engine.health import FIRST_SAMPLES, ClockUnknown
from mexc_tui.engine.market.prices import QUOTE
from mexc_tui.engine.parts import TradingSetup
from mexc_tui.engine.runtime.start_retry import PROCEED_AFTER_S
from mexc_tui.engine.runtime.supervisor import StartFailed
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.origins import OriginRefused, is_loopback_host
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.exchange.rest.web_calendar import MEXC_WEB, WebSite
from mexc_tui.host.desk_id import NAME as DESK_ID_FILE
from mexc_tui.host.desk_id import desk_id_of
from mexc_tui.host.listen_key_file import ListenKeyFile
from mexc_tui.host.lock import scope_of
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.mode import Mode
from mexc_tui.settings.all_settings import Settings
from mexc_tui.store.caches.cache import Cache
from mexc_tui.store.sqlite.store import SqliteStore

log = logging.getLogger(__name__)


def check_practice(location: EngineLocation) -> None:
    """Refuse a practice exchange on another machine. Raises OriginRefused."""
    endpoint = location.endpoint
    for url in (endpoint.rest, endpoint.ws, endpoint.web):
        if location.is_practice and not is_loopback_host(urlsplit(url).hostname or ""):
            raise OriginRefused(f"A practice exchange must run on this machine; {url} does not.")


@dataclass(frozen=True, slots=True)
class ExchangeBuilder:
    """Builds the exchange side of one engine; `stack` closes everything that is opened."""

    location: EngineLocation
    environment: EngineEnvironment
    settings: Settings
    stack: AsyncExitStack

    async def client(self, endpoint: Endpoint) -> MexcClient:
        """Open a REST client that signs with the loaded key, or with that of a practice or paper endpoint."""
        key = self.location.key
        generated = Credentials(endpoint.api_key, Secret(endpoint.api_secret)) if endpoint.api_key else None
        return await self.stack.enter_async_context(
            MexcClient(
                endpoint.rest,
                clock=self.environment.clock,
                rng=self.environment.rng,
                credentials=generated if key is None else key.credentials,
                connector=self.environment.connector(),
                limits=client_limits(self.settings),
            )
        )

    async def market(self, transport: HttpTransport, client: MexcClient, cache: Cache) -> MexcMarket:
        """Build the market adapter; in paper mode one that also feeds the paper exchange."""
        endpoint, environment = self.location.endpoint, self.environment
        adapter = PaperMarket if self.settings.mode is Mode.PAPER else MexcMarket
        return adapter(
            MarketAdapterParts(
                clock=environment.clock,
                client=client,
                web=WebSite(
                    transport, environment.clock, MEXC_WEB if endpoint.web in MEXC_WEB else (endpoint.web,)
                ),
                transport=transport,
                practice=endpoint.web if self.location.is_practice else "",
                has_key=bool(endpoint.api_key),
                stream_url=endpoint.ws,
                connector=await self._connector(),
                rng=environment.rng,
                timings=socket_timings(self.settings),
                cache=cache,
                kept=cache_lifetimes(self.settings),
                exchange_session=endpoint.exchange_session,
            )
        )

    async def trading(
        self, client: MexcClient, market: MexcMarket, store: SqliteStore, *, has_exposure: bool
    ) -> TradingSetup | None:
        """Build the account side; None without a key. In paper mode it trades on a paper exchange.

        `has_exposure`: whether the ledger holds open positions or orders. Raises StartFailed.
        """
        environment = self.environment
        if isinstance(market, PaperMarket):
            endpoint = await self._paper_endpoint(market, store, has_exposure=has_exposure)
            client = await self.client(endpoint)
            await client.measure_clock(FIRST_SAMPLES)
            market.add_clock_client(client)
            scope = SCOPE
        else:
            endpoint = self.location.endpoint
            scope = scope_of(endpoint)
        if not endpoint.api_key:
            return None
        state = self.location.paths.state
        port = MexcTrading(
            TradingAdapterParts(
                clock=environment.clock,
                client=client,
                stream_url=endpoint.ws,
                connector=await self._connector(),
                rng=environment.rng,
                timings=socket_timings(self.settings),
                keys=ListenKeyFile(state),
            )
        )
        desk_id = desk_id_of(state / DESK_ID_FILE, environment.rng)
        key = self.location.key
        return TradingSetup(
            port=port,
            scope=scope,
            desk_id=desk_id,
            halt_file=environment.halt_file(state, scope),
            key_validity="" if key is None else key.expiry,
            key_expires_ms=None if key is None else key.expires_ms,
        )

    async def _connector(self) -> aiohttp.BaseConnector:
        return await self.stack.enter_async_context(self.environment.connector() or aiohttp.TCPConnector())

    async def _paper_endpoint(
        self, market: PaperMarket, store: SqliteStore, *, has_exposure: bool
    ) -> Endpoint:
        """Serve a paper exchange on the market's order books, with the balances of the last session.

        It uses the market's clock. With open positions it starts on this machine's clock if the market does
        not respond soon.
        """
        problem = ""
        try:
            async with asyncio.timeout(PROCEED_AFTER_S if has_exposure else None):
                problem = await market.measure_clock(FIRST_SAMPLES)
        except TimeoutError:
            log.warning("the paper exchange starts with this machine's clock: the market's time is unknown")
        if problem and not has_exposure:
            raise StartFailed("clock", str(ClockUnknown(problem)))
        balances = await store.read("paper balances", paper_balances)
        if not balances:
            balances = {QUOTE: self.settings.paper_balance_quote}
        exchange = paper_exchange(
            market,
            balances,
            market.now_ms(),
            serve=self.environment.serve,
            delay_ms=self.settings.paper_delay_ms,
        )
        return await self.stack.enter_async_context(exchange)
