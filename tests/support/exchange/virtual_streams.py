"""Streams in virtual time against the scripted stream server in memory."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress

from mexc_tui.exchange.streams.market_messages import deals_of
from mexc_tui.exchange.streams.public_streams import MarketStreams
from mexc_tui.exchange.streams.shard import StreamGap
from mexc_tui.exchange.streams.socket import SocketTimings
from mexc_tui.exchange.streams.topics import StreamTopic, TopicKind
from mexc_tui.proto.stream_pb2 import Push
from mexc_tui.simulation.network import Host
from mexc_tui.simulation.run import Simulation
from tests.support.exchange.scripted_stream_server import StreamServer

URL = "wss://wbs-api.mexc.com/ws"


class StreamBench:
    """A server, its host, market streams, and a record of pushes and gaps."""

    def __init__(self, sim: Simulation, server: StreamServer, host: Host, timings: SocketTimings) -> None:
        self.sim = sim
        self.server = server
        self.host = host
        self.gaps: list[tuple[float, StreamGap]] = []
        self.trades: list[str] = []
        self.versions: list[tuple[int, int]] = []
        self.pushes = 0
        self.streams = MarketStreams(
            URL,
            connector=sim.network.connector(),
            clock=sim.clock,
            rng=sim.rng,
            on_push=self._record_push,
            on_gap=self._record_gap,
            timings=timings,
        )

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Let virtual time pass until the condition is true, checked ten times a second."""
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.1)

    def _record_push(self, topic: StreamTopic, push: Push, _received_ns: int) -> None:
        self.pushes += 1
        if topic.kind is TopicKind.DEALS:
            self.trades.extend(deal.trade_id for deal in deals_of(push))
        elif topic.kind is TopicKind.DEPTH:
            body = push.aggre_depths
            self.versions.append((int(body.from_version), int(body.to_version)))

    def _record_gap(self, gap: StreamGap) -> None:
        self.gaps.append((self.now_s, gap))


@asynccontextmanager
async def virtual_streams(
    sim: Simulation, wanted: Iterable[StreamTopic], timings: SocketTimings | None = None
) -> AsyncGenerator[StreamBench]:
    """Run streams of these topics for the duration of the block."""
    server = StreamServer()
    host = await sim.network.serve("wbs-api.mexc.com", 443, server.application())
    bench = StreamBench(sim, server, host, timings or SocketTimings())
    bench.streams.subscribe(wanted)
    task = asyncio.get_running_loop().create_task(bench.streams.run())
    try:
        yield bench
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
