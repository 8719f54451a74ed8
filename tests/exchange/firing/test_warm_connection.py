"""Outcomes of orders fired over real sockets, for every server behaviour (reliability 2.1)."""

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
    Reply,
    ScriptedServer,
    client_for,
    endless,
    hang,
    http_response,
    reset,
    reset_after,
    scripted_server,
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


def allow() -> bool:
    return True


def deny() -> bool:
    return False


def error(code: int, message: str = "no", status: int = 400) -> bytes:
    return http_response(json.dumps({"msg": message, "code": code}), status)


def signed_order(
    connection: WarmConnection, client_order_id: str = "mxt-1", purpose: Purpose = Purpose.ENTRY
) -> SignedOrder:
    order = replace(ORDER, client_order_id=client_order_id)
    return connection.prepare(order, purpose=purpose, timestamp_ms=SERVER_MS, recv_window_ms=WINDOW_MS)


@asynccontextmanager
async def open_connection(
    *replies: Reply, limits: ClientLimits | None = None
) -> AsyncGenerator[tuple[WarmConnection, ScriptedServer, MexcClient]]:
    """Yield a firing connection, the server it sends to and its client."""
    async with scripted_server(*replies) as server, client_for(server.origin, limits=limits) as client:
        connection = client.firing_connection()
        try:
            yield connection, server, client
        finally:
            await connection.close()


async def fire_once(*replies: Reply, limits: ClientLimits | None = None) -> tuple[FireResult, ScriptedServer]:
    """Fire one order at a server with these replies."""
    async with open_connection(*replies, limits=limits) as (connection, server, _):
        return await connection.fire(signed_order(connection), allow), server


async def test_an_order_with_an_id_is_accepted_and_every_stage_is_stamped() -> None:
    fired, _ = await fire_once(http_response(PLACED))
    assert isinstance(fired.outcome, Accepted)
    assert fired.outcome.response.order_id == "C02__1"
    assert fired.outcome.timestamp_ms == SERVER_MS
    assert fired.woke_ns is not None
    assert fired.written_ns is not None
    assert fired.answered_ns is not None
    assert fired.woke_ns <= fired.written_ns <= fired.answered_ns


async def test_a_fired_order_has_the_bytes_of_an_ordinary_order() -> None:
    async with open_connection(http_response(PLACED)) as (connection, server, client):
        await connection.fire(signed_order(connection), allow)
        await client.orders.place(ORDER, purpose=Purpose.ENTRY, recv_window_ms=WINDOW_MS)
        fired, ordinary = (request.decode().split("\r\n") for request in server.requests)
        assert fired[1:] == ordinary[1:]
        assert fired[0].split("&timestamp=")[0] == ordinary[0].split("&timestamp=")[0]
        assert f"&timestamp={SERVER_MS}&signature=" in fired[0]


async def test_no_order_leaves_before_its_aim() -> None:
    async with open_connection(http_response(PLACED)) as (connection, _, _client):
        for number in range(5):
            aim_ns = time.monotonic_ns() + 20_000_000
            fired = await connection.fire_at(signed_order(connection, f"mxt-{number}"), aim_ns, allow)
            assert fired.aim_ns == aim_ns
            assert fired.woke_ns is not None
            assert fired.woke_ns >= aim_ns


async def test_a_halt_between_preparation_and_write_sends_nothing() -> None:
    async with open_connection(http_response(PLACED)) as (connection, server, _):
        signed = signed_order(connection)
        fired = await connection.fire_at(signed, time.monotonic_ns() + 5_000_000, deny)
        assert isinstance(fired.outcome, NotSent)
        assert fired.written_ns is None
        assert server.requests == []
        assert isinstance((await connection.fire(signed, allow)).outcome, Accepted)
        assert server.connections == 1


