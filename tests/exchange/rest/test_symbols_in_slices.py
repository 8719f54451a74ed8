"""Reading all pairs in slices that yield to the event loop."""

from random import Random

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.exchange.rest.web_calendar import HEADERS, SYMBOLS_PATH, WebSite, parse_symbols
from mexc_tui.practice.scenario import load
from mexc_tui.practice.server import serving


async def test_pairs_read_in_slices_equal_those_read_at_once() -> None:
    async with (
        serving(load("calm"), 1) as endpoint,
        MexcClient(endpoint.rest, clock=SystemClock(), rng=Random(1)) as client,
    ):
        assert (await client.market.all_pairs()).rows == (await client.market.exchange_info()).symbols


async def test_the_web_sites_pairs_read_in_slices_equal_those_read_at_once() -> None:
    async with serving(load("calm"), 1) as endpoint, HttpTransport() as transport:
        site = WebSite(transport, SystemClock(), (endpoint.web,))
        answer = await transport.send(
            "GET", endpoint.web, SYMBOLS_PATH, query="", headers=HEADERS, deadline_s=20
        )
        assert await site.symbols() == parse_symbols(answer.body, endpoint.web)
        assert len(parse_symbols(answer.body).symbols) > 1_900
