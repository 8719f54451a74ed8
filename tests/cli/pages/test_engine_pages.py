"""Text output of the commands, from rows."""

import msgspec
import pytest

from mexc_tui.cli.pages import json_output
from mexc_tui.cli.pages.engine_pages import alerts_page, fact_line, listings_page
from mexc_tui.cli.pages.signal_pages import signals_page, why_page
from mexc_tui.cli.pages.tables import Pen
from mexc_tui.engine.views.listing_rows import fact_row, listing_row, signal_row
from mexc_tui.model.event import Alert, CommandBegun, Event, Fact, OpaqueEvent, SettingChanged, SignalRaised
from mexc_tui.model.listing import Disagreement, ListingSource, ListingStage, ListingTopic, SourceClaim
from mexc_tui.model.severity import Severity
from mexc_tui.model.view import AlertRow
from mexc_tui.model.why import ChangeRow, DetectorDetail, ListingStory, SourceDetail, WhyRow
from mexc_tui.wording.signals import probability, readable
from tests.support.samples import listing_samples

PEN = Pen()


def test_listings_are_sorted_by_opening_time() -> None:
    rows = [
        listing_row(listing_samples.listing(name, opens_ms=opens_ms), ListingStage.SCHEDULED)
        for name, opens_ms in (("BUSDT", 2_000), ("NOTIMEUSDT", None), ("AUSDT", 1_000))
    ]
    lines = listings_page(rows, 0, PEN).splitlines()
    assert [line.split()[0] for line in lines] == ["SYMBOL", "AUSDT", "BUSDT", "NOTIMEUSDT"]


def test_a_disagreement_is_shown_and_not_resolved() -> None:
    claims = (SourceClaim(ListingSource.CALENDAR, "12:00"), SourceClaim(ListingSource.EXCHANGE_INFO, "13:00"))
    listing = msgspec.structs.replace(
        listing_samples.listing(), disagreements=(Disagreement(ListingTopic.OPENING, claims),)
    )
    page = listings_page([listing_row(listing, ListingStage.SCHEDULED)], 0, PEN)
    assert "calendar says 12:00, exchangeInfo says 13:00" in page


def test_a_json_price_is_text_without_an_exponent() -> None:
    row = listing_row(listing_samples.listing(), ListingStage.OPEN, price=0.00000012, received_ms=7_900)
    body = msgspec.json.decode(json_output.encode(json_output.listing(row)))
    assert (body["price"], body["priced_ms"]) == ("0.00000012", 7_000)
    assert listings_page([row], 9_000, PEN).splitlines()[1].split()[-2] == "0.00000012"


def test_a_price_without_recent_messages_is_marked() -> None:
    for received_ms in (None, 6_900):
        row = listing_row(
            listing_samples.listing(), ListingStage.OPEN, price=0.00000012, received_ms=received_ms
        )
        assert listings_page([row], 9_000, PEN).splitlines()[1].split()[-2] == "~0.00000012"


def test_a_signal_shows_its_probability_and_sample() -> None:
    page = signals_page([signal_row(listing_samples.signal(), is_active=True)], PEN)
    assert "40% (10–80%)  3 few  the triple is 2/2/4" in page
    assert "the triple is 2/2/4" in page


def test_without_history_no_single_probability_is_shown() -> None:
    row = msgspec.structs.replace(signal_row(listing_samples.signal(), is_active=True), n=0, base_n=0)
    assert probability(row) == "? (10–80%)"
    assert probability(msgspec.structs.replace(row, base_n=7)) == "40% (10–80%)"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_signals_and_listings_fit_the_terminal(columns: int) -> None:
    pen = Pen(columns=columns)
    signal = msgspec.structs.replace(
        signal_row(listing_samples.signal(), is_active=True), reasons=("word " * 80,)
    )
    listing = msgspec.structs.replace(
        listing_row(listing_samples.listing("L" * 64), ListingStage.SCHEDULED), disagreements=("says " * 50,)
    )
    for page in (signals_page([signal], pen), listings_page([listing], 0, pen)):
        assert max(map(len, page.splitlines())) <= columns
    assert "40%" in signals_page([signal], pen) or columns == 40


def _why() -> WhyRow:
    signals = [
        msgspec.structs.replace(
            signal_row(listing_samples.signal(), is_active=is_active), detector=name, at_ms=at_ms
        )
        for name, is_active, at_ms in (("pre_ready", False, 1_000), ("opening", True, 9_000))
    ]
    detectors = tuple(
        DetectorDetail(
            detector=one.detector, version=1, inputs=("lead_ms 39663",), signals=(one,), why_not=""
        )
        for one in signals
    )
    silent = DetectorDetail(
        detector="cluster", version=1, inputs=(), signals=(), why_not="nothing opens with it"
    )
    listing = msgspec.structs.replace(
        listing_row(listing_samples.listing(), ListingStage.OPEN),
        opens_ms=5_000,
        opened_ms=8_000,
        disagreements=("a, b",),
    )
    source = SourceDetail(source="calendar", since_ms=1_000, present=True, text="opens_ms 1795380000000")
    change = ChangeRow(at_ms=1_000, kind="stage", before="", after="scheduled", source="calendar")
    story = ListingStory(
        listing=listing, sources=(source,), changes=(change,), detectors=(*detectors, silent)
    )
    return WhyRow(symbol="NEWUSDT", at_ms=10_000, listings=(story,))


