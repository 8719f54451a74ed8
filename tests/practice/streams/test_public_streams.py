"""Public streams of the practice exchange, in virtual time."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from mexc_tui.practice.scenario import Knobs, ListingPlan, MarketPlan, Scenario
from mexc_tui.simulation.run import Simulation, simulate
from tests.support.exchange.practice_client import Client, in_virtual_time, scenario

PAIR = "SOLUSDT"
BUSY = MarketPlan(symbols=30, active_pairs=5, trades_per_s=20.0)


def trading(test: Callable[[Client], Awaitable[None]], plan: Scenario | None = None) -> None:
    """Run a test against a busy exchange in virtual time."""

    async def main(sim: Simulation) -> None:
        async with in_virtual_time(sim, plan or scenario(market=BUSY)) as client:
            await test(client)

    simulate(main)


def test_trades_are_batched_and_match_rest() -> None:
    async def test(client: Client) -> None:
        channel = f"spot@public.aggre.deals.v3.api.pb@100ms@{PAIR}"
        async with client.stream(channel) as stream:
            pushes = await stream.pushes(20)
        deals = [deal for push in pushes for deal in push.aggre_deals.deals]
        known = {
            (Decimal(trade["price"]), Decimal(trade["qty"]), trade["time"], trade["tradeType"])
            for trade in await client.get("trades", symbol=PAIR)
        }
        assert len(deals) >= 20
        for deal in deals:
            side = "BID" if deal.trade_type == 1 else "ASK"
            assert (Decimal(deal.price), Decimal(deal.quantity), deal.time, side) in known
        assert [push.channel for push in pushes] == [channel] * 20
        assert {push.symbol for push in pushes} == {PAIR}
        assert {push.aggre_deals.event_type for push in pushes} == {channel.removesuffix(f"@{PAIR}")}
        assert [deal.trade_id for deal in deals] == sorted(deal.trade_id for deal in deals)
        assert all(b.send_time // 100 > a.send_time // 100 for a, b in pairwise(pushes))
        assert not any(push.HasField("create_time") for push in pushes)

    trading(test)


@pytest.mark.parametrize("speed", ["10ms", "100ms"])
def test_depth_versions_are_contiguous_from_a_snapshot_to_the_live_book(speed: str) -> None:
    async def test(client: Client) -> None:
        async with client.stream(f"spot@public.aggre.depth.v3.api.pb@{speed}@{PAIR}") as stream:
            pushes = await stream.pushes(10)
            snapshot = await client.get("depth", symbol=PAIR, limit=2000)
            pushes += stream.early + await stream.pushes(30)
            stream.early.clear()
            after: dict[str, Any] = {}
            while not after or int(pushes[-1].aggre_depths.to_version) != after["lastUpdateId"]:
                pushes.append(await stream.push())
                after = await client.get("depth", symbol=PAIR, limit=2000)
        bodies = [push.aggre_depths for push in pushes]
        assert all(int(b.from_version) == int(a.to_version) + 1 for a, b in pairwise(bodies))
        assert all(int(body.from_version) <= int(body.to_version) for body in bodies)
        book = {side: {Decimal(p): Decimal(q) for p, q in snapshot[side]} for side in ("bids", "asks")}
        for body in bodies:
            if int(body.to_version) > snapshot["lastUpdateId"]:
                for side, levels in (("bids", body.bids), ("asks", body.asks)):
                    book[side].update((Decimal(level.price), Decimal(level.quantity)) for level in levels)
        for side in ("bids", "asks"):
            live = {price: size for price, size in book[side].items() if size}
            assert live == {Decimal(price): Decimal(size) for price, size in after[side]}

    quick = MarketPlan(symbols=30, active_pairs=5, trades_per_s=2.0)
    trading(test, scenario(knobs=Knobs(ip_weight_per_10s=10_000), market=quick))


def test_both_speeds_aggregate_one_counter() -> None:
    async def test(client: Client) -> None:
        fast, slow = (f"spot@public.aggre.depth.v3.api.pb@{speed}@{PAIR}" for speed in ("10ms", "100ms"))
        async with client.stream(fast, slow) as stream:
            pushes = await stream.pushes(200)
        ends = {fast: set[int](), slow: set[int]()}
        for push in pushes:
            ends[push.channel].add(int(push.aggre_depths.to_version))
        assert len(ends[fast]) > len(ends[slow]) > 3
        assert len(ends[slow] - ends[fast]) <= 1

    trading(test)


def test_numbers_of_pushes_are_trimmed() -> None:
    async def test(client: Client) -> None:
        async with client.stream(f"spot@public.aggre.depth.v3.api.pb@100ms@{PAIR}") as stream:
            pushes = await stream.pushes(30)
        numbers = [
            text
            for push in pushes
            for level in [*push.aggre_depths.bids, *push.aggre_depths.asks]
            for text in (level.price, level.quantity)
        ]
        assert "0" in numbers
        assert not any("." in text and text.endswith(("0", ".")) for text in numbers)

    trading(test)


def test_book_ticker_is_pushed_every_interval_even_unchanged() -> None:
    async def test(client: Client) -> None:
        quiet = "spot@public.aggre.bookTicker.v3.api.pb@10ms@MXUSDT"
        async with client.stream(quiet) as stream:
            pushes = await stream.pushes(101)
        assert pushes[-1].send_time - pushes[1].send_time == 990
        assert len({push.aggre_book_ticker.version for push in pushes}) == 1
        top = await client.get("ticker/bookTicker", symbol="MXUSDT")
        body = pushes[-1].aggre_book_ticker
        assert (Decimal(body.bid_price), Decimal(body.ask_quantity)) == (
            Decimal(top["bidPrice"]),
            Decimal(top["askQty"]),
        )

    trading(test, scenario(market=MarketPlan(symbols=30, active_pairs=0)))


def test_limit_depth_and_batch_ticker_push_changes_only() -> None:
    async def test(client: Client) -> None:
        limit = f"spot@public.limit.depth.v3.api.pb@{PAIR}@5"
        batch = f"spot@public.bookTicker.batch.v3.api.pb@{PAIR}"
        async with client.stream(limit, batch) as stream:
            pushes = await stream.pushes(60)
        tops = [push.limit_depths for push in pushes if push.channel == limit]
        assert all(len(top.bids) == 5 and len(top.asks) == 5 for top in tops)
        assert all((a.bids, a.asks) != (b.bids, b.asks) for a, b in pairwise(tops))
        assert [int(top.version) for top in tops] == sorted(int(top.version) for top in tops)
        items = [item for push in pushes for item in push.book_ticker_batch.items]
        assert items
        assert all(a != b for a, b in pairwise(items))

    trading(test)


def test_kline_is_pushed_each_second_with_seconds_and_create_time() -> None:
    async def test(client: Client) -> None:
        async with client.stream(f"spot@public.kline.v3.api.pb@{PAIR}@Min15") as stream:
            pushes = await stream.pushes(5)
        assert [b.create_time // 1000 - a.create_time // 1000 for a, b in pairwise(pushes)] == [1] * 4
        body = pushes[-1].kline
        assert (body.interval, body.window_end - body.window_start) == ("Min15", 900)
        assert not pushes[-1].HasField("send_time")
        assert len(pushes[-1].symbol_id) == 32
        (row,) = await client.get("klines", symbol=PAIR, interval="15m", limit=1)
        assert (row[0], Decimal(row[1])) == (body.window_start * 1000, Decimal(body.opening_price))

    trading(test)


def test_mini_tickers_are_pushed_every_three_seconds() -> None:
    async def test(client: Client) -> None:
        one, every = f"spot@public.miniTicker.v3.api.pb@{PAIR}@UTC+8", "spot@public.miniTickers.v3.api.pb@24H"
        async with client.stream(one, every) as stream:
            pushes = await stream.pushes(8)
        alone = [push for push in pushes if push.channel == one]
        assert [b.send_time - a.send_time for a, b in pairwise(alone[1:])] == [3000, 3000]
        all_of_them = next(push for push in pushes if push.channel == every)
        assert len(all_of_them.mini_tickers.items) == 30
        assert not all_of_them.HasField("symbol")
        day = await client.get("ticker/24hr", symbol=PAIR)
        body = alone[-1].mini_ticker
        # Opposite of REST: volume is the quote's (protocol 7.6).
        assert abs(Decimal(body.volume) / Decimal(day["quoteVolume"]) - 1) < Decimal("0.1")
        assert abs(Decimal(body.quantity) / Decimal(day["volume"]) - 1) < Decimal("0.1")

    trading(test)


def test_fields_are_encoded_in_mexcs_order() -> None:
    """Channel, symbol, sendTime, body: tags 0a, 1a, 30 and the body's, in this order (protocol 7.6)."""

    async def test(client: Client) -> None:
        channel = f"spot@public.aggre.bookTicker.v3.api.pb@10ms@{PAIR}"
        async with client.stream(channel) as stream:
            data = await stream.socket.receive_bytes()
        rest = data.removeprefix(b"\x0a" + bytes([len(channel)]) + channel.encode())
        rest = rest.removeprefix(b"\x1a\x07" + PAIR.encode())
        assert rest[:1] == b"\x30"
        assert rest[7:9] == b"\xda\x13"

    trading(test)


