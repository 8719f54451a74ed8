"""Streams and order books on the practice exchange, with injected faults."""

import asyncio
from contextlib import suppress
from decimal import Decimal
from random import Random

import aiohttp
import pytest

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.engine.market.order_book_sync import OrderBookSync
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.market_messages import best_quote_of, deals_of
from mexc_tui.exchange.streams.public_streams import MarketStreams
from mexc_tui.exchange.streams.shard import StreamGap
from mexc_tui.exchange.streams.topics import StreamTopic, TopicKind
from mexc_tui.exchange.streams.user_stream import UserStream
from mexc_tui.market.book import BookState
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Purpose
from mexc_tui.model.stream import BalanceUpdate, OrderUpdate, PrivateUpdate
from mexc_tui.practice.scenario import FaultKind, FaultPlan, MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer, serving
from mexc_tui.proto.stream_pb2 import Push
from mexc_tui.simulation.run import Simulation, simulate

SMALL = MarketPlan(symbols=40, active_pairs=3, trades_per_s=5.0)
HOST = "127.0.0.1"


class StreamedBooks:
    """Order books fed by streams."""

    def __init__(self, client: MexcClient, sim: Simulation) -> None:
        self.order_books = OrderBookSync(client.market, sim.clock, Random(1))
        self.deals = 0
        self.quotes = 0

    def on_push(self, topic: StreamTopic, push: Push, received_ns: int) -> None:
        match topic.kind:
            case TopicKind.DEPTH:
                self.order_books.apply(topic.symbol, push.aggre_depths, received_ns)
            case TopicKind.DEALS:
                self.deals += len(deals_of(push))
            case _:
                best_quote_of(push)
                self.quotes += 1

    def on_gap(self, gap: StreamGap) -> None:
        topic = topics.parse(gap.channel)
        if topic.kind is TopicKind.DEPTH:
            (self.order_books.resume if gap.is_closed else self.order_books.invalidate)(topic.symbol)


FAULTS = {
    "none": (),
    "M5 drop": (FaultPlan(kind=FaultKind.DROP_PUSH, chance=0.1),),
    "M6 duplicate and reorder": (
        FaultPlan(kind=FaultKind.DUPLICATE_PUSH, chance=0.2),
        FaultPlan(kind=FaultKind.REORDER_PUSH, chance=0.2),
    ),
    "stale snapshot": (
        FaultPlan(kind=FaultKind.STALE_SNAPSHOT, chance=0.5, amount_ms=3000),
        FaultPlan(kind=FaultKind.DROP_PUSH, chance=0.1),
    ),
}


@pytest.mark.parametrize("faults", FAULTS)
def test_M5_M6_order_books_agree_with_the_exchange_despite_push_faults(faults: str) -> None:
    async def main(sim: Simulation) -> None:
        server = PracticeServer(Scenario(name="test", market=SMALL, faults=FAULTS[faults]), 1, sim.clock)
        await sim.network.serve(HOST, 80, server.application())
        connector = sim.network.connector()
        async with MexcClient(f"http://{HOST}", clock=sim.clock, rng=sim.rng, connector=connector) as client:
            streamed = StreamedBooks(client, sim)
            streams = MarketStreams(
                f"ws://{HOST}/ws",
                connector=sim.network.connector(),
                clock=sim.clock,
                rng=sim.rng,
                on_push=streamed.on_push,
                on_gap=streamed.on_gap,
            )
            symbol = "MXUSDT"
            book = streamed.order_books.add(symbol)
            streams.subscribe([topics.depth(symbol), topics.deals(symbol), topics.best_quote(symbol)])
            work = [asyncio.create_task(part.run()) for part in (streams, streamed.order_books)]
            agreed = 0
            for _ in range(300):
                await asyncio.sleep(0.37)
                truth = await client.market.depth(symbol, 20)
                if (
                    streamed.order_books.state(symbol) is BookState.VALID
                    and book.version == truth.last_update_id
                ):
                    assert book.asks(20) == [(float(price), float(size)) for price, size in truth.asks]
                    assert book.bids(20) == [(float(price), float(size)) for price, size in truth.bids]
                    agreed += 1
            assert agreed > 20
            assert streamed.quotes > 100
            for task in work:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    simulate(main)


async def test_an_order_on_the_practice_exchange_returns_on_the_private_stream() -> None:
    clock = SystemClock()
    async with serving(Scenario(name="test", market=SMALL), 1) as endpoint:
        credentials = Credentials(endpoint.api_key, Secret(endpoint.api_secret))
        updates: list[PrivateUpdate] = []
        changed = asyncio.Event()

        def on_update(update: PrivateUpdate) -> None:
            updates.append(update)
            changed.set()

        live = asyncio.Event()
        async with (
            aiohttp.TCPConnector() as connector,
            MexcClient(endpoint.rest, clock=clock, rng=Random(1), credentials=credentials) as client,
        ):
            await client.measure_clock(3)
            stream = UserStream(
                endpoint.ws,
                connector=connector,
                clock=clock,
                rng=Random(1),
                calls=client.account,
                on_update=on_update,
                on_gap=lambda _hole: live.set(),
            )
            task = asyncio.create_task(stream.run())
            async with asyncio.timeout(20):
                await live.wait()
                symbol = "MXUSDT"
                quote = await client.market.depth(symbol, 5)
                await client.orders.place(
                    NewOrder(
                        symbol=symbol,
                        side=Side.BUY,
                        type=OrderType.MARKET,
                        client_order_id="bot-1",
                        quote_quantity=Decimal(10),
                    ),
                    purpose=Purpose.ENTRY,
                )
                while not any(isinstance(update, OrderUpdate) and update.is_terminal for update in updates):
                    changed.clear()
                    await changed.wait()
            assert quote.asks
            assert any(isinstance(update, BalanceUpdate) for update in updates)
            order = next(update for update in updates if isinstance(update, OrderUpdate))
            assert (order.symbol, order.client_order_id) == (symbol, "bot-1")
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert await client.account.listen_keys() == []
