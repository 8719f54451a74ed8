"""Order books resync from snapshots, in virtual time (protocol 8.2)."""

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
    """A snapshot source with a version, delay and failures set by the test."""

    version: int = 100
    failures: int = 0
    delay_s: float = 0.05
    requested_s: list[float] = field(default_factory=list[float])
    symbols: list[str] = field(default_factory=list[str])

    async def depth(self, symbol: str, limit: int = 1000) -> DepthSnapshot:
        assert limit == 1000
        self.requested_s.append(asyncio.get_running_loop().time())
        self.symbols.append(symbol)
        version = self.version
        await asyncio.sleep(self.delay_s)
        if self.failures:
            self.failures -= 1
            raise NoResponse("GET", "/api/v3/depth", "no response")
        return DepthSnapshot(last_update_id=version, asks=(("2.6", "1"),), bids=(("2.4", "1"),))


class SyncFixture:
    """Order books synced from a source."""

    def __init__(self, sim: Simulation, source: Snapshots, limits: BookLimits | None = None) -> None:
        self.sim = sim
        self.order_books = OrderBookSync(source, sim.clock, Random(1), pace=SnapshotPace(), limits=limits)
        self._task = asyncio.get_running_loop().create_task(self.order_books.run())

    async def __aenter__(self) -> "SyncFixture":
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


def test_a_book_is_built_from_buffered_deltas_and_a_snapshot() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with SyncFixture(sim, source) as fixture:
            book = fixture.order_books.add("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            assert fixture.apply(99, 101) is Applied.BUFFERED
            await asyncio.sleep(1)
            assert fixture.state is BookState.VALID
            assert (book.best_ask, book.version) == (2.51, 101)
            assert len(source.requested_s) == 1

    simulate(main)


def test_no_snapshot_is_requested_before_the_subscription_is_active() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with SyncFixture(sim, source) as fixture:
            fixture.order_books.add("MXUSDT")
            await asyncio.sleep(300)
            assert source.requested_s == []

    simulate(main)


def test_a_snapshot_older_than_the_buffer_is_requested_again_after_a_pause() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(version=90)
        async with SyncFixture(sim, source) as fixture:
            fixture.order_books.add("MXUSDT")
            fixture.apply(101, 102)
            await asyncio.sleep(0.1)
            source.version = 101
            await asyncio.sleep(1)
            assert fixture.state is BookState.VALID
            assert len(source.requested_s) == 2
            assert 0.1 <= source.requested_s[1] - source.requested_s[0] <= 0.6

    simulate(main)


def test_M5_a_gap_triggers_a_resync() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with SyncFixture(sim, source) as fixture:
            book = fixture.order_books.add("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            source.version = 105
            assert fixture.apply(103, 104) is Applied.BUFFERED
            assert fixture.state is BookState.CATCHING_UP
            await asyncio.sleep(1)
            assert fixture.state is BookState.VALID
            assert book.version == 105

    simulate(main)


def test_M7_an_invalid_message_triggers_a_resync() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with SyncFixture(sim, source) as fixture:
            fixture.order_books.add("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            with pytest.raises(BadStreamMessage):
                fixture.apply(101, 101, ask="-1")
            assert fixture.state is BookState.CATCHING_UP
            await asyncio.sleep(1)
            assert fixture.state is BookState.VALID

    simulate(main)


def test_M1_a_lost_subscription_invalidates_the_book_until_it_resumes() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with SyncFixture(sim, source) as fixture:
            fixture.order_books.add("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            fixture.order_books.invalidate("MXUSDT")
            await asyncio.sleep(30)
            assert fixture.state is BookState.CATCHING_UP
            assert len(source.requested_s) == 1
            fixture.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            assert fixture.state is BookState.VALID

    simulate(main)


def test_a_snapshot_received_after_the_subscription_was_lost_is_discarded() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(delay_s=1)
        async with SyncFixture(sim, source) as fixture:
            fixture.order_books.add("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            await asyncio.sleep(0.5)
            fixture.order_books.invalidate("MXUSDT")
            await asyncio.sleep(5)
            assert fixture.state is BookState.CATCHING_UP

    simulate(main)


def test_M15_failing_snapshots_are_retried_with_back_off() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(failures=10)
        async with SyncFixture(sim, source) as fixture:
            fixture.order_books.add("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            await asyncio.sleep(600)
            assert fixture.order_books.snapshots_failed == 10
            gaps = [
                later - earlier
                for earlier, later in zip(source.requested_s, source.requested_s[1:], strict=False)
            ]
            assert gaps[0] < 3
            assert 30 <= gaps[8] <= 61
            assert fixture.order_books.book("MXUSDT") is not None
            assert not fixture.order_books.add("MXUSDT").needs_snapshot

    simulate(main)


def test_snapshots_of_many_books_are_paced() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(delay_s=0)
        async with SyncFixture(sim, source) as fixture:
            symbols = [f"A{number}USDT" for number in range(50)]
            for symbol in symbols:
                fixture.order_books.add(symbol)
                fixture.order_books.resume(symbol)
            await asyncio.sleep(20)
            assert sorted(source.symbols) == sorted(symbols)
            assert all(
                later - earlier >= 0.099
                for earlier, later in zip(source.requested_s, source.requested_s[1:], strict=False)
            )

    simulate(main)


def test_restarted_versions_are_accepted_after_a_few_outdated_snapshots() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots(version=1000)
        async with SyncFixture(sim, source, BookLimits(stale_after_s=5)) as fixture:
            book = fixture.order_books.add("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            await asyncio.sleep(1)
            source.version = 3
            for version in range(4, 30):
                fixture.apply(version, version)
                await asyncio.sleep(1)
                source.version = version
            assert fixture.state is BookState.VALID
            assert 3 <= book.version < 30

    simulate(main)


def test_M3_a_silent_book_is_resynced() -> None:
    async def main(sim: Simulation) -> None:
        source = Snapshots()
        async with SyncFixture(sim, source, BookLimits(stale_after_s=60)) as fixture:
            fixture.order_books.add("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            await asyncio.sleep(200)
            assert 3 <= len(source.requested_s) <= 4

    simulate(main)


def test_messages_for_unknown_books_are_ignored() -> None:
    async def main(sim: Simulation) -> None:
        async with SyncFixture(sim, Snapshots()) as fixture:
            assert fixture.apply(1, 2) is None
            assert fixture.state is BookState.STALE
            fixture.order_books.invalidate("MXUSDT")
            fixture.order_books.resume("MXUSDT")
            fixture.order_books.add("MXUSDT")
            fixture.order_books.remove("MXUSDT")
            assert fixture.order_books.book("MXUSDT") is None

    simulate(main)
