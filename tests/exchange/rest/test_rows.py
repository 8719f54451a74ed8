"""A malformed row of a list is skipped, counted and named; the other rows are read."""

import json
import logging
from random import Random
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.app.endpoints import SystemClock
from mexc_tui.exchange.client import MexcClient
from mexc_tui.exchange.rest.rows import RowReader
from mexc_tui.model.market_data import TICKER_FIELDS, BookTicker, Ticker24h
from mexc_tui.model.order import Side
from mexc_tui.model.symbol import DECORATIVE, Symbol

PAIR: dict[str, Any] = {
    "symbol": "NEWUSDT",
    "status": "1",
    "baseAsset": "NEW",
    "quoteAsset": "USDT",
    "baseAssetPrecision": 2,
    "quotePrecision": 5,
    "isSpotTradingAllowed": True,
    "permissions": ["SPOT"],
    "orderTypes": ["LIMIT"],
    "tradeSideType": 1,
}
OTHER = {**PAIR, "symbol": "AUSDT", "baseAsset": "A"}
FIELDS = {
    "bidPrice": "bid_price",
    "bidQty": "bid_quantity",
    "askPrice": "ask_price",
    "askQty": "ask_quantity",
}
PAIRS = RowReader(Symbol, DECORATIVE)


def read(*rows: dict[str, Any]) -> Any:
    return PAIRS.list(json.dumps(rows).encode())


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"quotePrecision": "5.5"}, "quotePrecision"),
        ({"quotePrecision": None}, "quotePrecision"),
        ({"baseSizePrecision": None}, "baseSizePrecision"),
        ({"baseSizePrecision": "many"}, ""),
        ({"status": 1}, "status"),
        ({"takerCommission": 0.0005}, "takerCommission"),
        ({"isSpotTradingAllowed": None}, "isSpotTradingAllowed"),
        ({"baseAssetPrecision": -1}, "baseAssetPrecision"),
    ],
)
def test_a_malformed_pair_is_skipped_and_named_and_the_others_are_read(
    changes: dict[str, Any], field: str
) -> None:
    found = read(OTHER, {**PAIR, **changes}, {**OTHER, "symbol": "BUSDT"})
    assert [pair.symbol for pair in found.rows] == ["AUSDT", "BUSDT"]
    assert [row.name for row in found.skipped] == ["NEWUSDT"]
    assert field in found.skipped[0].problem
    assert not found.is_complete


@pytest.mark.parametrize("name", sorted(DECORATIVE))
def test_a_decorative_field_may_be_null(name: str) -> None:
    found = read({**PAIR, name: None})
    assert (len(found.rows), found.skipped) == (1, ())
    may_trade = name not in ("permissions", "tradeSideType")
    assert found.rows[0].is_tradable(Side.BUY) == may_trade


@pytest.mark.parametrize("row", [None, 5, "text", [], {}, {"symbol": None}, {"symbol": 5}])
def test_a_row_without_a_readable_name_is_skipped_without_a_name(row: object) -> None:
    found = PAIRS.list(json.dumps([row, OTHER]).encode())
    assert [pair.symbol for pair in found.rows] == ["AUSDT"]
    assert [item.name for item in found.skipped] == [""]


@pytest.mark.parametrize("nothing", [None, ""])
@pytest.mark.parametrize("name", FIELDS)
def test_an_empty_side_of_a_ticker_is_valid(name: str, nothing: str | None) -> None:
    row = {"symbol": "A", "bidPrice": "1", "bidQty": "2", "askPrice": "3", "askQty": "4", name: nothing}
    for kind in (BookTicker, Ticker24h):
        found = RowReader(kind, TICKER_FIELDS).one_or_all(json.dumps([row]).encode())
        assert found.is_complete
        assert getattr(found.rows[0], FIELDS[name]) is None


@given(st.lists(st.booleans(), max_size=30))
def test_read_and_skipped_rows_add_up_and_keep_their_order(are_good: list[bool]) -> None:
    rows = [
        {**PAIR, "symbol": f"N{number}USDT", "status": "1" if good else 1}
        for number, good in enumerate(are_good)
    ]
    found = read(*rows)
    assert [pair.symbol for pair in found.rows] == [
        row["symbol"] for row, good in zip(rows, are_good, strict=True) if good
    ]
    assert [item.name for item in found.skipped] == [
        row["symbol"] for row, good in zip(rows, are_good, strict=True) if not good
    ]


async def test_skipped_rows_are_counted_shown_and_logged_once_per_row(
    caplog: pytest.LogCaptureFixture, unused_tcp_port: int
) -> None:
    rows = [OTHER, {**PAIR, "status": 1}]

    async def info(_: web.Request) -> web.Response:
        return web.json_response({"serverTime": 1, "symbols": rows})

    app = web.Application()
    app.router.add_get("/api/v3/exchangeInfo", info)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_tcp_port).start()
    origin = f"http://127.0.0.1:{unused_tcp_port}"
    try:
        with caplog.at_level(logging.WARNING):
            async with MexcClient(origin, clock=SystemClock(), rng=Random(1)) as client:
                for _ in range(2):
                    found = await client.market.all_pairs()
                    assert [pair.symbol for pair in found.rows] == ["AUSDT"]
                assert client.skipped_rows == (
                    "/api/v3/exchangeInfo: 1 of 2 rows skipped: "
                    "NEWUSDT: Expected `str`, got `int` at $.status",
                )
                rows[1] = PAIR
                assert (await client.market.all_pairs()).is_complete
                assert client.skipped_rows == ()
    finally:
        await runner.cleanup()
    assert sum("NEWUSDT" in record.getMessage() for record in caplog.records) == 1
