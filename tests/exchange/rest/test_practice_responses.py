"""The client reads every response format of the practice exchange."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.exchange.client import MexcClient
from mexc_tui.model.credentials import Credentials, Secret
from mexc_tui.model.market_data import Interval
from mexc_tui.model.order import NewOrder, OrderType, Side
from mexc_tui.model.outcome import Accepted, Purpose
from mexc_tui.practice.scenario import (
    AccountPlan,
    Knobs,
    ListingPlan,
    MarketPlan,
    Scenario,
)
from mexc_tui.practice.server import serving

PAIR = "SOLUSDT"
COMING = ListingPlan(base="NEWCOIN", opens_s=1_000, announced_before_s=1_500, visible_before_s=1_400)


@asynccontextmanager
async def connected(
    knobs: Knobs | None = None, account: AccountPlan | None = None
) -> AsyncGenerator[MexcClient]:
    plan = Scenario(
        name="read",
        market=MarketPlan(symbols=40, active_pairs=0),
        knobs=knobs or Knobs(),
        account=account or AccountPlan(),
        listings=(COMING,),
    )
    async with serving(plan, 1) as endpoint:
        credentials = Credentials(endpoint.api_key, Secret(endpoint.api_secret))
        made = MexcClient(endpoint.rest, clock=SystemClock(), rng=Random(1), credentials=credentials)
        async with made as client:
            await client.measure_clock(1)
            yield client


async def test_an_unfilled_order_is_read_from_each_of_the_three_lists() -> None:
    async with connected() as client:
        price = ((await client.market.price(PAIR)).price or Decimal(1)) * Decimal("0.9")
        order = NewOrder(
            symbol=PAIR,
            side=Side.BUY,
            type=OrderType.LIMIT,
            client_order_id="a-1",
            price=round(price, 2),
            quantity=Decimal(1),
        )
        assert isinstance(await client.orders.place(order, purpose=Purpose.ENTRY), Accepted)
        one = await client.orders.order(PAIR, client_order_id="a-1")
        assert one.update_time == one.time is not None
        assert (await client.orders.all_orders(PAIR)).rows == (one,)
        (listed,) = (await client.orders.open_orders()).rows
        assert (listed.update_time, listed.time, listed.order_id) == (None, one.time, one.order_id)
        assert client.skipped_rows == ()


async def test_fees_pairs_dust_and_candles_are_read_with_their_newer_fields() -> None:
    async with connected(account=AccountPlan(balances={"USDT": Decimal(3)})) as client:
        assert (await client.account.trade_fee(PAIR)).taker_fee == Decimal("0.0005")
        assert len((await client.market.exchange_info()).symbols) == 41
        assert [dust.asset for dust in await client.account.dust_candidates()] == ["USDT"]
        assert len(await client.market.klines(PAIR, Interval.M1, limit=1_000)) == 500
        assert client.skipped_rows == ()
