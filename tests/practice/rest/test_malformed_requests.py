"""Malformed requests are refused in MEXC's format and never cause an internal error."""

import asyncio
import json
import logging
import random
from collections import Counter

import aiohttp
import pytest

from mexc_tui.model.order import OrderType
from mexc_tui.practice.clock import wall_clock
from mexc_tui.practice.rest.auth import KeyPermission
from mexc_tui.practice.scenario import AccountPlan, Knobs, MarketPlan
from mexc_tui.practice.server import PracticeServer
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.exchange.practice_client import in_virtual_time, scenario

PLAN = scenario(
    market=MarketPlan(symbols=30, active_pairs=2),
    account=AccountPlan(permissions=tuple(KeyPermission)),
    knobs=Knobs(ip_weight_per_10s=10**9, key_weight_per_10s=10**9, orders_per_s=10**9, ban_after_429=10**9),
)
NAMES = (
    *("symbol", "symbols", "side", "type", "quantity", "price", "quoteOrderQty", "newClientOrderId"),
    *("orderId", "origClientOrderId", "limit", "page", "interval", "startTime", "endTime", "stpMode"),
    *("batchOrders", "asset", "listenKey", "mxDeductEnable", "tradeGroupName", "tradeGroupId", "uid", "id"),
)
VALUES = (
    *("SOLUSDT", "SOLUSDT", "SOLUSDT", "MXUSDT", "solusdt", "BTCUSDT", "币安人生USDT", "A,B,C,D,E,F", ","),
    *("BUY", "SELL", "LIMIT", "MARKET", "LIMIT_MAKER", "FILL_OR_KILL", "IMMEDIATE_OR_CANCEL", "LIMIT_ORDER"),
    *(
        "",
        "0",
        "1",
        "-1",
        "10",
        "118",
        "0.00000000001",
        "1e5",
        "1E+400",
        "NaN",
        "Infinity",
        "9" * 17,
        "9" * 40,
    ),
    *("1m", "1h", "1M", "true", "cancel_both", "[]", "[{}]", "{", '[{"symbol":"SOLUSDT","price":{}}]'),
    *("\x00", "\x1b[31m", "💥" * 50, "null", "..", "%", "a b&c=d"),
)


TYPES = [kind.value for kind in OrderType]


def routes() -> list[tuple[str, str, bool]]:
    server = PracticeServer(PLAN, 1, wall_clock())
    return [(route.method, route.path, route.access is not None) for route in server.routes()]


@pytest.mark.parametrize("seed", range(4))
def test_no_request_becomes_an_internal_error(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    async def main(sim: Simulation) -> None:
        chance = random.Random(seed)
        answers = Counter[int]()
        every = routes()
        async with in_virtual_time(sim, PLAN) as client:
            for _ in range(12):
                await asyncio.sleep(0.6)
                for method, path, is_signed in every:
                    names = chance.sample(NAMES, chance.randrange(12))
                    params = {name: chance.choice(VALUES) for name in ("symbol", "limit", *names)}
                    if path.startswith("/api/v3/order") and method == "POST":
                        params |= {"side": chance.choice(["BUY", "SELL"]), "type": chance.choice(TYPES)}
                    send = client.send_signed if is_signed else client.send
                    status, body = await send(method, path, **params)
                    assert status in (200, 400, 429), (method, path, params, status, body)
                    answers[status] += 1
        assert answers[200] > 50
        assert answers[400] > 50

    with caplog.at_level(logging.ERROR):
        simulate(main, seed=seed)
    assert not caplog.records


def test_no_text_on_the_socket_breaks_it(caplog: pytest.LogCaptureFixture) -> None:
    texts = [
        *("", "{", "[]", "null", "1", '"PING"', '{"method":1}', '{"method":"X"}', '{"id":1}', "\x00"),
        *(json.dumps({"method": "SUBSCRIPTION", "params": params}) for params in ([], [""], ["@"], "a", [1])),
        json.dumps({"method": "SUBSCRIPTION", "params": ["spot@public.kline.v3.api.pb@SOLUSDT@Min1"] * 40}),
        json.dumps({"method": "UNSUBSCRIPTION", "params": ["nothing", "", "spot@private.deals.v3.api.pb"]}),
        json.dumps({"method": "PING", "id": "x"}),
        json.dumps({"method": "PING", "params": None}),
        json.dumps({"method": "ping", "id": 10**30}),
    ]

    async def main(sim: Simulation) -> None:
        async with in_virtual_time(sim, PLAN) as client, client.stream() as stream:
            for text in texts:
                await stream.socket.send_str(text)
                assert (await stream.reply())["code"] == 0
            await stream.socket.send_bytes(b"\x00\x01")
            await stream.socket.ping()
            await stream.socket.send_str('{"method":"PING"}')
            assert (await stream.reply())["msg"] == "PONG"
            await stream.socket.send_str("x" * 100_000)
            assert await stream.closing() is aiohttp.WSMsgType.CLOSE

    with caplog.at_level(logging.ERROR):
        simulate(main)
    assert not caplog.records
