"""The order book by versions (protocol 8.2)."""

from dataclasses import dataclass, field
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mexc_tui.market.book import Applied, BookLimits, BookState, OrderBook, Top
from mexc_tui.model.market_data import DepthSnapshot
from mexc_tui.model.stream import BadStreamMessage

S = 1_000_000_000
Levels = list[tuple[str, str]]


@dataclass(frozen=True)
class TextLevel:
    price: str
    quantity: str


@dataclass(frozen=True)
class Delta:
    from_version: str
    to_version: str
    asks: list[TextLevel] = field(default_factory=list[TextLevel])
    bids: list[TextLevel] = field(default_factory=list[TextLevel])


def delta(first: int, last: int, asks: Levels | None = None, bids: Levels | None = None) -> Delta:
    return Delta(
        str(first),
        str(last),
        [TextLevel(*pair) for pair in asks or []],
        [TextLevel(*pair) for pair in bids or []],
    )


def snapshot(version: int, asks: Levels | None = None, bids: Levels | None = None) -> DepthSnapshot:
    asks = [("2.51", "5"), ("2.52", "6")] if asks is None else asks
    bids = [("2.49", "5"), ("2.48", "6")] if bids is None else bids
    return DepthSnapshot(last_update_id=version, asks=tuple(asks), bids=tuple(bids))


def loaded(version: int = 100, limits: BookLimits | None = None) -> OrderBook:
    book = OrderBook("MXUSDT", limits)
    book.load(snapshot(version), 0)
    return book


def test_a_new_book_is_resyncing_and_quotes_no_price() -> None:
    book = OrderBook("MXUSDT")
    assert book.state(0) is BookState.CATCHING_UP
    assert (book.best_bid, book.best_ask, book.top(0), book.asks(), book.bids()) == (None, None, None, [], [])
    assert book.needs_snapshot


def test_a_snapshot_makes_a_book_valid_and_deltas_update_it() -> None:
    book = loaded()
    assert book.apply(delta(101, 103, [("2.51", "0"), ("2.515", "3")], [("2.50", "1")]), 1) is Applied.APPLIED
    assert book.top(1) == Top((2.5, 1.0), (2.515, 3.0))
    assert book.asks() == [(2.515, 3.0), (2.52, 6.0)]
    assert book.bids(2) == [(2.5, 1.0), (2.49, 5.0)]
    assert book.version == 103


def test_padded_and_trimmed_prices_are_the_same_level() -> None:
    book = loaded()
    book.apply(delta(101, 101, [("2.5100", "9")]), 1)
    assert book.asks()[0] == (2.51, 9.0)
    book.apply(delta(102, 102, [("2.51", "0.00")]), 1)
    assert book.asks()[0] == (2.52, 6.0)


def test_messages_before_the_snapshot_are_buffered_and_may_span_its_version() -> None:
    book = OrderBook("MXUSDT")
    assert book.apply(delta(95, 97, [("2.6", "1")]), 0) is Applied.BUFFERED
    assert book.apply(delta(98, 103, [("2.7", "1")]), 0) is Applied.BUFFERED
    assert book.load(snapshot(100), 0)
    assert (book.version, book.buffered) == (103, 0)
    assert (2.7, 1.0) in book.asks()
    assert (2.6, 1.0) not in book.asks()


def test_a_snapshot_older_than_the_buffer_is_not_used() -> None:
    book = OrderBook("MXUSDT")
    book.apply(delta(105, 106), 0)
    assert not book.load(snapshot(100), 0)
    assert book.state(0) is BookState.CATCHING_UP
    assert book.load(snapshot(104), 0)


def test_a_snapshot_just_before_the_buffer_fits() -> None:
    book = OrderBook("MXUSDT")
    book.apply(delta(101, 102), 0)
    assert book.load(snapshot(100), 0)


def test_M5_a_gap_stops_pricing_until_a_snapshot() -> None:
    book = loaded()
    assert book.apply(delta(102, 103, [("2.505", "1")]), 1) is Applied.BUFFERED
    assert book.state(1) is BookState.CATCHING_UP
    assert book.top(1) is None
    assert book.counts.gaps == 1
    assert book.load(snapshot(102), 2)
    assert book.best_ask == 2.505


