"""A viewer that applies all changes has the rows of the engine, after any interruption."""

from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.desk import views
from mexc_tui.desk.api_types import ViewKind
from mexc_tui.desk.mirror import Mirror
from mexc_tui.desk.views import View
from mexc_tui.desk.wire import Changes, encode, from_engine


class Quote(msgspec.Struct, frozen=True):
    price: int
    note: str = ""


QUOTES = ViewKind("quotes", Quote)
KEYS = st.sampled_from(["AUSDT", "BUSDT", "CUSDT", "DUSDT", "EUSDT"])
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, st.integers(0, 3)),
    st.tuples(st.just("drop"), KEYS, st.just(0)),
    st.tuples(st.sampled_from(["tell", "lose", "reconnect", "restart"]), st.just(""), st.just(0)),
)


@dataclass
class Pair:
    """A view, its mirror, and a connection that can lose messages."""

    view: View[Quote]
    mirror: Mirror[Quote]
    engine: str = "1"

    def __post_init__(self) -> None:
        self.connect()

    def connect(self, *, restart: bool = False) -> None:
        asked = self.mirror.subscription(self.engine, restart=restart)
        self.cursor = self.view.resume(asked.after)

    def tell(self) -> None:
        if self.view.has_changes(self.cursor):
            changes = from_engine(encode(self.view.page(self.cursor)))
            assert isinstance(changes, Changes)
            if not self.mirror.apply(changes):
                self.connect(restart=True)

    def tell_all(self) -> None:
        while self.view.has_changes(self.cursor):
            self.tell()


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.setattr(views, "PAGE_BYTES", 40)
    monkeypatch.setattr(views, "MAX_REMOVED", 2)


@given(st.lists(STEPS, max_size=60))
def test_I13_a_mirror_equals_the_engine_after_any_changes_losses_and_restarts(
    steps: list[tuple[str, str, int]],
) -> None:
    pair = Pair(View(QUOTES), Mirror(QUOTES))
    history = {("1", 0): dict[str, Quote]()}
    for what, key, price in steps:
        if what == "put":
            pair.view.put(key, Quote(price))
        elif what == "drop":
            pair.view.drop(key)
        elif what == "tell":
            pair.tell()
        elif what == "lose" and pair.view.has_changes(pair.cursor):
            pair.view.page(pair.cursor)
        elif what == "reconnect":
            pair.connect()
        elif what == "restart":
            pair = Pair(View(QUOTES), pair.mirror, pair.engine + "1")
        history[pair.engine, pair.view.version] = dict(pair.view.rows)
        if pair.mirror.version and pair.mirror.is_complete:
            assert dict(pair.mirror.rows) == history[pair.mirror.engine, pair.mirror.version]
    pair.view.put("LAST", Quote(9))  # a loss is noticed with the next change
    pair.tell_all()
    assert dict(pair.mirror.rows) == dict(pair.view.rows)
    assert pair.mirror.version == pair.view.version


def test_a_lost_first_page_of_a_new_engine_leaves_no_row_of_the_old_one() -> None:
    pair = Pair(View(QUOTES), Mirror(QUOTES))
    pair.view.put("AUSDT", Quote(1))
    pair.tell_all()
    pair = Pair(View(QUOTES), pair.mirror, "2")
    pair.view.page(pair.cursor)
    pair.view.put("BUSDT", Quote(2))
    pair.tell_all()
    assert dict(pair.mirror.rows) == {"BUSDT": Quote(2)}


def test_a_row_that_changed_often_is_sent_once() -> None:
    pair = Pair(View(QUOTES), Mirror(QUOTES))
    for price in range(1_000):
        pair.view.put("AUSDT", Quote(price))
    told = pair.view.page(pair.cursor)
    assert list(told.rows) == ["AUSDT"]
    assert not told.more
    assert not pair.view.has_changes(pair.cursor)


def test_an_equal_row_is_no_change() -> None:
    view = View(QUOTES)
    view.put("AUSDT", Quote(1))
    view.put("AUSDT", Quote(1))
    view.drop("BUSDT")
    assert view.version == 1


def test_mirror_listeners_receive_only_the_changed_keys() -> None:
    pair = Pair(View(QUOTES), Mirror(QUOTES))
    heard: list[frozenset[str]] = []
    pair.mirror.on_change(heard.append)
    pair.view.put("AUSDT", Quote(1))
    pair.tell_all()
    pair.view.put("BUSDT", Quote(1))
    pair.view.drop("AUSDT")
    pair.tell_all()
    pair.connect(restart=True)
    pair.tell_all()
    assert heard == [frozenset({"AUSDT"}), frozenset({"AUSDT", "BUSDT"})]


def test_a_row_too_large_to_send_is_rejected() -> None:
    with pytest.raises(ValueError, match="a row of"):
        View(QUOTES).put("AUSDT", Quote(1, "x" * views.ROW_BYTES))


def test_removed_keys_are_eventually_forgotten() -> None:
    view = View(QUOTES)
    cursor = view.resume(0)
    view.page(cursor)
    for number in range(1_000):
        view.put(str(number), Quote(number))
        view.drop(str(number))
    assert view.page(cursor).reset
    assert not view.rows
