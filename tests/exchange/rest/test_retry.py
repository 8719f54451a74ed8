"""Asking again: bounded in tries and in time, spread at random, and only for what may be asked again."""

import asyncio
from contextlib import suppress
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.exchange.rest.retry import RetryDeadline, retrying
from mexc_tui.simulation.run import Simulation, simulate


class Busy(Exception):
    """May be asked again."""


class Refusal(Exception):
    """May not."""


def is_busy(error: Exception) -> bool:
    return isinstance(error, Busy)


class Server:
    """Answers after a while, the first `failures` times with an error; remembers when it was asked."""

    def __init__(self, failures: int, error: type[Exception] = Busy, takes_s: float = 0.0) -> None:
        self.failures = failures
        self.error = error
        self.takes_s = takes_s
        self.asked_s: list[float] = []
        self.cancelled = 0

    async def ask(self) -> str:
        self.asked_s.append(asyncio.get_running_loop().time())
        try:
            await asyncio.sleep(self.takes_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if len(self.asked_s) <= self.failures:
            raise self.error(f"failure {len(self.asked_s)}")
        return "answer"


def ask(server: Server, *, deadline_s: float = 60.0, seed: int = 0, tries: int = 3) -> str:
    async def main(sim: Simulation) -> str:
        rng = Random(seed)
        return await retrying(
            server.ask, retryable=is_busy, clock=sim.clock, rng=rng, deadline_s=deadline_s, tries=tries
        )

    return simulate(main)


def test_the_third_try_may_still_bring_the_answer() -> None:
    server = Server(failures=2)
    assert ask(server) == "answer"
    assert len(server.asked_s) == 3


def test_after_three_tries_the_last_error_is_raised() -> None:
    server = Server(failures=99)
    with pytest.raises(Busy, match="failure 3"):
        ask(server)
    assert len(server.asked_s) == 3


def test_an_error_that_is_not_named_retryable_is_raised_at_once() -> None:
    server = Server(failures=99, error=Refusal)
    with pytest.raises(Refusal):
        ask(server)
    assert len(server.asked_s) == 1


def test_one_deadline_covers_all_tries() -> None:
    server = Server(failures=99, takes_s=4)
    with pytest.raises((RetryDeadline, Busy)):
        ask(server, deadline_s=6)
    assert len(server.asked_s) == 2
    assert server.cancelled <= 1


def test_a_call_that_outlasts_the_deadline_is_cancelled_and_said_so_in_plain_words() -> None:
    server = Server(failures=0, takes_s=100)
    with pytest.raises(RetryDeadline, match=r"No response within 10 s\. Try again"):
        ask(server, deadline_s=10)
    assert server.cancelled == 1


def test_a_timeout_of_the_call_itself_is_not_mistaken_for_the_deadline() -> None:
    server = Server(failures=99, error=TimeoutError)
    with pytest.raises(TimeoutError, match="failure 1"):
        ask(server)


def test_cancelling_while_waiting_ends_it_and_asks_no_more() -> None:
    server = Server(failures=99)

    async def main(sim: Simulation) -> None:
        task = asyncio.create_task(
            retrying(
                server.ask,
                retryable=is_busy,
                clock=sim.clock,
                rng=Random(1),
                deadline_s=60,
                base_s=20,
                cap_s=20,
            )
        )
        await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(60)

    simulate(main)
    assert len(server.asked_s) == 1


def test_no_try_at_all_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ask(Server(0), tries=0)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32), failures=st.integers(0, 8), takes_s=st.floats(0, 12), tries=st.integers(1, 7)
)
def test_tries_waits_and_deadline_hold_for_every_seed(
    seed: int, failures: int, takes_s: float, tries: int
) -> None:
    server = Server(failures, takes_s=takes_s)

    async def main(sim: Simulation) -> float:
        with suppress(Busy, RetryDeadline):
            await retrying(
                server.ask, retryable=is_busy, clock=sim.clock, rng=Random(seed), deadline_s=30, tries=tries
            )
        return asyncio.get_running_loop().time()

    ended_s = simulate(main)
    assert len(server.asked_s) <= tries
    assert ended_s <= 30 + 1e-5
    for attempt, (before, after) in enumerate(pairwise(server.asked_s)):
        assert after - before - takes_s <= min(8.0, 0.5 * 2**attempt) + 1e-5


def test_waits_are_spread_over_their_whole_range() -> None:
    waits: list[float] = []
    for seed in range(60):
        server = Server(failures=1)
        ask(server, seed=seed)
        waits.append(server.asked_s[1] - server.asked_s[0])
    assert min(waits) < 0.05
    assert max(waits) > 0.45