def test_M5_the_late_message_itself_closes_the_gap() -> None:
    book = loaded()
    book.apply(delta(102, 103, [("2.505", "1")]), 1)
    assert book.apply(delta(101, 101, [("2.505", "8")]), 2) is Applied.APPLIED
    assert book.state(2) is BookState.VALID
    assert book.asks()[0] == (2.505, 1.0)


def test_M5_a_snapshot_older_than_the_book_does_not_close_a_gap() -> None:
    book = loaded()
    book.apply(delta(102, 103), 1)
    assert not book.load(snapshot(99), 1)
    assert book.version == 100


def test_M6_known_versions_are_ignored() -> None:
    book = loaded()
    assert book.apply(delta(99, 100, [("2.50001", "1")]), 1) is Applied.OLD
    assert book.best_ask == 2.51


def test_M6_an_overlapping_range_is_applied() -> None:
    book = loaded()
    assert book.apply(delta(98, 102, [("2.505", "1")]), 1) is Applied.APPLIED
    assert book.version == 102


def market(rng: Random, count: int) -> list[Delta]:
    """Return contiguous messages that never cross the book."""
    deltas: list[Delta] = []
    version = 100
    for _ in range(count):
        last = version + rng.randint(1, 4)
        asks = [
            (f"{2.51 + rng.randint(0, 30) / 100:.2f}", str(rng.randint(0, 3)))
            for _ in range(rng.randint(0, 4))
        ]
        bids = [
            (f"{2.49 - rng.randint(0, 30) / 100:.2f}", str(rng.randint(0, 3)))
            for _ in range(rng.randint(0, 4))
        ]
        deltas.append(delta(version + 1, last, asks, bids))
        version = last
    return deltas


def in_order(deltas: list[Delta]) -> OrderBook:
    book = loaded()
    for message in deltas:
        book.apply(message, 0)
    return book


@given(st.integers(0, 2**32), st.integers(1, 30), st.data())
@settings(max_examples=300)
def test_M6_any_order_with_duplicates_gives_the_same_book(seed: int, count: int, data: st.DataObject) -> None:
    deltas = market(Random(seed), count)
    repeated = deltas + [
        deltas[index] for index in data.draw(st.lists(st.integers(0, count - 1), max_size=20))
    ]
    shuffled = data.draw(st.permutations(repeated))
    snapshot_at = data.draw(st.integers(0, len(shuffled)))
    book = OrderBook("MXUSDT")
    for place, message in enumerate(shuffled):
        if place == snapshot_at:
            book.load(snapshot(100), 0)
        book.apply(message, 0)
    if snapshot_at == len(shuffled):
        book.load(snapshot(100), 0)
    expected = in_order(deltas)
    assert book.state(0) is BookState.VALID
    assert (book.asks(), book.bids(), book.version) == (expected.asks(), expected.bids(), expected.version)
    assert (book.best_ask, book.best_bid) == (expected.best_ask, expected.best_bid)


@given(st.integers(0, 2**32), st.integers(2, 25), st.data())
@settings(max_examples=200)
def test_M5_dropped_messages_are_detected_and_repaired_by_a_snapshot(
    seed: int, count: int, data: st.DataObject
) -> None:
    deltas = market(Random(seed), count)
    lost = data.draw(st.sets(st.integers(0, count - 2), min_size=1))
    book = loaded()
    for place, message in enumerate(deltas):
        if place not in lost:
            book.apply(message, 0)
    assert book.state(0) is BookState.CATCHING_UP
    truth = in_order(deltas[: max(lost) + 1])
    mended = snapshot(truth.version, _texts(truth.asks()), _texts(truth.bids()))
    assert book.load(mended, 0)
    expected = in_order(deltas)
    assert (book.asks(), book.bids(), book.version) == (expected.asks(), expected.bids(), expected.version)


def _texts(levels: list[tuple[float, float]]) -> Levels:
    return [(str(price), str(quantity)) for price, quantity in levels]


