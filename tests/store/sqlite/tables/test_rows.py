"""Rows are read back unchanged and found by their keys."""

from collections.abc import Iterator
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model.event import SettingChanged
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.severity import Severity
from mexc_tui.model.signal import ClaimKind, DetectorName, SignalEnd
from mexc_tui.model.storage import CaseTally, StoredAlert
from mexc_tui.model.symbol import SymbolStatus
from mexc_tui.store.sqlite.tables.cache_rows import StoredCacheRow
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction
from tests.support.samples.listing_samples import (
    change,
    detection_pass,
    ended,
    key,
    listing,
    outcome,
    pair,
    signal,
)
from tests.support.store_parts import alert, in_memory

READY = DetectorName.READY_STATE


@pytest.fixture
def stored() -> Iterator[ReadTransaction]:
    connection, reading = in_memory()
    yield reading
    connection.close()


def test_pairs_are_stored_as_last_read(stored: ReadTransaction) -> None:
    stored.pairs.save([pair("BUSDT"), pair("AUSDT"), pair("CUSDT")], [], 1)
    stored.pairs.save([pair("AUSDT", status=SymbolStatus.PAUSED)], ["BUSDT", "NEVERUSDT"], 2)
    assert stored.pairs.all() == [pair("AUSDT", status=SymbolStatus.PAUSED), pair("CUSDT")]


def test_a_listing_is_read_back_with_its_history(stored: ReadTransaction) -> None:
    saved = listing(observed=3)
    stored.listings.save(saved, ListingStage.SCHEDULED)
    assert stored.listings.get(saved.id) == saved
    assert stored.listings.get("other") is None


def test_saving_a_listing_again_writes_only_its_new_history() -> None:
    connection, stored = in_memory()
    stored.listings.save(listing(observed=40), ListingStage.SCHEDULED)
    before = connection.total_changes
    stored.listings.save(listing(observed=41), ListingStage.SCHEDULED)
    assert connection.total_changes - before <= 4
    assert stored.listings.get("NEWUSDT-1000") == listing(observed=41)
    connection.close()


@given(st.lists(st.lists(st.integers(0, 3), max_size=5), min_size=1, max_size=6))
def test_a_rewritten_history_replaces_the_old_one(versions: list[list[int]]) -> None:
    connection, stored = in_memory()
    for numbers in versions:
        saved = msgspec.structs.replace(
            listing(), changes=tuple(change(1, str(number)) for number in numbers)
        )
        stored.listings.save(saved, ListingStage.SCHEDULED)
        assert stored.listings.get(saved.id) == saved
    connection.close()


def test_a_listing_is_found_by_every_name_it_ever_had(stored: ReadTransaction) -> None:
    before = listing("OLDUSDT")
    after = msgspec.structs.replace(before, symbol="NEWUSDT", names=("OLDUSDT", "NEWUSDT"))
    stored.listings.save(before, ListingStage.SCHEDULED)
    stored.listings.save(after, ListingStage.SCHEDULED)
    later = listing("NEWUSDT", 2_000)
    stored.listings.save(later, ListingStage.SCHEDULED)
    assert stored.listings.named("OLDUSDT") == [after]
    assert stored.listings.named("NEWUSDT") == [later, after]


def test_a_listing_merged_into_another_is_removed_with_its_history(stored: ReadTransaction) -> None:
    first, twin = listing("AUSDT", 1_000), listing("BUSDT", 2_000)
    stored.listings.save(first, ListingStage.SCHEDULED)
    stored.listings.save(twin, ListingStage.SCHEDULED)
    stored.listings.save(first, ListingStage.SCHEDULED, absorbed=[twin])
    assert stored.listings.latest() == [first]
    assert stored.listings.named("BUSDT") == []


def test_a_restart_loads_unfinished_listings_and_keeps_finished_ones(stored: ReadTransaction) -> None:
    stages = {
        "A": ListingStage.SCHEDULED,
        "B": ListingStage.OPEN,
        "C": ListingStage.MATURED,
        "D": ListingStage.CANCELLED,
        "E": ListingStage.NEVER_API,
    }
    for place, (name, stage) in enumerate(stages.items()):
        stored.listings.save(listing(f"{name}USDT", opens_ms=100 - place), stage)
    assert [found.symbol for found in stored.listings.unfinished()] == ["BUSDT", "AUSDT"]
    assert len(stored.listings.latest()) == 5


def test_a_signal_is_active_until_it_ends(stored: ReadTransaction) -> None:
    stored.signals.add(signal())
    assert stored.signals.active() == [signal()]
    assert stored.signals.end(ended())
    assert stored.signals.active() == []
    assert not stored.signals.end(ended())
    assert stored.signals.of_symbol("NEWUSDT") == [signal()]


