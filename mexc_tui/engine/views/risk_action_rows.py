"""History of risk monitor actions and trading state changes, from the journal."""

from mexc_tui.model.event import Fact, RiskMonitorActed, TradingChanged, kind_of
from mexc_tui.model.trading_view import RiskActionRow
from mexc_tui.ports.store import Stored

KINDS = (kind_of(RiskMonitorActed), kind_of(TradingChanged))


def risk_action_history(stored: Stored, before: int, limit: int) -> tuple[list[RiskActionRow], int | None]:
    """Return the actions below a journal number, newest first, and the number of the next page."""
    found = [fact for kind in KINDS for fact in stored.journal.page(before, limit, kind=kind)]
    newest = sorted(found, key=lambda fact: -fact.sequence)[:limit]
    rows = [row for fact in newest if (row := _row(fact)) is not None]
    return rows, newest[-1].sequence if len(newest) == limit else None


def _row(fact: Fact) -> RiskActionRow | None:
    match fact.event:
        case RiskMonitorActed() as acted:
            return RiskActionRow(
                sequence=fact.sequence,
                at_ms=acted.at_ms,
                about=acted.about,
                level=acted.level,
                text=acted.finding,
                action=acted.action,
                achieved=acted.achieved,
            )
        case TradingChanged(trading=trading) as changed:
            return RiskActionRow(
                sequence=fact.sequence,
                at_ms=changed.at_ms,
                about=changed.about,
                state=trading.state,
                cause=trading.cause,
                by=trading.by,
                text=trading.text,
            )
        case _:
            return None
