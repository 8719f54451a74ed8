"""A client that nobody here wrote trades on the practice exchange; only its URLs are configured."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from math import isclose
from typing import Any

import pytest

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.practice.scenario import MarketPlan, Scenario
from mexc_tui.practice.server import serving

ccxt: Any = pytest.importorskip("ccxt.async_support")
pro: Any = pytest.importorskip("ccxt.pro")

PAIR = "SOL/USDT"


def configured(kind: Any, endpoint: Endpoint) -> Any:
    client = kind({"apiKey": endpoint.api_key, "secret": endpoint.api_secret, "enableRateLimit": False})
    urls = client.urls["api"]
    urls["spot"] = {"public": endpoint.rest, "private": endpoint.rest}
    urls["contract"] = {"public": f"{endpoint.rest}/api/v1/contract", "private": f"{endpoint.rest}/none"}
    if "ws" in urls:
        urls["ws"]["spot"] = endpoint.ws
    return client


async def together(*calls: Any) -> list[Any]:
    return list(await asyncio.gather(*calls))


@pytest.fixture
async def endpoint() -> AsyncGenerator[Endpoint]:
    market = MarketPlan(symbols=40, active_pairs=3, trades_per_s=20.0)
    async with serving(Scenario(name="foreign", market=market), seed=1) as served:
        yield served


@pytest.fixture
async def trader(endpoint: Endpoint) -> AsyncGenerator[Any]:
    client = configured(ccxt.mexc, endpoint)
    yield client
    await client.close()


@pytest.fixture
async def watcher(endpoint: Endpoint) -> AsyncGenerator[Any]:
    client = configured(pro.mexc, endpoint)
    yield client
    await client.close()


async def test_ccxt_loads_markets_and_reads_market_data(trader: Any) -> None:
    markets = await trader.load_markets()
    assert len(markets) >= 40
    assert markets[PAIR]["spot"] is True
    assert markets[PAIR]["active"] is True
    book = await trader.fetch_order_book(PAIR, 20)
    assert len(book["bids"]) == 20
    assert book["bids"][0][0] < book["asks"][0][0]
    trades = await trader.fetch_trades(PAIR)
    assert {trade["side"] for trade in trades} <= {"buy", "sell"}
    assert trades == sorted(trades, key=lambda trade: trade["timestamp"])
    candles = await trader.fetch_ohlcv(PAIR, "1m", limit=50)
    assert len(candles) == 50
    assert all(low <= opened <= high for _, opened, high, low, _, _ in candles)
    tickers = await trader.fetch_tickers()
    assert tickers[PAIR]["last"] > 0
    assert (await trader.fetch_bids_asks())[PAIR]["bid"] > 0
    assert abs(await trader.fetch_time() - trader.milliseconds()) < 5_000


async def test_ccxt_places_queries_and_cancels_a_limit_order(trader: Any) -> None:
    await trader.load_markets()
    price = (await trader.fetch_ticker(PAIR))["last"] * 0.9
    placed = await trader.create_order(
        PAIR, "limit", "buy", 20 / price, price, {"newClientOrderId": "foreign-1"}
    )
    assert placed["id"].startswith("C02__")
    found = await trader.fetch_order(placed["id"], PAIR)
    assert (found["status"], found["filled"], found["clientOrderId"]) == ("open", 0, "foreign-1")
    assert [order["id"] for order in await trader.fetch_open_orders(PAIR)] == [placed["id"]]
    held = await trader.fetch_balance()
    assert isclose(held["USDT"]["used"], found["price"] * found["amount"])
    await trader.cancel_order(placed["id"], PAIR)
    assert (await trader.fetch_order(placed["id"], PAIR))["status"] == "canceled"
    assert await trader.fetch_open_orders(PAIR) == []
    assert [order["id"] for order in await trader.fetch_orders(PAIR)] == [placed["id"]]
    with pytest.raises(ccxt.BadRequest, match="Unknown order sent"):
        await trader.cancel_order(placed["id"], PAIR)


async def test_ccxt_buys_and_sells_at_market(trader: Any) -> None:
    await trader.load_markets()
    bought = await trader.create_market_buy_order_with_cost(PAIR, 20)
    order = await trader.fetch_order(bought["id"], PAIR)
    assert order["status"] == "closed"
    assert 0 < order["cost"] <= 20
    trades = await trader.fetch_my_trades(PAIR)
    assert isclose(sum(trade["amount"] for trade in trades), order["filled"])
    assert {trade["fee"]["currency"] for trade in trades} == {"USDT"}
    balance = await trader.fetch_balance()
    assert isclose(balance["SOL"]["free"], order["filled"])
    sold = await trader.create_order(PAIR, "market", "sell", order["filled"])
    assert isclose((await trader.fetch_order(sold["id"], PAIR))["filled"], order["filled"])


async def test_ccxt_places_a_batch_and_cancels_everything(trader: Any) -> None:
    await trader.load_markets()
    price = (await trader.fetch_ticker(PAIR))["last"] * 0.9
    order = {"symbol": PAIR, "type": "limit", "side": "buy", "amount": 10 / price, "price": price}
    placed = await trader.create_orders([order, order])
    assert len({each["id"] for each in placed}) == 2
    assert len(await trader.cancel_all_orders(PAIR)) == 2


async def test_ccxt_names_our_refusals(trader: Any) -> None:
    await trader.load_markets()
    price = (await trader.fetch_ticker(PAIR))["last"] * 0.9
    with pytest.raises(ccxt.InsufficientFunds):
        await trader.create_order(PAIR, "limit", "buy", 5_000 / price, price)
    with pytest.raises(ccxt.ExchangeError, match="Order does not exist"):
        await trader.fetch_order("C02__000000000000000000000", PAIR)
    trader.secret = "0" * 32
    with pytest.raises(ccxt.AuthenticationError):
        await trader.fetch_balance()


async def test_ccxt_pro_streams_trades_books_and_candles(watcher: Any) -> None:
    await watcher.load_markets()
    trades, book, candles, ticker = await together(
        watcher.watch_trades(PAIR),
        watcher.watch_order_book(PAIR),
        watcher.watch_ohlcv(PAIR, "1m"),
        watcher.watch_ticker(PAIR),
    )
    assert trades[-1]["price"] > 0
    assert book["bids"][0][0] < book["asks"][0][0]
    assert candles[-1][4] > 0
    assert ticker["bid"] < ticker["ask"]


async def test_ccxt_pro_sees_its_orders_trades_and_balance(watcher: Any) -> None:
    await watcher.load_markets()

    seen = asyncio.ensure_future(
        together(watcher.watch_orders(PAIR), watcher.watch_balance(), watcher.watch_my_trades(PAIR))
    )
    while not seen.done():  # nobody tells when the private channels are subscribed: trade until they speak
        await watcher.create_market_buy_order_with_cost(PAIR, 5)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.25):
                await asyncio.shield(seen)
    orders, balance, mine = await seen
    assert orders[-1]["symbol"] == PAIR
    assert orders[-1]["status"] in ("open", "closed")
    assert balance["USDT"]["total"] < 1000
    assert mine[-1]["side"] == "buy"