@given(st.integers(0, 2**32), st.integers(1, 60))
@settings(max_examples=200)
def test_best_prices_equal_those_of_a_plain_search(seed: int, count: int) -> None:
    book = loaded()
    for message in market(Random(seed), count):
        book.apply(message, 0)
        asks, bids = book.asks(), book.bids()
        assert book.best_ask == min((price for price, _ in asks), default=None)
        assert book.best_bid == max((price for price, _ in bids), default=None)
        assert book.asks(1) == asks[:1]
        assert book.bids(3) == bids[:3]


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "1e30", "", "x", "1_0", " 2", "٢", "1e-40"])
def test_M7_an_absurd_price_is_rejected_and_the_book_waits_for_a_snapshot(text: str) -> None:
    book = loaded()
    with pytest.raises(BadStreamMessage):
        book.apply(delta(101, 101, [("2.6", "1"), (text, "1")]), 1)
    assert book.counts.rejected == 1
    assert book.state(1) is BookState.CATCHING_UP
    assert book.load(snapshot(101), 2)
    assert book.asks() == [(2.51, 5.0), (2.52, 6.0)]


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "1e30", "", "x"])
def test_M7_an_absurd_quantity_is_rejected(text: str) -> None:
    for book in (loaded(), OrderBook("MXUSDT")):
        with pytest.raises(BadStreamMessage):
            book.apply(delta(101, 101, [], [("2.4", text)]), 1)
        assert book.buffered == 0


@pytest.mark.parametrize(
    ("first", "last"), [("", "1"), ("x", "y"), ("5", "4"), ("0", "0"), ("-1", "3"), ("101", "9" * 17)]
)
def test_M7_versions_that_form_no_range_are_rejected(first: str, last: str) -> None:
    book = loaded()
    with pytest.raises(BadStreamMessage):
        book.apply(Delta(first, last), 1)
    assert book.version == 100


def test_M7_a_crossing_message_is_rejected_and_never_quoted() -> None:
    book = loaded()
    with pytest.raises(BadStreamMessage, match="above"):
        book.apply(delta(101, 101, [("2.40", "1")]), 1)
    assert book.top(1) is None
    assert book.needs_snapshot


def test_a_locked_book_is_quoted() -> None:
    book = OrderBook("MXUSDT")
    assert book.load(snapshot(100, [("2.5", "1")], [("2.5", "2")]), 0)
    assert book.top(0) == Top((2.5, 2.0), (2.5, 1.0))
    book = loaded()
    assert book.best_bid is not None
    book.apply(delta(101, 101, [(str(book.best_bid), "1")]), 1)
    assert book.state(1) is BookState.VALID
    assert book.best_bid == book.best_ask


def test_M7_a_crossed_or_absurd_snapshot_is_rejected() -> None:
    book = OrderBook("MXUSDT")
    for asks in ([("2.48", "1")], [("-1", "1")], [("nan", "1")], [("2.6", "inf")]):
        with pytest.raises(BadStreamMessage):
            book.load(snapshot(100, asks), 0)
    assert book.state(0) is BookState.STALE  # three within a minute


def test_M7_three_rejections_within_a_minute_make_the_book_stale_until_a_snapshot() -> None:
    book = loaded()
    for second in (1, 20, 40):
        with pytest.raises(BadStreamMessage):
            book.apply(Delta("x", "y"), second * S)
    assert book.state(40 * S) is BookState.STALE
    assert book.load(snapshot(100), 41 * S)
    assert book.state(41 * S) is BookState.VALID


def test_M7_three_rejections_over_a_longer_time_leave_the_book_valid() -> None:
    book = loaded(limits=BookLimits(stale_after_s=1e6))
    for second in (1, 40, 70):
        with pytest.raises(BadStreamMessage):
            book.apply(Delta("x", "y"), second * S)
    assert book.state(70 * S) is not BookState.STALE


@pytest.mark.parametrize(
    "versions",
    [
        *[("101", text) for text in ("", " 101", "1e2", "\uff11\uff10\uff11", "9" * 19)],
        *[(text, "101") for text in ("", "1_01", "+101", "101.0")],
    ],
)
def test_a_message_without_a_readable_version_invalidates_the_book_at_once(versions: tuple[str, str]) -> None:
    book = loaded()
    with pytest.raises(BadStreamMessage):
        book.apply(Delta(*versions), S)
    assert book.state(S) is BookState.CATCHING_UP
    assert book.needs_snapshot
    assert (book.best_bid, book.best_ask) == (None, None)
    assert book.load(snapshot(101), 2 * S)
    assert book.state(2 * S) is BookState.VALID


