"""The firing line over real sockets: what became of a shot, whatever the server does (reliability 2.1)."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest

from mexc_tui.exchange.client import ClientLimits, MexcClient
from mexc_tui.exchange.firing.warm_connection import WarmConnection
from mexc_tui.exchange.limits.bans import BanKind
from mexc_tui.exchange.limits.call_limits import CallLimits
from mexc_tui.exchange.limits.rate_windows import LaneName
from mexc_tui.exchange.rest.error_codes import TABLE
from mexc_tui.model.errors import NothingSent
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import SETTLE_MS, Accepted, Ambiguous, NotSent, Purpose, Rejected
from mexc_tui.ports.trading import FireResult, SignedOrder
from tests.support.exchange.scripted_http_server import (
    SERVER_MS,
    Hostile,
    Reply,
    answer,
    client_of,
    endless,
    hostile,
    never,
    reset,
    reset_after,
)

ORDER = NewOrder(
    symbol="NEWUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    client_order_id="mxt-1",
    price=Decimal("0.1"),
    quantity=Decimal(50),
)
PLACED = '{"symbol":"NEWUSDT","orderId":"C02__1","price":"0.1","origQty":"50","type":"LIMIT"}'
WINDOW_MS = 1_000
QUICK = ClientLimits(calls=CallLimits(order_deadline_s=0.2, connect_s=0.5))


def yes() -> bool:
    return True


def no() -> bool:
    return False


def error(code: int, message: str = "no", status: int = 400) -> bytes:
    return answer(json.dumps({"msg": message, "code": code}), status)


def shot_of(
    line: WarmConnection, client_order_id: str = "mxt-1", purpose: Purpose = Purpose.ENTRY
) -> SignedOrder:
    order = replace(ORDER, client_order_id=client_order_id)
    return line.prepare(order, purpose=purpose, timestamp_ms=SERVER_MS, recv_window_ms=WINDOW_MS)


@asynccontextmanager
async def aiming(
    *replies: Reply, limits: ClientLimits | None = None
) -> AsyncGenerator[tuple[WarmConnection, Hostile, MexcClient]]:
    """A line, the server that it fires at, and the line's client."""
    async with hostile(*replies) as server, client_of(server.origin, limits=limits) as client:
        line = client.firing_connection()
        try:
            yield line, server, client
        finally:
            await line.close()


async def fired_at(*replies: Reply, limits: ClientLimits | None = None) -> tuple[FireResult, Hostile]:
    """Fire one shot at a server with these replies."""
    async with aiming(*replies, limits=limits) as (line, server, _):
        return await line.fire(shot_of(line), yes), server


async def test_an_order_with_an_id_is_accepted_and_every_stage_is_stamped() -> None:
    fired, _ = await fired_at(answer(PLACED))
    assert isinstance(fired.outcome, Accepted)
    assert fired.outcome.response.order_id == "C02__1"
    assert fired.outcome.timestamp_ms == SERVER_MS
    assert fired.woke_ns is not None
    assert fired.written_ns is not None
    assert fired.answered_ns is not None
    assert fired.woke_ns <= fired.written_ns <= fired.answered_ns


async def test_the_bytes_that_leave_are_those_of_an_ordinary_order() -> None:
    async with aiming(answer(PLACED)) as (line, server, client):
        await line.fire(shot_of(line), yes)
        await client.orders.place(ORDER, purpose=Purpose.ENTRY, recv_window_ms=WINDOW_MS)
        fired, ordinary = (request.decode().split("\r\n") for request in server.requests)
        assert fired[1:] == ordinary[1:]
        assert fired[0].split("&timestamp=")[0] == ordinary[0].split("&timestamp=")[0]
        assert f"&timestamp={SERVER_MS}&signature=" in fired[0]


async def test_no_shot_leaves_before_its_aim() -> None:
    async with aiming(answer(PLACED)) as (line, _, _client):
        for number in range(5):
            aim_ns = time.monotonic_ns() + 20_000_000
            fired = await line.fire_at(shot_of(line, f"mxt-{number}"), aim_ns, yes)
            assert fired.aim_ns == aim_ns
            assert fired.woke_ns is not None
            assert fired.woke_ns >= aim_ns