def test_why_prints_state_then_active_signals_then_changes() -> None:
    lines = why_page(_why(), PEN).splitlines()
    assert lines[0] == "NEWUSDT  open"
    assert lines[1] == "  opened 1970-01-01 00:00:08 UTC (2 s ago), 3 s after schedule"
    assert "  ! a, b" in lines
    heads = [line for line in lines[1:] if not line.startswith(" ")]
    assert heads == ["Active", "Ended", "Silent detectors", "Sources", "Changes"]
    active = lines.index("Active")
    assert lines[active + 1] == "  00:00:09  opening opening"
    assert lines[active + 2].startswith("    opens by 00:01:30: 40% (10%–80%), n 3, small sample")
    assert lines[active + 3] == "    reasons: the triple is 2/2/4"
    assert "  cluster: nothing opens with it" in lines
    assert "  00:00:01  calendar  opens 2026-11-22 20:40:00" in lines
    assert lines[-1] == "  00:00:01  stage: – → scheduled (calendar)"


def test_why_is_wrapped_and_never_cut() -> None:
    whole, folded = why_page(_why(), PEN), why_page(_why(), Pen(columns=40))
    assert max(map(len, folded.splitlines())) <= 40
    assert folded.split() == whole.split()


def test_an_unknown_pair_is_reported() -> None:
    assert "No listing named XUSDT" in why_page(WhyRow(symbol="XUSDT", at_ms=0, listings=()), PEN)


def test_times_within_texts_become_readable() -> None:
    assert readable("opens_ms 1795380000000, since 1795380000000, lead_ms 26735") == (
        "opens 2026-11-22 20:40:00, since 2026-11-22 20:40:00, lead_ms 26735"
    )


def _line(event: Event | OpaqueEvent) -> str:
    return fact_line(fact_row(Fact(7, event)), PEN)


def test_an_event_is_one_line_of_text() -> None:
    alert = Alert(at_ms=1_000, about="AUSDT", severity=Severity.ERROR, rule="stale", text="no price")
    assert _line(alert).split()[:4] == ["7", "1970-01-01", "00:00:01", "alert"]
    assert _line(alert).endswith("error: Stale: no price")
    change = SettingChanged(
        at_ms=1, about="max_positions", old="3", new="5", needs_restart=True, origin="a person"
    )
    assert _line(change).endswith("3 → 5, after restart (a person)")
    raised = SignalRaised(at_ms=1, about="NEWUSDT", signal=listing_samples.signal())
    assert "ready state (opening): the triple is 2/2/4 (40%" in _line(raised)


def test_a_command_id_does_not_shift_its_text() -> None:
    begun = CommandBegun(
        at_ms=1, about="a" * 32, name="stop", who="me", pid=1, role="operate", digest="", args="{}"
    )
    assert _line(begun).endswith("command_begun      aaaaaaaa        me: stop {}")


def test_an_event_of_a_later_version_is_shown_by_its_fields() -> None:
    body = b'{"kind":"moon_landing","version":9,"at_ms":1,"about":"AUSDT","height":3}'
    assert _line(OpaqueEvent(kind="moon_landing", version=9, at_ms=1, about="AUSDT", payload=body)).endswith(
        "height=3"
    )


def test_a_json_list_is_one_array() -> None:
    rows = [listing_row(listing_samples.listing(name), ListingStage.OPEN) for name in ("AUSDT", "BUSDT")]
    read = msgspec.json.decode(json_output.many(map(json_output.listing, rows)))
    assert [one["symbol"] for one in read] == ["AUSDT", "BUSDT"]
    assert json_output.many([]) == "[]"


def test_an_event_in_a_narrow_terminal_is_one_line_without_its_date() -> None:
    alert = Alert(at_ms=1_000, about="AUSDT", severity=Severity.ERROR, rule="stale", text="no price " * 20)
    line = fact_line(fact_row(Fact(7, alert)), Pen(columns=80))
    assert line.startswith("7  00:00:01  alert")
    assert (len(line) <= 80, line[-1]) == (True, "…")


def test_the_text_of_an_alert_is_complete_in_a_narrow_terminal() -> None:
    text = "CLEANUSDT: the best bid is more than 10 % below the first bid of this sale; waiting for better"
    moments = {"first_ms": 1_000, "last_ms": 61_000}
    row = AlertRow(rule="selling", about="CLEANUSDT", severity="warning", text=text, times=2, **moments)
    head, line, *rest = alerts_page([row], Pen(columns=60)).splitlines()
    assert head.split()[:2] == ["LAST", "(UTC)"]
    assert line.split()[2:5] == ["warning", "CLEANUSDT", "2"]
    assert " ".join(one.strip() for one in rest) == text
    assert all(len(one) <= 60 for one in (head, line, *rest))


def test_a_long_subject_of_an_alert_does_not_hide_whether_it_is_closed() -> None:
    moments = {"first_ms": 1_000, "last_ms": 61_000, "closed_ms": 62_000}
    row = AlertRow(
        rule="guard:critical", about="/a/folder" * 9, severity="critical", text="t", times=1, **moments
    )
    assert "closed" in alerts_page([row], Pen(columns=80)).splitlines()[1]