def test_one_frame_reaches_all_subscribers() -> None:
    async def test(client: Client) -> None:
        channel = f"spot@public.aggre.deals.v3.api.pb@100ms@{PAIR}"
        async with client.stream(channel) as first, client.stream(channel) as second:
            late = await second.pushes(5)
            early = await first.pushes(6)
        assert late in (early[:5], early[1:])

    trading(test)


# The control protocol


def test_ping_is_answered_in_either_case() -> None:
    async def test(client: Client) -> None:
        async with client.stream() as stream:
            for method in ("PING", "ping"):
                await stream.socket.send_str(json.dumps({"method": method}))
                assert await stream.socket.receive_str() == '{"id":0,"code":0,"msg":"PONG"}'
            await stream.socket.ping(b"x")
            await stream.socket.send_str("not json")
            assert (await stream.reply())["code"] == 0

    trading(test)


def test_refusals_duplicates_and_mixtures_have_mexcs_texts() -> None:
    good = f"spot@public.aggre.deals.v3.api.pb@100ms@{PAIR}"
    lower = f"spot@public.aggre.deals.v3.api.pb@100ms@{PAIR.lower()}"
    obsolete = f"spot@public.deals.v3.api@{PAIR}"
    private = "spot@private.orders.v3.api.pb"

    async def test(client: Client) -> None:
        async with client.stream() as stream:
            reply = await stream.call("SUBSCRIPTION", lower, obsolete, private, number=7)
            bad = f"{lower},{obsolete},{private}"
            words = f"Not Subscribed successfully! [{bad}].  Reason： Blocked! "
            assert reply == {"id": 7, "code": 0, "msg": words}
            reply = await stream.call("SUBSCRIPTION", good, lower)
            words = (
                f"Subscribed successful! [{good}]. Not Subscribed successfully! [{lower}]. Reason： Blocked! "
            )
            assert reply == {"id": 1, "code": 0, "msg": words}
            assert await stream.call("SUBSCRIPTION", good) == {"id": 1, "code": 0, "msg": ""}
            assert (await stream.call("UNSUBSCRIPTION", good))["msg"] == good
            assert (await stream.call("UNSUBSCRIPTION", good))["msg"] == "no subscription"
            assert (await stream.call("SUBSCRIPTION", good))["msg"] == good

    trading(test)


