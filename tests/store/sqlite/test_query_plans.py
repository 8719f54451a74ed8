"""No query scans a whole table, and the partial indexes are used, according to SQLite's query plans."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from mexc_tui.model.event import SettingChanged
from mexc_tui.model.listing import ListingStage
from mexc_tui.model.notification import ChannelName
from mexc_tui.model.signal import ClaimKind, DetectorName
from mexc_tui.store.sqlite.tables.cache_rows import StoredCacheRow
from mexc_tui.store.sqlite.tables.verdict_rows import VerdictRows
from mexc_tui.store.sqlite.unit_of_work import ReadTransaction
from tests.support.samples.listing_samples import detection_pass, ended, key, listing, outcome, pair, signal
from tests.support.samples.notification_samples import notification
from tests.support.store_parts import alert, in_memory

READY = DetectorName.READY_STATE
SETTING = SettingChanged(at_ms=1, about="x", old="1", new="2", needs_restart=False, origin="test")


def filled() -> tuple[sqlite3.Connection, ReadTransaction]:
    connection, stored = in_memory()
    for place in range(50):
        name = f"N{place}USDT"
        stage = ListingStage.SCHEDULED if place < 5 else ListingStage.MATURED
        stored.listings.save(listing(name, 1_000 + place, observed=3), stage)
        stored.signals.add(signal(key(f"{name}-{1_000 + place}"), at_ms=place, symbol=name))
        stored.outcomes.save(outcome(f"{name}-{1_000 + place}", at_ms=place))
        stored.alerts.add(alert(place, about=name))
        stored.notifications.add(notification(place), [(ChannelName.NTFY, place)])
        stored.passes.add(detection_pass(place))
        stored.settings.add(SETTING)
        stored.cache.put(name, StoredCacheRow(1, 2, b""))
    return connection, stored


QUERIES: dict[str, Callable[[ReadTransaction], Any]] = {
    "journal head": lambda stored: stored.journal.head(),
    "journal after": lambda stored: stored.journal.after(10),
    "journal about": lambda stored: stored.journal.about("NEWUSDT"),
    "journal of kind": lambda stored: stored.journal.of_kind("alert"),
    "journal latest": lambda stored: stored.journal.latest(10),
    "journal page": lambda stored: stored.journal.page(7, 5, about="NEWUSDT"),
    "listings page": lambda stored: stored.listings.page(1_003, "N3USDT-1003", 5),
    "signals page": lambda stored: stored.signals.page(9, 5),
    "signals page of symbol": lambda stored: stored.signals.page(9, 5, "N1USDT"),
    "save pairs": lambda stored: stored.pairs.save([pair("A")], ["B"], 1),
    "pairs": lambda stored: stored.pairs.all(),
    "listing": lambda stored: stored.listings.get("N1USDT-1001"),
    "listing by name": lambda stored: stored.listings.named("N1USDT"),
    "listings unfinished": lambda stored: stored.listings.unfinished(),
    "listings latest": lambda stored: stored.listings.latest(5),
    "save listing": lambda stored: stored.listings.save(
        listing(observed=2), ListingStage.OPEN, [listing("X")]
    ),
    "add signal": lambda stored: stored.signals.add(signal(at_ms=99)),
    "end signal": lambda stored: stored.signals.end(ended()),
    "active signals": lambda stored: stored.signals.active(),
    "signals of symbol": lambda stored: stored.signals.of_symbol("N1USDT"),
    "signals of listing": lambda stored: stored.signals.of_listing("N1USDT-1001"),
    "signals of detector": lambda stored: stored.signals.of_detector(READY, 1),
    "signals labelled": lambda stored: stored.signals.labelled("1"),
    "signals latest": lambda stored: stored.signals.latest(),
    "save outcome": lambda stored: stored.outcomes.save(outcome()),
    "outcome": lambda stored: stored.outcomes.of("N1USDT-1001", "1"),
    "outcome newest": lambda stored: stored.outcomes.newest("N1USDT-1001"),
    "outcomes latest": lambda stored: stored.outcomes.latest("1"),
    "add verdict": lambda stored: stored.verdicts("1").add(READY, 1, "2/2/4", listing_id="X-1", hit=True),
    "add base verdict": lambda stored: stored.verdicts("1").add_base(ClaimKind.PROFITS, "X-1", hit=True),
    "forget verdicts": lambda stored: stored.verdicts("1").forget("X-1"),
    "tally": lambda stored: stored.verdicts("1").tally(READY, 1, "2/2/4"),
    "tallies": lambda stored: stored.verdicts("1").tallies(),
    "base tallies": lambda stored: stored.verdicts("1").base(),
    "add alert": lambda stored: stored.alerts.add(alert(99)),
    "close alert": lambda stored: stored.alerts.close("stale", "NEWUSDT", 5),
    "alerts open": lambda stored: stored.alerts.open(),
    "alerts latest": lambda stored: stored.alerts.latest(),
    "add notification": lambda stored: stored.notifications.add(notification(99), [(ChannelName.NTFY, 5)]),
    "previous notification": lambda stored: stored.notifications.previous("books", "NEWUSDT"),
    "pending deliveries": lambda stored: stored.notifications.pending(ChannelName.NTFY),
    "deliveries sent": lambda stored: stored.notifications.sent_since(ChannelName.NTFY, 5),
    "save sent": lambda stored: stored.notifications.save_sent(1, 5),
    "save failed": lambda stored: stored.notifications.save_failed(1, 5, "refused"),
    "notify position": lambda stored: stored.notifications.save_position(5),
    "add pass": lambda stored: stored.passes.add(detection_pass(3)),
    "passes latest": lambda stored: stored.passes.latest(),
    "add setting": lambda stored: stored.settings.add(SETTING),
    "settings of": lambda stored: stored.settings.of("x"),
    "cache get": lambda stored: stored.cache.get("a"),
    "cache put": lambda stored: stored.cache.put("a", StoredCacheRow(1, 2, b"")),
    "cache drop": lambda stored: stored.cache.drop("a"),
    "cache drop all": lambda stored: stored.cache.drop_all("a"),
    "cache forget": lambda stored: stored.cache.forget_expired(3),
}

IN_ORDER = {"journal head": ["SCAN journal"], "journal latest": ["SCAN journal"], "pairs": ["SCAN pairs"]}
"""Read in table order: the newest few rows, or deliberately all of them."""

PARTIAL = {
    "listings unfinished": "listings_ahead",
    "active signals": "signals_standing",
    "add signal": "signals_standing",
    "end signal": "signals_standing",
    "alerts open": "alerts_open",
    "add alert": "alerts_open",
    "close alert": "alerts_open",
    "pending deliveries": "deliveries_pending",
    "deliveries sent": "deliveries_sent",
}


def plan(query: Callable[[ReadTransaction], Any]) -> list[str]:
    """Return SQLite's plan of every statement that `query` runs."""
    connection, stored = filled()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    query(stored)
    connection.set_trace_callback(None)
    assert statements
    lines = [
        str(row[3])
        for statement in statements
        if not statement.startswith("--")
        for row in connection.execute("EXPLAIN QUERY PLAN " + statement)
    ]
    connection.close()
    return lines


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_never_scans_a_whole_table(name: str) -> None:
    scans = [line for line in plan(QUERIES[name]) if line.startswith("SCAN") and "USING" not in line]
    assert scans == IN_ORDER.get(name, [])


