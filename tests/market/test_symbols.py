"""Pairs of the exchange: changes of a reading, in slices, and readings that need confirmation."""

from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.market.knowledge import Knowledge
from mexc_tui.market.symbols import diff, diff_in_slices
from mexc_tui.model.listing import ListingSource, ListingStage
from mexc_tui.model.symbol import Symbol, SymbolStatus
from tests.support.samples.listing_sources import OLD_PAIRS, before, calendar, entry, knowledge_of_pairs, pair

NAMES = st.sampled_from([f"C{number}" for number in range(12)])
PAIRS = st.dictionaries(NAMES, st.booleans()).map(
    lambda drawn: {f"{name}USDT": pair(name, api=api) for name, api in drawn.items()}
)


@given(PAIRS, PAIRS, st.integers(1, 5))
def test_the_changes_lead_from_one_reading_to_the_next(
    old: dict[str, Symbol], new: dict[str, Symbol], size: int
) -> None:
    state = dict(old)
    for part in diff_in_slices(old, list(new.values()), size):
        assert len(part) <= max(size, len(old))
        for change in part:
            assert state.get(change.symbol) == change.before
            if change.after is None:
                del state[change.symbol]
            else:
                state[change.symbol] = change.after
    assert state == new


def test_an_unchanged_reading_changes_nothing() -> None:
    assert diff({symbol.symbol: symbol for symbol in OLD_PAIRS}, OLD_PAIRS) == ()


def test_pairs_that_have_always_traded_are_no_listings() -> None:
    known = knowledge_of_pairs(pairs=tuple(pair(f"C{number}", opens_ms=None) for number in range(2_000)))
    assert len(known.listings) == 0
    assert len(known.pairs) == 2_000


def test_a_new_pair_is_a_listing_even_without_announcement() -> None:
    known = knowledge_of_pairs()
    (update,) = known.read_pairs((*OLD_PAIRS, pair(opens_ms=None)), before(60))
    assert (update.after.symbol, update.after.stage, update.after.opens_ms) == (
        "NEWUSDT",
        ListingStage.API_ENABLED,
        None,
    )


def test_pairs_new_since_the_last_run_are_found_after_a_restart() -> None:
    restarted = Knowledge((), OLD_PAIRS)
    assert [item.after.symbol for item in restarted.read_pairs((*OLD_PAIRS, pair()), before(60))] == [
        "NEWUSDT"
    ]


def test_an_old_pair_that_returns_is_no_new_listing() -> None:
    known = knowledge_of_pairs()
    known.read_pairs(OLD_PAIRS[:1], before(700))
    assert known.read_pairs(OLD_PAIRS, before(600)) == ()


def test_half_a_response_is_ignored_until_it_is_confirmed() -> None:
    entries = [entry(f"C{number}", coin_id=f"coin-{number}") for number in range(10)]
    known = knowledge_of_pairs()
    known.read_calendar(calendar(*entries), before(7_200))
    assert known.read_calendar(calendar(*entries[:2]), before(7_100)) == ()
    assert known.doubts[ListingSource.CALENDAR].startswith("calendar lost 8 of 10")
    gone = known.read_calendar(calendar(*entries[:2]), before(7_000))
    assert {update.after.stage for update in gone} == {ListingStage.CANCELLED}
    assert known.doubts == {}


def test_half_an_exchange_is_ignored_until_it_is_confirmed() -> None:
    everything = tuple(pair(f"C{number}", opens_ms=None) for number in range(20))
    known = knowledge_of_pairs(pairs=everything)
    known.read_pairs(everything[:5], before(700))
    assert len(known.pairs) == 20
    known.read_pairs(everything[:5], before(600))
    assert len(known.pairs) == 5


def test_a_mass_disappearance_of_names_is_ignored() -> None:
    known = knowledge_of_pairs(pairs=(*OLD_PAIRS, pair()))
    names = [f"C{number}USDT" for number in range(10)] + ["NEWUSDT"]
    known.read_calendar(calendar(entry()), before(7_200))
    known.read_names(ListingSource.DEFAULT_SYMBOLS, names, before(7_100))
    known.read_names(ListingSource.DEFAULT_SYMBOLS, names, before(7_050))
    assert known.read_names(ListingSource.DEFAULT_SYMBOLS, [], before(7_000)) == ()
    assert ListingSource.DEFAULT_SYMBOLS in known.doubts


def test_an_interrupted_reading_leaves_its_changes_to_the_next_one() -> None:
    known = knowledge_of_pairs()
    parts = known.read_pairs_in_slices((*OLD_PAIRS, pair("ONE"), pair("TWO")), before(60), size=3)
    assert [update.after.symbol for update in next(parts)] == ["ONEUSDT"]
    del parts
    later = known.read_pairs((*OLD_PAIRS, pair("ONE"), pair("TWO", status=SymbolStatus.PAUSED)), before(50))
    assert [update.after.symbol for update in later] == ["TWOUSDT"]
