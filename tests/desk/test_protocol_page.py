"""The protocol page: its example runs against a real desk, its tables are those of the code."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from mexc_tui.desk import protocol_page, wire
from mexc_tui.model.event import CommandBegun
from tests.desk.test_trading_handlers import desk
from tests.support.engine.fake_trading_engine import FakeTradingQueries

pytestmark = pytest.mark.timeout(60)  # runs a process

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
EXAMPLE = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]


def test_the_example_has_about_forty_lines() -> None:
    assert len([line for line in EXAMPLE.splitlines() if line.strip()]) <= 42


async def run(folder: Path, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", EXAMPLE, *words),
        env={"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_the_example_prints_positions_and_halts(tmp_path: Path) -> None:
    money, folder = FakeTradingQueries(), tmp_path / "mexc-tui"
    folder.mkdir(mode=0o700)
    async with desk(folder, money) as (_, store):
        (folder / "practice.sock").symlink_to(folder / "s.sock")
        watching = await run(tmp_path)
        assert watching.stdout is not None
        line = (await watching.stdout.readline()).decode()
        (held,) = [row for row in money.positions() if row.closed_ms is None][:1]
        assert line.split()[:3] == [held.id, held.symbol, f"{held.quantity}"]
        watching.kill()
        await watching.wait()
        halting = await run(tmp_path, "halt")
        said, complained = await halting.communicate()
        assert (halting.returncode, complained) == (0, b"")
        assert said.decode().strip()
        begun = await store.read("audit", lambda stored: stored.journal.page(kind="command_begun"))
    assert ("halt", "by the example") in money.done
    commands = [fact.event for fact in begun if isinstance(fact.event, CommandBegun)]
    audited = [(event.name, event.who, event.pid, event.role) for event in commands]
    assert audited == [("halt", "example", halting.pid, "view")]


def test_the_tables_of_the_page_are_those_of_the_code() -> None:
    assert protocol_page.protocol_page() in PAGE


@pytest.mark.parametrize("message", [*wire.FromViewer.__subclasses__(), *wire.FromEngine.__subclasses__()])
def test_every_message_is_on_the_page(message: type[wire.FromViewer | wire.FromEngine]) -> None:
    tag = str(message.__struct_config__.tag)
    assert f"`{tag}`" in PAGE or f'"is": "{tag}"' in PAGE
    for field in message.__struct_fields__:
        assert f"`{field}`" in PAGE or f'"{field}"' in PAGE, field