async def test_the_gate_is_checked_after_the_aim_not_when_the_order_is_submitted() -> None:
    async with open_connection(http_response(PLACED)) as (connection, server, _):
        asked_ns: list[int] = []

        def halted_meanwhile() -> bool:
            asked_ns.append(time.monotonic_ns())
            return False

        aim_ns = time.monotonic_ns() + 10_000_000
        await connection.fire_at(signed_order(connection), aim_ns, halted_meanwhile)
        assert asked_ns[0] >= aim_ns
        assert server.requests == []


async def test_an_order_is_fired_only_once_even_if_prepared_again() -> None:
    async with open_connection(http_response(PLACED)) as (connection, server, _):
        signed = signed_order(connection)
        assert isinstance((await connection.fire(signed, allow)).outcome, Accepted)
        assert isinstance((await connection.fire(signed, allow)).outcome, NotSent)
        assert isinstance((await connection.fire(signed_order(connection), allow)).outcome, NotSent)
        assert len(server.requests) == 1


async def test_the_budget_counts_every_order_once_on_either_route() -> None:
    async with open_connection(http_response(PLACED)) as (connection, server, client):
        for number in range(3):
            await connection.fire(signed_order(connection, f"at-once-{number}"), allow)
        await connection.fire_at(signed_order(connection, "aimed"), time.monotonic_ns() + 1_000_000, allow)
        await connection.fire(signed_order(connection, "stopped"), deny)
        assert len(server.requests) == 4
        # An order blocked at the last moment keeps its budget: too few may leave, never too many.
        assert client.budget.state().lane(LaneName.ORDERS).used in (4, 5)


async def test_an_order_without_rate_budget_is_not_sent_and_states_the_reason() -> None:
    async with open_connection(http_response(PLACED)) as (connection, server, client):
        await connection.fire(signed_order(connection, "first"), allow)
        room = client.budget.state().lane(LaneName.ORDERS).available(Purpose.ENTRY)
        for number in range(room):
            await connection.fire(signed_order(connection, f"mxt-{number}"), allow)
        fired = await connection.fire(signed_order(connection, "one-too-many"), allow)
        assert isinstance(fired.outcome, NotSent)
        assert "the request budget allows it only after" in fired.outcome.reason
        assert len(server.requests) == room + 1
        assert isinstance(
            (await connection.fire(signed_order(connection, "stop", Purpose.STOP), allow)).outcome, Accepted
        )


async def test_retries_use_the_same_connection_one_after_the_other() -> None:
    async with open_connection(error(30001), error(10007), http_response(PLACED)) as (connection, server, _):
        outcomes = [
            (await connection.fire(signed_order(connection, f"mxt-{n}"), allow)).outcome for n in range(3)
        ]
        assert [type(outcome) for outcome in outcomes] == [Rejected, Rejected, Accepted]
        assert server.connections == 1


async def test_a_stop_does_not_wait_for_an_unanswered_entry() -> None:
    arrived = asyncio.Event()

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read(1)
        writer.close()

    async with open_connection(silence, http_response(PLACED)) as (connection, _, _client):
        entry = asyncio.create_task(connection.fire(signed_order(connection, "entry"), allow))
        await arrived.wait()
        stop = await connection.fire(signed_order(connection, "stop", Purpose.STOP), allow)
        assert isinstance(stop.outcome, Accepted)
        assert not entry.done()
        entry.cancel()
        await asyncio.gather(entry, return_exceptions=True)


async def test_R1_a_refused_connection_is_not_sent() -> None:
    async with scripted_server() as server:
        origin = server.origin
    async with client_for(origin) as client:
        connection = client.firing_connection()
        fired = await connection.fire(signed_order(connection), allow)
        assert isinstance(fired.outcome, NotSent)
        assert fired.written_ns is None


async def test_R2_a_timeout_is_ambiguous_with_a_fence() -> None:
    fired, _ = await fire_once(hang(), limits=QUICK)
    assert isinstance(fired.outcome, Ambiguous)
    assert fired.outcome.fence_ms == SERVER_MS + WINDOW_MS + SETTLE_MS
    assert fired.written_ns is not None
    assert fired.answered_ns is None


