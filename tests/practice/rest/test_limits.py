"""Rate limits of the practice exchange."""

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.practice.rest.limits import Block, Bucket, LimitRejection, PracticeLimits
from mexc_tui.practice.scenario import Knobs

ME = "127.0.0.1"


@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from([1, 3, 10, 25])), max_size=120))
def test_no_window_of_ten_seconds_admits_more_than_the_weight(calls: list[tuple[int, int]]) -> None:
    limits = PracticeLimits(Knobs(ip_weight_per_10s=100, ban_after_429=1_000))
    now_ms = 0
    admitted: list[tuple[int, int]] = []
    for gap_ms, weight in calls:
        now_ms += gap_ms
        if limits.admit(now_ms, ME, weight) is None:
            admitted.append((now_ms, weight))
    for start_ms, _ in admitted:
        inside = sum(weight for at_ms, weight in admitted if start_ms <= at_ms < start_ms + 10_000)
        assert inside <= 100


def test_retry_after_is_the_time_until_the_request_fits() -> None:
    limits = PracticeLimits(Knobs(ip_weight_per_10s=50))
    assert limits.admit(0, ME, 25) is None
    assert limits.admit(3_000, ME, 25) is None
    assert limits.admit(4_000, ME, 25) == LimitRejection(Block.LIMITED, 6)
    assert limits.admit(4_000, ME, 50) == LimitRejection(Block.LIMITED, 9)
    assert limits.admit(10_000, ME, 25) is None


def test_retry_after_can_be_omitted() -> None:
    limits = PracticeLimits(Knobs(orders_per_s=1, retry_after=False))
    assert limits.admit(0, ME, 0, buckets=(Bucket.ORDERS,)) is None
    assert limits.admit(1, ME, 0, buckets=(Bucket.ORDERS,)) == LimitRejection(Block.LIMITED, None)


def test_twelve_orders_a_second_are_shared_by_all_addresses() -> None:
    limits = PracticeLimits(Knobs())
    answers = [limits.admit(i, f"10.0.0.{i}", 0, buckets=(Bucket.ORDERS,), by_key=True) for i in range(13)]
    assert answers[:12] == [None] * 12
    assert answers[12] == LimitRejection(Block.LIMITED, 1)
    assert limits.admit(1_000, ME, 0, buckets=(Bucket.ORDERS,), by_key=True) is None


def test_batches_and_account_have_two_calls_a_second() -> None:
    limits = PracticeLimits(Knobs())
    for bucket in (Bucket.BATCH, Bucket.ACCOUNT):
        assert limits.admit(0, ME, 0, buckets=(bucket,)) is None
        assert limits.admit(0, ME, 0, buckets=(bucket,)) is None
        assert limits.admit(0, ME, 0, buckets=(bucket,)) is not None


def test_key_weight_is_counted_over_addresses() -> None:
    limits = PracticeLimits(Knobs(key_weight_per_10s=20))
    assert limits.admit(0, "10.0.0.1", 10, by_key=True) is None
    assert limits.admit(0, "10.0.0.2", 10, by_key=True) is None
    assert limits.admit(0, "10.0.0.3", 10, by_key=True) is not None
    assert limits.admit(0, "10.0.0.3", 10) is None


def test_ignoring_429_leads_to_a_ban_for_the_stated_time() -> None:
    limits = PracticeLimits(Knobs(ip_weight_per_10s=1, ban_after_429=2, ban_s=120))
    assert limits.admit(0, ME, 1) is None
    assert limits.admit(1, ME, 1) == LimitRejection(Block.LIMITED, 10)
    assert limits.admit(2, ME, 1) == LimitRejection(Block.LIMITED, 10)
    assert limits.admit(3, ME, 1) == LimitRejection(Block.BANNED, 120)
    assert limits.admit(60_000, ME, 1) == LimitRejection(Block.BANNED, 61)
    assert limits.admit(60_000, "10.0.0.2", 1) is None
    assert limits.admit(120_003, ME, 1) is None


def test_firewall_blocks_above_its_rate_and_recovers() -> None:
    limits = PracticeLimits(Knobs(firewall_per_s=5, firewall_s=60))
    assert [limits.admit(i, ME, 0) for i in range(5)] == [None] * 5
    assert limits.admit(5, ME, 0) == LimitRejection(Block.FIREWALL)
    assert limits.admit(60_000, ME, 0) == LimitRejection(Block.FIREWALL)
    assert limits.admit(60_005, ME, 0) is None
