"""A listing over HTTP, from its announcement to its trades."""

import asyncio
import logging
from decimal import Decimal

import pytest

from mexc_tui.practice.scenario import EarlyOrder, Knobs, ListingPlan, MarketPlan, load
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.exchange.practice_client import Client, in_virtual_time, on_real_sockets, scenario

COMING = ListingPlan(
    base="NEWCOIN", opens_s=60, announced_before_s=50, prepared_before_s=40, visible_before_s=30
)
SYMBOL = "NEWCOINUSDT"
STILL = MarketPlan(symbols=30, active_pairs=0)
CHANNELS = (
    f"spot@public.aggre.deals.v3.api.pb@10ms@{SYMBOL}",
    f"spot@public.aggre.depth.v3.api.pb@10ms@{SYMBOL}",
    f"spot@public.aggre.bookTicker.v3.api.pb@100ms@{SYMBOL}",
    f"spot@public.limit.depth.v3.api.pb@{SYMBOL}@5",
    f"spot@public.bookTicker.batch.v3.api.pb@{SYMBOL}",
    f"spot@public.kline.v3.api.pb@{SYMBOL}@Min1",
    f"spot@public.miniTicker.v3.api.pb@{SYMBOL}@UTC+0",
)


async def buy(client: Client, price: str, kind: str = "LIMIT") -> tuple[int, dict[str, str]]:
    size = {"quantity": "100", "price": price} if kind == "LIMIT" else {"quoteOrderQty": "10"}
    return await client.send_signed("POST", "order", symbol=SYMBOL, side="BUY", type=kind, **size)


async def is_in_calendar(client: Client) -> bool:
    page = await client.get("/api/operation/new_coin_calendar")
    return any(coin["vcoinName"] == "NEWCOIN" for coin in page["data"]["newCoins"])


async def until(client: Client, began_ms: int, seconds: float) -> None:
    await asyncio.sleep((began_ms - client.now_ms()) / 1000 + seconds)


def test_every_stage_is_visible_as_documented() -> None:
    async def main(sim: Simulation) -> None:
        plan = scenario(market=STILL, listings=(COMING,))
        async with in_virtual_time(sim, plan) as client:
            began_ms = client.now_ms()
            await until(client, began_ms, 9.9)
            assert not await is_in_calendar(client)
            await until(client, began_ms, 10.1)
            assert await is_in_calendar(client)
            assert (await client.send("GET", "exchangeInfo", symbol=SYMBOL))[0] == 400
            assert (await buy(client, "0.05"))[1]["code"] in (10007, 30014)
            await until(client, began_ms, 30.1)
            (symbol,) = (await client.get("exchangeInfo", symbol=SYMBOL))["symbols"]
            assert (symbol["status"], symbol["isSpotTradingAllowed"]) == ("1", True)
            assert symbol["firstOpenTime"] == began_ms + 60_000
            assert (await buy(client, "0.05"))[1]["code"] == 30001
            await until(client, began_ms, 60.2)
            status, body = await buy(client, "5")
            assert (status, body["code"]) == (400, 30010)
            assert body["msg"] == "The price cannot be higher than 0.1USDT"
            assert (await buy(client, "0.1"))[0] == 200
            balance = {coin["asset"]: coin for coin in (await client.send_ok("GET", "account"))["balances"]}
            assert Decimal(balance["NEWCOIN"]["free"]) > 0

    simulate(main)


@pytest.mark.parametrize(
    ("early", "code"), [(EarlyOrder.NOT_SUPPORTED, 10007), (EarlyOrder.TRADING_DISABLED, 30016)]
)
async def test_early_orders_are_refused_as_configured(early: EarlyOrder, code: int) -> None:
    listing = ListingPlan(base="NEWCOIN", opens_s=600)
    async with on_real_sockets(scenario(listings=(listing,), knobs=Knobs(early_order=early))) as client:
        status, body = await buy(client, "0.05")
        assert (status, body["code"]) == (400, code)


async def test_market_data_of_an_unopened_pair_is_empty() -> None:
    listing = ListingPlan(base="NEWCOIN", opens_s=600)
    async with on_real_sockets(scenario(listings=(listing,))) as client:
        depth = await client.get("depth", symbol=SYMBOL)
        assert (depth["bids"], depth["asks"]) == ([], [])
        assert await client.get("trades", symbol=SYMBOL) == []
        assert await client.get("aggTrades", symbol=SYMBOL) == []
        assert await client.get("klines", symbol=SYMBOL, interval="1m") == []
        for path in ("avgPrice", "ticker/24hr", "ticker/price", "ticker/bookTicker"):
            await client.get(path, symbol=SYMBOL)


def test_every_channel_of_a_new_pair_pushes_after_its_opening(caplog: pytest.LogCaptureFixture) -> None:
    async def main(sim: Simulation) -> None:
        async with in_virtual_time(sim, scenario(market=STILL, listings=(COMING,))) as client:
            began_ms = client.now_ms()
            await until(client, began_ms, 31)
            async with client.stream(*CHANNELS) as stream:
                seen: set[str] = set()
                while seen != set(CHANNELS):
                    push = await stream.push()
                    if (
                        push.WhichOneof("body") != "aggre_book_ticker"
                        or push.aggre_book_ticker.bid_price != "0"
                    ):
                        seen.add(push.channel)
                assert (client.now_ms() - began_ms) / 1000 < 75

    with caplog.at_level(logging.ERROR):
        simulate(main)
    assert not caplog.records


def test_the_calm_day_opens_a_listing_after_a_minute_and_then_every_two() -> None:
    async def main(sim: Simulation) -> list[int]:
        async with in_virtual_time(sim, load("calm")) as client:
            began_ms = client.now_ms()
            page = await client.get("/api/operation/new_coin_calendar")
            times = [coin["firstOpenTime"] - began_ms for coin in page["data"]["newCoins"]]
            coming = [
                coin["vcoinName"] for coin in page["data"]["newCoins"] if coin["firstOpenTime"] > began_ms
            ]
            await asyncio.sleep(61)
            trades = await client.get("trades", symbol=f"{coming[0]}USDT")
            assert trades
            return sorted(time for time in times if time > 0)

    assert simulate(main)[:3] == [60_000, 180_000, 300_000]
