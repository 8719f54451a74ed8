"""Books that ask for their own snapshots, in virtual time (protocol 8.2)."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from mexc_tui.engine.market.order_book_sync import OrderBookSync, SnapshotPace
from mexc_tui.market.book import Applied, BookLimits, BookState
from mexc_tui.model.errors import NoResponse
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.stream import BadStreamMessage
from mexc_tui.proto.stream_pb2 import AggreDepths
from mexc_tui.simulation.run import Simulation, simulate


def delta(first: int, last: int, ask: str = "2.51", quantity: str = "1") -> AggreDepths:
    message = AggreDepths(from_version=str(first), to_version=str(last))
    message.asks.add(price=ask, quantity=quantity)
    return message


@dataclass
class Snapshots:
    """A source whose answers are set by the test; `version` grows when it says so."""

    version: int = 100
    failures: int = 0
    delay_s: float = 0.05
    asked_s: list[float] = field(default_factory=list[float])
    symbols: list[str] = field(default_factory=list[str])

    async def depth(self, symbol: str, limit: int = 1000) -> DepthSnapshot:
        assert limit == 1000
        self.asked_s.append(asyncio.get_running_loop().time())
        self.symbols.append(symbol)
        version = self.version
        await asyncio.sleep(self.delay_s)
        if self.failures:
            self.failures -= 1
            raise NoResponse("GET", "/api/v3/depth", "nothing came back")
        return DepthSnapshot(last_update_id=version, asks=(("2.6", "1"),), bids=(("2.4", "1"),))


class Desk:
    """A order_books at work over a source."""

    def __init__(self, sim: Simulation, source: Snapshots, limits: BookLimits | None = None) -> None:
        self.sim = sim
        self.order_books = OrderBookSync(source, sim.clock, Random(1), pace=SnapshotPace(), limits=limits)
        self._task = asyncio.get_running_loop().create_task(self.order_books.run())

    async def __aenter__(self) -> "Desk":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    def apply(self, first: int, last: int, ask: str = "2.51") -> Applied | None:
        return self.order_books.apply("MXUSDT", delta(first, last, ask), self.sim.clock.monotonic_ns())

    @property
    def state(self) -> BookState:
        return self.order_books.state("MXUSDT")


def test_a_book_is_made_whole_from_buffer_and_snapshot() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with Desk(sim, source) as desk:
            book = desk.order_books.add("MXUSDT")
            desk.order_books.resume("MXUSDT")
            assert desk.apply(99, 101) is Applied.BUFFERED
            await asyncio.sleep(1)
            assert desk.state is BookState.VALID
            assert (book.best_ask, book.version) == (2.51, 101)
            assert len(source.asked_s) == 1

    simulate(main)


def test_no_snapshot_is_asked_for_before_the_subscription_runs() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with Desk(sim, source) as desk:
            desk.order_books.add("MXUSDT")
            await asyncio.sleep(300)
            assert source.asked_s == []

    simulate(main)


def test_a_snapshot_older_than_the_buffer_is_asked_for_again_a_little_later() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(version=90)
        async with Desk(sim, source) as desk:
            desk.order_books.add("MXUSDT")
            desk.apply(101, 102)
            await asyncio.sleep(0.1)
            source.version = 101
            await asyncio.sleep(1)
            assert desk.state is BookState.VALID
            assert len(source.asked_s) == 2
            assert 0.1 <= source.asked_s[1] - source.asked_s[0] <= 0.6

    simulate(main)


def test_M5_a_gap_is_mended_by_a_snapshot() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with Desk(sim, source) as desk:
            book = desk.order_books.add("MXUSDT")
            desk.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            source.version = 105
            assert desk.apply(103, 104) is Applied.BUFFERED
            assert desk.state is BookState.CATCHING_UP
            await asyncio.sleep(1)
            assert desk.state is BookState.VALID
            assert book.version == 105

    simulate(main)


def test_M7_a_rejected_message_is_mended_by_a_snapshot() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with Desk(sim, source) as desk:
            desk.order_books.add("MXUSDT")
            desk.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            with pytest.raises(BadStreamMessage):
                desk.apply(101, 101, ask="-1")
            assert desk.state is BookState.CATCHING_UP
            await asyncio.sleep(1)
            assert desk.state is BookState.VALID

    simulate(main)


def test_M1_a_lost_subscription_forgets_the_book_until_it_runs_again() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with Desk(sim, source) as desk:
            desk.order_books.add("MXUSDT")
            desk.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            desk.order_books.invalidate("MXUSDT")
            await asyncio.sleep(30)
            assert desk.state is BookState.CATCHING_UP
            assert len(source.asked_s) == 1
            desk.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            assert desk.state is BookState.VALID

    simulate(main)


def test_a_snapshot_that_arrives_after_the_subscription_was_lost_is_not_used() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(delay_s=1)
        async with Desk(sim, source) as desk:
            desk.order_books.add("MXUSDT")
            desk.order_books.resume("MXUSDT")
            await asyncio.sleep(0.5)
            desk.order_books.invalidate("MXUSDT")
            await asyncio.sleep(5)
            assert desk.state is BookState.CATCHING_UP

    simulate(main)


def test_M15_failing_snapshots_are_asked_for_ever_more_slowly() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(failures=10)
        async with Desk(sim, source) as desk:
            desk.order_books.add("MXUSDT")
            desk.order_books.resume("MXUSDT")
            await asyncio.sleep(600)
            assert desk.order_books.snapshots_failed == 10
            gaps = [
                later - earlier for earlier, later in zip(source.asked_s, source.asked_s[1:], strict=False)
            ]
            assert gaps[0] < 3
            assert 30 <= gaps[8] <= 61
            assert desk.order_books.book("MXUSDT") is not None
            assert not desk.order_books.add("MXUSDT").needs_snapshot

    simulate(main)


def test_snapshots_of_many_books_are_paced() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(delay_s=0)
        async with Desk(sim, source) as desk:
            symbols = [f"A{number}USDT" for number in range(50)]
            for symbol in symbols:
                desk.order_books.add(symbol)
                desk.order_books.resume(symbol)
            await asyncio.sleep(20)
            assert sorted(source.symbols) == sorted(symbols)
            assert all(
                later - earlier >= 0.099
                for earlier, later in zip(source.asked_s, source.asked_s[1:], strict=False)
            )

    simulate(main)


def test_versions_that_began_anew_are_taken_after_a_few_old_snapshots() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(version=1000)
        async with Desk(sim, source, BookLimits(stale_after_s=5)) as desk:
            book = desk.order_books.add("MXUSDT")
            desk.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            source.version = 3
            for version in range(4, 30):
                desk.apply(version, version)
                await asyncio.sleep(1)
                source.version = version
            assert desk.state is BookState.VALID
            assert 3 <= book.version < 30

    simulate(main)


def test_M3_a_book_that_hears_nothing_is_looked_at_again() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with Desk(sim, source, BookLimits(stale_after_s=60)) as desk:
            desk.order_books.add("MXUSDT")
            desk.order_books.resume("MXUSDT")
            await asyncio.sleep(200)
            assert 3 <= len(source.asked_s) <= 4

    simulate(main)


def test_messages_of_books_that_are_not_kept_are_ignored() -> None:
    async def main(sim: Simulation) -> None:
        async with Desk(sim, Snapshots()) as desk:
            assert desk.apply(1, 2) is None
            assert desk.state is BookState.STALE
            desk.order_books.invalidate("MXUSDT")
            desk.order_books.resume("MXUSDT")
            desk.order_books.add("MXUSDT")
            desk.order_books.remove("MXUSDT")
            assert desk.order_books.book("MXUSDT") is None

    simulate(main)
