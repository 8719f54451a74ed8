"""Starts of real processes under a ban: one query of the exchange, and one line per start."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from mexc_tui.model.endpoint import Endpoint
from tests.support.processes.headless_engine import desk, result_of, write_endpoint

pytestmark = pytest.mark.timeout(180)  # runs processes


@pytest.mark.parametrize(("status", "retry_after"), [(418, "600"), (429, "600"), (503, "600"), (403, "")])
async def test_five_starts_during_a_ban_query_the_exchange_once(
    tmp_path: Path, status: int, retry_after: str
) -> None:
    asked: list[str] = []

    async def turn_away(request: web.Request) -> web.Response:
        asked.append(request.path)
        headers = {"Retry-After": retry_after} if retry_after else {}
        return web.Response(status=status, text="Blocked!", headers=headers)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", turn_away)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        place = f"http://127.0.0.1:{port}"
        endpoint = Endpoint(
            rest=place,
            ws=f"ws://127.0.0.1:{port}/ws",
            web=place,
            api_key="mx0vKEY",
            api_secret="0" * 32,
            exchange_session="session",
        )
        file = await asyncio.to_thread(write_endpoint, tmp_path, endpoint)
        for number in range(5):
            async with desk(tmp_path, "--headless", "--exchange", str(file)) as engine:
                code, said, complained = await result_of(engine)
            assert (code, said) == (3, "")
            assert len(complained) == 1, complained
            assert ("not sent" if number else str(status)) in complained[0]
    finally:
        await runner.cleanup()
    assert len(asked) == 1