async def test_a_halt_between_preparation_and_write_sends_nothing() -> None:
    async with aiming(answer(PLACED)) as (line, server, _):
        shot = shot_of(line)
        fired = await line.fire_at(shot, time.monotonic_ns() + 5_000_000, no)
        assert isinstance(fired.outcome, NotSent)
        assert fired.written_ns is None
        assert server.requests == []
        assert isinstance((await line.fire(shot, yes)).outcome, Accepted)
        assert server.connections == 1


async def test_the_gate_is_asked_after_the_aim_not_when_the_shot_is_given() -> None:
    async with aiming(answer(PLACED)) as (line, server, _):
        asked_ns: list[int] = []

        def halted_meanwhile() -> bool:
            asked_ns.append(time.monotonic_ns())
            return False

        aim_ns = time.monotonic_ns() + 10_000_000
        await line.fire_at(shot_of(line), aim_ns, halted_meanwhile)
        assert asked_ns[0] >= aim_ns
        assert server.requests == []


async def test_a_shot_is_fired_once_only_also_when_it_is_prepared_again() -> None:
    async with aiming(answer(PLACED)) as (line, server, _):
        shot = shot_of(line)
        assert isinstance((await line.fire(shot, yes)).outcome, Accepted)
        assert isinstance((await line.fire(shot, yes)).outcome, NotSent)
        assert isinstance((await line.fire(shot_of(line), yes)).outcome, NotSent)
        assert len(server.requests) == 1


async def test_the_budget_counts_every_shot_once_whichever_way_it_left() -> None:
    async with aiming(answer(PLACED)) as (line, server, client):
        for number in range(3):
            await line.fire(shot_of(line, f"at-once-{number}"), yes)
        await line.fire_at(shot_of(line, "aimed"), time.monotonic_ns() + 1_000_000, yes)
        await line.fire(shot_of(line, "stopped"), no)
        assert len(server.requests) == 4
        # One that was called off at the last moment keeps its place: too few may leave, never too many.
        assert client.budget.state().lane(LaneName.ORDERS).used in (4, 5)


async def test_a_shot_that_finds_no_room_is_not_sent_and_says_so() -> None:
    async with aiming(answer(PLACED)) as (line, server, client):
        await line.fire(shot_of(line, "first"), yes)
        room = client.budget.state().lane(LaneName.ORDERS).available(Purpose.ENTRY)
        for number in range(room):
            await line.fire(shot_of(line, f"mxt-{number}"), yes)
        fired = await line.fire(shot_of(line, "one-too-many"), yes)
        assert isinstance(fired.outcome, NotSent)
        assert "the request budget allows it only after" in fired.outcome.reason
        assert len(server.requests) == room + 1
        assert isinstance((await line.fire(shot_of(line, "stop", Purpose.STOP), yes)).outcome, Accepted)


async def test_retries_leave_by_the_same_connection_one_after_the_other() -> None:
    async with aiming(error(30001), error(10007), answer(PLACED)) as (line, server, _):
        outcomes = [(await line.fire(shot_of(line, f"mxt-{n}"), yes)).outcome for n in range(3)]
        assert [type(outcome) for outcome in outcomes] == [Rejected, Rejected, Accepted]
        assert server.connections == 1


async def test_a_stop_does_not_wait_for_an_entry_that_is_unanswered() -> None:
    arrived = asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read(1)
        writer.close()

    async with aiming(silence, answer(PLACED)) as (line, _, _client):
        entry = asyncio.create_task(line.fire(shot_of(line, "entry"), yes))
        await arrived.wait()
        stop = await line.fire(shot_of(line, "stop", Purpose.STOP), yes)
        assert isinstance(stop.outcome, Accepted)
        assert not entry.done()
        entry.cancel()
        await asyncio.gather(entry, return_exceptions=True)


