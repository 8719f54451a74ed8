"""Terminal of a screen: non-blocking output, byte counter, detection of hang-ups."""

import asyncio
import contextlib
import logging
import os
import select
import signal
import termios
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Any, ClassVar

from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from mexc_tui.tui.terminal.ansi_minifier import minified
from mexc_tui.tui.terminal.input_decoder import InputDecoder

log = logging.getLogger(__name__)

MAX_QUEUED = 24
"""Maximum queued frames; beyond it frames are dropped and all is repainted later (painting 3)."""
POLL_EVERY_S = 1.0
RETRY_READ_S = 0.2
DEFAULT_SIZE = 80, 24
"""Size of a terminal that reports none."""
READ_WAIT_MS = 100
_READ_SIZE = 4_096
CLOSING_S = 0.3
_METER_S = 4.0

ENTER_SCREEN = "\x1b[?1049h\x1b[?25l\x1b[?1004h\x1b[?2004h\x1b[?7l"
"""Alternate screen, hidden cursor, focus and paste reports, no line wrap."""
RESTORE = (
    "\x18\x1b[0m\x1b[?2026l\x1b[?2048l\x1b[?2004l\x1b[?1004l\x1b[?1006l\x1b[?1015l\x1b[?1003l\x1b[?1000l"
    "\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h"
)
"""Restores the terminal after an abnormal end."""


class Meter:
    """Counter of sent bytes and their recent rate."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Start at zero."""
        self._now_s = now_s
        self._recent: deque[tuple[float, int]] = deque()
        self._since_s = now_s()
        self.total = 0

    def count(self, size: int) -> None:
        """Count bytes."""
        self.total += size
        self._recent.append((self._now_s(), size))
        self._forget()

    def per_s(self) -> float:
        """Return the recent bytes per second."""
        self._forget()
        span_s = min(max(self._now_s() - self._since_s, 1.0), _METER_S)
        return sum(size for _, size in self._recent) / span_s

    def _forget(self) -> None:
        while self._recent and self._recent[0][0] < self._now_s() - _METER_S:
            self._recent.popleft()


class OutputWriter:
    """Writes in its own thread; a blocked terminal loses frames but delays nothing."""

    def __init__(self, descriptor: int, drained: Callable[[], None], broken: Callable[[], None]) -> None:
        """`drained` is called when the queue is empty after dropped frames, `broken` after a hang-up."""
        self._descriptor, self._drained, self._broken = descriptor, drained, broken
        self._frames: deque[bytes] = deque()
        self._changed = Condition()
        self._has_lost = self._is_closed = False
        self._thread = Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return the number of queued frames."""
        return len(self._frames)

    def put(self, frame: bytes) -> bool:
        """Queue a frame or drop it; after a drop all are dropped until the queue is empty."""
        with self._changed:
            if self._has_lost or len(self._frames) >= MAX_QUEUED:
                self._has_lost = True
                return False
            self._frames.append(frame)
            self._changed.notify()
            return True

    def wait_until_written(self) -> None:
        """Wait briefly until the queue is written."""
        with self._changed:
            self._changed.wait_for(lambda: not self._frames, CLOSING_S)

    def close(self) -> bool:
        """Write the queue within a time limit; return whether nothing was lost."""
        with self._changed:
            has_lost = self._has_lost
            self._is_closed = True
            self._changed.notify()
        self._thread.join(CLOSING_S)
        with self._changed:
            has_lost = has_lost or bool(self._frames)
            self._frames.clear()
        return not has_lost

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frames or self._is_closed)
                if not self._frames:
                    return
                frame = self._frames[0]
            if not self._write(frame):
                return
            with self._changed:
                if self._frames:  # empty: closed after the time limit
                    self._frames.popleft()
                self._changed.notify_all()
                has_drained = self._has_lost and not self._frames
                self._has_lost = self._has_lost and not has_drained
            if has_drained:
                self._drained()

    def _write(self, frame: bytes) -> bool:
        left = memoryview(frame)
        while left:
            try:
                left = left[os.write(self._descriptor, left) :]
            except OSError as error:
                log.info("the terminal is gone: %s", error)
                self._broken()
                return False
        return True


@dataclass(slots=True)
class Terminal:
    """One terminal: input from standard input, output to `out`."""

    out: int
    meter: Meter
    now_s: Callable[[], float] = time.monotonic
    """Clock of input timeouts."""
    hung_up: Callable[[], None] = lambda: None
    """Called when the terminal is gone; from any thread."""
    input_failed: Callable[[str], None] = lambda _: None
    """Called in the app's loop when reading keys failed and was restarted."""
    stop_parent: Callable[[], None] = lambda: None
    """Stops the shell's job while the terminal is released."""
    is_orphaned: Callable[[], bool] = lambda: False
    """Whether the shell's job was killed."""
    is_gone: bool = field(default=False)
    pending_output: str = field(default="")
    """Output to write first after the screen has ended."""

    def gone(self) -> None:
        """Report the hang-up once."""
        if not self.is_gone:
            self.is_gone = True
            self.hung_up()


