"""Order book: price-time priority and conservation, for any orders."""

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.order import Side
from mexc_tui.practice.matching.book import Book, RestingOrder

Incoming = tuple[Side, int, int]
ORDERS = st.lists(
    st.tuples(st.sampled_from(list(Side)), st.integers(90, 110), st.integers(1, 20)), min_size=1, max_size=60
)


def ignore(_side: Side, _ticks: int, _before: int, _after: int) -> None:
    """Ignore the change."""


def lots_in(book: Book) -> int:
    return sum(book.bids.totals.values()) + sum(book.asks.totals.values())


@given(ORDERS)
def test_trades_have_price_time_priority(orders: list[Incoming]) -> None:
    book = Book(ignore)
    came: dict[int, int] = {}
    for number, (side, ticks, lots) in enumerate(orders):
        before = {
            price: [id(maker) for maker in level] for price, level in book.opposite(side).levels.items()
        }
        matches = book.take(side, ticks, lots)
        prices = [price for _, price, _ in matches]
        assert prices == sorted(prices, reverse=side is Side.SELL)
        assert all(price <= ticks if side is Side.BUY else price >= ticks for price in prices)
        for price in set(prices):
            hit = [id(maker) for maker, at, _ in matches if at == price]
            assert hit == before[price][: len(hit)]
            ages = [came[each] for each in hit]
            assert ages == sorted(ages)
        left = lots - sum(filled for _, _, filled in matches)
        if left:
            resting = RestingOrder(side=side, ticks=ticks, lots=left)
            came[id(resting)] = number
            book.rest(resting)


@given(ORDERS)
def test_quantities_are_conserved_and_the_book_never_crosses(orders: list[Incoming]) -> None:
    kept: list[RestingOrder] = []  # keeps ids unique, too
    book = Book(ignore)
    inside = 0
    for side, ticks, lots in orders:
        filled = sum(part for _, _, part in book.take(side, ticks, lots))
        if lots > filled:
            kept.append(RestingOrder(side=side, ticks=ticks, lots=lots - filled))
            book.rest(kept[-1])
        inside += lots - 2 * filled
        assert lots_in(book) == inside
        bid, ask = book.bids.best(), book.asks.best()
        assert bid is None or ask is None or bid < ask
        for ladder in (book.bids, book.asks):
            assert ladder.totals == {
                price: sum(each.lots for each in level) for price, level in ladder.levels.items()
            }


@given(ORDERS, st.sampled_from(list(Side)), st.integers(90, 110), st.integers(1, 200))
def test_fillable_is_the_quantity_that_match_fills(
    orders: list[Incoming], side: Side, ticks: int, lots: int
) -> None:
    book = Book(ignore)
    for each_side, each_ticks, each_lots in orders:
        filled = sum(part for _, _, part in book.take(each_side, each_ticks, each_lots))
        if each_lots > filled:
            book.rest(RestingOrder(side=each_side, ticks=each_ticks, lots=each_lots - filled))
    promised = book.fillable(side, ticks, lots)
    assert sum(part for _, _, part in book.take(side, ticks, lots)) == promised


@given(ORDERS, st.integers(1, 5_000))
def test_a_budget_is_never_overspent_and_spent_as_far_as_whole_lots_allow(
    orders: list[Incoming], budget: int
) -> None:
    book = Book(ignore)
    for _, ticks, lots in orders:
        book.rest(RestingOrder(side=Side.SELL, ticks=ticks, lots=lots))
    spent = sum(ticks * lots for _, ticks, lots in book.take(Side.BUY, None, None, budget=budget))
    assert spent <= budget
    best = book.asks.best()
    assert best is None or budget - spent < best


def test_each_change_of_a_level_is_reported_with_its_total_before_and_after() -> None:
    seen: list[tuple[Side, int, int, int]] = []

    def remember(side: Side, ticks: int, before: int, after: int) -> None:
        seen.append((side, ticks, before, after))

    book = Book(remember)
    first, second = (
        RestingOrder(side=Side.SELL, ticks=100, lots=5),
        RestingOrder(side=Side.SELL, ticks=100, lots=7),
    )
    book.rest(first)
    book.rest(second)
    book.take(Side.BUY, 100, 6)
    book.remove(second)
    assert seen == [
        (Side.SELL, 100, 0, 5),
        (Side.SELL, 100, 5, 12),
        (Side.SELL, 100, 12, 6),
        (Side.SELL, 100, 6, 0),
    ]
