"""What every keeper of tasks needs to tell a stop from a mishap."""

import asyncio


def is_being_cancelled() -> bool:
    """Whether somebody asked the current task to end.

    False for a CancelledError that came up inside it (a future that somebody else cancelled): such a one is
    a failure like any other.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def describe(error: BaseException) -> str:
    """Return an error in one short line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


async def wait_end(task: "asyncio.Task[None]", deadline_s: float) -> bool:
    """Wait at most so long for a task to end, without ending it; return whether it did."""
    if not task.done():
        ended = asyncio.Event()
        task.add_done_callback(lambda _: ended.set())
        try:
            async with asyncio.timeout(deadline_s):
                await ended.wait()
        except TimeoutError:
            return task.done()
    return True


async def cancel_and_wait(task: "asyncio.Task[None]", deadline_s: float) -> bool:
    """Cancel a task and wait at most so long for its end; return whether it ended."""
    task.cancel()
    return await wait_end(task, deadline_s)
