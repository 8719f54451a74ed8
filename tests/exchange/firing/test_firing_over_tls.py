"""The firing connection over TLS: bytes leave unchanged, only to a proven exchange (reliability R1)."""

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
from tests.support.exchange.certificates import BAD, checking, show, showing, write_certificates
from tests.support.exchange.scripted_http_server import (
    ACCESS_KEY,
    SERVER_MS,
    Hostile,
    Reply,
    answer,
    client_of,
    hostile,
)

ORDER = NewOrder(
    symbol="NEWUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    client_order_id="mxt-1",
    price=Decimal("0.1"),
    quantity=Decimal(50),
)
TIME = answer(f'{{"serverTime":{SERVER_MS}}}')
PLACED = answer('{"symbol":"NEWUSDT","orderId":"C02__1","price":"0.1","origQty":"50","type":"LIMIT"}')


def yes() -> bool:
    return True


def shot_of(line: WarmConnection, name: str = "mxt-1") -> SignedOrder:
    order = replace(ORDER, client_order_id=name)
    return line.prepare(order, purpose=Purpose.ENTRY, timestamp_ms=SERVER_MS, recv_window_ms=1_000)


def problem(outcome: SendOutcome[PlacedOrder]) -> str:
    """Return why nothing was sent."""
    assert isinstance(outcome, NotSent)
    return outcome.reason


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificates(tmp_path_factory.mktemp("tls"))


@asynccontextmanager
async def aiming(
    folder: Path, name: str, *replies: Reply, trusted: bool = True
) -> AsyncGenerator[tuple[WarmConnection, Hostile]]:
    """A line that knows the certificate of `name` if it is trusted, and a server that shows it."""
    known = (name, "elsewhere") if trusted else ()
    async with (
        hostile(*replies, tls=showing(folder, name)) as server,
        checking(folder, *known) as connector,
        client_of(server.origin, connector=connector) as client,
    ):
        line = client.firing_connection()
        try:
            yield line, server
        finally:
            await line.close()


async def test_a_good_certificate_lets_shots_leave_by_one_warm_connection(certificates: Path) -> None:
    async with aiming(certificates, "localhost", *[TIME] * 4, PLACED) as (line, server):
        await line.warm()
        assert line.is_warm
        shots = [shot_of(line, f"mxt-{number}") for number in range(3)]
        fired: list[FireResult] = [await line.fire(shot, yes) for shot in shots[:2]]
        fired.append(await line.fire_at(shots[2], time.monotonic_ns() + 2_000_000, yes))
        assert all(isinstance(one.outcome, Accepted) for one in fired)
        assert [request.removesuffix(b"\r\n\r\n") for request in server.requests[4:]] == [
            shot.request.removesuffix(b"\r\n\r\n") for shot in shots
        ]
        assert server.connections == 1


@pytest.mark.parametrize(("name", "trusted"), BAD)
async def test_R1_a_bad_certificate_warms_nothing_and_not_a_byte_of_a_shot_leaves(
    certificates: Path, name: str, trusted: bool
) -> None:
    async with aiming(certificates, name, PLACED, trusted=trusted) as (line, server):
        with pytest.raises(NothingSent, match="certificate is invalid"):
            await line.warm()
        assert not line.is_warm
        at_once = await line.fire(shot_of(line, "at-once"), yes)
        aimed = await line.fire_at(shot_of(line, "aimed"), time.monotonic_ns() + 2_000_000, yes)
        for fired in (at_once, aimed):
            assert "certificate is invalid" in problem(fired.outcome)
            assert fired.written_ns is None
            assert ACCESS_KEY not in problem(fired.outcome)
        assert server.requests == []


async def test_R1_a_line_that_must_connect_again_checks_again(certificates: Path) -> None:
    dropped = asyncio.Event()

    async def place_and_drop(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(PLACED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        await writer.drain()
        dropped.set()
        raise ConnectionResetError

    async with aiming(certificates, "localhost", place_and_drop) as (line, server):
        assert isinstance((await line.fire(shot_of(line, "before"), yes)).outcome, Accepted)
        await dropped.wait()
        assert server.tls is not None
        show(server.tls, certificates, "elsewhere")
        fired = await line.fire(shot_of(line, "after"), yes)
        assert "certificate is invalid" in problem(fired.outcome)
        assert len(server.requests) == 1
