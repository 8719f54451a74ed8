"""Virtual time: jumps, order, threads and deadlocks."""

import asyncio
import threading
import time

import pytest

from mexc_tui.simulation.clock import START_MS, VirtualClock
from mexc_tui.simulation.loop import NothingLeftToDo, VirtualLoop, run


def loop_time() -> float:
    return asyncio.get_running_loop().time()


def test_a_year_of_sleep_takes_no_real_time() -> None:
    async def main() -> float:
        await asyncio.sleep(365 * 86_400)
        return loop_time()

    assert round(run(main())) == 365 * 86_400


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    async def main() -> list[float]:
        woken: list[float] = []

        async def sleep(delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            woken.append(delay_s)

        async with asyncio.TaskGroup() as group:
            for delay_s in (3.0, 1.0, 2.0, 0.5):
                group.create_task(sleep(delay_s))
        return woken

    assert run(main()) == [0.5, 1.0, 2.0, 3.0]


def test_timeouts_follow_the_virtual_clock() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.sleep(31)
        return loop_time()

    assert round(run(main()), 6) == 30


def test_a_timer_with_a_vanishing_delay_does_not_stop_time() -> None:
    async def main() -> int:
        turns = 0
        while loop_time() < 0.001:
            await asyncio.sleep(1e-17)
            turns += 1
        return turns

    assert 900 <= run(main()) <= 1_100


def test_a_deadlock_is_reported() -> None:
    async def main() -> None:
        await asyncio.sleep(12)
        await asyncio.Event().wait()

    with pytest.raises(NothingLeftToDo, match=r"at 12\.0+ s everybody waits"):
        run(main())


def test_time_stops_while_a_thread_works() -> None:
    async def main() -> float:
        async with asyncio.timeout(1):
            await asyncio.to_thread(time.sleep, 0.05)
        return loop_time()

    assert run(main()) == 0


def test_many_threads_and_timers_give_no_false_timeout() -> None:
    async def main() -> float:
        for _ in range(100):
            async with asyncio.timeout(0.01):
                await asyncio.to_thread(threading.get_ident)
        await asyncio.sleep(1)
        return loop_time()

    assert run(main()) == 1


def test_a_call_from_another_thread_runs_and_time_continues() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        message: asyncio.Future[str] = loop.create_future()

        def work() -> None:
            loop.call_soon_threadsafe(message.set_result, "hello")

        await loop.run_in_executor(None, work)
        await asyncio.sleep(5)
        return await message

    assert run(main()) == "hello"


def wakeup_order(shuffle_seed: int | None) -> str:
    async def main() -> str:
        order: list[str] = []
        gate = asyncio.Event()

        async def wait(name: str) -> None:
            await gate.wait()
            order.append(name)

        async with asyncio.TaskGroup() as group:
            for name in "abcdefgh":
                group.create_task(wait(name))
            await asyncio.sleep(1)
            gate.set()
        return "".join(order)

    return run(main(), shuffle_seed=shuffle_seed)


def test_ready_tasks_run_in_order_unless_shuffled_by_a_seed() -> None:
    assert wakeup_order(None) == "abcdefgh"
    shuffled = {wakeup_order(seed) for seed in range(8)}
    assert len(shuffled) > 4
    assert wakeup_order(3) == wakeup_order(3)


def test_shuffling_leaves_plain_callbacks_in_order() -> None:
    async def main() -> list[int]:
        order: list[int] = []
        loop = asyncio.get_running_loop()

        async def nothing() -> None:
            await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            for i in range(20):
                group.create_task(nothing())
                loop.call_soon(order.append, i)
            await asyncio.sleep(1)
        return order

    assert run(main(), shuffle_seed=5) == list(range(20))


def test_real_sockets_are_still_served() -> None:
    async def main() -> bytes:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(2))
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"hi")
            got = await reader.read()
            writer.close()
            await writer.wait_closed()
            return got

    assert run(main()) == b"hi"


def test_wall_clock_steps_leave_the_monotonic_clock_unchanged() -> None:
    async def main() -> None:
        clock = VirtualClock()
        await asyncio.sleep(2.5)
        assert clock.monotonic_ns() == 2_500_000_000
        assert clock.now_ms() == START_MS + 2_500
        clock.step_wall(-3_600_000)
        assert clock.monotonic_ns() == 2_500_000_000
        assert clock.now_ms() == START_MS + 2_500 - 3_600_000

    run(main())


def test_a_clock_can_be_ahead_and_drift() -> None:
    async def main() -> None:
        skewed = VirtualClock(ahead_ms=5_000, drift_ppm=100)
        await asyncio.sleep(10_000)
        assert skewed.now_ms() == START_MS + 5_000 + 10_000_000 + 1_000

    run(main())


def test_the_loop_closes_all_resources() -> None:
    loop = VirtualLoop()
    loop.run_until_complete(asyncio.sleep(1))
    loop.close()
    assert loop.is_closed()
