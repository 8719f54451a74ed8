"""The user stream and its listen key, in virtual time (protocol 9; reliability M11, M12)."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.exchange.streams.listen_key import KeyEvent, KeyRecord
from mexc_tui.exchange.streams.shard import StreamGap
from mexc_tui.exchange.streams.socket import SocketTimings
from mexc_tui.exchange.streams.topics import private_topics
from mexc_tui.exchange.streams.user_stream import PRIVATE, UserStream
from mexc_tui.host.listen_key_file import ListenKeyFile
from mexc_tui.model.errors import NoResponse
from mexc_tui.model.stream import FillUpdate, OrderUpdate, PrivateUpdate
from mexc_tui.proto.stream_pb2 import PrivateAccount, Push
from mexc_tui.simulation.network import Host
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.exchange.scripted_stream_server import StreamServer
from tests.support.exchange.virtual_streams import URL
from tests.support.samples import stream_frames as frames

pytestmark = pytest.mark.timeout(120)  # days of streaming

HOUR_S = 3600
ORDERS, FILLS, ACCOUNT = (topic.channel for topic in private_topics())

VALID_S = 3_600
"""Validity of a listen key after its creation or renewal."""


class ListenKeyServer:
    """The four listen-key calls of an exchange whose keys expire."""

    def __init__(self, server: StreamServer) -> None:
        self.until_s: dict[str, float] = {}
        self.made = 0
        self.renewed = 0
        self.deleted: list[str] = []
        self.fail_renewals = 0
        self.fail_creations = 0
        self.is_reusing = False
        """Whether POST returns the oldest valid key instead of a new one."""
        self.most = 60
        self.hangs = False
        """Whether deletions of keys never get a response."""
        self._server = server
        server.behaviour.valid_keys = set()

    def _live(self) -> dict[str, float]:
        now_s = asyncio.get_running_loop().time()
        self.until_s = {key: until_s for key, until_s in self.until_s.items() if until_s > now_s}
        self._server.behaviour.valid_keys = set(self.until_s)
        return self.until_s

    def _extend(self, key: str) -> None:
        self.until_s[key] = asyncio.get_running_loop().time() + VALID_S
        self._live()

    async def create_listen_key(self) -> str:
        if self.is_reusing and self._live():
            return next(iter(self._live()))
        if self.fail_creations or len(self._live()) >= self.most:
            self.fail_creations = max(self.fail_creations - 1, 0)
            raise NoResponse("POST", "/api/v3/userDataStream", "failed")
        self.made += 1
        key = f"{self.made:064x}"
        self._extend(key)
        return key

    async def renew_listen_key(self, key: str) -> object:
        if self.fail_renewals or key not in self._live():
            self.fail_renewals = max(self.fail_renewals - 1, 0)
            raise NoResponse("PUT", "/api/v3/userDataStream", "failed")
        self.renewed += 1
        self._extend(key)
        return None

    async def listen_keys(self) -> list[str]:
        return list(self._live())

    async def delete_listen_key(self, key: str) -> object:
        if self.hangs:
            await asyncio.Event().wait()
        self.until_s.pop(key, None)
        self._live()
        self.deleted.append(key)
        return None


class UserStreamBench:
    """A running user stream and a record of its updates, events and gaps."""

    def __init__(
        self,
        sim: Simulation,
        host: Host,
        server: StreamServer,
        key_server: ListenKeyServer,
        timings: SocketTimings,
        keys: KeyRecord | None = None,
    ) -> None:
        self.host = host
        self.server = server
        self.key_server = key_server
        self.updates: list[PrivateUpdate] = []
        self.gaps: list[StreamGap] = []
        self.events: list[KeyEvent] = []
        self.stream = UserStream(
            URL,
            connector=sim.network.connector(),
            clock=sim.clock,
            rng=sim.rng,
            calls=key_server,
            on_update=self.updates.append,
            on_gap=self.gaps.append,
            on_key=self.events.append,
            keys=keys,
            timings=timings,
        )

    @property
    def fills(self) -> list[str]:
        return [update.trade_id for update in self.updates if isinstance(update, FillUpdate)]

    @property
    def resyncs(self) -> int:
        return sum(gap.is_closed for gap in self.gaps)


@asynccontextmanager
async def account(sim: Simulation, timings: SocketTimings | None = None) -> AsyncGenerator[UserStreamBench]:
    server = StreamServer()
    key_server = ListenKeyServer(server)
    host = await sim.network.serve("wbs-api.mexc.com", 443, server.application())
    bench = UserStreamBench(sim, host, server, key_server, timings or SocketTimings())
    task = asyncio.get_running_loop().create_task(bench.stream.run())
    try:
        yield bench
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_three_channels_share_one_socket_with_one_resync_and_typed_updates() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(2)
            assert [sorted(session.topics) for session in bench.server.open] == [
                sorted([ORDERS, FILLS, ACCOUNT])
            ]
            assert bench.gaps == [StreamGap(PRIVATE, is_closed=True, reason="subscribed")]
            await bench.server.push(ORDERS, frames.order_frame(status=2, cumulative_quantity="10"))
            await bench.server.push(FILLS, frames.fill_frame())
            await bench.server.push(ACCOUNT, frames.balance_frame())
            await asyncio.sleep(1)
            order = bench.updates[0]
            assert isinstance(order, OrderUpdate)
            assert order.is_terminal
            assert order.filled_quantity == Decimal(10)
            assert len(bench.updates) == 3
            assert bench.stream.state().is_live

    simulate(main)


def test_the_key_is_deleted_on_exit() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(2)
        assert bench.key_server.until_s == {}
        assert len(bench.key_server.deleted) == 1

    simulate(main)


def test_an_unresponsive_exchange_does_not_delay_shutdown() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(2)
            bench.key_server.hangs = True
            began_s = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began_s < 4
        assert bench.key_server.deleted == []

    simulate(main)


def test_M11_the_key_is_renewed_every_25_to_30_minutes() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(10 * HOUR_S)
            assert 20 <= bench.key_server.renewed <= 24
            assert bench.key_server.made == 1
            assert bench.resyncs == 1

    simulate(main)


def test_M1_M11_over_72_hours_one_key_serves_without_a_lost_fill_or_a_gap() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            bench.host.latency_s = (0.005, 0.4)
            bench.server.behaviour.close_after_s = 24 * HOUR_S
            await asyncio.sleep(5)
            sent = 0
            while asyncio.get_running_loop().time() < 72 * HOUR_S:
                sent += 1
                await bench.server.push(FILLS, frames.fill_frame(f"{sent}X1"))
                await asyncio.sleep(0.1 if len(bench.server.open) > 1 else 120)
            await asyncio.sleep(5)
            assert bench.fills == [f"{number}X1" for number in range(1, sent + 1)]
            assert bench.key_server.made == 1
            assert len(bench.gaps) == 1
            assert bench.stream.state().rotations == 3

    simulate(main, seed=3)


def test_M11_a_failed_renewal_creates_another_key_and_a_resync() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(10)
            bench.key_server.fail_renewals = 1
            await asyncio.sleep(HOUR_S)
            assert bench.key_server.made == 2
            assert list(bench.key_server.until_s) == [f"{2:064x}"]
            assert [gap.is_closed for gap in bench.gaps] == [True, False, True]
            assert bench.server.open[0].key == f"{2:064x}"
            assert KeyEvent.RENEWAL_FAILED in bench.events
            assert KeyEvent.ALARM not in bench.events

    simulate(main)


def test_M11_the_second_failed_renewal_alerts_and_the_old_socket_stays_in_use() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(10)
            bench.key_server.fail_renewals = bench.key_server.fail_creations = 3
            await asyncio.sleep(31 * 60)
            assert KeyEvent.ALARM in bench.events
            assert len(bench.gaps) == 1
            assert len(bench.server.open) == 1
            await asyncio.sleep(HOUR_S)
            assert bench.stream.state().failed_renewals == 0
            assert bench.stream.state().is_live

    simulate(main)


def test_M11_a_refused_key_is_replaced_and_the_gap_reconciled() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(10)
            bench.key_server.until_s.clear()
            bench.server.behaviour.valid_keys = set()
            await bench.server.close_all()
            await asyncio.sleep(30)
            assert bench.key_server.made == 2
            assert [gap.is_closed for gap in bench.gaps] == [True, False, True]

    simulate(main)


def test_M11_refused_private_channels_lead_to_another_key() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            bench.server.behaviour.refuse = {ORDERS, FILLS, ACCOUNT}
            await asyncio.sleep(15)
            bench.server.behaviour.refuse = set()
            await asyncio.sleep(30)
            assert bench.key_server.made >= 2
            assert len(bench.key_server.until_s) == 1
            assert bench.stream.state().is_live

    simulate(main)


class SuccessiveDesks:
    """Consecutive desks on one account, each with the key record in the same folder."""

    def __init__(self, sim: Simulation, folder: Path) -> None:
        self._sim, self._folder = sim, folder
        self.server = StreamServer()
        self.key_server = ListenKeyServer(self.server)
        self._host: Host | None = None

    @asynccontextmanager
    async def run_one(self, *, crashes: bool = False) -> AsyncGenerator[UserStreamBench]:
        if self._host is None:
            self._host = await self._sim.network.serve("wbs-api.mexc.com", 443, self.server.application())
        record = ListenKeyFile(self._folder)
        bench = UserStreamBench(self._sim, self._host, self.server, self.key_server, SocketTimings(), record)
        task = asyncio.get_running_loop().create_task(bench.stream.run())
        try:
            await asyncio.sleep(10)
            yield bench
        finally:
            self.key_server.hangs = crashes  # a killed process deletes no key
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.key_server.hangs = False


def test_a_key_shared_with_another_program_is_used_and_left_alive(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        desks = SuccessiveDesks(sim, tmp_path)
        theirs = await desks.key_server.create_listen_key()
        desks.key_server.is_reusing = True
        async with desks.run_one() as bench:
            assert bench.stream.state().is_live
            assert bench.events == [KeyEvent.SHARED]
        assert desks.key_server.deleted == []
        assert list(desks.key_server.until_s) == [theirs]

    simulate(main)


def test_at_the_limit_no_key_of_another_program_is_adopted(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        desks = SuccessiveDesks(sim, tmp_path)
        desks.key_server.most = 1
        await desks.key_server.create_listen_key()
        async with desks.run_one() as bench:
            assert not bench.stream.state().is_live
            assert bench.events == []
            assert desks.key_server.renewed == 0
        assert desks.key_server.deleted == []

    simulate(main)


@pytest.mark.parametrize("is_reusing", [False, True], ids=["at the limit", "handed out again"])
def test_after_a_crash_a_recorded_key_is_adopted_and_deleted(tmp_path: Path, is_reusing: bool) -> None:
    async def main(sim: Simulation) -> None:
        desks = SuccessiveDesks(sim, tmp_path)
        async with desks.run_one(crashes=True):
            pass
        assert desks.key_server.deleted == []
        desks.key_server.most, desks.key_server.is_reusing = 1, is_reusing
        async with desks.run_one() as bench:
            assert bench.stream.state().is_live
            assert bench.events == [KeyEvent.CREATED if is_reusing else KeyEvent.REUSED]
        assert len(desks.key_server.deleted) == 1

    simulate(main)


def test_after_a_crash_valid_keys_of_other_programs_are_left_alone(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        desks = SuccessiveDesks(sim, tmp_path)
        theirs = [await desks.key_server.create_listen_key() for _ in range(3)]
        async with desks.run_one(crashes=True):
            pass
        desks.key_server.most = 4
        async with desks.run_one() as bench:
            assert bench.events == [KeyEvent.REUSED]
        assert list(desks.key_server.until_s) == theirs

    simulate(main)


def test_the_record_of_keys_is_private_and_contains_no_key(tmp_path: Path) -> None:
    record, key = ListenKeyFile(tmp_path / "state"), "ab" * 32
    record.add(key)
    record.add("cd" * 32)
    (path,) = (tmp_path / "state").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert key not in path.read_text()
    assert ListenKeyFile(tmp_path / "state").recorded([key, "ef" * 32]) == {key}
    path.write_text("no list")
    assert record.recorded([key]) == frozenset()


def test_M11_creating_a_key_is_retried_until_it_succeeds() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            bench.key_server.fail_creations = 5
            await asyncio.sleep(120)
            assert bench.stream.state().is_live
            assert bench.key_server.made == 1

    simulate(main)


def test_M2_a_half_open_private_connection_is_detected_and_reported() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim, SocketTimings(ping_every_s=10)) as bench:
            await asyncio.sleep(60)
            bench.host.lose()
            await asyncio.sleep(15.5)
            assert [gap.is_closed for gap in bench.gaps] == [True, False]
            assert not bench.stream.state().is_live
            bench.host.heal()
            await asyncio.sleep(60)
            assert bench.resyncs == 2

    simulate(main)


def test_M7_an_unreadable_private_message_is_a_gap() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(2)
            await bench.server.push(FILLS, frames.fill_frame(price="nan"))
            await asyncio.sleep(1)
            assert bench.updates == []
            assert "unreadable message" in bench.gaps[-1].reason
            assert bench.resyncs == 2

    simulate(main)


@pytest.mark.parametrize(
    "frame",
    [
        frames.fill_frame()[:-9],
        b"\xff\xff not a message",
        Push(channel=FILLS).SerializeToString(),
        Push(channel=FILLS, private_account=PrivateAccount(asset="ABC")).SerializeToString(),
    ],
    ids=["cut short", "no message at all", "no body", "a body of another channel"],
)
def test_M7_an_unparsable_frame_is_dropped_and_requests_a_resync(frame: bytes) -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(2)
            await bench.server.push(FILLS, frame)
            await bench.server.push(FILLS, frames.fill_frame())
            await asyncio.sleep(1)
            assert len(bench.updates) == 1
            assert bench.resyncs == 2
            assert bench.stream.state().is_live

    simulate(main)


def test_M8_an_unknown_order_status_is_passed_on_and_requests_a_resync() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(2)
            await bench.server.push(ORDERS, frames.order_frame(status=9))
            await bench.server.push(ORDERS, frames.order_frame(status=0))
            await asyncio.sleep(1)
            assert len(bench.updates) == 2
            assert bench.resyncs == 2

    simulate(main)


def test_the_key_is_in_no_log_and_no_reason(caplog: pytest.LogCaptureFixture) -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            caplog.set_level("DEBUG")
            await asyncio.sleep(2)
            key = bench.server.open[0].key
            bench.server.behaviour.reject_connections = 3
            await bench.server.close_all()
            await asyncio.sleep(30)
            bench.host.reset()
            await asyncio.sleep(30)
            reported = caplog.text + repr(bench.gaps) + repr(bench.stream.state())
            assert key
            assert key not in reported

    simulate(main)


def test_M12_a_quiet_private_stream_shows_how_long_it_has_been_quiet() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as bench:
            await asyncio.sleep(2)
            await bench.server.push(FILLS, frames.fill_frame())
            await asyncio.sleep(600)
            ages = {state.topic.channel: state.age_s for state in bench.stream.state().feeds}
            assert ages[ORDERS] is None
            assert 599 <= (ages[FILLS] or 0) <= 601
            assert bench.stream.state().is_live

    simulate(main)
