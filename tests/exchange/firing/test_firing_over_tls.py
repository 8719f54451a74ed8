"""The firing connection over TLS: signed orders are sent only to a verified exchange (reliability R1)."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from mexc_tui.exchange.firing.warm_connection import WarmConnection
from mexc_tui.model.errors import NothingSent
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, NotSent, Purpose, SendOutcome
from mexc_tui.model.report import PlacedOrder
from mexc_tui.ports.trading import FireResult, SignedOrder
from tests.support.exchange.certificates import (
    BAD,
    present_certificate,
    server_context,
    verifying_connector,
    write_certificates,
)
from tests.support.exchange.scripted_http_server import (
    ACCESS_KEY,
    SERVER_MS,
    Reply,
    ScriptedServer,
    client_for,
    http_response,
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
TIME = http_response(f'{{"serverTime":{SERVER_MS}}}')
PLACED = http_response('{"symbol":"NEWUSDT","orderId":"C02__1","price":"0.1","origQty":"50","type":"LIMIT"}')


def allow() -> bool:
    return True


def signed_order(connection: WarmConnection, name: str = "mxt-1") -> SignedOrder:
    order = replace(ORDER, client_order_id=name)
    return connection.prepare(order, purpose=Purpose.ENTRY, timestamp_ms=SERVER_MS, recv_window_ms=1_000)


def problem(outcome: SendOutcome[PlacedOrder]) -> str:
    """Return the reason why nothing was sent."""
    assert isinstance(outcome, NotSent)
    return outcome.reason


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificates(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def open_connection(
    folder: Path, name: str, *replies: Reply, trusted: bool = True
) -> AsyncGenerator[tuple[WarmConnection, ScriptedServer]]:
    """Yield a connection that trusts the certificate of `name` on request, and a server presenting it."""
    known = (name, "elsewhere") if trusted else ()
    async with (
        scripted_server(*replies, tls=server_context(folder, name)) as server,
        verifying_connector(folder, *known) as connector,
        client_for(server.origin, connector=connector) as client,
    ):
        connection = client.firing_connection()
        try:
            yield connection, server
        finally:
            await connection.close()


async def test_a_valid_certificate_lets_orders_share_one_warm_connection(certificates: Path) -> None:
    async with open_connection(certificates, "localhost", *[TIME] * 4, PLACED) as (connection, server):
        await connection.warm()
        assert connection.is_warm
        orders = [signed_order(connection, f"mxt-{number}") for number in range(3)]
        fired: list[FireResult] = [await connection.fire(signed, allow) for signed in orders[:2]]
        fired.append(await connection.fire_at(orders[2], time.monotonic_ns() + 2_000_000, allow))
        assert all(isinstance(first.outcome, Accepted) for first in fired)
        assert [request.removesuffix(b"\r\n\r\n") for request in server.requests[4:]] == [
            signed.request.removesuffix(b"\r\n\r\n") for signed in orders
        ]
        assert server.connections == 1


@pytest.mark.parametrize(("name", "trusted"), BAD)
async def test_R1_a_bad_certificate_prevents_warming_and_sending(
    certificates: Path, name: str, trusted: bool
) -> None:
    async with open_connection(certificates, name, PLACED, trusted=trusted) as (connection, server):
        with pytest.raises(NothingSent, match="certificate is invalid"):
            await connection.warm()
        assert not connection.is_warm
        at_once = await connection.fire(signed_order(connection, "at-once"), allow)
        connected = await connection.fire_at(
            signed_order(connection, "aimed"), time.monotonic_ns() + 2_000_000, allow
        )
        for fired in (at_once, connected):
            assert "certificate is invalid" in problem(fired.outcome)
            assert fired.written_ns is None
            assert ACCESS_KEY not in problem(fired.outcome)
        assert server.requests == []


async def test_R1_reconnecting_verifies_the_certificate_again(certificates: Path) -> None:
    dropped = asyncio.Event()

    async def place_and_drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(PLACED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        await writer.drain()
        dropped.set()
        raise ConnectionResetError

    async with open_connection(certificates, "localhost", place_and_drop) as (connection, server):
        assert isinstance(
            (await connection.fire(signed_order(connection, "before"), allow)).outcome, Accepted
        )
        await dropped.wait()
        assert server.tls is not None
        present_certificate(server.tls, certificates, "elsewhere")
        fired = await connection.fire(signed_order(connection, "after"), allow)
        assert "certificate is invalid" in problem(fired.outcome)
        assert len(server.requests) == 1
