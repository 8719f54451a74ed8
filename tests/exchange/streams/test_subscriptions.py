"""Requested and acknowledged channels of one socket (reliability M4)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.exchange.streams.replies import Ack
from mexc_tui.exchange.streams.subscriptions import (
    MAX_REQUEST_BYTES,
    UNSUBSCRIBE,
    Subscriptions,
    SubscriptionVerdict,
)


def requests_at(subscriptions: Subscriptions, now_s: float) -> list[list[str]]:
    return [list(request.channels) for request in subscriptions.due(now_s)]


def test_a_wanted_channel_is_requested_once_and_again_after_the_timeout() -> None:
    subscriptions = Subscriptions(ack_timeout_s=5)
    subscriptions.add(["a", "b"])
    assert requests_at(subscriptions, 0) == [["a", "b"]]
    assert requests_at(subscriptions, 4.9) == []
    assert requests_at(subscriptions, 5) == [["a", "b"]]


def test_M4_a_channel_missing_in_the_acknowledgement_stays_pending() -> None:
    subscriptions = Subscriptions(ack_timeout_s=5)
    subscriptions.add(["a", "b"])
    requests_at(subscriptions, 0)
    assert subscriptions.apply_ack(Ack(1, accepted=frozenset({"b"})), 1).accepted == ["b"]
    assert not subscriptions.is_settled
    assert requests_at(subscriptions, 5) == [["a"]]
    assert subscriptions.pop_dropped(9.9) == []
    assert subscriptions.pop_dropped(10) == ["a"]
    assert subscriptions.is_settled


def test_M4_a_refused_channel_is_requested_again_later() -> None:
    subscriptions = Subscriptions(refused_retry_s=30)
    subscriptions.add(["a", "b"])
    requests_at(subscriptions, 0)
    verdict = subscriptions.apply_ack(Ack(1, refused=frozenset({"a"}), accepts_rest=True), 1)
    assert (verdict.accepted, verdict.refused) == (["b"], ["a"])
    assert subscriptions.is_settled
    assert requests_at(subscriptions, 30.9) == []
    assert requests_at(subscriptions, 31) == [["a"]]


def test_an_empty_reply_accepts_only_its_own_request() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(["a"])
    requests_at(subscriptions, 0)
    subscriptions.add(["b"])
    requests_at(subscriptions, 0)
    assert subscriptions.apply_ack(Ack(2, accepts_rest=True), 1).accepted == ["b"]
    assert subscriptions.apply_ack(Ack(0, accepts_rest=True), 1).accepted == ["a"]


def test_an_acknowledgement_of_an_unrequested_channel_changes_nothing() -> None:
    subscriptions = Subscriptions()
    verdict = subscriptions.apply_ack(Ack(9, accepted=frozenset({"x"}), refused=frozenset({"y"})), 1)
    assert (verdict.accepted, verdict.refused) == ([], [])


def test_removing_unsubscribes_an_accepted_channel_and_forgets_a_refused_one() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(["a", "b"])
    requests_at(subscriptions, 0)
    subscriptions.apply_ack(Ack(1, accepted=frozenset({"a"}), refused=frozenset({"b"})), 0)
    subscriptions.remove("a")
    subscriptions.remove("b")
    requests = subscriptions.due(1)
    assert [(request.method, request.channels) for request in requests] == [("UNSUBSCRIPTION", ("a",))]
    assert subscriptions.next_due_s() is None


@given(st.lists(st.text("ABC币@.", min_size=1, max_size=120), max_size=60, unique=True))
def test_requests_stay_within_one_kilobyte_and_omit_nothing(channels: list[str]) -> None:
    subscriptions = Subscriptions()
    subscriptions.add(channels)
    texts = [request.text() for request in subscriptions.due(0)]
    assert all(len(text.encode()) <= MAX_REQUEST_BYTES for text in texts)
    assert [channel for text in texts for channel in json.loads(text)["params"]] == channels


def subscribed(*channels: str) -> Subscriptions:
    subscriptions = Subscriptions()
    subscriptions.add(channels)
    subscriptions.due(0)
    subscriptions.apply_ack(Ack(1, accepted=frozenset(channels)), 0)
    return subscriptions


@pytest.mark.parametrize("echoed_id", [2, 0])
def test_M4_the_reply_to_an_unsubscription_is_not_taken_for_a_new_subscription(echoed_id: int) -> None:
    subscriptions = subscribed("a", "b")
    subscriptions.remove("a")
    requests_at(subscriptions, 1)
    subscriptions.add(["a"])
    end = Ack(echoed_id, accepted=frozenset({"a"}))
    assert subscriptions.apply_ack(end, 1).accepted == []
    assert requests_at(subscriptions, 1) == [["a"]]
    assert subscriptions.apply_ack(Ack(3, refused=frozenset({"a"})), 1).refused == ["a"]
    assert "a" not in subscriptions.accepted


def test_M4_an_unsubscription_is_acknowledged_once() -> None:
    subscriptions = subscribed("a")
    subscriptions.remove("a")
    requests_at(subscriptions, 1)
    subscriptions.add(["a"])
    requests_at(subscriptions, 1)
    both = Ack(0, accepted=frozenset({"a"}))
    assert subscriptions.apply_ack(both, 1).accepted == []
    assert subscriptions.apply_ack(both, 1).accepted == ["a"]


@pytest.mark.parametrize("echoed_id", [2, 0])
def test_M4_no_subscription_acknowledges_only_an_unsubscription(echoed_id: int) -> None:
    subscriptions = subscribed("a", "b")
    subscriptions.remove("a")
    requests_at(subscriptions, 1)
    subscriptions.add(["a"])
    assert subscriptions.apply_ack(Ack(echoed_id), 1) == SubscriptionVerdict()
    assert requests_at(subscriptions, 1) == [["a"]]
    assert subscriptions.apply_ack(Ack(0, accepted=frozenset({"a"})), 1).accepted == ["a"]


def test_M4_only_requested_channels_can_be_accepted() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(["a"])
    assert subscriptions.apply_ack(Ack(7, accepted=frozenset({"a"})), 1).accepted == []
    assert requests_at(subscriptions, 1) == [["a"]]


def test_M4_a_channel_removed_before_its_reply_is_unsubscribed_all_the_same() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(["a"])
    requests_at(subscriptions, 0)
    subscriptions.remove("a")
    (request,) = subscriptions.due(0)
    assert (request.method, request.channels) == (UNSUBSCRIBE, ("a",))


def test_a_channel_never_requested_is_removed_without_a_message() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(["a"])
    subscriptions.remove("a")
    assert requests_at(subscriptions, 0) == []


def test_M4_the_reply_to_an_earlier_request_decides_nothing() -> None:
    subscriptions = Subscriptions()
    subscriptions.add(["a"])
    requests_at(subscriptions, 0)
    subscriptions.remove("a")
    requests_at(subscriptions, 0)
    subscriptions.add(["a"])
    requests_at(subscriptions, 0)
    assert subscriptions.apply_ack(Ack(1, accepted=frozenset({"a"})), 1).accepted == []
    assert subscriptions.apply_ack(Ack(2, accepted=frozenset({"a"})), 1).accepted == []
    assert subscriptions.apply_ack(Ack(3, accepted=frozenset({"a"})), 1).accepted == ["a"]


def test_unacknowledged_unsubscriptions_are_not_kept_for_ever() -> None:
    subscriptions = Subscriptions()
    for second in range(1_000):
        subscriptions.add(["a"])
        subscriptions.due(second)
        subscriptions.remove("a")
        subscriptions.due(second)
    assert len(subscriptions._unsubscribing) <= 100  # pyright: ignore[reportPrivateUsage]


def test_an_urgent_refused_channel_is_requested_again_soon() -> None:
    subscriptions = Subscriptions(refused_retry_s=5, priority_retry_s=0.5)
    subscriptions.add(["a", "b"])
    requests_at(subscriptions, 0)
    subscriptions.apply_ack(Ack(1, refused=frozenset({"a", "b"})), 0)
    subscriptions.prioritise(frozenset({"a"}), 1)
    assert requests_at(subscriptions, 1.4) == []
    assert requests_at(subscriptions, 1.5) == [["a"]]
    subscriptions.apply_ack(Ack(2, refused=frozenset({"a"})), 1.6)
    assert requests_at(subscriptions, 2.1) == [["a"]]
    subscriptions.prioritise(frozenset(), 2.2)
    subscriptions.apply_ack(Ack(3, refused=frozenset({"a"})), 2.2)
    assert requests_at(subscriptions, 7.1) == [["b"]]
    assert requests_at(subscriptions, 7.2) == [["a"]]


def test_an_urgent_channel_awaiting_its_reply_is_not_requested_twice() -> None:
    subscriptions = Subscriptions(ack_timeout_s=5)
    subscriptions.add(["a"])
    requests_at(subscriptions, 0)
    subscriptions.prioritise(frozenset({"a"}), 1)
    assert requests_at(subscriptions, 4.9) == []