async def test_R1_a_refused_connection_is_not_sent() -> None:
    async with hostile() as server:
        origin = server.origin
    async with client_of(origin) as client:
        line = client.firing_connection()
        fired = await line.fire(shot_of(line), yes)
        assert isinstance(fired.outcome, NotSent)
        assert fired.written_ns is None


async def test_R2_a_timeout_is_ambiguous_with_a_fence() -> None:
    fired, _ = await fired_at(never(), limits=QUICK)
    assert isinstance(fired.outcome, Ambiguous)
    assert fired.outcome.fence_ms == SERVER_MS + WINDOW_MS + SETTLE_MS
    assert fired.written_ns is not None
    assert fired.answered_ns is None


PROVE_NOTHING: dict[str, Reply] = {
    "R3-reset": reset,
    "R6-500": answer(PLACED, 500),
    "R6-502": error(30001, status=502),
    "R7-half": reset_after(answer(PLACED)[:60]),
    "R7-html": answer("<html>no</html>", kind="text/html"),
    "R7-no-id": answer('{"symbol":"NEWUSDT"}'),
    "R7-empty-id": answer('{"symbol":"NEWUSDT","orderId":""}'),
    "R7-not-http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "R8-redirect": answer("", 301, headers="Location: https://evil.example/\r\n"),
    "R11-endless": endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"
    ),
}


@pytest.mark.parametrize("reply", PROVE_NOTHING.values(), ids=PROVE_NOTHING)
async def test_an_answer_that_proves_nothing_is_ambiguous_and_never_repeated(reply: Reply) -> None:
    fired, server = await fired_at(reply)
    assert isinstance(fired.outcome, Ambiguous)
    assert fired.outcome.timestamp_ms == SERVER_MS
    assert len(server.requests) == 1


async def test_R7_a_200_with_an_error_code_says_what_the_code_says() -> None:
    fired, _ = await fired_at(error(30004, status=200))
    assert isinstance(fired.outcome, Rejected)
    assert fired.outcome.refusal.code == 30004


async def test_R12_an_answer_that_trickles_ends_at_the_deadline() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
        raise ConnectionResetError

    fired, _ = await fired_at(trickle, limits=QUICK)
    assert isinstance(fired.outcome, Ambiguous)


@pytest.mark.parametrize(("status", "kind"), [(429, BanKind.TOO_MANY), (418, BanKind.BANNED)])
@pytest.mark.parametrize("headers", ["", "Retry-After: 7\r\n"])
async def test_R9_a_ban_is_noted_and_the_next_entry_does_not_leave(
    status: int, kind: BanKind, headers: str
) -> None:
    async with aiming(answer("", status, headers=headers), answer(PLACED)) as (line, server, client):
        assert isinstance((await line.fire(shot_of(line), yes)).outcome, Rejected)
        assert [ban.kind for ban in client.bans] == [kind]
        assert isinstance((await line.fire(shot_of(line, "mxt-2"), yes)).outcome, NotSent)
        stop = await line.fire(shot_of(line, "mxt-3", Purpose.STOP), yes)
        assert isinstance(stop.outcome, Accepted)
        assert len(server.requests) == 2


async def test_R9_a_firewall_is_ambiguous_and_holds_entries_back() -> None:
    blocked = answer("<html>Access Denied</html>", 403, kind="text/html")
    async with aiming(blocked, answer(PLACED)) as (line, server, client):
        assert isinstance((await line.fire(shot_of(line), yes)).outcome, Ambiguous)
        assert [ban.kind for ban in client.bans] == [BanKind.FIREWALL]
        assert isinstance((await line.fire(shot_of(line, "mxt-2"), yes)).outcome, NotSent)
        assert len(server.requests) == 1


@pytest.mark.parametrize("code", sorted(TABLE))
async def test_every_known_code_is_rejected_or_ambiguous_as_the_table_says(code: int) -> None:
    fired, _ = await fired_at(error(code))
    wanted = Rejected if TABLE[code].definite else Ambiguous
    assert isinstance(fired.outcome, wanted)


