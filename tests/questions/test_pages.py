"""What each command prints, from rows alone."""

import msgspec

from mexc_tui.engine.rows import fact_row, listing_row, signal_row
from mexc_tui.model.event import Alert, Event, Fact, OpaqueEvent, SettingChanged, SignalRaised
from mexc_tui.model.listing import Disagreement, Source, SourceClaim, Stage, Topic
from mexc_tui.model.severity import Severity
from mexc_tui.model.why import WhyRow
from mexc_tui.questions import asjson
from mexc_tui.questions.pages import fact_line, listings_page, readable, signals_page, why_page
from mexc_tui.questions.tables import Pen
from tests.store import samples

PEN = Pen()


def test_listings_stand_in_the_order_of_their_openings() -> None:
    rows = [
        listing_row(samples.listing(name, opens_ms=opens_ms), Stage.SCHEDULED)
        for name, opens_ms in (("BUSDT", 2_000), ("NOTIMEUSDT", None), ("AUSDT", 1_000))
    ]
    lines = listings_page(rows, 0, PEN).splitlines()
    assert [line.split()[0] for line in lines] == ["SYMBOL", "AUSDT", "BUSDT", "NOTIMEUSDT"]


def test_a_disagreement_is_shown_and_not_resolved() -> None:
    claims = (SourceClaim(Source.CALENDAR, "12:00"), SourceClaim(Source.EXCHANGE_INFO, "13:00"))
    listing = msgspec.structs.replace(samples.listing(), disagreements=(Disagreement(Topic.OPENING, claims),))
    page = listings_page([listing_row(listing, Stage.SCHEDULED)], 0, PEN)
    assert "calendar says 12:00, exchangeInfo says 13:00" in page


def test_a_price_is_text_for_programs_and_has_no_exponent() -> None:
    row = listing_row(samples.listing(), Stage.OPEN, price=0.00000012)
    body = msgspec.json.decode(asjson.encode(asjson.listing(row)))
    assert body["price"] == "0.00000012"
    assert listings_page([row], 0, PEN).splitlines()[1].split()[-2] == "0.00000012"


def test_a_signal_says_how_sure_it_is_and_on_what_that_rests() -> None:
    page = signals_page([signal_row(samples.signal(), stands=True)], PEN)
    assert "40% (10%–80%), n 3, n too small (< 20)" in page
    assert "the triple is 2/2/4" in page


def test_an_unknown_pair_is_said_to_be_unknown() -> None:
    assert "No listing called XUSDT is known" in why_page(WhyRow(symbol="XUSDT", at_ms=0, listings=()), PEN)


def test_moments_within_words_become_readable() -> None:
    assert readable("opens_ms 1795380000000, since 1795380000000, lead_ms 26735") == (
        "opens 2026-11-22 20:40:00, since 2026-11-22 20:40:00, lead_ms 26735"
    )


def _line(event: Event | OpaqueEvent) -> str:
    return fact_line(fact_row(Fact(7, event)), PEN)


def test_a_fact_is_one_line_of_words() -> None:
    alert = Alert(at_ms=1_000, about="AUSDT", severity=Severity.ERROR, rule="stale", text="no price")
    assert _line(alert).split()[:4] == ["7", "1970-01-01", "00:00:01", "alert"]
    assert _line(alert).endswith("error stale: no price")
    change = SettingChanged(
        at_ms=1, about="max_positions", old="3", new="5", needs_restart=True, origin="a person"
    )
    assert _line(change).endswith("3 → 5, from the next start (a person)")
    raised = SignalRaised(at_ms=1, about="NEWUSDT", signal=samples.signal())
    assert "ready_state opening: the triple is 2/2/4 (40%" in _line(raised)


def test_a_fact_of_a_later_version_is_shown_by_its_fields() -> None:
    body = b'{"kind":"moon_landing","version":9,"at_ms":1,"about":"AUSDT","height":3}'
    assert _line(OpaqueEvent("moon_landing", 9, 1, "AUSDT", body)).endswith("height=3")


def test_a_list_for_programs_is_one_array() -> None:
    rows = [listing_row(samples.listing(name), Stage.OPEN) for name in ("AUSDT", "BUSDT")]
    read = msgspec.json.decode(asjson.many(map(asjson.listing, rows)))
    assert [one["symbol"] for one in read] == ["AUSDT", "BUSDT"]
    assert asjson.many([]) == "[]"
