"""What the practice exchange really sent: every best quote of a few pairs, and their trades."""

import asyncio
from decimal import Decimal
from typing import Any

import aiohttp

from benchmarks.load_checks import TopPrices, Trade
from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.codec import decode
from mexc_tui.exchange.streams.market_messages import best_quote_of
from mexc_tui.exchange.streams.topics import TopicPace
from mexc_tui.model.endpoint import Endpoint


class Truth:
    """Records the quotes of pairs as an independent client, without dropping any."""

    def __init__(self, endpoint: Endpoint, symbols: tuple[str, ...]) -> None:
        """`symbols`: the pairs to observe."""
        self.quotes: dict[str, list[TopPrices]] = {symbol: [] for symbol in symbols}
        self.trades: set[Trade] = set()
        self._endpoint = endpoint

    async def run(self) -> None:
        """Record until cancelled; query the trades again before the exchange forgets them."""
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            group.create_task(self._record_quotes(session))
            while True:
                await self.query_trades(session)
                await asyncio.sleep(20)

    async def query_trades(self, session: aiohttp.ClientSession) -> None:
        """Add the newest trades of each pair."""
        for symbol in self.quotes:
            query = {"symbol": symbol, "limit": "1000"}
            async with session.get(f"{self._endpoint.rest}/api/v3/trades", params=query) as response:
                rows: list[dict[str, Any]] = await response.json()
            self.trades.update(
                Trade(symbol, int(row["time"]), Decimal(row["price"]), Decimal(row["qty"])) for row in rows
            )

    async def _record_quotes(self, session: aiohttp.ClientSession) -> None:
        channels = [topics.best_quote(symbol, TopicPace.MS_10).channel for symbol in self.quotes]
        async with session.ws_connect(self._endpoint.ws, max_msg_size=0) as link:
            await link.send_json({"method": "SUBSCRIPTION", "params": channels})
            async for message in link:
                if message.type is not aiohttp.WSMsgType.BINARY:
                    continue
                push = decode(message.data)
                quote = best_quote_of(push)
                known = self.quotes[push.symbol]
                if not known or (known[-1].bid, known[-1].ask) != (quote.bid_price, quote.ask_price):
                    known.append(TopPrices(push.send_time, quote.bid_price, quote.ask_price))
