"""Texts of previews."""

from decimal import Decimal

from mexc_tui.model.plan_view import Preview, PreviewRow
from mexc_tui.model.trading import TradingState
from mexc_tui.wording.previews import RULES, preview_text


def unlock(*, shows_rules: bool) -> str:
    return preview_text(
        PreviewRow(
            name=Preview.UNLOCK,
            symbol="",
            at_ms=0,
            is_allowed=True,
            text="",
            state=TradingState.ACTIVE,
            state_after=TradingState.ACTIVE,
            unlock_hours=12,
            position_cap=Decimal(20),
            max_positions=3,
            shows_rules=shows_rules,
        )
    )


def test_the_first_unlock_states_the_rules_of_mexc() -> None:
    first, later = unlock(shows_rules=True), unlock(shows_rules=False)
    assert first == later + RULES
    assert "immediate freeze of the account" in first
    assert "REAL MONEY" in later