def test_the_31st_topic_is_refused_in_any_frame() -> None:
    async def test(client: Client) -> None:
        symbols = [symbol["symbol"] for symbol in (await client.get("exchangeInfo"))["symbols"]][:16]
        topics = [
            f"spot@public.aggre.deals.v3.api.pb@{speed}@{symbol}"
            for symbol in symbols
            for speed in ("10ms", "100ms")
        ]
        async with client.stream(*topics[:20]) as stream:
            reply = await stream.call("SUBSCRIPTION", *topics[20:])
            assert f"Not Subscribed successfully! [{topics[30]},{topics[31]}]" in reply["msg"]
            await stream.call("UNSUBSCRIPTION", topics[0])
            assert (await stream.call("SUBSCRIPTION", topics[31]))["msg"] == topics[31]

    trading(test)


def test_a_listing_is_blocked_until_visible_and_trades_from_its_opening() -> None:
    coming = ListingPlan(base="NEWCOIN", opens_s=20, announced_before_s=15, visible_before_s=10)
    topic = "spot@public.aggre.deals.v3.api.pb@10ms@NEWCOINUSDT"

    async def test(client: Client) -> None:
        opens_ms = client.now_ms() + 20_000
        async with client.stream() as stream:
            assert "Blocked!" in (await stream.call("SUBSCRIPTION", topic))["msg"]
            await asyncio.sleep(10.1)
            assert (await stream.call("SUBSCRIPTION", topic))["msg"] == topic
            push = await stream.push()
        assert 0 <= push.aggre_deals.deals[0].time - opens_ms < 2_000

    trading(test, scenario(listings=(coming,)))


