"""Stops of a whole engine: price push received to last byte of the sale, under 2,000 messages a second.

The engine holds one position after another, bought on a practice exchange in a process of its own. A push of
the load brings a price far below the stop; what is timed ends with the last byte of the sale's request.
"""

import asyncio
import gc
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from random import Random

from benchmarks.common import Row, emit, percentile
from benchmarks.firing import exchange_of, load
from benchmarks.order_path import SCENARIO, SYMBOL
from mexc_tui.bootstrap import SystemClock
from mexc_tui.engine.bookings import Desk, stem
from mexc_tui.engine.execution import Execution, Sent
from mexc_tui.engine.trading import TradingRooms
from mexc_tui.engine.trading_ports import FiringLine, Shot
from mexc_tui.joining import Joined, Outside, Place, joined
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import ExitPlan, Snipe, SnipeKey, SnipeState
from mexc_tui.model.stream import BestQuote
from mexc_tui.paths import paths_of

ROUNDS = 45
SPEND = Decimal(10)
SETTINGS = """
[settings]
losses_halt = 100
losses_pause = 100
"""
LADDER = tuple(Rung(Decimal(share), Decimal(gain)) for share, gain in ((30, 10), (40, 20), (30, 30)))


class Timed:
    """Notes when the last byte of each sale left."""

    def __init__(self, execution: Execution) -> None:
        self.written = asyncio.Queue[int]()
        self._fire = execution.fire
        setattr(execution, "fire", self.fire)  # noqa: B010 - a method, for the time of a measurement

    async def fire(self, intent: Intent, line: FiringLine, shot: Shot) -> Sent:
        """Fire, and note it."""
        sent = await self._fire(intent, line, shot)
        if sent.fired is not None and sent.fired.written_ns is not None:
            self.written.put_nowait(sent.fired.written_ns)
        return sent


class Pushes:
    """Turns one push of the load into a fall of the price."""

    def __init__(self, rooms: TradingRooms) -> None:
        self._rooms = rooms
        self._bid: Decimal | None = None
        self.received_ns = 0

    def fall(self, bid: Decimal) -> None:
        """Let the next push tell of this bid."""
        self._bid = bid

    def on_push(self, received_ns: int) -> None:
        """Take one push."""
        bid, self._bid = self._bid, None
        if bid is not None:
            self.received_ns = received_ns
            self._rooms.prices.on_quote(BestQuote(SYMBOL, bid, Decimal(1), bid * 2, Decimal(1), 0))


async def buy(rooms: TradingRooms, number: int, ladder: tuple[Rung, ...]) -> Position:
    """Buy by hand; return the position once it is guarded."""
    now_ms, names = rooms.port.now_ms(), rooms.keeper.client_ids(1)
    name = stem(names[0])
    plan = ExitPlan(stop_loss_pct=Decimal(10), ladder=ladder)
    snipe = Snipe(
        id=name, key=SnipeKey(SYMBOL, f"bench/{name}"), listing_id="", config_hash="", opens_ms=now_ms,
        state=SnipeState.FIRING, reason="bench", by="bench", type=OrderType.MARKET, spend_cap=SPEND,
        reference_price=None, price_cap=None, plan=plan, verdicts=(), armed_ms=now_ms,
    )  # fmt: skip
    intent = Intent(
        id=name, role=OrderRole.ENTRY, symbol=SYMBOL, base_asset="SOL", quote_asset="USDT", side=Side.BUY,
        client_ids=names, spend_cap=SPEND, reserved=SPEND, snipe_id=name, position_id=f"{name}p",
        created_ms=now_ms, reason="bench",
    )  # fmt: skip

    def work(desk: Desk) -> None:
        desk.save_snipe(snipe)
        desk.save_intent(intent)

    await rooms.keeper.write("bench", work)
    order = NewOrder(SYMBOL, Side.BUY, OrderType.MARKET, names[0], quote_quantity=SPEND - 1)
    sent = await rooms.execution.place(intent, order)
    while rooms.keeper.open.positions.get(intent.position_id) is None:
        if sent.order.state.is_terminal and not sent.order.filled_quantity:
            raise RuntimeError(f"buy {number}: {sent.order.reason}")
        await asyncio.sleep(0.01)
    await rooms.keeper.end_intent(intent.id, "bench")
    await asyncio.sleep(0.5)
    return rooms.keeper.open.positions[intent.position_id]


async def stops(running: Joined, ladder: tuple[Rung, ...], timed: Timed) -> tuple[list[float], float]:
    """Return microseconds of each stop, and how many messages a second were handled meanwhile."""
    rooms = running.engine.rooms
    assert rooms is not None
    pushes, took_us = Pushes(rooms), list[float]()
    async with load(pushes.on_push) as count:
        began, before = time.monotonic(), count()
        for number in range(ROUNDS):
            position = await buy(rooms, number, ladder)
            bid = rooms.prices.of(SYMBOL).bid
            assert bid is not None
            pushes.fall(bid * Decimal("0.7"))
            async with asyncio.timeout(10):
                written_ns = await timed.written.get()
                took_us.append((written_ns - pushes.received_ns) / 1_000)
                while position.id in rooms.keeper.open.positions:  # noqa: ASYNC110 - it is polled
                    await asyncio.sleep(0.01)
        rate = (count() - before) / (time.monotonic() - began)
    return took_us, rate


async def measure(endpoint: Endpoint, folder: Path) -> list[Row]:
    """Return all rows."""
    place = Place(endpoint, is_practice=True, paths=paths_of("practice", {"HOME": str(folder)}))
    async with joined(place, Outside(SystemClock(), Random(1))) as running:
        rooms = running.engine.rooms
        assert rooms is not None
        while not rooms.reconciler.is_done:  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.1)
        gc.collect()
        gc.freeze()
        timed = Timed(rooms.execution)
        plain, rate = await stops(running, (), timed)
        rested, _ = await stops(running, LADDER, timed)
    group = f"whole engine, {rate:,.0f} stream messages/s: price push received to the sale's last byte"
    return [
        Row(group, "stop", percentile(plain, 0.5), percentile(plain, 0.99), "µs", note="p99 at most 10,000"),
        Row(group, "stop, three take-profits cancelled and seen gone first", percentile(rested, 0.5),
            percentile(rested, 0.99), "µs", note="two round trips before it"),
    ]  # fmt: skip


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with exchange_of(
            SCENARIO.replace("trades_per_s = 0.1", "trades_per_s = 10") + SETTINGS
        ) as endpoint:
            emit(await measure(endpoint, Path(folder)))


if __name__ == "__main__":
    asyncio.run(main())
