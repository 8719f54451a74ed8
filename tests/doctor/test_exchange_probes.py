"""Probes of a real server on loopback: a failing endpoint is one line, and a ban sends nothing."""

from pathlib import Path

import msgspec
import pytest

from mexc_tui.app.ban_file import BanFile
from mexc_tui.app.endpoints import SystemClock
from mexc_tui.doctor.check import Check, CheckStatus
from mexc_tui.doctor.exchange_probes import ExchangeAccess, probe_exchange
from mexc_tui.exchange.limits.bans import Ban, BanKind
from mexc_tui.exchange.streams.socket import SocketEnded, SocketTimings
from mexc_tui.exchange.streams.stream_probe import stream_round_trip_ms
from mexc_tui.host.paths import Paths, paths_of
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.view import BudgetRow, LaneRow
from mexc_tui.practice.clock import wall_clock
from mexc_tui.practice.server import serving
from tests.support.exchange.practice_session import scenario
from tests.support.exchange.scripted_stream_server import StreamServer, listening_server

CLOSED_PORT = "http://127.0.0.1:9"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = paths_of("practice", {"HOME": str(tmp_path)})
    found.state.mkdir(parents=True)
    return found


def by_name(checks: list[Check]) -> dict[str, Check]:
    return {check.name: check for check in checks}


async def probed(endpoint: Endpoint, paths: Paths, budget: BudgetRow | None = None) -> dict[str, Check]:
    return by_name(await probe_exchange(ExchangeAccess(endpoint, None, paths, SystemClock()), budget))


async def test_every_endpoint_of_a_healthy_exchange_is_ok(paths: Paths) -> None:
    async with serving(scenario(), 1, clock=wall_clock()) as endpoint:
        found = await probed(endpoint, paths)
    assert list(found) == ["clock", "rest", "websocket", "web", "weights", "announcements"]
    assert {check.status for check in found.values()} == {CheckStatus.OK}, found
    assert "weight" in found["weights"].text


async def test_a_dead_stream_server_is_one_failure_beside_working_endpoints(paths: Paths) -> None:
    async with serving(scenario(), 1, clock=wall_clock()) as endpoint:
        broken = msgspec.structs.replace(endpoint, ws="ws://127.0.0.1:9/ws", web=CLOSED_PORT)
        found = await probed(broken, paths)
    assert found["websocket"].status is CheckStatus.FAIL
    assert found["web"].status is CheckStatus.WARN
    assert found["rest"].status is found["clock"].status is CheckStatus.OK


async def test_an_unreachable_exchange_fails_without_an_exception(paths: Paths) -> None:
    found = await probed(Endpoint(rest=CLOSED_PORT, ws="ws://127.0.0.1:9/ws", web=CLOSED_PORT), paths)
    assert found["rest"].status is found["websocket"].status is CheckStatus.FAIL
    assert "127.0.0.1:9" in found["rest"].text


async def test_a_foreign_address_is_refused_before_anything_is_sent(paths: Paths) -> None:
    found = await probed(
        Endpoint(rest="http://127.0.0.1:9", ws="wss://example.org/ws", web="http://127.0.0.1:9"), paths
    )
    assert "not allowed" in found["websocket"].text


async def test_during_a_ban_nothing_is_sent(paths: Paths) -> None:
    async with serving(scenario(), 1, clock=wall_clock()) as endpoint:
        until_ms = SystemClock().now_ms() + 60_000
        BanFile(paths.state, endpoint.rest).write(Ban(BanKind.BANNED, 60.0, until_ms))
        found = await probed(endpoint, paths)
    assert list(found) == ["exchange"]
    assert "Nothing was sent" in found["exchange"].text


async def test_the_weights_of_a_running_engine_are_reported(paths: Paths) -> None:
    budget = BudgetRow(lanes=(LaneRow(name="weight", used=123, limit=500, window_s=10),))
    found = await probed(Endpoint(rest=CLOSED_PORT, ws="ws://127.0.0.1:9/ws", web=CLOSED_PORT), paths, budget)
    assert found["weights"].text == "weight 123 of 500."


async def test_a_stream_server_that_answers_no_ping_fails_at_its_deadline() -> None:
    server = StreamServer()
    server.behaviour.answer_pings = False
    async with listening_server(server) as url:
        with pytest.raises(SocketEnded, match="no reply to a ping"):
            await stream_round_trip_ms(url, SocketTimings(ack_within_s=0.05))


async def test_a_stream_server_that_redirects_is_refused() -> None:
    server = StreamServer()
    async with listening_server(server) as url:
        server.behaviour.redirect_to = url
        with pytest.raises(SocketEnded, match="redirects"):
            await stream_round_trip_ms(url)
    assert server.redirected == 0