async def test_R13_an_unknown_code_is_ambiguous() -> None:
    fired, _ = await fired_at(error(987_654))
    assert isinstance(fired.outcome, Ambiguous)


async def test_R17_a_refused_time_calls_for_another_measurement() -> None:
    async with aiming(error(700003)) as (line, _, client):
        assert isinstance((await line.fire(shot_of(line), yes)).outcome, Rejected)
        assert client.clock_suspect.is_set()


async def test_a_connection_that_dropped_is_replaced_before_the_shot() -> None:
    last = answer(PLACED, headers="Connection: close\r\n")
    async with aiming(last, answer(PLACED)) as (line, server, _):
        await line.fire(shot_of(line, "mxt-1"), yes)
        assert not line.is_warm
        assert isinstance((await line.fire(shot_of(line, "mxt-2"), yes)).outcome, Accepted)
        assert server.connections == 2


async def test_an_answer_nobody_asked_for_is_never_taken_for_a_shots() -> None:
    stray = answer(PLACED.replace("C02__1", "STRAY"))
    async with aiming(answer(PLACED) + stray, answer(PLACED)) as (line, server, _):
        await line.fire(shot_of(line, "mxt-1"), yes)
        fired = await line.fire(shot_of(line, "mxt-2"), yes)
        assert isinstance(fired.outcome, Accepted)
        assert fired.outcome.response.order_id == "C02__1"
        assert server.connections == 2


async def test_warming_measures_round_trip_and_clock_over_the_line_itself() -> None:
    told = answer(json.dumps({"serverTime": SERVER_MS}))
    async with aiming(told, told, told, told, answer(PLACED)) as (line, server, client):
        assert not line.is_warm
        assert line.round_trip_ns is None
        await line.warm()
        assert line.is_warm
        assert line.round_trip_ns is not None
        assert line.round_trip_ns > 0
        estimate = client.offset.estimate(time.monotonic_ns())
        assert estimate is not None
        assert estimate.age_s < 5
        await line.fire(shot_of(line), yes)
        assert server.connections == 1


async def test_warming_that_fails_says_so_and_leaves_nothing_half_used() -> None:
    async with aiming(reset, answer(PLACED)) as (line, server, _):
        with pytest.raises(Exception, match="connection broke"):
            await line.warm()
        assert not line.is_warm
        assert isinstance((await line.fire(shot_of(line), yes)).outcome, Accepted)
        assert server.connections == 2


async def test_a_closed_line_fires_nothing() -> None:
    async with aiming(answer(PLACED)) as (line, server, _):
        await line.close()
        assert isinstance((await line.fire(shot_of(line), yes)).outcome, NotSent)
        with pytest.raises(NothingSent, match="closed"):
            await line.warm()
        assert server.requests == []


async def test_an_order_that_cannot_be_sent_is_refused_at_preparation() -> None:
    async with aiming(answer(PLACED)) as (line, _, _client):
        with pytest.raises(ValueError, match="positive"):
            line.prepare(
                replace(ORDER, price=Decimal(0)), purpose=Purpose.ENTRY, timestamp_ms=1, recv_window_ms=1
            )
    async with client_of("http://127.0.0.1:1", keys=False) as client:
        with pytest.raises(ValueError, match="key"):
            shot_of(client.firing_connection())


async def test_neither_a_shot_nor_what_became_of_it_shows_key_or_signature() -> None:
    async with aiming(answer(PLACED)) as (line, _, _client):
        shot = shot_of(line)
        shown = repr(shot) + repr(await line.fire(shot, yes)) + repr(line)
        assert "signature" not in shown
        assert "mx0vTEST" not in shown


async def test_a_shot_that_is_called_off_while_waiting_leaves_nothing() -> None:
    async with aiming(answer(PLACED)) as (line, server, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await line.fire_at(shot_of(line), time.monotonic_ns() + 60_000_000_000, yes)
        assert server.requests == []
        assert isinstance((await line.fire(shot_of(line), yes)).outcome, Accepted)