def test_each_key_has_one_active_state(stored: ReadTransaction) -> None:
    stored.signals.add(signal(at_ms=1, state="far"))
    stored.signals.add(signal(at_ms=2, state="near"))
    stored.signals.add(signal(key(topic="other"), at_ms=3))
    assert [(found.key.topic, found.state) for found in stored.signals.active()] == [
        ("opening", "near"),
        ("other", "ready"),
    ]
    assert not stored.signals.end(ended(state="far"))
    assert len(stored.signals.active()) == 2


def test_an_active_signal_moves_with_its_listing_into_the_merged_one(stored: ReadTransaction) -> None:
    stored.signals.add(signal())
    joined = SignalEnd(key=key(), state="ready", at_ms=6_000, reason="joined", into="OLDUSDT-1")
    assert stored.signals.end(joined)
    assert [found.key for found in stored.signals.active()] == [key("OLDUSDT-1")]
    assert stored.signals.of_listing("NEWUSDT-1000") == []
    assert len(stored.signals.latest()) == 1
    assert not stored.signals.end(joined)


def test_a_signal_ends_where_the_merged_listing_has_its_own(stored: ReadTransaction) -> None:
    stored.signals.add(signal())
    stored.signals.add(signal(key("OLDUSDT-1"), state="other"))
    assert stored.signals.end(
        SignalEnd(key=key(), state="ready", at_ms=6_000, reason="joined", into="OLDUSDT-1")
    )
    assert [(row.key.subject, row.state) for row in stored.signals.active()] == [("OLDUSDT-1", "other")]


def test_signals_are_read_newest_first(stored: ReadTransaction) -> None:
    for place in range(4):
        subject = f"{'AB'[place % 2]}USDT-1000"
        stored.signals.add(signal(key(subject, f"topic {place}"), at_ms=place, symbol=subject.split("-")[0]))
    found = stored.signals
    assert [row.at_ms for row in found.of_symbol("AUSDT")] == [2, 0]
    assert [row.at_ms for row in found.of_listing("BUSDT-1000", limit=1)] == [3]
    assert [row.at_ms for row in found.of_detector(DetectorName.READY_STATE, 1, limit=3)] == [3, 2, 1]
    assert found.of_detector(DetectorName.READY_STATE, 2) == []
    assert [row.at_ms for row in found.latest(before_ms=3)] == [2, 1, 0]


def test_labelled_signals_are_those_of_the_most_recently_labelled_listings(stored: ReadTransaction) -> None:
    for place in range(3):
        stored.signals.add(signal(key(f"N{place}USDT-1000"), at_ms=place))
        stored.signals.add(signal(key(f"N{place}USDT-1000", "later"), at_ms=10 + place))
    stored.outcomes.save(outcome("N0USDT-1000", at_ms=1))
    stored.outcomes.save(outcome("N2USDT-1000", at_ms=2))
    stored.outcomes.save(outcome("N2USDT-1000", at_ms=2, version="2"))
    stored.outcomes.save(outcome("NEVERSIGNALLED-1000", at_ms=3))
    found = stored.signals.labelled("1")
    assert sorted(row.at_ms for row in found) == [0, 2, 10, 12]
    assert sorted(row.at_ms for row in stored.signals.labelled("1", listings=2)) == [2, 12]


def test_outcomes_of_different_label_versions_are_not_mixed(stored: ReadTransaction) -> None:
    stored.outcomes.save(outcome(at_ms=1, version="1"))
    stored.outcomes.save(outcome(at_ms=2, version="2"))
    stored.outcomes.save(outcome("OTHERUSDT-1", at_ms=3, version="1"))
    assert [found.labelled_ms for found in stored.outcomes.latest("1")] == [3, 1]
    assert [found.labelled_ms for found in stored.outcomes.latest("1", before_ms=3)] == [1]
    assert stored.outcomes.of("NEWUSDT-1000", "2") == outcome(at_ms=2, version="2")
    assert stored.outcomes.of("NEWUSDT-1000", "3") is None


def test_a_listing_is_labelled_once_per_version(stored: ReadTransaction) -> None:
    stored.outcomes.save(outcome(at_ms=1))
    stored.outcomes.save(outcome(at_ms=2))
    assert stored.outcomes.latest("1") == [outcome(at_ms=2)]


