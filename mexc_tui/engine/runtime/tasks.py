"""Helpers to cancel and await tasks."""

import asyncio


def is_being_cancelled() -> bool:
    """Return whether cancellation of the current task was requested.

    False for a CancelledError raised inside it, such as that of a cancelled future: that is an ordinary
    failure.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def describe(error: BaseException) -> str:
    """Return an error as one short line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:300] if text else type(error).__name__


async def wait_end(task: "asyncio.Task[None]", deadline_s: float) -> bool:
    """Wait up to `deadline_s` for a task, without cancelling it; return whether it ended."""
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
    """Cancel a task and wait up to `deadline_s` for it; return whether it ended."""
    task.cancel()
    return await wait_end(task, deadline_s)
