"""An engine in a thread of its own: started, stopped and joined from another one."""

import asyncio
import threading

import pytest

from mexc_tui.engine.runtime.thread import EngineThread


def test_it_runs_in_another_thread_and_stops_when_told() -> None:
    places: list[str] = []
    ready = threading.Event()

    async def main(told: asyncio.Event) -> int:
        places.append(threading.current_thread().name)
        ready.set()
        await told.wait()
        return 7

    engine = EngineThread(main)
    engine.start()
    assert ready.wait(10)
    assert engine.join(0) is None
    engine.stop()
    engine.stop()
    assert engine.join(10) == 7
    assert places == ["engine"]
    engine.stop()


def test_told_to_stop_before_it_began_it_stops_at_once() -> None:
    async def main(told: asyncio.Event) -> int:
        await told.wait()
        return 0

    engine = EngineThread(main)
    engine.stop()
    engine.start()
    assert engine.join(10) == 0


def test_what_ended_it_is_raised_in_whoever_joins() -> None:
    async def main(told: asyncio.Event) -> int:
        raise ValueError("no luck")

    engine = EngineThread(main)
    engine.start()
    with pytest.raises(ValueError, match="no luck"):
        engine.join(10)
