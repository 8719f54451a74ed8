"""All pairs, read a few at a time so that the loop has its turn in between."""

import asyncio
from random import Random

from mexc_tui.bootstrap import SystemClock
from mexc_tui.exchange.client import MexcClient
from mexc_tui.practice.scenario import load
from mexc_tui.practice.server import serving


async def test_pairs_read_in_slices_are_those_read_at_once_and_others_run_in_between() -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with (
        serving(load("calm"), 1) as endpoint,
        MexcClient(endpoint.rest, clock=SystemClock(), rng=Random(1)) as client,
    ):
        at_once = (await client.market.exchange_info()).symbols
        other = asyncio.create_task(take_turns())
        in_slices = await client.market.all_pairs()
        other.cancel()
    assert in_slices == at_once
    assert len(in_slices) > 1_900
    assert turns > 10
