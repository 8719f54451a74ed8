"""Every spot route of public clients returns data or a refusal in MEXC's format, never 404."""

from typing import Any, cast

import pytest
from msgspec import structs

from mexc_tui.practice.scenario import AccountPlan, Knobs
from tests.support.exchange.practice_client import on_real_sockets, scenario

FREE = Knobs(ip_weight_per_10s=100_000, key_weight_per_10s=100_000, orders_per_s=1_000)
RIGHTS = (
    *AccountPlan().permissions,
    *("SPOT_TRANSFER_READ", "SPOT_TRANSFER_WRITE", "SPOT_WITHDRAW_READ", "SPOT_WITHDRAW_WRITE"),
)

PUBLIC = (
    *("ping", "time", "defaultSymbols", "symbol/offline", "announcements", "exchangeInfo", "depth"),
    *("trades", "historicalTrades", "aggTrades", "klines", "avgPrice", "ticker/24hr", "ticker/price"),
    *("ticker/bookTicker", "etf/info"),
)
"""Of the official SDK, the official demos and ccxt."""

SIGNED = {
    "GET": (
        *("account", "myTrades", "order", "openOrders", "allOrders", "tradeFee", "kyc/status", "uid"),
        *("selfSymbols", "mxDeduct/enable", "apiKeyInfo", "userDataStream", "strategy/group"),
        *("strategy/group/uid", "sub-account/list", "sub-account/apiKey", "sub-account/asset"),
        *("capital/config/getall", "capital/deposit/hisrec", "capital/withdraw/history"),
        *("capital/withdraw/address", "capital/deposit/address", "capital/transfer"),
        *("capital/transfer/tranId", "capital/transfer/internal", "capital/sub-account/universalTransfer"),
        *("capital/convert", "capital/convert/list", "asset/internal/transfer/record"),
        *("margin/loan", "margin/allOrders", "margin/myTrades", "margin/openOrders", "margin/order"),
        *("margin/maxTransferable", "margin/priceIndex", "margin/isolated/account", "margin/trigerOrder"),
        *("margin/maxBorrowable", "margin/repay", "margin/isolated/pair", "margin/forceLiquidationRec"),
        *("margin/isolatedMarginData", "margin/isolatedMarginTier"),
        *("rebate/taxQuery", "rebate/detail", "rebate/detail/kickback", "rebate/referCode"),
        *("rebate/affiliate/commission", "rebate/affiliate/withdraw", "rebate/affiliate/commission/detail"),
        *("rebate/affiliate/campaign", "rebate/affiliate/referral", "rebate/affiliate/subaffiliates"),
        *("rebate/affiliate/list", "broker/sub-account/universalTransfer", "broker/sub-account/list"),
        *("broker/sub-account/status", "broker/sub-account/apiKey", "broker/capital/deposit/subAddress"),
        *("broker/capital/deposit/subHisrec", "broker/capital/deposit/subHisrec/getall"),
        "broker/rebate/taxQuery",
    ),
    "POST": (
        *("order", "order/test", "batchOrders", "apiKeyInfo", "mxDeduct/enable", "userDataStream"),
        *("strategy/group", "strategy/group/uid", "sub-account/virtualSubAccount", "sub-account/apiKey"),
        *("sub-account/futures", "sub-account/margin", "capital/withdraw", "capital/withdraw/apply"),
        *("capital/transfer", "capital/transfer/internal", "capital/deposit/address", "capital/convert"),
        *("capital/sub-account/universalTransfer", "margin/tradeMode", "margin/order", "margin/loan"),
        *("margin/repay", "broker/sub-account/virtualSubAccount", "broker/sub-account/apiKey"),
        *("broker/capital/deposit/subAddress", "broker/capital/withdraw/apply"),
        *("broker/sub-account/universalTransfer", "broker/sub-account/futures"),
    ),
    "PUT": ("userDataStream",),
    "DELETE": (
        *("order", "openOrders", "order/all", "userDataStream", "strategy/group", "strategy/group/uid"),
        *("sub-account/apiKey", "capital/withdraw", "margin/order", "margin/openOrders"),
        "broker/sub-account/apiKey",
    ),
}
"""Of the same, and of pymexc."""

EVERY_SIGNED = [(method, path) for method, paths in SIGNED.items() for path in paths]


MANDATORY = {
    "symbol": "SOLUSDT",
    "side": "BUY",
    "type": "MARKET",
    "batchOrders": "[]",
    "listenKey": "1",
    "mxDeductEnable": "true",
    "asset": "SOL",
    "accessKey": "1",
    "id": "1",
    "tradeGroupId": "1",
    "tradeGroupName": "one",
    "uid": "1",
}


def is_refusal(body: object) -> bool:
    """Whether a body contains a refusal with a code."""
    fields = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
    return fields.keys() >= {"code", "msg"} and int(fields["code"]) not in (0, 404)


@pytest.mark.parametrize("path", PUBLIC)
async def test_a_public_route_of_a_client_returns_data(path: str) -> None:
    async with on_real_sockets(scenario(knobs=FREE)) as client:
        params = {"symbol": "SOLUSDT", "interval": "1m"} if path != "etf/info" else {}
        assert (await client.send("GET", path, **params))[0] == 200


async def test_a_signed_route_of_a_client_returns_data_or_a_refusal() -> None:
    for rights in (AccountPlan().permissions, RIGHTS):
        async with on_real_sockets(scenario(knobs=FREE, account=AccountPlan(permissions=rights))) as client:
            for method, path in EVERY_SIGNED:
                for params in ({}, {"symbol": "SOLUSDT", "coin": "USDT", "id": "1", "tranId": "1"}):
                    status, body = await client.send_signed(method, path, **params)
                    is_told = status == 200 or (status == 400 and is_refusal(body))
                    assert is_told or (path == "batchOrders" and status == 429), (method, path, body)


async def test_a_signed_route_checks_the_signature_first() -> None:
    async with on_real_sockets(scenario(knobs=FREE)) as client:
        for method, path in EVERY_SIGNED:
            assert await client.send(method, path) in (
                (400, {"msg": "Invalid content Type.", "code": 700013}),
                (400, {"msg": "api key required", "code": 400}),
            ), (method, path)
        client.endpoint = structs.replace(client.endpoint, api_secret="0" * 32)
        for method, path in EVERY_SIGNED:
            _, body = await client.send_signed(method, path, **MANDATORY)
            assert body["code"] == 700002, (method, path, body)
