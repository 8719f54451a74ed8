"""Client order ids: this desk's, unknown and foreign ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.ledger.ids import MAX_LENGTH, ClientId, OrderOrigin, make_ids, order_origin, parse

LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


@given(
    st.text(LETTERS, min_size=4, max_size=4),
    st.integers(0, 4_000_000_000_000),
    st.integers(0, 36**8),
    st.integers(1, 20),
)
def test_generated_ids_are_parsable_and_within_the_length_limit(
    instance: str, boot_ms: int, counter: int, attempts: int
) -> None:
    ids = make_ids(instance, boot_ms, counter, attempts=attempts)
    assert len(set(ids)) == attempts
    assert parse(ids[-1]) == ClientId(desk_id=instance, boot_ms=boot_ms, counter=counter, attempt=attempts)
    assert all(len(one) <= MAX_LENGTH for one in ids)


@pytest.mark.parametrize("instance", ["ab", "ABCD", "ab-c", ""])
def test_an_instance_that_does_not_fit_is_refused(instance: str) -> None:
    with pytest.raises(ValueError, match="cannot create client order ids"):
        make_ids(instance, 1, 1, attempts=1)


def test_an_order_with_the_prefix_outside_the_ledger_is_unrecorded() -> None:
    (ours,) = make_ids("ab12", 1_800_000_000_000, 7, attempts=1)
    (other,) = make_ids("zz99", 1_800_000_000_000, 7, attempts=1)
    known = frozenset({ours})
    assert order_origin(ours, known) is OrderOrigin.OWN
    assert order_origin(other, known) is OrderOrigin.UNRECORDED
    assert order_origin("web-123", known) is OrderOrigin.FOREIGN
    assert order_origin("", known) is OrderOrigin.FOREIGN
    assert parse("web-123") is None