PROVE_NOTHING: dict[str, Reply] = {
    "R3-reset": reset,
    "R6-500": http_response(PLACED, 500),
    "R6-502": error(30001, status=502),
    "R7-half": reset_after(http_response(PLACED)[:60]),
    "R7-html": http_response("<html>no</html>", kind="text/html"),
    "R7-no-id": http_response('{"symbol":"NEWUSDT"}'),
    "R7-empty-id": http_response('{"symbol":"NEWUSDT","orderId":""}'),
    "R7-not-http": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "R8-redirect": http_response("", 301, headers="Location: https://evil.example/\r\n"),
    "R11-endless": endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n"
    ),
}


@pytest.mark.parametrize("reply", PROVE_NOTHING.values(), ids=PROVE_NOTHING)
async def test_an_inconclusive_response_is_ambiguous_and_never_repeated(reply: Reply) -> None:
    fired, server = await fire_once(reply)
    assert isinstance(fired.outcome, Ambiguous)
    assert fired.outcome.timestamp_ms == SERVER_MS
    assert len(server.requests) == 1


async def test_R7_a_200_with_an_error_code_has_the_outcome_of_that_code() -> None:
    fired, _ = await fire_once(error(30004, status=200))
    assert isinstance(fired.outcome, Rejected)
    assert fired.outcome.refusal.code == 30004


async def test_R12_a_response_that_trickles_ends_at_the_deadline() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not reader.at_eof():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
        raise ConnectionResetError

    fired, _ = await fire_once(trickle, limits=QUICK)
    assert isinstance(fired.outcome, Ambiguous)


@pytest.mark.parametrize(("status", "kind"), [(429, BanKind.TOO_MANY), (418, BanKind.BANNED)])
@pytest.mark.parametrize("headers", ["", "Retry-After: 7\r\n"])
async def test_R9_a_ban_is_recorded_and_blocks_the_next_entry(
    status: int, kind: BanKind, headers: str
) -> None:
    async with open_connection(http_response("", status, headers=headers), http_response(PLACED)) as (
        connection,
        server,
        client,
    ):
        assert isinstance((await connection.fire(signed_order(connection), allow)).outcome, Rejected)
        assert [ban.kind for ban in client.bans] == [kind]
        assert isinstance((await connection.fire(signed_order(connection, "mxt-2"), allow)).outcome, NotSent)
        stop = await connection.fire(signed_order(connection, "mxt-3", Purpose.STOP), allow)
        assert isinstance(stop.outcome, Accepted)
        assert len(server.requests) == 2


async def test_R9_a_firewall_block_is_ambiguous_and_holds_entries_back() -> None:
    blocked = http_response("<html>Access Denied</html>", 403, kind="text/html")
    async with open_connection(blocked, http_response(PLACED)) as (connection, server, client):
        assert isinstance((await connection.fire(signed_order(connection), allow)).outcome, Ambiguous)
        assert [ban.kind for ban in client.bans] == [BanKind.FIREWALL]
        assert isinstance((await connection.fire(signed_order(connection, "mxt-2"), allow)).outcome, NotSent)
        assert len(server.requests) == 1


@pytest.mark.parametrize("code", sorted(TABLE))
async def test_every_known_code_is_rejected_or_ambiguous_as_the_table_defines(code: int) -> None:
    fired, _ = await fire_once(error(code))
    ordered = Rejected if TABLE[code].definite else Ambiguous
    assert isinstance(fired.outcome, ordered)


async def test_R13_an_unknown_code_is_ambiguous() -> None:
    fired, _ = await fire_once(error(987_654))
    assert isinstance(fired.outcome, Ambiguous)


async def test_R17_a_rejected_timestamp_calls_for_another_measurement() -> None:
    async with open_connection(error(700003)) as (connection, _, client):
        assert isinstance((await connection.fire(signed_order(connection), allow)).outcome, Rejected)
        assert client.clock_suspect.is_set()


