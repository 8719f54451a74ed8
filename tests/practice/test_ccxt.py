"""A third-party client trades on the practice exchange; only its URLs are configured."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from math import isclose
from typing import Any

import aiohttp
import pytest
from yarl import URL

from mexc_tui.model.endpoint import Endpoint
from mexc_tui.practice.scenario import (
    AccountPlan,
    Knobs,
    ListingPlan,
    MarketPlan,
    MarketSellByQuote,
    Scenario,
)
from mexc_tui.practice.server import serving

ccxt: Any = pytest.importorskip("ccxt.async_support")
pro: Any = pytest.importorskip("ccxt.pro")

PAIR = "SOL/USDT"
BETWEEN = {"fromAccountType": "SPOT", "toAccountType": "FUTURES"}


def configured(kind: Any, endpoint: Endpoint) -> Any:
    client = kind({"apiKey": endpoint.api_key, "secret": endpoint.api_secret, "enableRateLimit": False})
    urls = client.urls["api"]
    urls["spot"] = {"public": endpoint.rest, "private": endpoint.rest}
    urls["broker"] = {"private": f"{endpoint.rest}/api/v3/broker"}
    urls["contract"] = {"public": f"{endpoint.rest}/api/v1/contract", "private": f"{endpoint.rest}/none"}
    if "ws" in urls:
        urls["ws"]["spot"] = endpoint.ws
    return client


@asynccontextmanager
async def connected(endpoint: Endpoint) -> AsyncGenerator[Any]:
    client = configured(ccxt.mexc, endpoint)
    try:
        yield client
    finally:
        await client.close()


async def together(*calls: Any) -> list[Any]:
    return list(await asyncio.gather(*calls))


@pytest.fixture
async def endpoint() -> AsyncGenerator[Endpoint]:
    market = MarketPlan(symbols=40, active_pairs=3, trades_per_s=20.0)
    async with serving(Scenario(name="foreign", market=market), seed=1) as served:
        yield served


@pytest.fixture
async def trader(endpoint: Endpoint) -> AsyncGenerator[Any]:
    async with connected(endpoint) as client:
        yield client


@pytest.fixture
async def watcher(endpoint: Endpoint) -> AsyncGenerator[Any]:
    client = configured(pro.mexc, endpoint)
    yield client
    await client.close()


async def test_every_spot_route_of_ccxt_returns_data_or_a_refusal_never_404() -> None:
    free = Knobs(ip_weight_per_10s=100_000, key_weight_per_10s=100_000, orders_per_s=1_000)
    plan = Scenario(name="foreign", market=MarketPlan(symbols=40, active_pairs=0), knobs=free)
    async with (
        serving(plan, seed=1) as endpoint,
        connected(endpoint) as trader,
        aiohttp.ClientSession() as session,
    ):
        calls = [
            (section, access, method.upper(), path)
            for section in ("spot", "broker")
            for access, methods in trader.api[section].items()
            for method, paths in methods.items()
            for path in paths
        ]
        assert len(calls) > 100
        for section, access, method, path in calls:
            sent = trader.sign(path, [section, access], method, {"symbol": "SOLUSDT"})
            url = URL(sent["url"], encoded=True)
            async with session.request(method, url, data=sent["body"], headers=sent["headers"]) as response:
                body = await response.json()
                assert response.status in (200, 400), (method, path, body)
                assert response.status == 200 or body.keys() >= {"code", "msg"}, (method, path, body)


async def test_ccxt_reads_fees_coins_and_the_wallet(trader: Any) -> None:
    await trader.load_markets()
    fee = await trader.fetch_trading_fee(PAIR)
    assert (fee["maker"], fee["taker"]) == (0, 0.0005)
    coins = await trader.fetch_currencies()
    assert coins["USDT"]["networks"]
    for ask in (
        lambda: trader.fetch_deposits("USDT"),
        lambda: trader.fetch_withdrawals("USDT"),
        lambda: trader.fetch_deposit_address("USDT", {"network": "ETH"}),
        lambda: trader.fetch_transfers("USDT", None, None, BETWEEN),
        lambda: trader.withdraw("USDT", 20, "0x" + "0" * 40, {"network": "ETH"}),
        lambda: trader.transfer("USDT", 20, "spot", "swap"),
    ):
        with pytest.raises(ccxt.AuthenticationError, match="700007"):
            await ask()


async def test_ccxt_reads_an_empty_wallet_with_a_permitted_key() -> None:
    rights = ("SPOT_ACCOUNT_READ", "SPOT_WITHDRAW_READ", "SPOT_WITHDRAW_WRITE", "SPOT_TRANSFER_READ")
    account = AccountPlan(permissions=rights)
    plan = Scenario(name="foreign", market=MarketPlan(symbols=40, active_pairs=0), account=account)
    async with serving(plan, seed=1) as endpoint, connected(endpoint) as trader:
        await trader.load_markets()
        assert await trader.fetch_deposits("USDT") == []
        assert await trader.fetch_withdrawals("USDT") == []
        assert await trader.fetch_transfers("USDT", None, None, BETWEEN) == []
        with pytest.raises(ccxt.InvalidAddress):
            await trader.fetch_deposit_address("USDT", {"network": "ETH"})
        with pytest.raises(ccxt.ExchangeError):
            await trader.withdraw("USDT", 20, "0x" + "0" * 40, {"network": "ETH"})


async def test_ccxt_manages_listen_keys(trader: Any) -> None:
    key = (await trader.spotPrivatePostUserDataStream())["listenKey"]
    assert (await trader.spotPrivateGetUserDataStream())["listenKey"] == [key]
    assert (await trader.spotPrivatePutUserDataStream({"listenKey": key}))["listenKey"] == key
    assert (await trader.spotPrivateDeleteUserDataStream({"listenKey": key}))["listenKey"] == key


async def test_ccxt_reads_tickers_of_a_pair_without_orders() -> None:
    coming = ListingPlan(base="NEWCOIN", opens_s=1_000, announced_before_s=1_500, visible_before_s=1_400)
    market = MarketPlan(symbols=40, active_pairs=0)
    plan = Scenario(name="foreign", market=market, listings=(coming,))
    async with serving(plan, seed=1) as endpoint, connected(endpoint) as trader:
        await trader.load_markets()
        pair = "NEWCOIN/USDT"
        assert (await trader.fetch_tickers())[pair]["bid"] is None
        assert (await trader.fetch_ticker(pair))["ask"] is None
        assert (await trader.fetch_bids_asks())[pair]["bid"] is None


async def test_ccxt_sells_at_market_for_a_quote_amount_where_accepted() -> None:
    plan = Scenario(
        name="foreign",
        market=MarketPlan(symbols=40, active_pairs=0),
        knobs=Knobs(market_sell_by_quote=MarketSellByQuote.ACCEPT),
        account=AccountPlan(balances={"SOL": Decimal(10)}),
    )
    async with serving(plan, seed=1) as endpoint, connected(endpoint) as trader:
        await trader.load_markets()
        sold = await trader.create_market_sell_order_with_cost(PAIR, 20)
        order = await trader.fetch_order(sold["id"], PAIR)
        assert order["status"] == "closed"
        assert 19 < order["cost"] <= 20


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


async def test_ccxt_recognises_refusals(trader: Any) -> None:
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


async def test_ccxt_pro_receives_its_orders_trades_and_balance(watcher: Any) -> None:
    await watcher.load_markets()

    seen = asyncio.ensure_future(
        together(watcher.watch_orders(PAIR), watcher.watch_balance(), watcher.watch_my_trades(PAIR))
    )
    while not seen.done():  # subscription is not confirmed to the client: trade until the channels push
        await watcher.create_market_buy_order_with_cost(PAIR, 5)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.25):
                await asyncio.shield(seen)
    orders, balance, mine = await seen
    assert orders[-1]["symbol"] == PAIR
    assert orders[-1]["status"] in ("open", "closed")
    assert balance["USDT"]["total"] < 1000
    assert mine[-1]["side"] == "buy"
