"""The readiness checklist."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as changed

from mexc_tui.model.order import OrderType
from mexc_tui.model.snipe import Snipe, SnipeKey, SnipeState
from mexc_tui.model.trading import TradingState
from mexc_tui.model.verdict import refusals
from mexc_tui.sniping.plan import FireRules
from mexc_tui.sniping.readiness_checklist import ReadyFacts, ReadyLimits, checklist
from tests.support.samples.sniping_samples import PAIR, PLAN, T0, D

SNIPE = Snipe(
    id="s1", key=SnipeKey("NEWUSDT", "g1"), listing_id="l1", config_hash="c", opens_ms=T0,
    state=SnipeState.ARMED, reason="", by="ready_state", type=OrderType.LIMIT, spend_cap=D(10),
    reference_price=D(1), price_cap=D("1.25"), plan=PLAN, verdicts=(), armed_ms=T0 - 9,
)  # fmt: skip
READY = ReadyFacts(
    trading=TradingState.ACTIVE,
    generation=1,
    armed_generation=1,
    symbol=PAIR,
    opens_ms=T0,
    is_warm=True,
    round_trip_ms=120.0,
    clock_error_ms=5.0,
    clock_age_s=8.0,
    free_quote=D(10),
    is_private_live=True,
    private_silent_ms=5_000,
    public_silent_ms=40,
    missing_topics=(),
    has_unknown_order=False,
    orders_left=10,
    are_requests_ready=True,
)


def refused(facts: ReadyFacts = READY, snipe: Snipe = SNIPE) -> list[str]:
    return [v.name for v in refusals(checklist(snipe, facts, ReadyLimits(), rules=FireRules()))]


def test_a_ready_snipe_passes_every_check() -> None:
    assert refused() == []


LINES: list[tuple[str, dict[str, Any]]] = [
    ("trading_state", {"trading": TradingState.REDUCE_ONLY}),
    ("halt_generation", {"generation": 2}),
    ("opening", {"opens_ms": T0 + 60_000}),
    ("pair", {"symbol": None}),
    ("pair", {"symbol": changed(PAIR, quote_amount_precision="20")}),
    ("pair", {"symbol": changed(PAIR, base_size_precision="10")}),
    ("connection", {"is_warm": False}),
    ("round_trip", {"round_trip_ms": None}),
    ("clock", {"clock_error_ms": 1_001.0}),
    ("clock", {"clock_age_s": 61.0}),
    ("funds", {"free_quote": D("9.99")}),
    ("user_stream", {"is_private_live": False}),
    ("user_stream", {"private_silent_ms": None}),
    ("user_stream", {"private_silent_ms": 7_501}),
    ("public_stream", {"public_silent_ms": None}),
    ("public_stream", {"public_silent_ms": 7_501}),
    ("topics", {"missing_topics": ("best_quote",)}),
    ("unknown_orders", {"has_unknown_order": True}),
    ("orders_left", {"orders_left": 0}),
    ("requests", {"are_requests_ready": False}),
    ("event_loop", {"standstill": "stood still for 3.0 s"}),
    ("ban", {"ban": "for 2 minutes"}),
]


@pytest.mark.parametrize(("name", "changes"), LINES)
def test_each_failed_check_alone_prevents_firing(name: str, changes: dict[str, Any]) -> None:
    assert refused(replace(READY, **changes)) == [name]


def test_a_disarmed_snipe_does_not_fire() -> None:
    assert refused(snipe=changed(SNIPE, state=SnipeState.DISARMED)) == ["armed"]
