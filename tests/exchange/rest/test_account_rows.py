"""A malformed row in one of the account's lists is skipped, counted and shown; the other rows are read."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.support.exchange.scripted_http_server import http_response, scripted_client

ORDER: dict[str, Any] = {
    "symbol": "AUSDT",
    "orderId": "C02__1",
    "clientOrderId": "mx-1",
    "status": "NEW",
    "type": "LIMIT",
    "side": "BUY",
    "price": "2",
    "origQty": "5",
    "executedQty": "0",
    "cummulativeQuoteQty": "0",
    "time": 1_700_000_000_000,
}
TRADE: dict[str, Any] = {
    "symbol": "AUSDT",
    "id": "t1",
    "orderId": "C02__1",
    "price": "2",
    "qty": "1",
    "quoteQty": "2",
    "commission": "0.01",
    "commissionAsset": "USDT",
    "time": 1_700_000_000_000,
    "isBuyer": True,
    "isMaker": False,
}
USDT = {"asset": "USDT", "free": "10", "locked": "1"}
COIN = {"asset": "ABC", "free": "3", "locked": "0"}


def account(*balances: object) -> bytes:
    return http_response(json.dumps({"canTrade": True, "accountType": "SPOT", "balances": balances}))


@pytest.mark.parametrize(
    "changes",
    [{"status": 5}, {"executedQty": None}, {"origQty": "many"}, {"side": 1}, {"orderId": None}],
)
async def test_a_malformed_order_is_skipped_and_named_by_its_pair(changes: dict[str, Any]) -> None:
    rows = [ORDER, {**ORDER, "symbol": "BUSDT", **changes}]
    async with scripted_client(http_response(json.dumps(rows))) as (client, _):
        for found in (await client.orders.open_orders(), await client.orders.all_orders("AUSDT")):
            assert [row.symbol for row in found.rows] == ["AUSDT"]
            assert [row.name for row in found.skipped] == ["BUSDT"]
            assert not found.is_complete
        assert [words.split(":")[0] for words in client.skipped_rows] == [
            "/api/v3/allOrders AUSDT",
            "/api/v3/openOrders",
        ]


async def test_a_malformed_order_without_a_pair_is_skipped_without_a_name() -> None:
    async with scripted_client(http_response(json.dumps([{**ORDER, "symbol": None}, 7]))) as (client, _):
        found = await client.orders.open_orders()
        assert (found.rows, [row.name for row in found.skipped]) == ((), ["", ""])
        assert len(found) == 2


async def test_only_the_malformed_trade_is_skipped() -> None:
    rows = [TRADE, {**TRADE, "id": "t2", "qty": None}, {**TRADE, "id": "t3"}]
    async with scripted_client(http_response(json.dumps(rows))) as (client, _):
        found = await client.orders.my_trades("AUSDT")
        assert [row.id for row in found.rows] == ["t1", "t3"]
        assert found.problem.startswith("1 of 3 rows skipped: AUSDT: ")
        assert client.skipped_rows[0].startswith("/api/v3/myTrades AUSDT: 1 of 3 rows skipped")


@pytest.mark.parametrize("changes", [{"free": None}, {"locked": "x"}, {"free": "1e99"}, {"locked": []}])
async def test_a_malformed_balance_is_skipped_and_named_by_its_asset(changes: dict[str, Any]) -> None:
    async with scripted_client(account(USDT, {**COIN, **changes})) as (client, _):
        found = await client.account.account()
        assert (found.can_trade, [balance.asset for balance in found.balances]) == (True, ["USDT"])
        assert [row.name for row in found.skipped] == ["ABC"]
        assert client.skipped_rows[0].startswith("/api/v3/account: 1 of 2 rows skipped: ABC: ")
        assert (found.free("USDT"), found.free("ABC"), found.free("MX")) == (Decimal(10), None, Decimal(0))


@pytest.mark.parametrize("row", [None, 5, {}, {"asset": None, "free": "1", "locked": "0"}])
async def test_a_balance_without_an_asset_name_is_skipped_without_a_name(row: object) -> None:
    async with scripted_client(account(USDT, row)) as (client, _):
        found = await client.account.account()
        assert [row.name for row in found.skipped] == [""]
        assert (found.free("USDT"), found.free("ABC")) == (Decimal(10), None)


async def test_a_readable_response_clears_the_shown_problem() -> None:
    async with scripted_client(account(USDT, {}), account(USDT, COIN)) as (client, _):
        await client.account.account()
        assert client.skipped_rows
        await client.account.account()
        assert client.skipped_rows == ()
