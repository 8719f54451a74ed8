"""Accuracy at openings, by the exchange's log: one order per opening, and a second one if it was early.

The aim is the opening itself. The clock offset is accurate to about a millisecond, so some orders arrive
tenths of a millisecond early. The exchange refuses them with 30001; they are fired again.
"""

import asyncio
import time
from collections import Counter
from decimal import Decimal

import msgspec

from benchmarks.common import Row, emit, percentile
from benchmarks.firing import Quiet, client_of, exchange_of, gate_open, one_row
from mexc_tui.app.practice_status import practice_status
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.rest.connection import Headers
from mexc_tui.exchange.rest.transport import HttpTransport
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Purpose, Rejected
from mexc_tui.model.report import PlacedOrder

OPENINGS, FIRST_OPENING_S, OPENING_EVERY_S = 200, 12, 0.25
WINDOW_MS = 2_000
MS = 1_000_000
NOT_OPEN = 30001
AGAIN = "-again"

SCENARIO = f"""
name = "openings"
duration_s = {FIRST_OPENING_S + OPENINGS * OPENING_EVERY_S + 5}
[market]
symbols = 20
active_pairs = 1
trades_per_s = 0.1
[knobs]
orders_per_s = 1_000_000
ip_weight_per_10s = 10_000_000
key_weight_per_10s = 10_000_000
[account.balances]
USDT = 1_000_000
[[listings]]
base = "NEW"
opens_s = {FIRST_OPENING_S}
every_s = {OPENING_EVERY_S}
announced_before_s = 10
visible_before_s = 5
prepared_before_s = 5
ready_before_s = 5
jitter_ms = 0
shape = "dud"
depth_quote = 1000
trades_per_s = 0.1
"""


class ArrivalEntry(msgspec.Struct, frozen=True):
    """An entry of the exchange's arrival log."""

    at_ns: int
    client_order_id: str


class OrderSender:
    """Fires at openings, and counts the results of first and second orders."""

    def __init__(self, client: MexcClient) -> None:
        self.client = client
        self.line = client.firing_connection()
        self.first: dict[str, int] = {}
        """Code of each pair's first response; 0: accepted."""
        self.second: Counter[int] = Counter()

    async def fire_at(self, symbol: str, opens_ms: int) -> None:
        """Fire for arrival at an opening; once more if the pair was not open yet."""
        at_ns = self.client.offset.monotonic_ns_at(opens_ms) - (self.line.round_trip_ns or 0) // 2
        code = await self._fire(symbol, symbol, opens_ms, at_ns=at_ns)
        self.first[symbol] = code
        if code == NOT_OPEN:
            self.second[await self._fire(symbol, symbol + AGAIN, opens_ms, at_ns=None)] += 1

    async def _fire(self, symbol: str, name: str, opens_ms: int, at_ns: int | None) -> int:
        order = NewOrder(
            symbol=symbol,
            side=Side.BUY,
            type=OrderType.IMMEDIATE_OR_CANCEL,
            client_order_id=name,
            price=Decimal("0.06"),
            quantity=Decimal(200),
        )
        line = self.line
        signed = line.prepare(order, purpose=Purpose.ENTRY, timestamp_ms=opens_ms, recv_window_ms=WINDOW_MS)
        fired = await (
            line.fire(signed, gate_open) if at_ns is None else line.fire_at(signed, at_ns, gate_open)
        )
        match fired.outcome:
            case Accepted(PlacedOrder()):
                return 0
            case Rejected(refusal):
                return refusal.code or -1
            case _:
                return -1

    def words(self, late_ms: dict[str, float]) -> str:
        """Return the results as text."""
        early = [name for name, late in late_ms.items() if late < 0]
        refused = [name for name, code in self.first.items() if code == NOT_OPEN]
        others = [name for name, code in self.first.items() if code not in (0, NOT_OPEN)]
        assert set(refused) <= set(early), "the exchange rejected an order after the opening"
        words = f"{len(early)} arrived early, {len(refused)} of them rejected with {NOT_OPEN}"
        return (
            f"{words}, {self.second[0]} of these accepted on the next attempt; {len(others)} other rejections"
        )


async def openings() -> list[Row]:
    """Fire at each opening of a day; compare with the exchange's arrival log."""
    async with exchange_of(SCENARIO) as endpoint, client_of(endpoint) as client:
        await client.measure_clock()
        sender = OrderSender(client)
        await sender.line.warm()
        listed = await planned(endpoint)
        bounds_ms: list[float] = []
        with Quiet():
            for number, (symbol, opens_ms) in enumerate(listed.items()):
                if number % 10 == 0:
                    await sender.line.warm()
                estimate = client.offset.estimate(time.monotonic_ns())
                assert estimate is not None
                bounds_ms.append(estimate.error_ms)
                await sender.fire_at(symbol, opens_ms)
        await sender.line.close()
        late_ms = await arrivals(endpoint, listed)
    bound_ms = percentile(bounds_ms, 0.5)
    return result_rows(sender, late_ms, bound_ms)


def result_rows(sender: OrderSender, late_ms: dict[str, float], bound_ms: float) -> list[Row]:
    """Return the rows."""
    late = list(late_ms.values())
    group = f"arrival against the opening, {len(late)} openings, by the exchange's log"
    note = f"earliest {min(late):.2f}; {sender.words(late_ms)}"
    goal = f"p50 at most {bound_ms + 1:.2f} (stated clock error {bound_ms:.2f} + 1), p99 10"
    return [
        one_row(group, "arrival minus opening", late, note, "ms"),
        one_row(group, "distance either way", [abs(one) for one in late], goal, "ms"),
    ]


async def planned(endpoint: Endpoint) -> dict[str, int]:
    """Return the opening times by pair."""
    async with HttpTransport() as transport:
        start_ms = (await practice_status(transport, endpoint.web)).start_ms
    first_ms = start_ms + FIRST_OPENING_S * 1_000
    return {f"NEW{n + 1}USDT": first_ms + round(n * OPENING_EVERY_S * 1_000) for n in range(OPENINGS)}


async def arrivals(endpoint: Endpoint, listed: dict[str, int]) -> dict[str, float]:
    """Return the arrival of each pair's first order in ms after its opening; negative: before."""
    async with HttpTransport() as transport:
        page = await transport.send(
            "GET", endpoint.rest, "/practice/arrivals", query="", headers=Headers({}), deadline_s=5
        )
    log = msgspec.json.decode(page.body, type=list[ArrivalEntry])
    return {
        one.client_order_id: one.at_ns / MS - listed[one.client_order_id]
        for one in log
        if not one.client_order_id.endswith(AGAIN)
    }


if __name__ == "__main__":
    emit(asyncio.run(openings()))
