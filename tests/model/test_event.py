"""Events go into the journal and come back as they were, also those of another build."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mexc_tui.model import event as events
from mexc_tui.model.event import (
    KINDS,
    Alert,
    AnyEvent,
    BadEvent,
    Event,
    OpaqueEvent,
    SettingChanged,
    Severity,
    decode,
    encode,
)
from mexc_tui.model.listing import Change, ChangeKind, Facts, Sighting, Source, Triple
from mexc_tui.model.outcome_of_listing import End, ListingOutcome
from mexc_tui.model.signal import (
    Claim,
    ClaimKind,
    DetectorName,
    Ended,
    Input,
    Probability,
    Signal,
    SignalKey,
)
from mexc_tui.model.symbol import TradeSides

ALERT = Alert(at_ms=5, about="ABCUSDT", severity=Severity.WARNING, rule="thin book", text="thin")
SIGHTING = Sighting(
    source=Source.EXCHANGE_INFO,
    at_ms=7,
    facts=Facts(
        symbol="ABCUSDT", triple=Triple(2, None, 4), sides=TradeSides.BUY_ONLY, price=Decimal("1.10")
    ),
)
KEY = SignalKey(DetectorName.READY_STATE, "ABCUSDT-7", "ready")
SIGNAL = Signal(
    key=KEY,
    state="since 7",
    at_ms=9,
    version=1,
    config_hash="0123456789ab",
    symbol="ABCUSDT",
    severity=Severity.INFO,
    claim=Claim(ClaimKind.OPENS_BY, 99),
    stratum="web only",
    probability=Probability(0.5, 0.025, 0.975, 0, 0),
    reasons=("symbolsV2 shows 2/2/4",),
    inputs=(Input("triple", "2/2/4"),),
)
OUTCOME = ListingOutcome(
    listing_id="ABCUSDT-7",
    symbol="ABCUSDT",
    label_version="1",
    labelled_ms=11,
    first_seen_ms=7,
    end=End.OPENED,
    planned_ms=9,
    opened_ms=10,
    api_ms=8,
    reference_return=-0.01,
)
PARTS: dict[str, dict[str, object]] = {
    "listing_seen": {"sighting": SIGHTING},
    "listing_changed": {"change": Change(kind=ChangeKind.MOVED, at_ms=7, source=None, before="1", after="2")},
    "listing_labelled": {"outcome": OUTCOME},
    "signal_raised": {"signal": SIGNAL},
    "signal_ended": {"ended": Ended(KEY, "since 7", 12)},
}
"""Values of the desk that events carry whole; they have tests of their own."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@st.composite
def known_events(draw: st.DrawFn) -> Event:
    """Draw an event of any kind, with any values its fields allow."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    parts = {name: st.just(part) for name, part in PARTS.get(kind, {}).items()}
    return draw(st.builds(KINDS[kind], at_ms=st.integers(0, 2**53), version=st.just(1), about=TEXTS, **parts))


@given(known_events())
def test_every_event_comes_back_equal(event: Event) -> None:
    assert decode(encode(event)) == event


@given(known_events())
def test_a_journal_row_names_kind_time_subject_and_version(event: Event) -> None:
    row = msgspec.json.decode(encode(event), type=dict[str, object])
    assert [row["kind"], row["at_ms"], row["about"], row["version"]] == [
        event.kind,
        event.at_ms,
        event.about,
        event.version,
    ]


@given(st.text(min_size=1).filter(lambda kind: kind not in KINDS), st.integers(1, 99), TEXTS)
def test_an_unknown_kind_survives_byte_for_byte(kind: str, version: int, about: str) -> None:
    payload = msgspec.json.encode(
        {"z": [1, {"y": None}], "kind": kind, "version": version, "at_ms": 7, "about": about}
    )
    event = decode(payload)
    assert event == OpaqueEvent(kind, version, 7, about, payload)
    assert encode(event) == payload


@given(known_events(), st.integers(1, 50))
def test_a_newer_version_of_a_known_kind_survives_byte_for_byte(event: Event, ahead: int) -> None:
    newer = {**msgspec.json.decode(encode(event)), "version": events.version_of(type(event)) + ahead}
    payload = msgspec.json.encode(newer | {"severity": "a word this build has never heard"})
    opaque = decode(payload)
    assert isinstance(opaque, OpaqueEvent)
    assert (opaque.kind, opaque.about, encode(opaque)) == (event.kind, event.about, payload)


def test_a_row_of_an_older_version_reads_with_the_defaults_of_what_it_lacks() -> None:
    payload = b'{"kind":"engine_started","version":1,"at_ms":1,"about":"practice","mode":"practice"}'
    assert decode(payload) == events.EngineStarted(at_ms=1, about="practice", mode="practice")


def test_events_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        ALERT.text = "other"  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff",
        b'{"kind":"alert","version":0,"at_ms":1,"about":""}',
        b'{"kind":"alert","version":1,"at_ms":"soon","about":""}',
        b'{"kind":"alert","version":1,"at_ms":1,"about":"X","severity":"loud","rule":"","text":""}',
        b'{"kind":"setting_changed","version":1,"at_ms":1,"about":"mode"}',
    ],
)
def test_a_row_that_is_no_event_is_refused(payload: bytes) -> None:
    with pytest.raises(BadEvent):
        decode(payload)


@given(st.binary())
def test_any_bytes_are_an_event_or_are_refused(payload: bytes) -> None:
    try:
        event = decode(payload)
    except BadEvent:
        return
    assert decode(encode(event)) == event


def test_every_kind_is_known_by_a_name_of_its_own() -> None:
    leaves = {kind for kind in Event.__subclasses__() if kind.__module__ == events.__name__}
    assert set(KINDS.values()) >= leaves
    assert len(KINDS) == len(set(KINDS.values()))


def test_times_and_subjects_are_told_without_knowing_the_kind() -> None:
    everything: list[AnyEvent] = [
        ALERT,
        SettingChanged(at_ms=6, about="mode", old="a", new="b", needs_restart=True, origin="a flag"),
        OpaqueEvent("later", 1, 7, "X", b"{}"),
    ]
    assert [(event.at_ms, event.about, event.version, event.kind) for event in everything] == [
        (5, "ABCUSDT", 1, "alert"),
        (6, "mode", 1, "setting_changed"),
        (7, "X", 1, "later"),
    ]
