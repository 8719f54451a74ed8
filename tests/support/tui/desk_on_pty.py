"""The app on a real pseudo-terminal inside this process, and the other end of that terminal."""

import asyncio
import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from textual import events
from textual.message import Message

from mexc_tui.tui.action_mixin import AppEnvironment
from mexc_tui.tui.app import DeskApp
from mexc_tui.tui.terminal.input_decoder import InputDecoder
from mexc_tui.tui.terminal.terminal import Meter, Terminal, TerminalDriver
from tests.support.tui.command_desk import QUESTIONS, done
from tests.support.tui.desk_app import THEMES, ZONE
from tests.support.tui.frozen_desk import FrozenDesk

SIGNALS = (signal.SIGTSTP, signal.SIGCONT, signal.SIGTTOU, signal.SIGTTIN, signal.SIGWINCH)
SOON_S = 20.0


class PtyDriver(TerminalDriver):
    """The driver of a desk on a pseudo-terminal instead of this process's own terminal."""

    slave: int
    fails_at: str = ""
    """A key whose message raises an error the first time."""
    input_reads: int = 0
    """Number of reads of the input."""

    def __init__(self, *args: object, **extra: object) -> None:
        super().__init__(*args, **extra)  # type: ignore[arg-type]
        self.fileno = self.slave

    def _read_input(self, decoder: InputDecoder) -> None:
        super()._read_input(decoder)
        type(self).input_reads += 1

    def process_message(self, message: Message) -> None:
        if isinstance(message, events.Key) and message.key == self.fails_at:
            type(self).fails_at = ""
            raise RuntimeError("unexpected key")
        super().process_message(message)


@contextmanager
def _signals_kept() -> Generator[None]:
    """Restore the signal handlers of this process afterwards."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@dataclass
class DeskOnPty:
    """A desk and the other end of its terminal."""

    app: DeskApp
    driver: type[PtyDriver]
    master: int
    frozen: FrozenDesk
    now: list[float]
    """The clock of the terminal and of the desk."""
    drawn: bytes = field(default=b"")

    def send(self, data: bytes) -> None:
        os.write(self.master, data)

    def sent_commands(self) -> list[str]:
        """Return the commands received since the last call."""
        names = [name for name, _ in self.frozen.received if name not in QUESTIONS]
        self.frozen.received.clear()
        return names

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON_S):
            while not is_so():  # noqa: ASYNC110 another thread changes it
                await asyncio.sleep(0.01)

    async def pause(self) -> None:
        """Type nothing for a while, so that the desk gives up incomplete input."""
        reads_before = self.driver.input_reads
        await self.until(lambda: self.driver.input_reads > reads_before + 1)
        self.now[0] += 10.0
        reads_before = self.driver.input_reads
        await self.until(lambda: self.driver.input_reads > reads_before + 1)

    def notes(self) -> str:
        """Return the notices of the desk."""
        return " ".join(notice.text for notice in self.app._news)  # pyright: ignore[reportPrivateUsage]

    async def halt_arrives(self) -> bool:
        """Press `h`; return whether the engine received a halt."""
        self.sent_commands()
        self.send(b"h")
        await self.until(lambda: "halt" in [name for name, _ in self.frozen.received])
        return self.sent_commands() == ["halt"]


@asynccontextmanager
async def desk_on_pty(fails_at: str = "") -> AsyncGenerator[DeskOnPty]:
    """Open a desk on a pseudo-terminal that is read all the time."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    frozen = FrozenDesk()
    frozen.replies["halt"] = done("halted: by hand")
    loop = asyncio.get_running_loop()
    now = [1_000.0]
    terminal = Terminal(slave, Meter(loop.time), lambda: now[0])
    driver = type("Driver", (PtyDriver,), {"terminal": terminal, "slave": slave, "fails_at": fails_at})
    app = DeskApp(
        frozen.source(),
        THEMES,
        THEMES.by_name["dark"],
        zone=ZONE,
        environment=AppEnvironment(now_s=lambda: now[0]),
        driver_class=driver,
    )
    terminal.input_failed = app.report_failed_input
    desk = DeskOnPty(app, driver, master, frozen, now)

    def read() -> None:
        desk.drawn += os.read(master, 65_536)

    loop.add_reader(master, read)
    with _signals_kept():
        running = asyncio.create_task(app.run_async())
        try:
            await desk.until(lambda: b"equity" in desk.drawn)
            yield desk
            app.exit()
            await running
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            loop.remove_reader(master)
            os.close(master)
            os.close(slave)