NUMBERS = ["1", "1.", "1.5", "0001.50", "1E+3", "1e3", "1E-2", "0.00000001", ".5"]
NO_NUMBERS = ["", " 1", "1 ", "1_0", "+1", "-1", "\uff11", ".", "1.2.3", "NaN", "inf", "0x1", "1E400"]


@pytest.mark.parametrize("text", NUMBERS)
def test_streams_and_snapshots_accept_the_same_numbers(text: str) -> None:
    bids = [("0.0000001", text)]
    body = {"lastUpdateId": 100, "bids": bids, "asks": []}
    whole, changed = OrderBook("NEWUSDT"), OrderBook("NEWUSDT")
    assert whole.load(msgspec.json.decode(msgspec.json.encode(body), type=DepthSnapshot), 0)
    changed.load(snapshot(0, [], []), 0)
    changed.apply(delta(1, 1, bids=bids), 0)
    assert whole.bids() == changed.bids() == [(0.0000001, float(text))]


@pytest.mark.parametrize("text", NO_NUMBERS)
@pytest.mark.parametrize("is_price", [True, False])
def test_streams_and_snapshots_reject_the_same_texts(text: str, *, is_price: bool) -> None:
    bids = [(text, "1") if is_price else ("1", text)]
    book = OrderBook("NEWUSDT")
    body = {"lastUpdateId": 100, "bids": bids, "asks": []}
    with pytest.raises((BadStreamMessage, msgspec.ValidationError)):
        book.load(msgspec.json.decode(msgspec.json.encode(body), type=DepthSnapshot), 0)
    book.load(snapshot(0, [], []), 0)
    with pytest.raises(BadStreamMessage):
        book.apply(delta(1, 1, bids=bids), 0)


def test_an_empty_side_has_no_best_price_and_is_no_error() -> None:
    book = OrderBook("NEWUSDT")
    assert book.load(snapshot(0, [], []), 0)
    assert book.top(0) == Top(None, None)
    book.apply(delta(1, 1, [("0.5", "1")]), 0)
    assert book.top(0) == Top(None, (0.5, 1.0))


def test_M2_silence_makes_the_book_stale_and_the_next_message_valid_again() -> None:
    book = loaded(limits=BookLimits(stale_after_s=3))
    assert book.state(3 * S) is BookState.VALID
    assert book.state(3 * S + 1) is BookState.STALE
    assert book.top(3 * S + 1) is None
    book.apply(delta(101, 101), 4 * S)
    assert book.state(4 * S) is BookState.VALID


def test_M6_messages_with_old_versions_do_not_refresh_the_book() -> None:
    book = loaded(limits=BookLimits(stale_after_s=3))
    book.apply(delta(99, 100), 2 * S)
    assert book.state(4 * S) is BookState.STALE


def test_the_buffer_is_bounded_and_drops_the_oldest() -> None:
    book = OrderBook("MXUSDT", BookLimits(max_buffered=10))
    for version in range(101, 151):
        book.apply(delta(version, version), 0)
    assert (book.buffered, book.counts.overflowed) == (10, 40)
    assert not book.load(snapshot(100), 0)
    assert book.load(snapshot(140), 0)


def test_far_levels_are_pruned_and_near_ones_kept() -> None:
    book = loaded(limits=BookLimits(keep_levels=10))
    for number in range(40):
        book.apply(delta(101 + number, 101 + number, [(f"{3 + number / 100:.2f}", "1")]), 0)
    assert len(book.asks()) <= 20
    assert book.asks(2) == [(2.51, 5.0), (2.52, 6.0)]


def test_a_reset_empties_the_book() -> None:
    book = loaded()
    book.apply(delta(105, 106), 0)
    book.reset()
    assert (book.version, book.buffered, book.needs_snapshot) == (0, 0, True)
    assert book.load(snapshot(50), 0)
