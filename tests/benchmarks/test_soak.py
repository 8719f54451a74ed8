"""An hour of the soak: the exchange closes connections, and is under maintenance after a listing."""

from dataclasses import replace

import pytest

from benchmarks.soak import Soaked, failures, soak
from mexc_tui.practice.scenario import Knobs

KNOBS = Knobs(socket_lifetime_s=1_000, listen_key_s=1_900)
"""Shorter than an hour; the listen key is renewed every 25 to 29 minutes."""


@pytest.mark.timeout(120)  # an hour of the whole engine
def test_an_hour_with_closed_connections_renewals_and_maintenance_breaks_nothing() -> None:
    found = soak(1.0, knobs=KNOBS, maintenance_at_s=2_100)
    assert not found.violations
    assert (found.bought, found.listings, found.maintenances) == (1, 1, 1)
    assert found.connects >= 3


GOOD = Soaked(hours=1.0, connects=4, keys=1, listings=1, bought=1, memory=[80.0, 80.0])


@pytest.mark.parametrize(
    ("bad", "text"),
    [
        (replace(GOOD, connects=3), "3 connections in 1 hours"),
        (replace(GOOD, keys=3), "3 listen keys"),
        (replace(GOOD, bought=0), "0 of 1 listings"),
        (replace(GOOD, tasks=1_000), "1000 tasks"),
        (replace(GOOD, connections=100), "100 connections at once"),
        (replace(GOOD, memory=[80.0, 99.0]), "grew by 19.0 MB"),
    ],
)
def test_each_bound_is_checked(bad: Soaked, text: str) -> None:
    assert not failures(GOOD, KNOBS)
    (found,) = failures(bad, KNOBS)
    assert text in found