def test_assessment_zone_is_blocked_on_both_sides() -> None:
    coming = ListingPlan(base="NEWCOIN", opens_s=1, visible_before_s=1, blocked=True)
    topic = "spot@public.aggre.deals.v3.api.pb@10ms@NEWCOINUSDT"

    async def test(client: Client) -> None:
        await asyncio.sleep(5)
        assert (await client.get("exchangeInfo", symbol="NEWCOINUSDT"))["symbols"]
        assert (await client.send("GET", "depth", symbol="NEWCOINUSDT"))[0] == 400
        async with client.stream() as stream:
            assert "Blocked!" in (await stream.call("SUBSCRIPTION", topic))["msg"]

    trading(test, scenario(listings=(coming,)))


# When connections end


def seconds_until_closed(
    plan: Scenario, *topics: str, ping_every_s: float | None = None
) -> tuple[float, aiohttp.WSMsgType]:
    found: list[tuple[float, aiohttp.WSMsgType]] = []

    async def wait(client: Client) -> None:
        async def keep_alive(socket: aiohttp.ClientWebSocketResponse) -> None:
            while ping_every_s is not None:
                await asyncio.sleep(ping_every_s)
                await socket.send_str('{"method":"PING"}')

        began_ms = client.now_ms()
        async with client.stream(*topics) as stream:
            pinging = asyncio.ensure_future(keep_alive(stream.socket))
            how = await stream.closing()
            pinging.cancel()
        found.append(((client.now_ms() - began_ms) / 1000, how))

    trading(wait, plan)
    return found[0]


STILL = MarketPlan(symbols=30, active_pairs=0)
QUIET_TOPIC = f"spot@public.aggre.deals.v3.api.pb@100ms@{PAIR}"


def test_a_socket_without_a_topic_is_closed_after_30_s_even_if_it_pings() -> None:
    seconds, how = seconds_until_closed(scenario(market=STILL), ping_every_s=10)
    assert 30 <= seconds <= 31.5
    assert how is aiohttp.WSMsgType.CLOSE


def test_a_socket_without_data_is_closed_after_60_s() -> None:
    seconds, _ = seconds_until_closed(scenario(market=STILL), QUIET_TOPIC)
    assert 60 <= seconds <= 61.5


def test_pings_keep_a_quiet_socket_open_until_its_lifetime_ends() -> None:
    plan = scenario(market=STILL, knobs=Knobs(socket_lifetime_s=3_600))
    seconds, _ = seconds_until_closed(plan, QUIET_TOPIC, ping_every_s=20)
    assert 3_600 <= seconds <= 3_601.5


def test_the_close_frame_can_be_omitted() -> None:
    plan = scenario(market=STILL, knobs=Knobs(close_frame=False, no_subscription_close_s=5))
    seconds, how = seconds_until_closed(plan)
    assert 5 <= seconds <= 6.5
    assert how is not aiohttp.WSMsgType.CLOSE


def test_more_than_100_messages_a_second_close_the_connection() -> None:
    async def test(client: Client) -> None:
        async with client.stream() as stream:
            for _ in range(101):
                await stream.socket.send_str('{"method":"PING"}')
            answers = 0
            while (await stream.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                answers += 1
            assert answers == 100

    trading(test)


def test_a_client_that_does_not_read_is_disconnected_and_others_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("mexc_tui.practice.streams.connection.MAX_BACKLOG", 64 * 1024)
    topics = [
        f"spot@public.aggre.bookTicker.v3.api.pb@10ms@{symbol}" for symbol in ("SOLUSDT", "XRPUSDT", "MXUSDT")
    ]

    async def test(client: Client) -> None:
        async with client.stream(*topics) as lazy, client.stream(topics[0]) as busy:
            await busy.pushes(5_000)
            assert await lazy.closing() is not aiohttp.WSMsgType.CLOSE

    trading(test, scenario(market=STILL))
