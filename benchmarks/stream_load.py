"""One process on one core: 5,000 stream messages a second from the practice exchange, for a minute.

Best quotes are pushed every 10 ms even when unchanged, so 60 pairs make 6,000 messages a second. Latency runs
from the socket's receive to the end of the handler; the exchange runs in a separate process.
"""

import argparse
import asyncio
import gc
import os
import resource
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import aiohttp

from benchmarks.common import Row, emit
from mexc_tui.app.endpoints import SystemClock, practice_exchange
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.market_messages import best_quote_of
from mexc_tui.exchange.streams.public_streams import MarketStreams
from mexc_tui.exchange.streams.shard import StreamGap
from mexc_tui.exchange.streams.topics import StreamTopic, TopicPace
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.proto.stream_pb2 import Push

PAIRS = 60
WARM_UP_S = 5.0


@dataclass
class Handled:
    """Handled messages. Latencies are counted in steps of 10 µs, so that measuring uses no memory."""

    steps: Counter[int] = field(default_factory=Counter[int])
    gaps: int = 0

    @property
    def handled(self) -> int:
        """Number of handled messages."""
        return self.steps.total()

    def percentile_ms(self, share: float) -> float:
        """Return the latency at quantile `share` of the messages."""
        left = share * self.handled
        for step in sorted(self.steps):
            left -= self.steps[step]
            if left <= 0:
                return (step + 1) / 100
        return 0.0


async def main(seconds: float) -> None:
    """Measure and print."""
    async with practice_exchange("calm", 1) as endpoint:
        await measure(endpoint, seconds)


async def measure(endpoint: Endpoint, seconds: float) -> None:
    """Subscribe, warm up, and watch for `seconds`."""
    seen, clock = Handled(), SystemClock()
    async with MexcClient(endpoint.rest, clock=clock, rng=Random(1)) as client:
        symbols = [ticker.symbol for ticker in await client.market.tickers_24h() if ticker.symbol.isascii()]
    async with aiohttp.TCPConnector() as connector:
        streams = MarketStreams(
            endpoint.ws,
            connector=connector,
            clock=clock,
            rng=Random(1),
            on_push=handler(seen),
            on_gap=lambda gap: note(seen, gap),
        )
        streams.subscribe(topics.best_quote(symbol, TopicPace.MS_10) for symbol in symbols[: PAIRS + 5])
        running = asyncio.create_task(streams.run())
        await asyncio.sleep(WARM_UP_S)
        gc.freeze()
        seen.steps.clear()
        before, cpu, began, memory = streams.state(), time.process_time(), time.perf_counter(), rss_mb()
        await asyncio.sleep(seconds)
        took, used = time.perf_counter() - began, time.process_time() - cpu
        after, memory_after = streams.state(), rss_mb()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    conflated = sum(f.conflated for f in after.feeds) - sum(f.conflated for f in before.feeds)
    rate = (after.messages - before.messages) / took
    group = f"stream load, {took:.0f} s, {after.connections} connections"
    handled = f"{seen.handled:,} handled, {conflated:,} conflated, {seen.gaps} gaps"
    emit(
        [
            Row(
                group,
                "messages received per second",
                rate,
                rate,
                "1/s",
                rate / 5_000,
                "ratio to the goal of 5,000",
            ),
            Row(
                group,
                "receive to handled",
                seen.percentile_ms(0.5),
                seen.percentile_ms(0.99),
                "ms",
                None,
                handled,
            ),
            Row(group, "CPU of the client", used / took * 100, used / took * 100, "% of a core"),
            Row(group, "memory at the start", memory, memory, "MB RSS"),
            Row(
                group,
                "memory at the end",
                memory_after,
                memory_after,
                "MB RSS",
                memory_after / memory,
                "to the start",
            ),
        ]
    )


def handler(seen: Handled) -> Callable[[StreamTopic, Push, int], None]:
    """Return the desk's handling of a quote, with a timestamp at its end."""

    def handle(_topic: StreamTopic, push: Push, received_ns: int) -> None:
        best_quote_of(push)
        seen.steps[(time.monotonic_ns() - received_ns) // 10_000] += 1

    return handle


def note(seen: Handled, gap: StreamGap) -> None:
    """Count lost messages; the first subscription also reports a closed gap."""
    seen.gaps += not gap.is_closed


def rss_mb() -> float:
    """Return this process's resident memory."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    asyncio.run(main(parser.parse_args().seconds))
