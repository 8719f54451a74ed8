"""Stops of a complete engine: price push received to last byte of the sale, under 2,000 messages a second.

The engine opens one position after another on a practice exchange in a separate process. A push of the load
contains a price far below the stop, and the next one confirms it: a stop needs two observations. The time
runs from the second push to the last byte of the sale. If take-profits lock the coins, the exchange's
part is from the last byte of the last cancel until all cancels are confirmed: no client can sell before. The
remainder is the desk's part.
"""

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from random import Random

from benchmarks.common import Row, emit, percentile
from benchmarks.firing import exchange_of, load
from benchmarks.order_path import SCENARIO, SYMBOL
from mexc_tui.app.composition import RunningEngine, running_engine
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.app.engine_environment import EngineEnvironment, EngineLocation
from mexc_tui.engine.accounting.ledger_transaction import LedgerChanges, LedgerTransaction, intent_id_of
from mexc_tui.engine.accounting.ledger_writer import LedgerWriter
from mexc_tui.engine.orders.execution import Execution, SendResult
from mexc_tui.engine.trading import TradingComponents
from mexc_tui.exchange.rest.connection import HttpConnection
from mexc_tui.host.paths import paths_of
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.intent import Intent, OrderRole
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import NotSent
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import Position
from mexc_tui.model.snipe import ExitPlan, Snipe, SnipeKey, SnipeState
from mexc_tui.model.stream import BestQuote
from mexc_tui.ports.trading import FiringLine, SignedOrder

ROUNDS = 45
SPEND = Decimal(10)
CENT = Decimal("0.01")
SETTINGS = """
[settings]
losses_halt = 100
losses_pause = 100
"""
LADDER = tuple(Rung(Decimal(share), Decimal(gain)) for share, gain in ((30, 10), (40, 20), (30, 30)))


class Timed:
    """Records the last byte of each sale and cancel, and the confirmed cancels of take-profits."""

    def __init__(self, execution: Execution, ledger: LedgerWriter) -> None:
        self.written = asyncio.Queue[int]()
        self.cancelled_ns = self.gone_ns = 0
        self._live: set[str] = set()
        self._fire = execution.fire
        self._write = HttpConnection.write
        setattr(HttpConnection, "write", self._stamped())  # noqa: B010
        ledger.on_change(self._note)
        setattr(execution, "fire", self.fire)  # noqa: B010 - a method, for the time of a measurement

    async def fire(self, intent: Intent, line: FiringLine, signed: SignedOrder) -> SendResult:
        """Fire and record it."""
        sent = await self._fire(intent, line, signed)
        if sent.fired is not None and sent.fired.written_ns is not None:
            self.written.put_nowait(sent.fired.written_ns)
        return sent

    def exchange_us(self) -> float:
        """Return the time until the exchange unlocked the coins of the last stop; 0: none were locked."""
        return max(self.gone_ns - self.cancelled_ns, 0) / 1_000

    def _stamped(self) -> Callable[[HttpConnection, bytes], bool]:
        def write(connection: HttpConnection, request: bytes) -> bool:
            has_left = self._write(connection, request)
            if request.startswith(b"DELETE"):
                self.cancelled_ns = time.monotonic_ns()
            return has_left

        return write

    def _note(self, written: LedgerChanges) -> None:
        for order in written.orders:
            if order.role is not OrderRole.TAKE_PROFIT:
                continue
            if order.state.is_on_exchange:
                self._live.add(order.client_order_id)
            elif order.client_order_id in self._live:
                self._live.discard(order.client_order_id)
                self.gone_ns = time.monotonic_ns()


class Pushes:
    """Changes one push of the load into a falling price."""

    def __init__(self, components: TradingComponents) -> None:
        self._components = components
        self._bid, self._left = Decimal(0), 0
        self.received_ns = 0

    def fall(self, bid: Decimal) -> None:
        """Set this bid in the next two pushes."""
        self._bid, self._left = bid, 2

    def recover(self, bid: Decimal) -> None:
        """Restore the price for the next position."""
        self._components.prices.on_quote(
            BestQuote(
                symbol=SYMBOL,
                bid_price=bid,
                bid_quantity=Decimal(1),
                ask_price=bid * 2,
                ask_quantity=Decimal(1),
                version=0,
            )
        )

    def on_push(self, received_ns: int) -> None:
        """Handle one push."""
        if not self._left:
            return
        self._left -= 1
        self.received_ns = received_ns
        self._components.prices.on_quote(
            BestQuote(
                symbol=SYMBOL,
                bid_price=self._bid,
                bid_quantity=Decimal(1),
                ask_price=self._bid * 2,
                ask_quantity=Decimal(1),
                version=0,
            )
        )


