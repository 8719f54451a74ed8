"""Events are decoded from the journal as encoded, including those of other builds."""

from decimal import Decimal
from enum import StrEnum

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
from mexc_tui.model.intent import CloseReason, Fee, Order, OrderRole, OrderState
from mexc_tui.model.listing import ChangeKind, ListingChange, ListingFacts, ListingSource, Sighting, Triple
from mexc_tui.model.order import OrderType, Side
from mexc_tui.model.outcome_of_listing import ListingOutcome, OutcomeEnd
from mexc_tui.model.policy import Rung
from mexc_tui.model.position import EntryKind, LedgerAccount, LedgerEntry, Position, PositionState, Posting
from mexc_tui.model.reconciliation import Difference, DifferenceKind, Reconciliation, Trigger
from mexc_tui.model.signal import (
    Claim,
    ClaimKind,
    DetectorName,
    Input,
    Probability,
    Signal,
    SignalEnd,
    SignalKey,
)
from mexc_tui.model.snipe import Attempt, ExitPlan, Snipe, SnipeKey, SnipeState, Stamps
from mexc_tui.model.symbol import TradeSides
from mexc_tui.model.trading import Cause, RiskLevel, Trading, TradingState
from mexc_tui.model.verdict import CheckStage, Verdict

ALERT = Alert(at_ms=5, about="ABCUSDT", severity=Severity.WARNING, rule="thin book", text="thin")
SIGHTING = Sighting(
    source=ListingSource.EXCHANGE_INFO,
    at_ms=7,
    facts=ListingFacts(
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
    probability=Probability(value=0.5, low=0.025, high=0.975, n=0, hits=0),
    reasons=("symbolsV2 shows 2/2/4",),
    inputs=(Input("triple", "2/2/4"),),
)
OUTCOME = ListingOutcome(
    listing_id="ABCUSDT-7",
    symbol="ABCUSDT",
    label_version="1",
    labelled_ms=11,
    first_seen_ms=7,
    end=OutcomeEnd.OPENED,
    planned_ms=9,
    opened_ms=10,
    api_ms=8,
    reference_return=-0.01,
)
PLAN = ExitPlan(stop_loss_pct=Decimal(10), ladder=(Rung(Decimal(30), Decimal(10)),))
SNIPE = Snipe(
    id="s1",
    key=SnipeKey("ABCUSDT", "ready_state/ABCUSDT-7/ready/9"),
    listing_id="ABCUSDT-7",
    config_hash="0123456789ab",
    opens_ms=99,
    state=SnipeState.ARMED,
    reason="every gate agrees",
    by="ready_state",
    type=OrderType.IMMEDIATE_OR_CANCEL,
    spend_cap=Decimal(10),
    reference_price=None,
    price_cap=Decimal("1.25"),
    plan=PLAN,
    verdicts=(Verdict(stage=CheckStage.RISK, name="open_positions", passed=True, value="0", limit="3"),),
    armed_ms=50,
)
ATTEMPT = Attempt(
    snipe_id="s1",
    client_order_id="s1-1",
    number=1,
    aim_ms=99,
    price=Decimal("1.2"),
    quantity=Decimal("8.3"),
    answer="too early",
    code=30001,
    stamps=Stamps(written_ns=5),
)
ORDER = Order(
    client_order_id="s1-1",
    intent_id="s1",
    symbol="ABCUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    role=OrderRole.ENTRY,
    state=OrderState.PARTIAL,
    price=Decimal("1.20"),
    fees=(Fee(asset="MX", amount=Decimal("0.01")),),
    created_ms=40,
)
POSITION = Position(
    id="p1",
    symbol="ABCUSDT",
    base_asset="ABC",
    quote_asset="USDT",
    state=PositionState.OPEN,
    snipe_id="s1",
    signal_id="x",
    config_hash="0123456789ab",
    plan=PLAN,
    opened_ms=100,
)
RUN = Reconciliation(
    at_ms=1,
    trigger=Trigger.START,
    unexplained=(
        Difference(
            kind=DifferenceKind.DRIFT,
            about="ABC",
            ours="1",
            theirs="2",
            value=Decimal(3),
            severity=Severity.WARNING,
            explained=False,
            text="moved without us",
        ),
    ),
)
ENTRY = LedgerEntry(
    id="e1", kind=EntryKind.DUST, at_ms=1, postings=(Posting(LedgerAccount.DESK, "ABC", Decimal("-0.10")),)
)
PARTS: dict[str, dict[str, object]] = {
    "snipe_changed": {"snipe": SNIPE},
    "snipe_refused": {"verdicts": SNIPE.verdicts},
    "attempt_made": {"attempt": ATTEMPT},
    "order_changed": {"order": ORDER},
    "fill_booked": {"side": Side.BUY, "quantity": Decimal("1.50"), "value": Decimal(2)},
    "position_changed": {"position": POSITION},
    "trading_changed": {"trading": Trading(state=TradingState.HALTED, cause=Cause.MANUAL, generation=1)},
    "guard_acted": {"level": RiskLevel.HIGH},
    "reconciled": {"run": RUN},
    "entry_booked": {"entry": ENTRY},
    "listing_seen": {"sighting": SIGHTING},
    "listing_changed": {
        "change": ListingChange(kind=ChangeKind.MOVED, at_ms=7, source=None, before="1", after="2")
    },
    "listing_labelled": {"outcome": OUTCOME},
    "signal_raised": {"signal": SIGNAL},
    "signal_ended": {"ended": SignalEnd(key=KEY, state="since 7", at_ms=12)},
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
    assert event == OpaqueEvent(kind=kind, version=version, at_ms=7, about=about, payload=payload)
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


def test_a_stored_start_of_an_engine_keeps_its_exchange_session() -> None:
    start = b'"kind":"engine_started","version":1,"at_ms":1,"about":"practice","mode":"practice"'
    payload = b"{" + start + b',"world":"calm-1-7"}'
    event = decode(payload)
    assert isinstance(event, events.EngineStarted)
    assert event.exchange_session == "calm-1-7"


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


def test_times_and_subjects_are_readable_without_knowing_the_kind() -> None:
    everything: list[AnyEvent] = [
        ALERT,
        SettingChanged(at_ms=6, about="mode", old="a", new="b", needs_restart=True, origin="a flag"),
        OpaqueEvent(kind="later", version=1, at_ms=7, about="X", payload=b"{}"),
    ]
    assert [(event.at_ms, event.about, event.version, event.kind) for event in everything] == [
        (5, "ABCUSDT", 1, "alert"),
        (6, "mode", 1, "setting_changed"),
        (7, "X", 1, "later"),
    ]


@pytest.mark.parametrize(
    ("read", "old", "new"),
    [
        (Cause, "person", Cause.MANUAL),
        (Cause, "stranger", Cause.UNRECORDED_ORDER),
        (Cause, "unknown_order", Cause.UNRECORDED_ORDER),
        (CloseReason, "person", CloseReason.MANUAL),
        (CloseReason, "over", CloseReason.PRACTICE_END),
        (Trigger, "hole", Trigger.STREAM_GAP),
        (Trigger, "person", Trigger.MANUAL),
        (Trigger, "over", Trigger.PRACTICE_END),
        (DifferenceKind, "stranger", DifferenceKind.UNRECORDED_ORDER),
        (DifferenceKind, "unknown_order", DifferenceKind.UNRECORDED_ORDER),
        (ListingSource, "by_hand", ListingSource.MANUAL),
    ],
)
def test_a_stored_value_of_an_earlier_version_is_read(read: type[StrEnum], old: str, new: StrEnum) -> None:
    assert msgspec.json.decode(msgspec.json.encode(old), type=read) is new
    assert msgspec.json.encode(new) != msgspec.json.encode(old)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'"unheard of"', type=read)
