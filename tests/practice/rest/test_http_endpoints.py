"""Endpoints of the practice exchange over real sockets."""

import gzip
import hashlib
import hmac
import json
from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from mexc_tui.practice.matching.ids import USDT_ID
from mexc_tui.practice.scenario import AccountPlan, EmptySide, Knobs, ListingPlan, MarketSellByQuote
from mexc_tui.practice.session import ExchangeSession
from tests.support.exchange.practice_client import Client, on_real_sockets, scenario

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "mexc-rest-2025-12-31.json"
PAIR = "SOLUSDT"


@pytest.fixture
async def client() -> AsyncGenerator[Client]:
    knobs = Knobs(ip_weight_per_10s=10_000, key_weight_per_10s=10_000)
    async with on_real_sockets(scenario(knobs=knobs)) as served:
        yield served


def shape(value: Any) -> Any:
    """Return the JSON types of a body; of an array, those of its first element."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {name: shape(field) for name, field in fields.items()}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        return [shape(items[0])] if items else []
    return type(value).__name__


def assert_covers(ours: Any, recorded: Any, place: str) -> None:
    """Fail unless ours has at least the recorded keys, with the same JSON types."""
    if isinstance(recorded, dict):
        fields = cast("dict[str, Any]", recorded)
        assert isinstance(ours, dict), place
        for name, field in fields.items():
            assert name in ours, f"{place}.{name} is missing"
            assert_covers(ours[name], field, f"{place}.{name}")
    elif isinstance(recorded, list):
        assert isinstance(ours, list), place
        if recorded and ours:
            assert_covers(ours[0], recorded[0], f"{place}[0]")
    else:
        assert ours == recorded, f"{place}: {ours} instead of {recorded}"


async def test_every_recorded_route_returns_the_recorded_keys_and_types(client: Client) -> None:
    routes: dict[str, dict[str, list[dict[str, Any]]]] = json.loads(RECORDINGS.read_text())["routes"]
    asked = 0
    for path, methods in routes.items():
        for recording in methods["GET"]:
            params = dict(part.split("=") for part in recording["queryString"].split("&") if part)
            for border in ("startTime", "endTime"):
                if border in params:
                    params[border] = str(client.now_ms() - (3_600_000 if border == "startTime" else 0))
            ours = await client.get(path, **params)
            assert_covers(shape(ours), shape(recording["data"]), path)
            if isinstance(recording["data"], list) and path != "/api/v3/aggTrades":
                assert ours, path
            asked += 1
    assert asked >= 20


async def test_connectivity(client: Client) -> None:
    assert await client.get("ping") == {}
    assert abs((await client.get("time"))["serverTime"] - client.now_ms()) < 2_000
    assert await client.get("/api/v1/contract/detail") == {"success": True, "code": 0, "data": []}
    symbols = await client.get("defaultSymbols")
    assert symbols["code"] == 0
    assert PAIR in symbols["data"]
    assert "BTCUSDT" not in symbols["data"]
    assert (await client.get("symbol/offline"))["msg"] == "success"
    for missing in ("nothing", "/elsewhere"):
        assert (await client.send("GET", missing, symbol=PAIR))[0] == 404


async def test_practice_page_shows_the_session(client: Client) -> None:
    page = await client.get("/practice")
    assert page["exchange_session"] == client.endpoint.exchange_session
    assert list(page) == [
        "exchange_session",
        "scenario",
        "seed",
        "start_ms",
        "now_ms",
        "ends_ms",
        "over",
        "settings",
    ]
    assert (page["scenario"], page["seed"], page["ends_ms"], page["over"]) == ("test", 1, None, False)


async def test_exchange_info_can_be_queried_for_some_symbols(client: Client) -> None:
    every = (await client.get("exchangeInfo"))["symbols"]
    assert len(every) == 40
    one = (await client.get("exchangeInfo", symbol=PAIR))["symbols"]
    assert one == [symbol for symbol in every if symbol["symbol"] == PAIR]
    two = (await client.get("exchangeInfo", symbols=f"{PAIR},MXUSDT"))["symbols"]
    assert [symbol["symbol"] for symbol in two] == [PAIR, "MXUSDT"]
    refused = await client.send("GET", "exchangeInfo", symbol="NOSUCHUSDT")
    assert refused == (400, {"msg": "Invalid symbol.", "code": -1121})


async def test_unknown_symbol_can_return_an_empty_list() -> None:
    async with on_real_sockets(
        scenario(knobs=Knobs(unknown_symbol_empty=True, first_open_time=False))
    ) as client:
        assert (await client.get("exchangeInfo", symbol="NOSUCHUSDT"))["symbols"] == []
        assert "firstOpenTime" not in (await client.get("exchangeInfo", symbol=PAIR))["symbols"][0]


async def test_depth_is_padded_capped_and_best_first(client: Client) -> None:
    rules = (await client.get("exchangeInfo", symbol=PAIR))["symbols"][0]
    depth = await client.get("depth", symbol=PAIR, limit=5000)
    assert list(depth) == ["lastUpdateId", "bids", "asks", "timestamp"]
    for side, descending in (("bids", True), ("asks", False)):
        levels = depth[side]
        assert 20 <= len(levels) <= 2000
        assert all(len(price.partition(".")[2]) == rules["quotePrecision"] for price, _ in levels)
        assert all(len(size.partition(".")[2]) == rules["baseAssetPrecision"] for _, size in levels)
        prices = [Decimal(price) for price, _ in levels]
        assert prices == sorted(prices, reverse=descending)
    assert len((await client.get("depth", symbol=PAIR))["bids"]) <= 100
    assert len((await client.get("depth", symbol=PAIR, limit=5))["asks"]) == 5


async def test_numbers_have_the_recorded_decimals(client: Client) -> None:
    """Last prices are trimmed, best quotes padded, quote volumes cut to the decimals of a price."""
    symbols = (await client.get("exchangeInfo"))["symbols"]
    decimals = {each["symbol"]: each["quotePrecision"] for each in symbols}
    prices = [row["price"] for row in await client.get("ticker/price")]
    assert not [price for price in prices if "." in price and price.endswith("0")]
    for row in await client.get("ticker/bookTicker"):
        assert len(row["bidPrice"].partition(".")[2]) == decimals[row["symbol"]]
    turnovers = {row["symbol"]: row["quoteVolume"] for row in await client.get("ticker/24hr")}
    turnovers[PAIR] = (await client.get("klines", symbol=PAIR, interval="4h"))[0][7]
    for symbol, turnover in turnovers.items():
        assert len(turnover.partition(".")[2]) <= decimals[symbol]


async def test_market_data_refuses_invalid_parameters(client: Client) -> None:
    for path, params, code in (
        ("depth", {}, 700004),
        ("depth", {"symbol": "NOSUCHUSDT"}, -1121),
        ("depth", {"symbol": PAIR, "limit": "many"}, 700004),
        ("klines", {"symbol": PAIR, "interval": "1h"}, -1128),
        ("klines", {"symbol": PAIR}, 700004),
        ("aggTrades", {"symbol": PAIR, "startTime": 1}, -1128),
    ):
        status, body = await client.send("GET", path, **params)
        assert (status, body["code"]) == (400, code), (path, params)


async def test_klines_close_at_the_next_open_and_follow_start_and_limit(client: Client) -> None:
    rows = await client.get("klines", symbol=PAIR, interval="60m", limit=24)
    assert len(rows) == 24
    assert [row[6] for row in rows[:-1]] == [row[0] for row in rows[1:]]
    part = await client.get(
        "klines", symbol=PAIR, interval="60m", startTime=rows[3][0], endTime=rows[5][0], limit=2
    )
    assert [row[0] for row in part] == [rows[3][0], rows[4][0]]


async def test_at_most_500_klines_are_returned_for_any_limit(client: Client) -> None:
    for asked in ({}, {"limit": 500}, {"limit": 1_000}, {"limit": 5_000}):
        assert len(await client.get("klines", symbol=PAIR, interval="1m", **asked)) == 500


async def test_historical_trades_are_the_latest_trades(client: Client) -> None:
    trades = await client.get("trades", symbol=PAIR, limit=5)
    assert await client.get("historicalTrades", symbol=PAIR, limit=5) == trades
    assert await client.get("etf/info") == []


@pytest.mark.parametrize(("knob", "shown"), [("null", None), ("empty", ""), ("zero", "0")])
async def test_a_ticker_shows_an_empty_side_as_configured(knob: str, shown: str | None) -> None:
    coming = ListingPlan(base="NEWCOIN", opens_s=1_000, announced_before_s=1_500, visible_before_s=1_400)
    plan = scenario(knobs=Knobs(empty_side=EmptySide(knob)), listings=(coming,))
    async with on_real_sockets(plan) as client:
        for path in ("ticker/bookTicker", "ticker/24hr"):
            row = await client.get(path, symbol="NEWCOINUSDT")
            assert {row[name] for name in ("bidPrice", "bidQty", "askPrice", "askQty")} == {shown}


async def test_exchange_info_contains_a_business_type(client: Client) -> None:
    rows = (await client.get("exchangeInfo"))["symbols"]
    assert {type(row["bizType"]) for row in rows} == {str}


async def test_api_key_info_shows_the_rights_of_the_key(client: Client) -> None:
    info = await client.send_ok("GET", "apiKeyInfo", accessKey=client.endpoint.api_key)
    assert info["permissions"] == list(AccountPlan().permissions)
    assert (info["accessKey"], info["ipWhiteList"]) == (client.endpoint.api_key, [])
    assert info["remainingValidity"] == 90
    assert (await client.send_signed("GET", "apiKeyInfo"))[1]["code"] == 700004
    assert (await client.send_signed("GET", "apiKeyInfo", accessKey="mx0vnobody"))[1]["code"] == 10072


async def test_api_key_info_of_a_key_bound_to_addresses_has_no_expiry() -> None:
    async with on_real_sockets(scenario(account=AccountPlan(ips=("127.0.0.1",)))) as client:
        info = await client.send_ok("GET", "apiKeyInfo", accessKey=client.endpoint.api_key)
        assert info["ipWhiteList"] == ["127.0.0.1"]
        assert "remainingValidity" not in info


async def test_the_list_of_dust_contains_the_coin_id() -> None:
    async with on_real_sockets(scenario(account=AccountPlan(balances={"USDT": Decimal(3)}))) as client:
        (dust,) = await client.send_ok("GET", "capital/convert/list")
        assert (dust["asset"], dust["currencyId"]) == ("USDT", USDT_ID)


async def test_unknown_parameters_are_ignored(client: Client) -> None:
    assert list(await client.get("time", timestamp=1, recvWindow=70_000)) == ["serverTime"]
    assert (await client.get("depth", symbol=PAIR, limit=5, nonsense="x"))["bids"]


async def test_limit_order_is_placed_queried_and_cancelled(client: Client) -> None:
    price = await far_price(client)
    placed = await client.send_ok(
        "POST",
        "order",
        symbol=PAIR,
        side="BUY",
        type="LIMIT",
        quantity="1",
        price=price,
        newClientOrderId="a-1",
    )
    assert list(placed) == [
        *("symbol", "orderId", "orderListId", "price", "origQty"),
        *("type", "side", "stpMode", "transactTime"),
    ]
    assert placed["orderId"].startswith("C02__")
    order = await client.send_ok("GET", "order", symbol=PAIR, origClientOrderId="a-1")
    assert (order["status"], order["timeInForce"]) == ("NEW", None)
    assert order["updateTime"] == order["time"]
    assert (order["origQty"], order["executedQty"], order["cummulativeQuoteQty"]) == ("1", "0", "0")
    untouched = {**order, "updateTime": None}
    assert await client.send_ok("GET", "openOrders") == [untouched]
    assert await client.send_ok("GET", "openOrders", symbol=PAIR) == [untouched]
    assert await client.send_ok("GET", "allOrders", symbol=PAIR) == [order]
    balance = (await client.send_ok("GET", "account"))["balances"][0]
    assert Decimal(balance["locked"]) == Decimal(price)
    assert balance["available"] == balance["free"]
    gone = await client.send_ok("DELETE", "order", symbol=PAIR, orderId=placed["orderId"])
    assert gone["status"] == "NEW"  # the state before the cancel (protocol 4.4)
    order = await client.send_ok("GET", "order", symbol=PAIR, orderId=placed["orderId"])
    assert order["status"] == "CANCELED"
    again = await client.send_signed("DELETE", "order", symbol=PAIR, orderId=placed["orderId"])
    assert again == (400, {"msg": "Unknown order sent.", "code": -2011})
    unknown = await client.send_signed("GET", "order", symbol=PAIR, orderId="C02__0")
    assert unknown == (400, {"msg": "Order does not exist.", "code": -2013})
    status, body = await client.send_signed("GET", "order", symbol=PAIR)
    assert (status, body["code"]) == (400, 700004)
    assert body["msg"] == "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null"


async def test_market_order_fills_and_appears_in_my_trades(client: Client) -> None:
    placed = await client.send_ok(
        "POST", "order", symbol=PAIR, side="BUY", type="MARKET", quoteOrderQty="20", stpMode="cancel_both"
    )
    assert placed["stpMode"] == "cancel_both"
    order = await client.send_ok("GET", "order", symbol=PAIR, orderId=placed["orderId"])
    assert order["status"] == "FILLED"
    trades = await client.send_ok("GET", "myTrades", symbol=PAIR)
    assert sum(Decimal(trade["qty"]) for trade in trades) == Decimal(order["executedQty"])
    assert {trade["commissionAsset"] for trade in trades} == {"USDT"}
    assert all(trade["isBuyer"] and not trade["isMaker"] for trade in trades)
    assert list(trades[0]) == [
        *("symbol", "id", "orderId", "orderListId", "price", "qty", "quoteQty", "commission"),
        *("commissionAsset", "time", "isBuyer", "isMaker", "isBestMatch", "isSelfTrade", "clientOrderId"),
    ]


async def test_a_market_sell_by_quote_amount_needs_a_quantity_unless_configured(
    client: Client,
) -> None:
    sale = {"symbol": PAIR, "side": "SELL", "type": "MARKET", "quoteOrderQty": "20"}
    status, body = await client.send_signed("POST", "order", **sale)
    assert (status, body["code"], "'quantity'" in body["msg"]) == (400, 700004, True)


async def test_a_market_sell_by_quote_amount_sells_the_equivalent_quantity() -> None:
    knobs = Knobs(market_sell_by_quote=MarketSellByQuote.ACCEPT)
    account = AccountPlan(balances={"USDT": Decimal(1), "SOL": Decimal(100)})
    async with on_real_sockets(scenario(knobs=knobs, account=account)) as client:
        sale = {"symbol": PAIR, "side": "SELL", "type": "MARKET", "quoteOrderQty": "20"}
        placed = await client.send_ok("POST", "order", **sale)
        order = await client.send_ok("GET", "order", symbol=PAIR, orderId=placed["orderId"])
        assert order["status"] == "FILLED"
        spent, price = Decimal(order["cummulativeQuoteQty"]), Decimal(order["price"])
        assert 0 <= 20 - spent < price / 100
        poor = await client.send_signed("POST", "order", **{**sale, "quoteOrderQty": "10000000"})
        assert (poor[0], poor[1]["code"]) in ((400, 30005), (400, 30003))
        tiny = await client.send_signed("POST", "order", **{**sale, "quoteOrderQty": "0.0000001"})
        assert (tiny[0], tiny[1]["code"]) == (400, 33333)


async def test_order_test_checks_without_placing(client: Client) -> None:
    price = await far_price(client)
    fine = {"symbol": PAIR, "side": "BUY", "type": "LIMIT", "quantity": "1", "price": price}
    assert await client.send_ok("POST", "order/test", **fine) == {}
    assert await client.send_ok("GET", "openOrders", symbol=PAIR) == []
    status, body = await client.send_signed("POST", "order/test", **{**fine, "quantity": "100"})
    assert (status, body["code"]) == (400, 30004)
    for name in ("symbol", "side", "type", "quantity", "price"):
        rest = {key: value for key, value in fine.items() if key != name}
        status, body = await client.send_signed("POST", "order/test", **rest)
        assert (status, body["code"]) == (400, 700004)
        assert f"'{name}'" in body["msg"]


async def test_batch_results_are_in_the_order_of_the_request(client: Client) -> None:
    price = await far_price(client)
    good = {"symbol": PAIR, "side": "BUY", "type": "LIMIT_ORDER", "quantity": "1", "price": price}
    poor = {**good, "quantity": "0.0001", "newClientOrderId": "poor"}
    first, second = await client.send_ok("POST", "batchOrders", batchOrders=json.dumps([good, poor]))
    assert list(first) == ["symbol", "orderId", "orderListId"]
    assert (second["newClientOrderId"], type(second["code"])) == ("poor", int)
    other = {**good, "symbol": "MXUSDT"}
    for wrong in ("", "[", "[]", "{}", "[1]", json.dumps([good, other]), json.dumps([good] * 21)):
        status, body = await client.send_signed("POST", "batchOrders", batchOrders=wrong)
        assert (status, body["code"]) in ((400, 700004), (429, 429)), wrong


async def test_cancel_all_of_a_symbol_and_of_the_account(client: Client) -> None:
    price = await far_price(client)
    for _ in range(2):
        await client.send_ok(
            "POST", "order", symbol=PAIR, side="BUY", type="LIMIT", quantity="1", price=price
        )
    gone = await client.send_ok("DELETE", "openOrders", symbol=PAIR)
    assert [order["orderListId"] for order in gone] == [-1, -1]
    assert await client.send_ok("DELETE", "openOrders", symbol=PAIR) == []
    assert (await client.send_ok("DELETE", "order/all"))["msg"] == "success"


async def test_account_endpoints(client: Client) -> None:
    account = await client.send_ok("GET", "account")
    assert account["balances"] == [{"asset": "USDT", "free": "1000", "locked": "0", "available": "1000"}]
    assert (account["makerCommission"], account["accountType"], account["canTrade"]) == (None, "SPOT", True)
    allowed = await client.send_ok("GET", "selfSymbols")
    assert (allowed["code"], allowed["msg"], PAIR in allowed["data"]) == (200, None, True)
    fee = (await client.send_ok("GET", "tradeFee", symbol=PAIR))["data"]
    assert fee == {"makerCommission": 0.0, "takerCommission": 0.0005, "rpiMakerCommission": 0.0}
    assert await client.send_ok("GET", "kyc/status") == {"status": "2"}
    assert (await client.send_ok("GET", "uid"))["uid"].isdigit()
    assert (await client.send_ok("GET", "mxDeduct/enable"))["data"] == {"mxDeductEnable": False}
    assert (await client.send_ok("POST", "mxDeduct/enable", mxDeductEnable="true"))["data"] == {
        "mxDeductEnable": True
    }
    (coin,) = await client.send_ok("GET", "capital/config/getall")
    assert (coin["coin"], coin["networkList"][0]["netWork"]) == ("USDT", "ETH")
    assert await client.send_ok("GET", "capital/config/getall", coin="SOL") == []
    assert await client.send_ok("GET", "capital/convert/list") == []
    done = await client.send_ok("POST", "capital/convert", asset="USDT,NOSUCH")
    assert set(done) == {"successList", "failedList", "totalConvert", "convertFee"}
    assert {item["asset"] for item in done["failedList"]} == {"USDT", "NOSUCH"}


async def test_strategy_groups_are_stored(client: Client) -> None:
    made = await client.send_ok("POST", "strategy/group", tradeGroupName="one")
    assert made["code"] == 200
    number = made["data"]["tradeGroupId"]
    added = await client.send_ok("POST", "strategy/group/uid", uid="12,34", tradeGroupId=number)
    assert added["data"]["tradeGroupUid"] == "12,34"
    assert (await client.send_ok("DELETE", "strategy/group/uid", uid="12", tradeGroupId=number))[
        "data"
    ] is True
    (group,) = (await client.send_ok("GET", "strategy/group", tradeGroupName="one"))["data"]
    assert group["tradeGroupUid"] == "34"
    assert (await client.send_ok("DELETE", "strategy/group", tradeGroupId=number))["data"] is True
    assert (await client.send_ok("GET", "strategy/group"))["data"] == []


async def test_withdraw_probes_return_700007_for_a_key_without_the_right(client: Client) -> None:
    for method, path in (("GET", "capital/withdraw/history"), ("DELETE", "capital/withdraw")):
        status, body = await client.send_signed(method, path, id="0")
        assert (status, body["code"]) == (400, 700007)


async def test_withdraw_probes_return_another_code_for_a_key_with_the_right() -> None:
    rights = ("SPOT_WITHDRAW_READ", "SPOT_WITHDRAW_WRITE")
    async with on_real_sockets(scenario(account=AccountPlan(permissions=rights))) as client:
        assert await client.send_ok("GET", "capital/withdraw/history") == []
        assert (await client.send_signed("DELETE", "capital/withdraw", id="0"))[1]["code"] != 700007
        assert (await client.send_signed("GET", "account"))[1]["code"] == 700007


async def test_listen_key_endpoints(client: Client) -> None:
    key = (await client.send_ok("POST", "userDataStream"))["listenKey"]
    assert (await client.send_ok("GET", "userDataStream"))["listenKey"] == [key]
    assert (await client.send_ok("PUT", "userDataStream", listenKey=key)) == {"listenKey": key}
    assert (await client.send_ok("DELETE", "userDataStream", listenKey=key)) == {"listenKey": key}
    gone = await client.send_signed("PUT", "userDataStream", listenKey=key)
    assert gone == (400, {"msg": "listen key information error", "code": "730708"})


async def test_signed_text_can_be_split_over_query_and_body(client: Client) -> None:
    query, body = f"symbol={PAIR}&side=BUY", f"type=MARKET&quoteOrderQty=5&timestamp={client.now_ms()}"
    digest = hmac.new(client.endpoint.api_secret.encode(), (query + body).encode(), hashlib.sha256)
    headers = {"X-MEXC-APIKEY": client.endpoint.api_key, "Content-Type": "application/json"}
    url = f"{client.endpoint.rest}/api/v3/order/test?{query}&signature={digest.hexdigest()}"
    async with client.session.post(url, data=body.encode(), headers=headers) as response:
        assert (response.status, await response.json()) == (200, {})
    async with client.session.post(
        url, data=body.encode(), headers={**headers, "Content-Type": "text/plain"}
    ) as r:
        assert (r.status, (await r.json())["code"]) == (400, 700013)


async def test_limits_return_429_then_418_with_retry_after() -> None:
    async with on_real_sockets(scenario(knobs=Knobs(ip_weight_per_10s=25, ban_after_429=2))) as client:
        url = f"{client.endpoint.rest}/api/v3/exchangeInfo"
        seen: list[tuple[int, str | None]] = []
        for _ in range(5):
            async with client.session.get(url) as response:
                seen.append((response.status, response.headers.get("Retry-After")))
                if response.status == 429:
                    assert await response.json() == {"code": 429, "msg": "Too many requests"}
        assert [status for status, _ in seen] == [200, 429, 429, 418, 418]
        assert seen[1][1] in ("9", "10")
        assert seen[3][1] == "120"
        assert await client.get("/practice")


async def test_thirteenth_order_call_of_a_second_is_refused_whatever_its_kind() -> None:
    async with on_real_sockets(scenario()) as client:
        answers = [
            await client.send_signed("DELETE", "order", symbol=PAIR, orderId=str(number))
            for number in range(13)
        ]
        assert [status for status, _ in answers] == [400] * 12 + [429]


async def test_firewall_returns_html_without_retry_after() -> None:
    async with on_real_sockets(scenario(knobs=Knobs(firewall_per_s=2))) as client:
        for _ in range(2):
            await client.get("ping")
        async with client.session.get(f"{client.endpoint.rest}/api/v3/ping") as response:
            assert response.status == 403
            assert response.content_type == "text/html"
            assert "Retry-After" not in response.headers
            assert "Access Denied" in await response.text()


async def test_calendar_and_symbols_v2() -> None:
    coming = ListingPlan(
        base="NEWCOIN", opens_s=1_000, announced_before_s=3_600, prepared_before_s=2_000, visible_before_s=5
    )
    async with on_real_sockets(scenario(listings=(coming,))) as client:
        calendar = await client.get("/api/operation/new_coin_calendar", timestamp=1)
        (coin,) = calendar["data"]["newCoins"]
        assert (coin["vcoinName"], len(coin["vcoinId"])) == ("NEWCOIN", 32)
        web = await client.get("/api/platform/spot/market-v2/web/symbolsV2")
        (row,) = [row for row in web["data"]["symbols"]["USDT"] if row["vn"] == "NEWCOIN"]
        assert (row["cd"], row["ot"], row["sts"]) == (coin["vcoinId"], coin["firstOpenTime"], 2)
        assert (await client.send("GET", "exchangeInfo", symbol="NEWCOINUSDT"))[0] == 400
        assert (await client.get("announcements"))["data"][0]["totalPage"] == "1"


async def test_web_pages_can_be_blocked() -> None:
    async with on_real_sockets(scenario(knobs=Knobs(web_blocked=True))) as client:
        status, body = await client.send("GET", "/api/operation/new_coin_calendar")
        assert status == 403
        assert body.startswith("<HTML>")
        assert await client.get("ping") == {}


async def test_an_internal_error_is_a_500_without_a_traceback(
    client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(ExchangeSession, "average_price", broken)
    answer = await client.send("GET", "avgPrice", symbol=PAIR)
    assert answer == (500, {"code": 500, "msg": "Internal error"})
    assert "secret detail" in caplog.text


async def test_an_oversized_body_is_refused(client: Client) -> None:
    data = gzip.compress(b"0" * 100) + bytes(300 * 1024)
    async with client.session.post(f"{client.endpoint.rest}/api/v3/order", data=data) as response:
        assert response.status == 413
    assert await client.get("ping") == {}


async def test_bodies_are_not_compressed(client: Client) -> None:
    timeout = aiohttp.ClientTimeout(total=5)
    async with client.session.get(f"{client.endpoint.rest}/api/v3/exchangeInfo", timeout=timeout) as response:
        assert "Content-Encoding" not in response.headers


async def far_price(client: Client) -> str:
    """Return a bid far from the market, yet within the band and worth more than the minimum."""
    last = Decimal((await client.get("ticker/price", symbol=PAIR))["price"])
    return str((last * Decimal("0.9")).quantize(Decimal("0.01")))


@pytest.mark.parametrize(("strict", "status"), [(False, 200), (True, 400)])
async def test_a_signature_of_the_decoded_text_is_refused_by_a_strict_exchange(
    strict: bool, status: int
) -> None:
    async with on_real_sockets(scenario(), strict=strict) as client:
        now_ms, symbol = client.now_ms(), "币安人生USDT"
        text = f"symbol={symbol}&timestamp={now_ms}"
        digest = hmac.new(client.endpoint.api_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        url = URL(
            f"{client.endpoint.rest}/api/v3/openOrders?symbol={quote(symbol)}&timestamp={now_ms}&signature={digest}",
            encoded=True,
        )
        async with client.session.get(url, headers={"X-MEXC-APIKEY": client.endpoint.api_key}) as response:
            assert response.status == status


async def test_cancelling_without_open_orders_can_be_an_error() -> None:
    async with on_real_sockets(scenario(knobs=Knobs(no_open_orders_error=True))) as client:
        answer = await client.send_signed("DELETE", "openOrders", symbol=PAIR)
        assert answer == (400, {"msg": "Unknown order sent.", "code": -2011})
