"""A desk on a real pseudo-terminal inside this process: after whatever comes from it, one key still halts."""

import asyncio
import os
import pty
import signal
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

import pytest
from textual import events
from textual.message import Message

from mexc_tui.tui.acting import Outside
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.input_decoder import InputDecoder
from mexc_tui.tui.terminal import Meter, Terminal, TerminalDriver
from tests.tui.driving import THEMES, ZONE
from tests.tui.frozen import Frozen
from tests.tui.test_deeds import QUESTIONS, done

SIGNALS = (signal.SIGTSTP, signal.SIGCONT, signal.SIGTTOU, signal.SIGTTIN, signal.SIGWINCH)
SOON_S = 20.0


@pytest.fixture(autouse=True)
def handlers() -> Generator[None]:
    """Leave the signals of this process as they were."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class OnPty(TerminalDriver):
    """The driver of a desk, on a pseudo-terminal instead of this process's own."""

    slave: int
    fails_at: str = ""
    """A key whose message cannot be passed on, the first time."""
    looks: int = 0
    """How often it has looked for input."""

    def __init__(self, *args: object, **extra: object) -> None:
        super().__init__(*args, **extra)  # type: ignore[arg-type]
        self.fileno = self.slave

    def _read_input(self, decoder: InputDecoder) -> None:
        super()._read_input(decoder)
        type(self).looks += 1

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Key) and message.key == self.fails_at:
            type(self).fails_at = ""
            raise RuntimeError("nobody foresaw this key")
        super().process_message(message)


@dataclass
class Typed:
    """A desk, and the other end of its terminal."""

    app: DeskApp
    driver: type[OnPty]
    master: int
    frozen: Frozen
    now: list[float]
    """The clock of the terminal and of the desk."""
    drawn: bytes = field(default=b"")

    def send(self, data: bytes) -> None:
        os.write(self.master, data)

    def told(self) -> list[str]:
        """Return the commands that were given since the last look."""
        names = [name for name, _ in self.frozen.given if name not in QUESTIONS]
        self.frozen.given.clear()
        return names

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON_S):
            while not is_so():  # noqa: ASYNC110 another thread changes it
                await asyncio.sleep(0.01)

    async def pause(self) -> None:
        """Type nothing for a while: let the desk give up whatever is incomplete."""
        looks = self.driver.looks
        await self.until(lambda: self.driver.looks > looks + 1)
        self.now[0] += 10.0
        looks = self.driver.looks
        await self.until(lambda: self.driver.looks > looks + 1)

    def notes(self) -> str:
        """Return what the desk told in corners."""
        return " ".join(one.message for one in self.app._notifications)  # pyright: ignore[reportPrivateUsage]

    async def halts(self) -> bool:
        """Press `h`; return whether the engine was told to halt."""
        self.told()
        self.send(b"h")
        await self.until(lambda: "halt" in [name for name, _ in self.frozen.given])
        return self.told() == ["halt"]


@asynccontextmanager
async def typed(fails_at: str = "") -> AsyncGenerator[Typed]:
    """Open a desk on a pseudo-terminal that is read all the time."""
    master, slave = pty.openpty()
    frozen = Frozen()
    frozen.replies["halt"] = done("halted: by hand")
    loop = asyncio.get_running_loop()
    now = [1_000.0]
    terminal = Terminal(slave, Meter(loop.time), lambda: now[0])
    driver = type("Driver", (OnPty,), {"terminal": terminal, "slave": slave, "fails_at": fails_at})
    app = DeskApp(
        frozen.source(),
        THEMES,
        THEMES.by_name["dark"],
        ZONE,
        outside=Outside(now_s=lambda: now[0]),
        driver_class=driver,
    )
    terminal.input_failed = app.report_failed_input
    here = Typed(app, driver, master, frozen, now)

    def read() -> None:
        here.drawn += os.read(master, 65_536)

    loop.add_reader(master, read)
    running = asyncio.create_task(app.run_async())
    try:
        await here.until(lambda: b"equity" in here.drawn)
        yield here
        app.exit()
        await running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)


NASTY = (
    b"\xe9",
    b"\x1b[M \x82\xd0",
    b"\x1b[200~never ended",
    b"\x1b[1114112u",
    b"\x1b[55296u",
    b"\x1b[97;;55296u",
    b"\x1b[" + b"9" * 9_000 + b"u",
    b"\x1b[<0;9000;9000M\x1b[<0;9000;9000m",
    b"\x1b[<35;0;0M",
    b"\x1b[<999999;5;5M",
    b"\x1b[48;0;0;0;0t",
    b"\x1b[?2048;1$y",
    b"\x1b]0;never ended",
    b"\x00\x00",
    b"\x1b",
    b"\x1b[I\x1b[O\x1b[O",
    "\u202e\u0301\ufffe\U000e0041".encode(),
)


async def test_after_any_bytes_the_halt_key_halts() -> None:
    async with typed() as here:
        for data in NASTY:
            here.send(data)
            await here.pause()
            assert await here.halts(), data


async def test_after_a_storm_of_random_bytes_the_halt_key_halts() -> None:
    random = Random(12)
    letters = frozenset(b"qQmds:/?eEy\x10\x11\x0f")  # leave, pages, fields where letters are text, files
    async with typed() as here:
        for _ in range(60):
            here.send(bytes(byte for byte in random.randbytes(900) if byte not in letters))
        await here.pause()
        here.send(b"\x1b")
        await here.pause()
        here.told()
        here.send(b"\x18")
        await here.until(lambda: "halt" in [name for name, _ in here.frozen.given])


async def test_a_reader_that_failed_is_begun_again_and_said_on_screen() -> None:
    async with typed(fails_at="f12") as here:
        here.send(b"\x1b[24~h")
        await here.until(lambda: "Reading keys failed" in here.notes())
        await here.until(lambda: "halt" in here.told())
        assert "nobody foresaw this key" in here.notes()
        await here.pause()
        assert await here.halts()
