import os
from collections.abc import Generator
from threading import Event

import pytest

from mexc_tui.tui.terminal.terminal import MAX_QUEUED, Meter, OutputWriter

FRAME = b"x" * 70_000
"""Larger than a pipe: the writer blocks without a reader."""
SOON_S = 30.0


class RecordedCallbacks:
    """Recorded callbacks of an output writer."""

    def __init__(self) -> None:
        self.drained, self.broken = Event(), Event()

    def output_writer(self, descriptor: int) -> OutputWriter:
        """Return a writer with these callbacks."""
        return OutputWriter(descriptor, self.drained.set, self.broken.set)


@pytest.fixture
def pipe() -> Generator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue  # a test closed it


def _read(descriptor: int, size: int) -> bytes:
    found = b""
    while len(found) < size:
        found += os.read(descriptor, 65_536)
    return found


def test_frames_arrive_whole_and_in_order(pipe: tuple[int, int]) -> None:
    output_writer = RecordedCallbacks().output_writer(pipe[1])
    assert output_writer.put(b"one")
    assert output_writer.put(b"two")
    assert _read(pipe[0], 6) == b"onetwo"
    assert output_writer.close()


def test_a_blocked_terminal_loses_frames_but_delays_nothing(pipe: tuple[int, int]) -> None:
    told = RecordedCallbacks()
    output_writer = told.output_writer(pipe[1])
    kept = sum(output_writer.put(FRAME) for _ in range(200))
    assert MAX_QUEUED <= kept <= MAX_QUEUED + 1
    assert output_writer.waiting <= MAX_QUEUED
    assert not told.drained.is_set()
    assert _read(pipe[0], kept * len(FRAME)) == FRAME * kept
    assert told.drained.wait(SOON_S)
    assert output_writer.put(b"anew")
    assert _read(pipe[0], 4) == b"anew"
    assert output_writer.close()


def test_close_reports_lost_frames(pipe: tuple[int, int]) -> None:
    output_writer = RecordedCallbacks().output_writer(pipe[1])
    output_writer.put(FRAME)
    output_writer.put(FRAME)
    assert not output_writer.close()
    assert output_writer.waiting == 0
    os.close(pipe[0])


def test_a_hang_up_is_reported_once(pipe: tuple[int, int]) -> None:
    told = RecordedCallbacks()
    output_writer = told.output_writer(pipe[1])
    os.close(pipe[0])
    output_writer.put(b"nobody")
    assert told.broken.wait(SOON_S)
    output_writer.close()


def test_a_meter_counts_the_bytes_of_the_last_seconds() -> None:
    now_s = 100.0
    meter = Meter(lambda: now_s)
    meter.count(4_000)
    assert meter.per_s() == 4_000
    now_s = 102.0
    assert meter.per_s() == 2_000
    meter.count(2_000)
    now_s = 104.5
    assert meter.per_s() == 500
    now_s = 200.0
    assert meter.per_s() == 0
    assert meter.total == 6_000
