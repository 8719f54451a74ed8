"""From one aggre.depth frame (10 + 10 levels) to a valid book and its top: mexc-tui, its parts, ccxt.pro.

Every method gets the same frames in blocks of five hundred, each frame timed separately. After each frame the
top must be correct, for mexc-tui (which has none unless its versions are contiguous) and for ccxt.pro.
"""

import asyncio
import gc
import time
from collections.abc import Callable
from random import Random
from typing import Any

import ccxt.pro  # pyright: ignore[reportMissingTypeStubs]
from google.protobuf.json_format import MessageToDict

from benchmarks.common import emit, rows
from mexc_tui.exchange.streams import topics
from mexc_tui.exchange.streams.codec import check, decode
from mexc_tui.market.book import OrderBook
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.proto.stream_pb2 import Push

BLOCKS = 12
BLOCK = 500
FIRST_VERSION = 10_589_632_359
LEVELS = 1_000
TICK = 0.0001
GROUP = "depth frame, 10 + 10 levels, to a book with its top read"
FLOATS = "upb parse, each level to float once"


class Market:
    """Generates frames with prices that repeat as they do near the touch, and never cross."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.mid = 25_000
        self.asks = {self.mid + n: 10.0 for n in range(1, LEVELS)}
        self.bids = {self.mid - n: 10.0 for n in range(1, LEVELS)}
        self.version = FIRST_VERSION

    def snapshot(self) -> DepthSnapshot:
        """Return the book in the format of the REST API."""
        return DepthSnapshot(
            last_update_id=self.version,
            asks=tuple((_price(tick), str(quantity)) for tick, quantity in sorted(self.asks.items())),
            bids=tuple(
                (_price(tick), str(quantity)) for tick, quantity in sorted(self.bids.items(), reverse=True)
            ),
        )

    def frame(self) -> bytes:
        """Change the book slightly and return the frame of the stream."""
        if self.rng.random() < 0.2:
            self.mid += self.rng.choice((-1, 1))
        topic = topics.depth("MXUSDT")
        push = Push(channel=topic.channel, symbol="MXUSDT", send_time=1_760_000_000_000 + self.version)
        body = push.aggre_depths
        crossed = (
            [tick for tick in self.asks if tick <= self.mid],
            [tick for tick in self.bids if tick >= self.mid],
        )
        self._change(body.asks, self.asks, crossed[0], sign=1)
        self._change(body.bids, self.bids, crossed[1], sign=-1)
        body.event_type = topic.channel.rsplit("@", 1)[0]
        body.from_version = str(self.version + 1)
        self.version += self.rng.randint(1, 5)
        body.to_version = str(self.version)
        body.last_order_create_time = push.send_time
        return push.SerializeToString()

    def _change(self, out: Any, side: dict[int, float], gone: list[int], *, sign: int) -> None:
        near = [tick for step in range(1, 60) if (tick := self.mid + sign * step) not in gone]
        for tick in (gone + self.rng.sample(near, 10))[:10]:
            quantity = 0.0 if tick in gone or self.rng.random() < 0.3 else round(self.rng.random() * 1000, 2)
            out.add(price=_price(tick), quantity=f"{quantity:.2f}".rstrip("0").rstrip(".") or "0")
            side.pop(tick, None)
            if quantity:
                side[tick] = quantity

    def top(self) -> tuple[float, float]:
        """Return the true best bid and ask."""
        return float(_price(max(self.bids))), float(_price(min(self.asks)))


def _price(tick: int) -> str:
    return f"{tick * TICK:.4f}".rstrip("0").rstrip(".")


def ours(snapshot: DepthSnapshot) -> Callable[[bytes], tuple[float | None, float | None]]:
    """Return the desk's method: decode, check, apply, read the top."""
    topic = topics.depth("MXUSDT")
    book = OrderBook("MXUSDT")
    book.load(snapshot, 0)

    def method(frame: bytes) -> tuple[float | None, float | None]:
        push = decode(frame)
        check(topic, push)
        book.apply(push.aggre_depths, 0)
        return book.best_bid, book.best_ask

    return method


def parse_only(frame: bytes) -> None:
    """Parse only."""
    Push.FromString(frame)


def parse_and_floats(frame: bytes) -> object:
    """Parse, and convert every level to two floats."""
    body = Push.FromString(frame).aggre_depths
    asks = [(float(level.price), float(level.quantity)) for level in body.asks]
    return asks, [(float(level.price), float(level.quantity)) for level in body.bids]


def parse_and_dict(frame: bytes) -> object:
    """Parse to dicts of text, as several bots do, without numbers and without a book."""
    return MessageToDict(Push.FromString(frame))


def ccxt_pro(exchange: Any, snapshot: DepthSnapshot) -> Callable[[bytes], tuple[float, float]]:
    """Return ccxt.pro's message handler, called as by its socket, with a loaded book."""
    client = exchange.client("wss://wbs-api.mexc.com/ws")
    book = exchange.order_book(
        {
            "asks": [[float(price), float(quantity)] for price, quantity in snapshot.asks],
            "bids": [[float(price), float(quantity)] for price, quantity in snapshot.bids],
            "nonce": snapshot.last_update_id,
        }
    )
    symbol = exchange.safe_symbol("MXUSDT")
    exchange.orderbooks[symbol] = book

    def method(frame: bytes) -> tuple[float, float]:
        exchange.handle_message(client, frame)
        return book["bids"][0][0], book["asks"][0][0]

    return method


def _time(method: Callable[[bytes], Any], frame: bytes, top: tuple[float, float] | None) -> float:
    """Return the microseconds for one frame, after a check of the result."""
    began = time.perf_counter_ns()
    found = method(frame)
    durations = time.perf_counter_ns() - began
    assert top is None or found == top, (found, top)
    return durations / 1_000


async def measure() -> dict[str, list[float]]:
    """Return microseconds for each frame and method."""
    market = Market(7)
    snapshot = market.snapshot()
    exchange: Any = ccxt.pro.mexc()
    exchange.set_markets(
        [{"id": "MXUSDT", "symbol": "MX/USDT", "base": "MX", "quote": "USDT", "spot": True, "type": "spot"}]
    )
    methods: dict[str, Callable[[bytes], Any]] = {
        "mexc-tui: decode, check, apply, top": ours(snapshot),
        "upb parse only": parse_only,
        FLOATS: parse_and_floats,
        "upb parse and MessageToDict, no book": parse_and_dict,
        "ccxt.pro: message to book, top": ccxt_pro(exchange, snapshot),
    }
    times: dict[str, list[float]] = {name: [] for name in methods}
    gc.collect()
    gc.freeze()
    gc.disable()
    for number in range(BLOCKS + 1):  # the first one warms up
        frames = [(market.frame(), market.top()) for _ in range(BLOCK)]
        for name, method in methods.items():
            durations = [_time(method, frame, top if "top" in name else None) for frame, top in frames]
            times[name] += durations if number else []
        gc.collect()
    await exchange.close()
    return times


if __name__ == "__main__":
    emit(rows(GROUP, asyncio.run(measure()), base=FLOATS))
