"""An engine in its own thread is started, stopped and joined from another thread."""

import asyncio
import threading

import pytest

from mexc_tui.engine.runtime.thread import EngineThread


def test_an_engine_runs_in_its_own_thread_until_it_is_stopped() -> None:
    threads: list[str] = []
    ready = threading.Event()

    async def main(stop_event: asyncio.Event) -> int:
        threads.append(threading.current_thread().name)
        ready.set()
        await stop_event.wait()
        return 7

    engine = EngineThread(main)
    engine.start()
    assert ready.wait(10)
    assert engine.join(0) is None
    engine.stop()
    engine.stop()
    assert engine.join(10) == 7
    assert threads == ["engine"]
    engine.stop()


def test_a_stop_before_the_start_ends_the_engine_at_once() -> None:
    async def main(stop_event: asyncio.Event) -> int:
        await stop_event.wait()
        return 0

    engine = EngineThread(main)
    engine.stop()
    engine.start()
    assert engine.join(10) == 0


def test_join_raises_the_error_that_ended_the_engine() -> None:
    async def main(stop_event: asyncio.Event) -> int:
        raise ValueError("engine failed")

    engine = EngineThread(main)
    engine.start()
    with pytest.raises(ValueError, match="engine failed"):
        engine.join(10)