async def buy(components: TradingComponents, number: int, ladder: tuple[Rung, ...]) -> Position:
    """Buy manually; return the position once it is monitored."""
    now_ms, names = components.port.now_ms(), components.ledger.client_ids(1)
    name = intent_id_of(names[0])
    plan = ExitPlan(stop_loss_pct=Decimal(10), ladder=ladder)
    snipe = Snipe(
        id=name, key=SnipeKey(SYMBOL, f"bench/{name}"), listing_id="", config_hash="", opens_ms=now_ms,
        state=SnipeState.FIRING, reason="bench", by="bench", type=OrderType.IMMEDIATE_OR_CANCEL,
        spend_cap=SPEND, reference_price=None, price_cap=None, plan=plan, verdicts=(), armed_ms=now_ms,
    )  # fmt: skip
    intent = Intent(
        id=name, role=OrderRole.ENTRY, symbol=SYMBOL, base_asset="SOL", quote_asset="USDT", side=Side.BUY,
        client_ids=names, spend_cap=SPEND, reserved=SPEND, snipe_id=name, position_id=f"{name}p",
        created_ms=now_ms, reason="bench",
    )  # fmt: skip

    def work(desk: LedgerTransaction) -> None:
        desk.save_snipe(snipe)
        desk.save_intent(intent)

    await components.ledger.write("bench", work)
    last = components.prices.of(SYMBOL).last or await components.port.price(SYMBOL)
    price = (last * Decimal("1.002")).quantize(CENT)
    order = NewOrder(
        symbol=SYMBOL,
        side=Side.BUY,
        type=OrderType.IMMEDIATE_OR_CANCEL,
        client_order_id=names[0],
        price=price,
        quantity=((SPEND - 1) / price).quantize(CENT, ROUND_DOWN),
    )
    sent = await components.execution.place(intent, order)
    if isinstance(sent.outcome, NotSent):
        raise RuntimeError(f"buy {number}: {sent.outcome.reason}")
    while components.ledger.state.positions.get(intent.position_id) is None:
        if sent.order.state.is_terminal and not sent.order.filled_quantity:
            raise RuntimeError(f"buy {number}: {sent.order.reason}")
        await asyncio.sleep(0.01)
    await components.ledger.end_intent(intent.id, "bench")
    await asyncio.sleep(0.5)
    return components.ledger.state.positions[intent.position_id]


@dataclass(frozen=True, slots=True)
class StopTimes:
    """Microseconds of each stop, the exchange's part, and messages per second meanwhile."""

    all_us: list[float]
    exchange_us: list[float]
    rate: float

    @property
    def ours_us(self) -> list[float]:
        """Return the desk's part."""
        return [whole - theirs for whole, theirs in zip(self.all_us, self.exchange_us, strict=True)]


async def stops(running: RunningEngine, ladder: tuple[Rung, ...], timed: Timed) -> StopTimes:
    """Buy and stop repeatedly."""
    components = running.engine.trading_components
    assert components is not None
    pushes, took_us, exchange_us = Pushes(components), list[float](), list[float]()
    async with load(pushes.on_push) as count:
        began, before = time.monotonic(), count()
        for number in range(ROUNDS):
            position = await buy(components, number, ladder)
            bid = components.prices.of(SYMBOL).bid
            assert bid is not None
            pushes.fall(bid * Decimal("0.7"))
            async with asyncio.timeout(10):
                written_ns = await timed.written.get()
                took_us.append((written_ns - pushes.received_ns) / 1_000)
                exchange_us.append(timed.exchange_us() if ladder else 0.0)
                while position.id in components.ledger.state.positions:  # noqa: ASYNC110 - it is polled
                    await asyncio.sleep(0.01)
            pushes.recover(bid)
        rate = (count() - before) / (time.monotonic() - began)
    return StopTimes(took_us, exchange_us, rate)


async def measure(endpoint: Endpoint, folder: Path) -> list[Row]:
    """Return all rows."""
    place = EngineLocation(endpoint, is_practice=True, paths=paths_of("practice", {"HOME": str(folder)}))
    async with running_engine(place, EngineEnvironment(SystemClock(), Random(1))) as running:
        components = running.engine.trading_components
        assert components is not None
        while not components.reconciler.is_done:  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.1)
        gc.collect()
        gc.freeze()
        timed = Timed(components.execution, components.ledger)
        plain = await stops(running, (), timed)
        rested = await stops(running, LADDER, timed)
    group = f"whole engine, {plain.rate:,.0f} stream messages/s: price push received to the sale's last byte"
    limit, rows = "p99 at most 10,000", list[Row]()
    for name, took_us, note in (
        ("stop", plain.all_us, limit),
        ("stop with three take-profits resting: the desk's share", rested.ours_us, limit),
        ("the exchange's share: last cancel written to last cancel confirmed", rested.exchange_us, "network"),
        ("stop with three take-profits resting, total", rested.all_us, "the sum"),
    ):
        rows.append(Row(group, name, percentile(took_us, 0.5), percentile(took_us, 0.99), "µs", note=note))
    return rows


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        async with exchange_of(
            SCENARIO.replace("trades_per_s = 0.1", "trades_per_s = 10") + SETTINGS
        ) as endpoint:
            emit(await measure(endpoint, Path(folder)))


if __name__ == "__main__":
    asyncio.run(main())
