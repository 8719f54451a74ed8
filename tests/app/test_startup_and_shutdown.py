"""Start-up and shutdown of an engine: signals, modes, locks, errors at the end."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import keyring
import msgspec
import pytest
from aiohttp import web
from keyring.backends.fail import Keyring as NoKeyring

from mexc_tui.app import run_headless as headless
from mexc_tui.app.launch_options import LaunchOptions
from mexc_tui.app.run_headless import run_engine, run_headless
from mexc_tui.engine import engine as engine_room
from mexc_tui.model.endpoint import Endpoint
from mexc_tui.model.storage import StorageFailed
from mexc_tui.practice.clock import wall_clock
from mexc_tui.practice.scenario import ListingPlan, MarketPlan, Scenario
from mexc_tui.practice.server import PracticeServer, serving
from tests.support.processes.headless_engine import desk, environment, first_line, result_of, write_endpoint

pytestmark = pytest.mark.timeout(180)  # runs processes

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SMALL = MarketPlan(symbols=20, active_pairs=2, trades_per_s=0.5)
QUIET = Scenario(name="quiet", duration_s=600, market=SMALL)
SHORT = Scenario(
    name="brief",
    duration_s=1,
    market=SMALL,
    listings=(ListingPlan(base="SOON", opens_s=0.5, visible_before_s=0.4),),
    settings={"detection_pass_s": 0.5, "maturity_s": 10, "api_grace_s": 10},
)


# ---- signals


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_during_the_start_ends_it_at_once_and_cleanly(
    tmp_path: Path, number: signal.Signals
) -> None:
    asked: list[bytes] = []
    reached = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        reached.set()
        await reader.read()
        writer.close()

    listener = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    origin = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    file = write_endpoint(
        tmp_path, Endpoint(rest=origin, ws=origin.replace("http", "ws") + "/ws", web=origin)
    )
    async with listener, desk(tmp_path, "--headless", "--mode", "paper", "--exchange", str(file)) as process:
        async with asyncio.timeout(40):
            await reached.wait()
        process.send_signal(number)
        code, said, complained = await result_of(process)
    assert (code, said) == (0, "")
    assert complained == ["Stopped by a signal before it was ready."]
    assert len(asked) == 1, "it did not go on asking"


async def test_a_stop_before_the_exchange_is_ready_leaves_no_exchange_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told = asyncio.Event()
    children: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def start_and_tell(*command: str, **extra: Any) -> asyncio.subprocess.Process:
        children.append(await start(*command, **extra))
        told.set()
        return children[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_and_tell)
    assert await run_engine(LaunchOptions(None, "calm", 1, None, None), environment(tmp_path), told) == 0
    assert children[0].returncode is not None
    assert "before it was ready" in capsys.readouterr().err


# ---- modes


async def test_in_paper_mode_a_practice_exchange_replaces_mexc_and_receives_no_key_or_signature(
    tmp_path: Path,
) -> None:
    seen: list[web.Request] = []

    @web.middleware
    async def note(request: web.Request, handler: Handler) -> web.StreamResponse:
        seen.append(request)
        return await handler(request)

    server = PracticeServer(QUIET, 1, wall_clock())
    application = server.application()
    application.middlewares.append(note)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    endpoint = server.endpoint(runner.addresses[0][1])
    assert endpoint.api_key
    try:
        file = write_endpoint(tmp_path, endpoint)
        async with desk(tmp_path, "--headless", "--mode", "paper", "--exchange", str(file)) as process:
            assert "Ready: profile paper, paper" in await first_line(process)
            process.terminate()
            code, _, complained = await result_of(process)
    finally:
        await runner.cleanup()
    assert (code, complained) == (0, ["Stopping: by a signal."])
    assert {one.path for one in seen} >= {"/api/v3/time", "/api/v3/exchangeInfo"}
    assert {one.method for one in seen} == {"GET"}
    assert not [one.path for one in seen if "X-MEXC-APIKEY" in one.headers or "signature" in one.query]
    assert "/practice" not in {one.path for one in seen}, "MEXC has no such page"


def test_paper_mode_without_a_network_prints_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    origin = f"http://127.0.0.1:{unused_tcp_port}"
    file = write_endpoint(
        tmp_path, Endpoint(rest=origin, ws=f"ws://127.0.0.1:{unused_tcp_port}/ws", web=origin)
    )
    assert run_headless(LaunchOptions("paper", "calm", 1, file, None), environment(tmp_path)) == 3
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert "no connection to the server" in line
    assert "Check the network" in line


def test_live_mode_without_a_key_starts_nothing_and_names_the_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    try:
        code = run_headless(LaunchOptions("live", "calm", 1, None, None), environment(tmp_path))
    finally:
        keyring.set_keyring(before)
    (line,) = capsys.readouterr().err.splitlines()
    assert code == 3
    assert "none is stored for profile live" in line
    assert "Next step" in line
    assert not (tmp_path / ".local/state/mexc-tui/live/desk.sqlite3").exists()


@pytest.mark.parametrize("place", ["rest", "ws", "web"])
def test_a_replacement_exchange_in_live_mode_must_be_on_this_machine(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    here = Endpoint(rest="http://127.0.0.1:9", ws="ws://127.0.0.1:9/ws", web="http://127.0.0.1:9")
    scheme = "wss" if place == "ws" else "https"
    file = write_endpoint(tmp_path, msgspec.structs.replace(here, **{place: f"{scheme}://exchange.example"}))
    assert run_headless(LaunchOptions("live", "calm", 1, file, None), environment(tmp_path)) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "exchange.example is not on this machine" in line


@pytest.mark.parametrize(
    ("launch", "words"),
    [
        (
            LaunchOptions("paper", "calm", 1, None, None, until_done=True),
            "--until-done needs --mode practice",
        ),
        (
            LaunchOptions(None, "calm", 1, None, None, assignments=("max_positions",)),
            "--set takes NAME=VALUE",
        ),
        (LaunchOptions(None, "calm", 1, None, None, assignments=("max_positions=99",)), "1 to 50"),
        (
            LaunchOptions(None, "calm", 1, None, None, assignments=("max_position=9",)),
            "did you mean max_positions",
        ),
    ],
)
def test_wrong_usage_exits_with_2_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], launch: LaunchOptions, words: str
) -> None:
    assert run_headless(launch, environment(tmp_path)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line


def test_a_practice_exchange_on_another_machine_is_never_contacted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_endpoint(
        tmp_path,
        Endpoint(
            rest="https://api.mexc.com",
            ws="ws://127.0.0.1:1/ws",
            web="http://127.0.0.1:1",
            api_key="k",
            api_secret="s",
        ),
    )
    assert run_headless(LaunchOptions("practice", "calm", 1, file, None), environment(tmp_path)) == 3
    (line,) = capsys.readouterr().err.splitlines()
    assert "must run on this machine" in line


# ---- locks


async def test_two_profiles_with_one_account_have_one_engine(tmp_path: Path) -> None:
    async with serving(QUIET, 1) as endpoint:
        file = write_endpoint(tmp_path, endpoint)
        async with desk(tmp_path, "--headless", "--exchange", str(file), "--profile", "one") as first:
            assert "Ready: profile one" in await first_line(first)
            async with desk(tmp_path, "--headless", "--exchange", str(file), "--profile", "two") as second:
                code, said, complained = await result_of(second)
            assert (code, said) == (3, "")
            (line,) = complained
            assert (
                f"An engine with the same account is already running (process {first.pid}). Stop it" in line
            )
            first.terminate()
            assert (await result_of(first))[0] == 0
        async with desk(tmp_path, "--headless", "--exchange", str(file), "--profile", "two") as again:
            assert "Ready: profile two" in await first_line(again)


# ---- shutdown


async def test_a_slow_final_update_is_reported_and_not_a_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engine_room, "FINAL_UPDATE_S", 0)
    async with serving(SHORT, 1) as endpoint:
        launch = LaunchOptions(None, "calm", 1, write_endpoint(tmp_path, endpoint), None, until_done=True)
        assert await run_engine(launch, environment(tmp_path), asyncio.Event()) == 0
    said = capsys.readouterr()
    assert "SOONUSDT" in said.out
    assert "The final update took longer than 0 s" in said.err
    assert "Traceback" not in said.err


async def test_an_error_after_the_start_is_one_line_with_its_own_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(*_: object) -> None:
        raise StorageFailed("The disk is full.")

    monkeypatch.setattr(headless, "report_day", fail)
    async with serving(SHORT, 1) as endpoint:
        launch = LaunchOptions(None, "calm", 1, write_endpoint(tmp_path, endpoint), None, until_done=True)
        assert await run_engine(launch, environment(tmp_path), asyncio.Event()) == 4
    assert "The engine ended with an error. The disk is full." in capsys.readouterr().err