def write_soon(descriptor: int, text: str) -> None:
    """Write within a time limit; never wait for a blocked or closed terminal."""
    outflow = OutputWriter(descriptor, lambda: None, lambda: None)
    outflow.put(text.encode())
    outflow.close()


class TerminalDriver(LinuxDriver):
    """Textual driver on a `Terminal`. The terminal never stops this process: an engine may run in it."""

    terminal: ClassVar[Terminal]

    def __init__(self, app: Any, **extra: Any) -> None:
        """Start like Textual's driver, without stopping with the terminal."""
        super().__init__(app, **extra)  # pyright: ignore[reportUnknownMemberType] Textual says App
        self._writer: OutputWriter | None = None
        self._poll_timer: asyncio.TimerHandle | None = None
        self._attributes: list[Any] | None = None
        self._was_behind = False
        """Whether output was skipped while the shell had the terminal."""
        self._is_suspended = False
        """Whether the terminal is released until SIGCONT."""
        for number in (signal.SIGTSTP, signal.SIGCONT):
            signal.signal(number, signal.SIG_IGN if number == signal.SIGTSTP else signal.SIG_DFL)

    def start_application_mode(self) -> None:
        """Start using the terminal."""
        loop = asyncio.get_running_loop()

        def soon(act: Callable[[], None]) -> Callable[[], None]:
            def call() -> None:
                with contextlib.suppress(RuntimeError):  # the loop is closed: the app has ended
                    loop.call_soon_threadsafe(act)

            return call

        self._writer = OutputWriter(self.terminal.out, soon(self._repaint_all), soon(self.terminal.gone))
        super().start_application_mode()
        for number in (signal.SIGTTOU, signal.SIGTTIN):
            signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(termios.error):
            self._attributes = termios.tcgetattr(self.fileno)
        again, suspend = soon(self._continue), soon(self._suspend)
        signal.signal(signal.SIGCONT, lambda _, __: again())
        signal.signal(signal.SIGTSTP, lambda _, __: suspend())
        self._poll_hang_up(loop)

    def write(self, data: str) -> None:
        """Write and count; nothing while the shell has the terminal."""
        if self._writer is None or self.terminal.is_gone:
            return
        if self._is_suspended or self._is_behind():
            self._was_behind = True
            return
        frame = minified(data).encode("utf-8", "replace")
        if self._writer.put(frame):
            self.terminal.meter.count(len(frame))

    def close(self) -> None:
        """Release the terminal."""
        if self._poll_timer is not None:
            self._poll_timer.cancel()
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        if self.terminal.is_orphaned():  # no other process restores the terminal
            write_soon(self.terminal.out, RESTORE)
        elif (self._writer is not None and not self._writer.close()) or self._was_behind:
            self.terminal.pending_output = RESTORE
        super().close()

    def stop_application_mode(self) -> None:
        """Release the terminal, keeping attributes that the shell has set."""
        if self._is_suspended or self._is_behind():
            self.attrs_before = None
        super().stop_application_mode()

    def _suspend(self) -> None:
        """Release the terminal to the shell until SIGCONT; this process keeps running."""
        if self._is_suspended or self._attributes is None or self._writer is None or self._is_behind():
            return
        self.write(RESTORE)
        self._writer.wait_until_written()
        if self.attrs_before is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        self._is_suspended = self._was_behind = True
        self.terminal.stop_parent()

    def _continue(self) -> None:
        self._is_suspended = False
        self._resume()

    def _resume(self) -> None:
        """Continue after a stop: the shell may have used the terminal."""
        if self._attributes is None or self._is_behind():
            return
        try:
            termios.tcsetattr(self.fileno, termios.TCSANOW, self._attributes)
        except (OSError, termios.error) as error:
            log.info("cannot restore the terminal mode: %s", error)
            return
        self._was_behind = False
        self.write(ENTER_SCREEN)
        self._enable_mouse_support()
        self._repaint_all()

    def _is_behind(self) -> bool:
        """Whether the shell has the terminal; then it is neither read nor written."""
        try:
            return os.tcgetpgrp(self.fileno) != os.getpgrp()
        except OSError:  # not the controlling terminal, or hung up
            return False

    def _get_terminal_size(self) -> tuple[int, int]:
        try:
            columns, lines = os.get_terminal_size(self.fileno)
        except OSError:
            return DEFAULT_SIZE
        return (columns, lines) if columns and lines else DEFAULT_SIZE

    def _query_in_band_window_resize(self) -> None:
        """Disable size reports in the input: the system reports sizes; random input may look like one."""

    def _run_input_thread(self) -> None:
        decoder, failed = InputDecoder(), 0
        while not self.exit_event.is_set():
            if self._is_suspended:
                self.exit_event.wait(RETRY_READ_S)
                continue
            try:
                self._read_input(decoder)
                failed = 0
            except OSError as error:
                # Input belongs to the shell while it has the terminal; it may just have returned it.
                failed = 0 if self._is_behind() else failed + 1
                if failed > 1 or self._is_hung_up():
                    log.info("the terminal is gone: %s", error)
                    self._in_app(self.terminal.gone)
                    return
                self.exit_event.wait(RETRY_READ_S)
            except Exception as error:  # without a reader the halt key would not work
                log.exception("reading keys failed and is restarted")
                problem = f"{type(error).__name__}: {error}"
                self._in_app(lambda problem=problem: self.terminal.input_failed(problem))
                failed += 1
                if failed > 1:
                    decoder = InputDecoder()
                    self.exit_event.wait(RETRY_READ_S)

    def _read_input(self, decoder: InputDecoder) -> None:
        """Wait briefly for input and dispatch it. Raises OSError if the terminal is gone."""
        poll = select.poll()
        poll.register(self.fileno, select.POLLIN)
        data = b""
        if poll.poll(READ_WAIT_MS):
            data = os.read(self.fileno, _READ_SIZE)
            if not data:
                raise OSError("the input has ended")
        now_s = self.terminal.now_s()
        for message in decoder.feed(data, now_s):
            self.process_message(message)
        if not data:
            for message in decoder.idle(now_s):
                self.process_message(message)

    def _in_app(self, call: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the app has ended
            self._loop_of_app().call_soon_threadsafe(call)

    def _loop_of_app(self) -> asyncio.AbstractEventLoop:
        loop = self._app._loop  # pyright: ignore[reportPrivateUsage]
        if loop is None:
            raise RuntimeError("The app has ended.")
        return loop

    def _poll_hang_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """Poll whether the terminal is still there, as a hang-up signal may be missed."""
        if self._is_hung_up():
            self.terminal.gone()
            return
        if self.terminal.is_orphaned():
            self.terminal.hung_up()
            return
        if self._was_behind and not self._is_suspended:
            self._resume()
        self._poll_timer = loop.call_later(POLL_EVERY_S, self._poll_hang_up, loop)

    def _is_hung_up(self) -> bool:
        poll = select.poll()
        poll.register(self.fileno, select.POLLHUP)
        return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))

    def _repaint_all(self) -> None:
        self._app.refresh(layout=True)


def driver_of(terminal: Terminal) -> type[Driver]:
    """Return the driver class of this terminal."""
    return type("Driver", (TerminalDriver,), {"terminal": terminal})
