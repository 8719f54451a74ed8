"""Listen keys of the practice exchange."""

import pytest

from mexc_tui.practice.matching.values import PracticeRefusal
from mexc_tui.practice.scenario import Knobs
from mexc_tui.practice.streams.listen_keys import PracticeListenKeys

HOUR_MS = 3_600_000


def test_keys_are_64_hex_valid_for_an_hour_and_extended_by_put() -> None:
    keys = PracticeListenKeys(Knobs(), 1)
    key = keys.create(0)
    assert len(key) == 64
    int(key, 16)
    assert keys.is_live(key, HOUR_MS - 1)
    keys.extend(key, HOUR_MS - 1)
    assert keys.live(HOUR_MS) == [key]
    assert keys.live(2 * HOUR_MS) == []


def test_unknown_closed_and_expired_keys_are_refused_with_a_string_code() -> None:
    keys = PracticeListenKeys(Knobs(), 1)
    closed, expired = keys.create(0), keys.create(0)
    keys.close(closed, 1)
    for key, now_ms in (("0" * 64, 1), (closed, 1), (expired, HOUR_MS)):
        with pytest.raises(PracticeRefusal) as caught:
            keys.extend(key, now_ms)
        assert (caught.value.code, caught.value.message) == ("730708", "listen key information error")


def test_sixty_keys_can_be_valid_at_once() -> None:
    keys = PracticeListenKeys(Knobs(), 1)
    assert len({keys.create(0) for _ in range(60)}) == 60
    with pytest.raises(PracticeRefusal):
        keys.create(0)
    assert keys.create(HOUR_MS)


def test_post_returns_the_existing_key_if_configured() -> None:
    keys = PracticeListenKeys(Knobs(reuse_listen_key=True), 1)
    first = keys.create(0)
    assert keys.create(1_000) == first
    keys.close(first, 2_000)
    assert keys.create(3_000) != first


def test_a_key_has_at_most_five_sockets() -> None:
    keys = PracticeListenKeys(Knobs(), 1)
    key = keys.create(0)
    assert [keys.attach(key, 0) for _ in range(6)] == [True] * 5 + [False]
    keys.detach(key)
    assert keys.attach(key, 0)
    assert not keys.attach("0" * 64, 0)


def test_same_seed_makes_the_same_keys() -> None:
    assert PracticeListenKeys(Knobs(), 5).create(0) == PracticeListenKeys(Knobs(), 5).create(0)
    assert PracticeListenKeys(Knobs(), 5).create(0) != PracticeListenKeys(Knobs(), 6).create(0)
