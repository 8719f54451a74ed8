"""User streams of the practice exchange: orders, deals and balances of the account."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal

import aiohttp

from mexc_tui.practice.scenario import Knobs, MarketPlan, Scenario
from mexc_tui.proto.stream_pb2 import Push
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.exchange.practice_client import Client, Stream, in_virtual_time, scenario

PAIR = "SOLUSDT"
ACCOUNT = "spot@private.account.v3.api.pb"
DEALS = "spot@private.deals.v3.api.pb"
ORDERS = "spot@private.orders.v3.api.pb"
STILL = MarketPlan(symbols=30, active_pairs=0)


def trading(test: Callable[[Client], Awaitable[None]], plan: Scenario | None = None) -> None:
    async def main(sim: Simulation) -> None:
        async with in_virtual_time(sim, plan or scenario(market=STILL)) as client:
            await test(client)

    simulate(main)


async def new_key(client: Client) -> str:
    return (await client.send_ok("POST", "userDataStream"))["listenKey"]


def push_kind(push: Push) -> str:
    """Return the kind of a push in one word."""
    match push.WhichOneof("body"):
        case "private_order":
            return f"order {push.private_order.status}"
        case "private_deal":
            return "deal"
        case "private_account":
            return f"{push.private_account.asset} {push.private_account.type}"
        case _:
            return "?"


async def all_pushes(stream: Stream) -> list[Push]:
    """Return all pushes so far."""
    await stream.call("PING")
    pushes, stream.early = stream.early, []
    return pushes


def test_an_immediate_fill_is_pushed_in_the_documented_order() -> None:
    async def test(client: Client) -> None:
        price = (await client.get("ticker/bookTicker", symbol=PAIR))["askPrice"]
        async with client.stream(ACCOUNT, DEALS, ORDERS, listen_key=await new_key(client)) as stream:
            placed = await client.send_ok(
                *("POST", "order"),
                symbol=PAIR,
                side="BUY",
                type="LIMIT",
                quantity="0.05",
                price=price,
                newClientOrderId="mine",
            )
            pushes = await all_pushes(stream)
        told = [push_kind(push) for push in pushes]
        assert told[:3] == ["order 1", "USDT ENTRUST_PLACE", "deal"]
        assert set(told[3:5]) == {"USDT ENTRUST", "SOL ENTRUST"}
        assert told[5:] == ["USDT TRADE_FEE", "order 2"]
        first, last = pushes[0].private_order, pushes[-1].private_order
        assert (first.id, first.client_id, first.order_type, first.trade_type) == (
            placed["orderId"],
            "mine",
            1,
            1,
        )
        assert (first.remain_quantity, first.cumulative_quantity, first.avg_price) == ("0.05", "0", "0")
        assert not first.HasField("last_deal_quantity")
        assert (last.remain_quantity, last.cumulative_quantity) == ("0", "0.05")
        assert last.last_deal_quantity == "0.05"
        deal = pushes[2].private_deal
        assert (deal.order_id, deal.client_order_id, deal.trade_type) == (placed["orderId"], "mine", 1)
        assert Decimal(deal.amount) == Decimal(deal.price) * Decimal(deal.quantity)
        (trade,) = await client.send_ok("GET", "myTrades", symbol=PAIR)
        assert (trade["id"], trade["commission"], trade["commissionAsset"]) == (
            deal.trade_id,
            deal.fee_amount,
            deal.fee_currency,
        )
        account = pushes[1].private_account
        assert Decimal(account.available_change) == -Decimal(account.frozen_change)
        assert (len(account.coin_id), pushes[1].HasField("create_time")) == (32, True)
        assert not pushes[1].HasField("symbol")
        assert pushes[0].symbol == PAIR

    trading(test)


def test_a_cancelled_resting_order_unlocks_its_amount() -> None:
    async def test(client: Client) -> None:
        last = Decimal((await client.get("ticker/price", symbol=PAIR))["price"])
        price = str((last * Decimal("0.9")).quantize(Decimal("0.01")))
        async with client.stream(ACCOUNT, ORDERS, listen_key=await new_key(client)) as stream:
            placed = await client.send_ok(
                "POST", "order", symbol=PAIR, side="BUY", type="LIMIT", quantity="1", price=price
            )
            await client.send_ok("DELETE", "order", symbol=PAIR, orderId=placed["orderId"])
            pushes = await all_pushes(stream)
        assert [push_kind(push) for push in pushes] == [
            *("order 1", "USDT ENTRUST_PLACE"),
            *("order 4", "USDT ENTRUST_CANCEL"),
        ] or [push_kind(push) for push in pushes] == [
            *("order 1", "USDT ENTRUST_PLACE"),
            *("USDT ENTRUST_CANCEL", "order 4"),
        ]
        balance = next(push for push in reversed(pushes) if push.WhichOneof("body") == "private_account")
        assert (balance.private_account.available, balance.private_account.frozen) == ("1000", "0")

    trading(test)


def test_private_channels_need_a_listen_key() -> None:
    async def test(client: Client) -> None:
        async with client.stream() as stream:
            reply = await stream.call("SUBSCRIPTION", ORDERS)
        assert reply["msg"] == f"Not Subscribed successfully! [{ORDERS}].  Reason： Blocked! "

    trading(test)


def test_a_bad_listen_key_gets_a_text_reply_and_a_close() -> None:
    async def test(client: Client) -> None:
        async with client.session.ws_connect(f"{client.endpoint.ws}?listenKey={'0' * 64}") as socket:
            assert await socket.receive_str() == "Invalid listen key"
            assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE

    trading(test)


def test_a_sixth_socket_on_a_key_is_refused_until_one_closes() -> None:
    async def test(client: Client) -> None:
        key = await new_key(client)
        url = f"{client.endpoint.ws}?listenKey={key}"
        sockets = [await client.session.ws_connect(url) for _ in range(6)]
        assert await sockets[5].receive_str() == "Invalid listen key"
        await sockets[0].close()
        await sockets[5].close()
        await asyncio.sleep(0.1)
        again = Stream(await client.session.ws_connect(url))
        assert (await again.call("PING"))["msg"] == "PONG"
        for socket in (*sockets[1:5], again.socket):
            await socket.close()

    trading(test)


def test_an_expired_or_closed_key_closes_its_sockets_unless_extended() -> None:
    async def test(client: Client) -> None:
        key, kept = await new_key(client), await new_key(client)

        async def ping(socket: aiohttp.ClientWebSocketResponse) -> None:
            while not socket.closed:
                await asyncio.sleep(20)
                await socket.send_str('{"method":"PING"}')

        began_ms = client.now_ms()
        async with (
            client.stream(ORDERS, listen_key=key) as stream,
            client.stream(ORDERS, listen_key=kept) as other,
        ):
            pings = [asyncio.ensure_future(ping(each.socket)) for each in (stream, other)]
            await asyncio.sleep(1_800)
            await client.send_ok("PUT", "userDataStream", listenKey=kept)
            await stream.closing()
            assert 3_600 <= (client.now_ms() - began_ms) / 1000 <= 3_602
            assert (await other.call("PING"))["msg"] == "PONG"
            await client.send_ok("DELETE", "userDataStream", listenKey=kept)
            await other.closing()
            assert (client.now_ms() - began_ms) / 1000 <= 3_605
            for task in pings:
                task.cancel()

    trading(test)


def test_public_topics_can_share_the_socket() -> None:
    async def test(client: Client) -> None:
        public = f"spot@public.aggre.bookTicker.v3.api.pb@100ms@{PAIR}"
        async with client.stream(public, ORDERS, listen_key=await new_key(client)) as stream:
            assert (await stream.push()).channel == public

    trading(test)


def test_post_can_return_the_existing_key() -> None:
    async def test(client: Client) -> None:
        assert await new_key(client) == await new_key(client)

    trading(test, scenario(market=STILL, knobs=Knobs(reuse_listen_key=True)))