@pytest.mark.parametrize("name", PARTIAL)
def test_unfinished_active_and_open_rows_come_from_a_partial_index(name: str) -> None:
    assert any(PARTIAL[name] in line for line in plan(QUERIES[name]))


def test_signals_of_a_symbol_come_sorted_from_their_own_index() -> None:
    lines = plan(QUERIES["signals of symbol"])
    assert lines == ["SEARCH signals USING INDEX signals_by_symbol (symbol=?)"]


def test_signals_of_labelled_listings_are_searched_by_index_alone() -> None:
    assert plan(QUERIES["signals labelled"]) == [
        "SEARCH signals USING INDEX signals_by_subject (subject=?)",
        "LIST SUBQUERY 1",
        "SEARCH listing_outcomes USING COVERING INDEX listing_outcomes_by_time (label_version=?)",
    ]


def test_every_repository_query_is_covered() -> None:
    _, stored = filled()
    components = (
        "journal",
        "pairs",
        "listings",
        "signals",
        "outcomes",
        "alerts",
        "passes",
        "settings",
        "cache",
    )
    public = {
        method
        for room in components
        for method in dir(getattr(stored, room))
        if not method.startswith("_") and method != "verify"
    } | {method for method in dir(VerdictRows) if not method.startswith("_")}
    used = "".join(query.__code__.co_names.__repr__() for query in QUERIES.values())
    assert [method for method in sorted(public) if f"'{method}'" not in used] == []
