"""A complete exchangeInfo (1.6 MB) to typed, cleaned values, compared with `json.loads` into dicts."""

import asyncio
import json

import aiohttp
import msgspec

from benchmarks.common import Row, emit, interleaved, rows
from mexc_tui.app.endpoints import practice_exchange
from mexc_tui.exchange.rest.responses import plain
from mexc_tui.model.symbol import ExchangeInfo

ROUNDS = 60
BASE = "json.loads into dicts"


async def body() -> bytes:
    """Return the response of a practice exchange."""
    async with (
        practice_exchange("calm", 1) as endpoint,
        aiohttp.ClientSession(endpoint.rest) as session,
        session.get("/api/v3/exchangeInfo") as answer,
    ):
        return await answer.read()


def main() -> None:
    """Measure and print."""
    text = asyncio.run(body())
    ours = plain(ExchangeInfo)
    symbols = len(ours(text).symbols)
    assert symbols == len(json.loads(text)["symbols"])
    times = interleaved(
        {
            "mexc-tui: typed and cleaned": lambda: ours(text),
            BASE: lambda: json.loads(text),
            "msgspec into dicts": lambda: msgspec.json.decode(text),
        },
        rounds=ROUNDS,
    )
    group = f"exchangeInfo, {len(text) / 1e6:.1f} MB, {symbols:,} symbols"
    in_ms = {name: [value / 1_000 for value in values] for name, values in times.items()}
    found: list[Row] = rows(group, in_ms, base=BASE, unit="ms CPU")
    emit(found)


if __name__ == "__main__":
    main()
