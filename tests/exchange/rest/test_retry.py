"""Retries: bounded in number and time, spread at random, and limited to retryable errors."""

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
    """A retryable error."""


class Final(Exception):
    """An error that must not be retried."""


def is_busy(error: Exception) -> bool:
    return isinstance(error, Busy)


class FlakyServer:
    """Responds after a delay, with an error for the first `failures` calls; records the time of each call."""

    def __init__(self, failures: int, error: type[Exception] = Busy, delay_s: float = 0.0) -> None:
        self.failures = failures
        self.error = error
        self.delay_s = delay_s
        self.called_s: list[float] = []
        self.cancelled = 0

    async def ask(self) -> str:
        self.called_s.append(asyncio.get_running_loop().time())
        try:
            await asyncio.sleep(self.delay_s)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if len(self.called_s) <= self.failures:
            raise self.error(f"failure {len(self.called_s)}")
        return "answer"


def ask(server: FlakyServer, *, deadline_s: float = 60.0, seed: int = 0, tries: int = 3) -> str:
    async def main(sim: Simulation) -> str:
        rng = Random(seed)
        return await retrying(
            server.ask, retryable=is_busy, clock=sim.clock, rng=rng, deadline_s=deadline_s, tries=tries
        )

    return simulate(main)


def test_the_third_try_can_still_succeed() -> None:
    server = FlakyServer(failures=2)
    assert ask(server) == "answer"
    assert len(server.called_s) == 3


def test_after_three_tries_the_last_error_is_raised() -> None:
    server = FlakyServer(failures=99)
    with pytest.raises(Busy, match="failure 3"):
        ask(server)
    assert len(server.called_s) == 3


def test_a_non_retryable_error_is_raised_at_once() -> None:
    server = FlakyServer(failures=99, error=Final)
    with pytest.raises(Final):
        ask(server)
    assert len(server.called_s) == 1


def test_one_deadline_covers_all_tries() -> None:
    server = FlakyServer(failures=99, delay_s=4)
    with pytest.raises((RetryDeadline, Busy)):
        ask(server, deadline_s=6)
    assert len(server.called_s) == 2
    assert server.cancelled <= 1


def test_a_call_that_outlasts_the_deadline_is_cancelled_with_a_plain_message() -> None:
    server = FlakyServer(failures=0, delay_s=100)
    with pytest.raises(RetryDeadline, match=r"No response within 10 s\. Try again"):
        ask(server, deadline_s=10)
    assert server.cancelled == 1


def test_a_timeout_of_the_call_itself_is_not_mistaken_for_the_deadline() -> None:
    server = FlakyServer(failures=99, error=TimeoutError)
    with pytest.raises(TimeoutError, match="failure 1"):
        ask(server)


def test_cancelling_during_a_pause_stops_the_retries() -> None:
    server = FlakyServer(failures=99)

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
    assert len(server.called_s) == 1


def test_zero_tries_are_a_value_error() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        ask(FlakyServer(0), tries=0)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32), failures=st.integers(0, 8), delay_s=st.floats(0, 12), tries=st.integers(1, 7)
)
def test_tries_pauses_and_deadline_hold_for_every_seed(
    seed: int, failures: int, delay_s: float, tries: int
) -> None:
    server = FlakyServer(failures, delay_s=delay_s)

    async def main(sim: Simulation) -> float:
        with suppress(Busy, RetryDeadline):
            await retrying(
                server.ask, retryable=is_busy, clock=sim.clock, rng=Random(seed), deadline_s=30, tries=tries
            )
        return asyncio.get_running_loop().time()

    ended_s = simulate(main)
    assert len(server.called_s) <= tries
    assert ended_s <= 30 + 1e-5
    for attempt, (before, after) in enumerate(pairwise(server.called_s)):
        assert after - before - delay_s <= min(8.0, 0.5 * 2**attempt) + 1e-5


def test_pauses_are_spread_over_their_whole_range() -> None:
    waits: list[float] = []
    for seed in range(60):
        server = FlakyServer(failures=1)
        ask(server, seed=seed)
        waits.append(server.called_s[1] - server.called_s[0])
    assert min(waits) < 0.05
    assert max(waits) > 0.45