async def test_a_dropped_connection_is_replaced_before_the_next_order() -> None:
    last = http_response(PLACED, headers="Connection: close\r\n")
    async with open_connection(last, http_response(PLACED)) as (connection, server, _):
        await connection.fire(signed_order(connection, "mxt-1"), allow)
        assert not connection.is_warm
        assert isinstance((await connection.fire(signed_order(connection, "mxt-2"), allow)).outcome, Accepted)
        assert server.connections == 2


async def test_an_unsolicited_response_is_never_taken_for_that_of_an_order() -> None:
    stray = http_response(PLACED.replace("C02__1", "STRAY"))
    async with open_connection(http_response(PLACED) + stray, http_response(PLACED)) as (
        connection,
        server,
        _,
    ):
        await connection.fire(signed_order(connection, "mxt-1"), allow)
        fired = await connection.fire(signed_order(connection, "mxt-2"), allow)
        assert isinstance(fired.outcome, Accepted)
        assert fired.outcome.response.order_id == "C02__1"
        assert server.connections == 2


async def test_warming_measures_round_trip_and_clock_offset_on_the_connection_itself() -> None:
    outcome_text = http_response(json.dumps({"serverTime": SERVER_MS}))
    async with open_connection(
        outcome_text, outcome_text, outcome_text, outcome_text, http_response(PLACED)
    ) as (
        connection,
        server,
        client,
    ):
        assert not connection.is_warm
        assert connection.round_trip_ns is None
        await connection.warm()
        assert connection.is_warm
        assert connection.round_trip_ns is not None
        assert connection.round_trip_ns > 0
        estimate = client.offset.estimate(time.monotonic_ns())
        assert estimate is not None
        assert estimate.age_s < 5
        await connection.fire(signed_order(connection), allow)
        assert server.connections == 1


async def test_failed_warming_reports_the_error_and_leaves_nothing_half_used() -> None:
    async with open_connection(reset, http_response(PLACED)) as (connection, server, _):
        with pytest.raises(Exception, match="connection broke"):
            await connection.warm()
        assert not connection.is_warm
        assert isinstance((await connection.fire(signed_order(connection), allow)).outcome, Accepted)
        assert server.connections == 2


async def test_a_closed_connection_fires_nothing() -> None:
    async with open_connection(http_response(PLACED)) as (connection, server, _):
        await connection.close()
        assert isinstance((await connection.fire(signed_order(connection), allow)).outcome, NotSent)
        with pytest.raises(NothingSent, match="closed"):
            await connection.warm()
        assert server.requests == []


async def test_an_invalid_order_is_refused_at_preparation() -> None:
    async with open_connection(http_response(PLACED)) as (connection, _, _client):
        with pytest.raises(ValueError, match="positive"):
            connection.prepare(
                replace(ORDER, price=Decimal(0)), purpose=Purpose.ENTRY, timestamp_ms=1, recv_window_ms=1
            )
    async with client_for("http://127.0.0.1:1", keys=False) as client:
        with pytest.raises(ValueError, match="key"):
            signed_order(client.firing_connection())


async def test_neither_a_signed_order_nor_its_outcome_shows_key_or_signature() -> None:
    async with open_connection(http_response(PLACED)) as (connection, _, _client):
        signed = signed_order(connection)
        shown = repr(signed) + repr(await connection.fire(signed, allow)) + repr(connection)
        assert "signature" not in shown
        assert "mx0vTEST" not in shown


async def test_an_order_cancelled_while_waiting_sends_nothing() -> None:
    async with open_connection(http_response(PLACED)) as (connection, server, _):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await connection.fire_at(
                    signed_order(connection), time.monotonic_ns() + 60_000_000_000, allow
                )
        assert server.requests == []
        assert isinstance((await connection.fire(signed_order(connection), allow)).outcome, Accepted)