def test_verdicts_are_counted_once_per_listing_and_case(stored: ReadTransaction) -> None:
    found = stored.verdicts("1")
    for listing_id, hit in (("A-1", True), ("B-1", False), ("A-1", False)):
        found.add(DetectorName.READY_STATE, 1, "2/2/4", listing_id=listing_id, hit=hit)
    found.add(DetectorName.READY_STATE, 2, "2/2/4", listing_id="A-1", hit=True)
    found.add_base(ClaimKind.PROFITS, "A-1", hit=True)
    found.add_base(ClaimKind.PROFITS, "B-1", hit=False)
    assert found.tally(DetectorName.READY_STATE, 1, "2/2/4") == CaseTally(
        detector=READY, version=1, stratum="2/2/4", n=2, hits=1
    )
    assert found.tally(DetectorName.OPENING, 1, "x") == CaseTally(
        detector=DetectorName.OPENING, version=1, stratum="x", n=0, hits=0
    )
    assert [(tally.version, tally.n, tally.hits) for tally in found.tallies()] == [(1, 2, 1), (2, 1, 1)]
    assert found.base() == {ClaimKind.PROFITS: (2, 1)}
    other = stored.verdicts("2")
    assert (other.tallies(), other.base()) == ([], {})


cases = st.tuples(
    st.integers(1, 2), st.sampled_from(["a", "b"]), st.sampled_from(["X", "Y", "Z"]), st.booleans()
)


@given(st.lists(cases | st.sampled_from(["X", "Y", "Z"]), max_size=30))
def test_tallies_equal_the_counted_verdicts(steps: list[tuple[int, str, str, bool] | str]) -> None:
    connection, stored = in_memory()
    found = stored.verdicts("1")
    expected: dict[tuple[int, str, str], bool] = {}
    for step in steps:
        if isinstance(step, str):
            found.forget(step)
            expected = {case: hit for case, hit in expected.items() if case[2] != step}
        else:
            version, stratum, listing_id, hit = step
            found.add(READY, version, stratum, listing_id=listing_id, hit=hit)
            expected.setdefault((version, stratum, listing_id), hit)
    for version, stratum in ((1, "a"), (1, "b"), (2, "a"), (2, "b")):
        hits = [hit for case, hit in expected.items() if case[:2] == (version, stratum)]
        counted = CaseTally(detector=READY, version=version, stratum=stratum, n=len(hits), hits=sum(hits))
        assert found.tally(READY, version, stratum) == counted
    connection.close()


def test_a_repeated_alert_is_counted_until_it_is_closed(stored: ReadTransaction) -> None:
    assert [stored.alerts.add(alert(1)), stored.alerts.add(alert(2, severity=Severity.ERROR))] == [
        True,
        False,
    ]
    again = StoredAlert(
        alert=alert(2, severity=Severity.ERROR), first_ms=1, last_ms=2, times=2, closed_ms=None
    )
    assert stored.alerts.open() == [again]
    assert stored.alerts.close("stale", "NEWUSDT", 5)
    assert not stored.alerts.close("stale", "NEWUSDT", 6)
    assert stored.alerts.add(alert(7))
    assert stored.alerts.latest() == [
        StoredAlert(alert=alert(7), first_ms=7, last_ms=7, times=1, closed_ms=None),
        replace(again, closed_ms=5),
    ]


def test_alerts_with_another_rule_or_subject_are_separate(stored: ReadTransaction) -> None:
    assert all(stored.alerts.add(row) for row in (alert(1), alert(2, rule="late"), alert(3, about="AUSDT")))
    assert len(stored.alerts.open()) == 3


def test_passes_are_stored(stored: ReadTransaction) -> None:
    for at_ms in (1, 2, 3):
        stored.passes.add(detection_pass(at_ms))
    assert stored.passes.latest(2) == [detection_pass(3), detection_pass(2)]


def test_changes_of_a_setting_are_stored(stored: ReadTransaction) -> None:
    changes = [
        SettingChanged(at_ms=at_ms, about="poll_s", old="30", new="5", needs_restart=False, origin="a flag")
        for at_ms in (1, 2)
    ]
    for row in changes:
        stored.settings.add(row)
    assert stored.settings.of("poll_s") == changes[::-1]
    assert stored.settings.of("other") == []


def test_cache_rows_are_replaced_dropped_and_expired(stored: ReadTransaction) -> None:
    for name, expires_ms in (("a:1", 10), ("a:2", 20), ("b:1", 20)):
        stored.cache.put(name, StoredCacheRow(1, 5, b"old"))
        stored.cache.put(name, StoredCacheRow(2, expires_ms, name.encode()))
    assert stored.cache.get("a:1") == StoredCacheRow(2, 10, b"a:1")
    assert stored.cache.forget_expired(10) == 1
    stored.cache.drop_all("a:")
    assert [stored.cache.get(name) for name in ("a:1", "a:2")] == [None, None]
    stored.cache.drop("b:1")
    assert stored.cache.get("b:1") is None


def test_d5_an_unreadable_signal_is_skipped_and_reported() -> None:
    connection, stored = in_memory()
    stored.signals.add(signal())
    connection.execute("UPDATE signals SET body = CAST('{\"state\": 5}' AS BLOB)")
    assert stored.signals.active() == []
    assert "A stored signal cannot be read" in stored.rows.damage.text
    connection.close()
