from decimal import Decimal

import msgspec
import pytest

from mexc_tui.model.policy import Rung
from mexc_tui.model.snipe import ExitPlan
from mexc_tui.model.trading_view import WhatIfRow
from mexc_tui.model.verdict import CheckStage, Verdict
from mexc_tui.model.why import ChangeRow, DetectorSays, ListingStory, SnipeSays, SourceSays, WhyRow
from tests.support.tui.desk_app import desk, until
from tests.support.tui.frozen_desk import NOW_MS, Frozen

pytestmark = pytest.mark.timeout(60)  # drives the app

GATES = (
    Verdict(stage=CheckStage.RULES, name="pair_listed", passed=True, value="listed", limit="listed"),
    Verdict(
        stage=CheckStage.RISK,
        name="positions",
        passed=False,
        value="3",
        limit="3",
        flip="close a position",
    ),
)


def why(frozen: Frozen, listing_id: str) -> WhyRow:
    row = frozen.listings.rows[listing_id]
    signal = frozen.signals.rows[f"ready_state {row.symbol}"]
    return WhyRow(
        symbol=row.symbol,
        at_ms=NOW_MS,
        listings=(
            ListingStory(
                listing=row,
                sources=(
                    SourceSays(
                        source="calendar", since_ms=NOW_MS - 90_000, present=True, words="opens 14:14"
                    ),
                    SourceSays(
                        source="announcement", since_ms=NOW_MS - 9_000, present=False, words="was there"
                    ),
                ),
                changes=(
                    ChangeRow(
                        at_ms=NOW_MS, kind="stage", before="visible", after="api_enabled", source="symbolsV2"
                    ),
                ),
                detectors=(
                    DetectorSays(
                        detector="ready_state", version=2, saw=("sts 2", "st 2"), said=(signal,), why_not=""
                    ),
                    DetectorSays(detector="cluster", version=1, saw=(), said=(), why_not="it opens alone"),
                ),
            ),
        ),
        snipes=(
            SnipeSays(
                snipe=frozen.snipes.rows["S1"],
                verdicts=GATES[:1],
                plan=ExitPlan(
                    stop_loss_pct=Decimal(8), ladder=(Rung(Decimal(30), Decimal(10)),), time_stop_s=600
                ),
                checklist=GATES[:1],
            ),
        ),
        what_if=WhatIfRow(
            symbol=row.symbol,
            at_ms=NOW_MS,
            approved=False,
            verdicts=GATES,
            spend_cap=None,
            price_cap=None,
            words="Close a position first.",
        ),
    )


def _known() -> Frozen:
    frozen = Frozen()
    frozen.replies["why"] = why(frozen, "L-FOOUSDT")
    return frozen


async def test_a_listing_tells_its_sources_changes_and_signals() -> None:
    async with desk(_known(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("2")
        text = await until(pilot, app, "calendar: opens 14:14, for 90s")
        for words in (
            "T-00:47  opens 16:14:07 (14:14:07Z), by calendar",
            "announcement (no more)",
            "stage: visible → api_enabled (symbolsV2)",
            "because sts 2 -> 1 seen",
            "cluster: it opens alone",
        ):
            assert words in text


async def test_a_listing_tells_its_plan_its_checklist_and_what_every_gate_says() -> None:
    async with desk(_known(), size=(200, 60)) as (app, pilot, _):
        await pilot.press("2")
        text = await until(pilot, app, "Snipe armed: 50.00 at 0.0412 at most, by person")
        for words in (
            "exits: stop 8% below the entry; take 30% at +10%; time stop after 600 s",
            "T0 checklist, as of now",
            "✓ rules pair listed: listed (limit listed)",
            "It would be refused now.",
            "✗ risk positions: 3 (limit 3)",
            "turns round: close a position",
        ):
            assert words in text


async def test_a_signal_tells_why_what_became_of_it_and_what_if() -> None:
    async with desk(_known(), size=(120, 40)) as (app, pilot, _):
        await pilot.press("3")
        text = await until(pilot, app, "it looked at: sts 2, st 2")
        for words in (
            "because sts 2 -> 1 seen",
            "what became of it: not known yet",
            "It would be refused now.",
        ):
            assert words in text


async def test_a_moment_a_signal_rests_on_is_told_as_one_and_never_in_milliseconds() -> None:
    frozen = Frozen()
    for key, row in list(frozen.signals.rows.items()):
        frozen.signals.put(key, msgspec.structs.replace(row, state=f"since {NOW_MS}"))
    async with desk(frozen) as (app, pilot, _):
        await pilot.press("3")
        text = await until(pilot, app, "USDT  since 20")
        assert str(NOW_MS) not in text


async def test_without_an_answer_a_story_says_why() -> None:
    async with desk(size=(200, 60)) as (app, pilot, _):
        await pilot.press("2")
        await until(pilot, app, "Nobody here answers why")
