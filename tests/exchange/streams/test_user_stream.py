"""The private stream and its listen key, in virtual time (protocol 9; reliability M11, M12)."""

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

pytestmark = pytest.mark.timeout(120)  # days of a stream

HOUR_S = 3600
ORDERS, FILLS, ACCOUNT = (topic.channel for topic in private_topics())

VALID_S = 3_600
"""Validity of a listen key after its creation or renewal."""


class KeyOffice:
    """The four listen-key calls of an exchange, whose keys expire."""

    def __init__(self, server: StreamServer) -> None:
        self.until_s: dict[str, float] = {}
        self.made = 0
        self.renewed = 0
        self.deleted: list[str] = []
        self.fail_renewals = 0
        self.fail_creations = 0
        self.is_reusing = False
        """POST answers with the oldest living key instead of a new one."""
        self.most = 60
        self.hangs = False
        """No end of a key is ever answered."""
        self._server = server
        server.manners.valid_keys = set()

    def _live(self) -> dict[str, float]:
        now_s = asyncio.get_running_loop().time()
        self.until_s = {key: until_s for key, until_s in self.until_s.items() if until_s > now_s}
        self._server.manners.valid_keys = set(self.until_s)
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


class Account:
    """A user stream at work, and what it told."""

    def __init__(
        self,
        sim: Simulation,
        host: Host,
        server: StreamServer,
        office: KeyOffice,
        timings: SocketTimings,
        keys: KeyRecord | None = None,
    ) -> None:
        self.host = host
        self.server = server
        self.office = office
        self.updates: list[PrivateUpdate] = []
        self.gaps: list[StreamGap] = []
        self.events: list[KeyEvent] = []
        self.stream = UserStream(
            URL,
            connector=sim.network.connector(),
            clock=sim.clock,
            rng=sim.rng,
            calls=office,
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
async def account(sim: Simulation, timings: SocketTimings | None = None) -> AsyncGenerator[Account]:
    server = StreamServer()
    office = KeyOffice(server)
    host = await sim.network.serve("wbs-api.mexc.com", 443, server.application())
    ours = Account(sim, host, server, office, timings or SocketTimings())
    task = asyncio.get_running_loop().create_task(ours.stream.run())
    try:
        yield ours
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_three_channels_on_one_socket_one_resync_and_typed_updates() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(2)
            assert [sorted(session.topics) for session in ours.server.open] == [
                sorted([ORDERS, FILLS, ACCOUNT])
            ]
            assert ours.gaps == [StreamGap(PRIVATE, is_closed=True, reason="subscribed")]
            await ours.server.push(ORDERS, frames.order_frame(status=2, cumulative_quantity="10"))
            await ours.server.push(FILLS, frames.fill_frame())
            await ours.server.push(ACCOUNT, frames.balance_frame())
            await asyncio.sleep(1)
            order = ours.updates[0]
            assert isinstance(order, OrderUpdate)
            assert order.is_terminal
            assert order.filled_quantity == Decimal(10)
            assert len(ours.updates) == 3
            assert ours.stream.state().is_live

    simulate(main)


def test_the_key_is_deleted_on_exit() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(2)
        assert ours.office.until_s == {}
        assert len(ours.office.deleted) == 1

    simulate(main)


def test_an_exchange_that_does_not_answer_holds_up_no_stop() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(2)
            ours.office.hangs = True
            began_s = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began_s < 4
        assert ours.office.deleted == []

    simulate(main)


def test_M11_the_key_is_renewed_every_25_to_30_minutes() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(10 * HOUR_S)
            assert 20 <= ours.office.renewed <= 24
            assert ours.office.made == 1
            assert ours.resyncs == 1

    simulate(main)


def test_M1_M11_over_72_hours_one_key_no_lost_fill_and_no_hole() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            ours.host.latency_s = (0.005, 0.4)
            ours.server.manners.close_after_s = 24 * HOUR_S
            await asyncio.sleep(5)
            sent = 0
            while asyncio.get_running_loop().time() < 72 * HOUR_S:
                sent += 1
                await ours.server.push(FILLS, frames.fill_frame(f"{sent}X1"))
                await asyncio.sleep(0.1 if len(ours.server.open) > 1 else 120)
            await asyncio.sleep(5)
            assert ours.fills == [f"{number}X1" for number in range(1, sent + 1)]
            assert ours.office.made == 1
            assert len(ours.gaps) == 1
            assert ours.stream.state().rotations == 3

    simulate(main, seed=3)


def test_M11_a_failed_renewal_makes_another_key_and_a_resync() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(10)
            ours.office.fail_renewals = 1
            await asyncio.sleep(HOUR_S)
            assert ours.office.made == 2
            assert list(ours.office.until_s) == [f"{2:064x}"]
            assert [gap.is_closed for gap in ours.gaps] == [True, False, True]
            assert ours.server.open[0].key == f"{2:064x}"
            assert KeyEvent.RENEWAL_FAILED in ours.events
            assert KeyEvent.ALARM not in ours.events

    simulate(main)


def test_M11_the_second_failed_renewal_is_an_alarm_and_the_old_socket_serves_on() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(10)
            ours.office.fail_renewals = ours.office.fail_creations = 3
            await asyncio.sleep(31 * 60)
            assert KeyEvent.ALARM in ours.events
            assert len(ours.gaps) == 1
            assert len(ours.server.open) == 1
            await asyncio.sleep(HOUR_S)
            assert ours.stream.state().failed_renewals == 0
            assert ours.stream.state().is_live

    simulate(main)


def test_M11_a_refused_key_is_replaced_and_the_hole_reconciled() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(10)
            ours.office.until_s.clear()
            ours.server.manners.valid_keys = set()
            await ours.server.close_all()
            await asyncio.sleep(30)
            assert ours.office.made == 2
            assert [gap.is_closed for gap in ours.gaps] == [True, False, True]

    simulate(main)


def test_M11_private_channels_that_are_refused_mean_another_key() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            ours.server.manners.refuse = {ORDERS, FILLS, ACCOUNT}
            await asyncio.sleep(15)
            ours.server.manners.refuse = set()
            await asyncio.sleep(30)
            assert ours.office.made >= 2
            assert len(ours.office.until_s) == 1
            assert ours.stream.state().is_live

    simulate(main)


class Desks:
    """One desk after another on one account, each with the record in the same folder."""

    def __init__(self, sim: Simulation, folder: Path) -> None:
        self._sim, self._folder = sim, folder
        self.server = StreamServer()
        self.office = KeyOffice(self.server)
        self._host: Host | None = None

    @asynccontextmanager
    async def one(self, *, crashes: bool = False) -> AsyncGenerator[Account]:
        if self._host is None:
            self._host = await self._sim.network.serve("wbs-api.mexc.com", 443, self.server.application())
        record = ListenKeyFile(self._folder)
        ours = Account(self._sim, self._host, self.server, self.office, SocketTimings(), record)
        task = asyncio.get_running_loop().create_task(ours.stream.run())
        try:
            await asyncio.sleep(10)
            yield ours
        finally:
            self.office.hangs = crashes  # a process that is killed ends no key
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            self.office.hangs = False


def test_a_key_shared_with_another_program_is_used_and_left_alive(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        desks = Desks(sim, tmp_path)
        theirs = await desks.office.create_listen_key()
        desks.office.is_reusing = True
        async with desks.one() as ours:
            assert ours.stream.state().is_live
            assert ours.events == [KeyEvent.SHARED]
        assert desks.office.deleted == []
        assert list(desks.office.until_s) == [theirs]

    simulate(main)


def test_at_the_limit_no_key_of_another_program_is_taken_up(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        desks = Desks(sim, tmp_path)
        desks.office.most = 1
        await desks.office.create_listen_key()
        async with desks.one() as ours:
            assert not ours.stream.state().is_live
            assert ours.events == []
            assert desks.office.renewed == 0
        assert desks.office.deleted == []

    simulate(main)


@pytest.mark.parametrize("is_reusing", [False, True], ids=["at the limit", "handed out again"])
def test_after_a_crash_a_recorded_key_is_taken_up_and_ended(tmp_path: Path, is_reusing: bool) -> None:
    async def main(sim: Simulation) -> None:
        desks = Desks(sim, tmp_path)
        async with desks.one(crashes=True):
            pass
        assert desks.office.deleted == []
        desks.office.most, desks.office.is_reusing = 1, is_reusing
        async with desks.one() as ours:
            assert ours.stream.state().is_live
            assert ours.events == [KeyEvent.CREATED if is_reusing else KeyEvent.REUSED]
        assert len(desks.office.deleted) == 1

    simulate(main)


def test_after_a_crash_keys_of_others_among_the_living_are_left_alone(tmp_path: Path) -> None:
    async def main(sim: Simulation) -> None:
        desks = Desks(sim, tmp_path)
        theirs = [await desks.office.create_listen_key() for _ in range(3)]
        async with desks.one(crashes=True):
            pass
        desks.office.most = 4
        async with desks.one() as ours:
            assert ours.events == [KeyEvent.REUSED]
        assert list(desks.office.until_s) == theirs

    simulate(main)


def test_the_record_of_keys_is_private_and_holds_no_key(tmp_path: Path) -> None:
    record, key = ListenKeyFile(tmp_path / "state"), "ab" * 32
    record.add(key)
    record.add("cd" * 32)
    (path,) = (tmp_path / "state").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert key not in path.read_text()
    assert ListenKeyFile(tmp_path / "state").recorded([key, "ef" * 32]) == {key}
    path.write_text("no list")
    assert record.recorded([key]) == frozenset()


def test_M11_while_no_key_can_be_had_it_is_tried_again() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            ours.office.fail_creations = 5
            await asyncio.sleep(120)
            assert ours.stream.state().is_live
            assert ours.office.made == 1

    simulate(main)


def test_M2_a_half_open_private_link_is_noticed_and_told() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim, SocketTimings(ping_every_s=10)) as ours:
            await asyncio.sleep(60)
            ours.host.lose()
            await asyncio.sleep(15.5)
            assert [gap.is_closed for gap in ours.gaps] == [True, False]
            assert not ours.stream.state().is_live
            ours.host.heal()
            await asyncio.sleep(60)
            assert ours.resyncs == 2

    simulate(main)


def test_M7_a_private_message_that_cannot_be_read_is_a_hole() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(2)
            await ours.server.push(FILLS, frames.fill_frame(price="nan"))
            await asyncio.sleep(1)
            assert ours.updates == []
            assert "unreadable message" in ours.gaps[-1].reason
            assert ours.resyncs == 2

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
def test_M7_a_frame_that_cannot_be_parsed_costs_itself_and_asks_for_a_resync(frame: bytes) -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(2)
            await ours.server.push(FILLS, frame)
            await ours.server.push(FILLS, frames.fill_frame())
            await asyncio.sleep(1)
            assert len(ours.updates) == 1
            assert ours.resyncs == 2
            assert ours.stream.state().is_live

    simulate(main)


def test_M8_an_unknown_order_status_is_passed_on_and_asks_for_a_resync() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(2)
            await ours.server.push(ORDERS, frames.order_frame(status=9))
            await ours.server.push(ORDERS, frames.order_frame(status=0))
            await asyncio.sleep(1)
            assert len(ours.updates) == 2
            assert ours.resyncs == 2

    simulate(main)


def test_the_key_is_in_no_log_and_no_reason(caplog: pytest.LogCaptureFixture) -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            caplog.set_level("DEBUG")
            await asyncio.sleep(2)
            key = ours.server.open[0].key
            ours.server.manners.reject_connections = 3
            await ours.server.close_all()
            await asyncio.sleep(30)
            ours.host.reset()
            await asyncio.sleep(30)
            told = caplog.text + repr(ours.gaps) + repr(ours.stream.state())
            assert key
            assert key not in told

    simulate(main)


def test_M12_a_quiet_private_stream_shows_how_long_it_has_been_quiet() -> None:
    async def main(sim: Simulation) -> None:
        async with account(sim) as ours:
            await asyncio.sleep(2)
            await ours.server.push(FILLS, frames.fill_frame())
            await asyncio.sleep(600)
            ages = {state.topic.channel: state.age_s for state in ours.stream.state().feeds}
            assert ages[ORDERS] is None
            assert 599 <= (ages[FILLS] or 0) <= 601
            assert ours.stream.state().is_live

    simulate(main)
