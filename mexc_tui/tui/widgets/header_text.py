"""Header lines: mode, trading state, clock and data age; equity; news. Unknown values are marked.

While the data is stale, the last known state and amounts are dimmed and marked.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo

from rich.cells import cell_len

from mexc_tui.desk.client import Link, LinkState
from mexc_tui.model.mode import Mode
from mexc_tui.model.trading import RiskLevel, TradingState
from mexc_tui.model.trading_view import RiskRow
from mexc_tui.model.view import StatusRow
from mexc_tui.tui.widgets.cell import Tone, fit
from mexc_tui.tui.widgets.staleness import CURRENT, OLD_VIEWS_MS, StaleMark
from mexc_tui.tui.widgets.styled_text import Part, fitting
from mexc_tui.tui.widgets.text import age, amount, gain, local_time, utc
from mexc_tui.wording.reasons import spaced

_MAX_CLOCK_ERROR_MS = 100.0
_MAX_STATE = 40


@dataclass(frozen=True, slots=True)
class HeaderData:
    """Data of the header at one moment."""

    status: StatusRow | None
    risk: RiskRow | None
    link: LinkState
    silence_ms: float | None
    now_ms: int
    zone: tzinfo
    positions: int
    may_operate: bool = True
    """False in read-only mode."""
    news: Sequence[Part] = ()
    """Third line: news."""
    paused_ms: int | None = None
    """Time since the display was paused; None: not paused."""

    @property
    def age_ms(self) -> float | None:
        """Return the age of the views; None before the first."""
        if self.status is None:
            return self.silence_ms
        return max(float(self.now_ms - self.status.now_ms), self.silence_ms or 0.0)

    @property
    def is_old(self) -> bool:
        """Whether the shown state may be outdated."""
        return self.link.link is not Link.CONNECTED or (self.age_ms or 0.0) > OLD_VIEWS_MS

    @property
    def mark(self) -> StaleMark:
        """Return the mark of panes with stale views."""
        return StaleMark(f"OLD: {age(self.age_ms)}", is_dim=True) if self.is_old else CURRENT


def lines(known: HeaderData, width: int) -> tuple[Sequence[Part], ...]:
    """Return the parts that fit each line."""
    return fitting(_engine(known), width), fitting(_money(known), width), known.news


def _engine(known: HeaderData) -> list[Part]:
    status = known.status
    if status is None:
        return [Part("CONNECTING", Tone.WARN, is_badge=True), _read_only(known), _link(known)]
    return [
        _mode(status.mode, known.risk),
        _read_only(known),
        _frozen(known),
        Part(utc(known.now_ms), drop_order=3),  # far left: a line is sent from its beginning to what changed
        *_of_now(known, status),
        Part(local_time(known.now_ms, known.zone), drop_order=6),
        Part(f"profile {status.profile}", Tone.FAINT, drop_order=6),
        Part(
            f"session {status.exchange_session}" if status.exchange_session else "", Tone.FAINT, drop_order=7
        ),
    ]


def _of_now(known: HeaderData, status: StatusRow) -> tuple[Part, ...]:
    """Return trading state and data age; if stale, the last known state."""
    if known.is_old:
        return _link(known), _as_last_known(_state(known))
    return _state(known), _link(known), _clock(status), _feed(status)


def _as_last_known(part: Part) -> Part:
    return replace(part, text=f"was: {part.text}", tone=Tone.FAINT)


def _mode(mode: str, risk: RiskRow | None) -> Part:
    if mode == Mode.LIVE:
        is_locked = risk is not None and risk.is_locked
        return Part("LIVE LOCKED" if is_locked else "LIVE - REAL MONEY", Tone.BAD, is_badge=True)
    return Part(mode.upper(), Tone.GOOD, is_badge=True)


def _read_only(known: HeaderData) -> Part:
    return Part("" if known.may_operate else "READ-ONLY", Tone.WARN, is_badge=True)


def _frozen(known: HeaderData) -> Part:
    if known.paused_ms is None:
        return Part("")
    return Part(f"DISPLAY PAUSED {age(known.paused_ms)}, p resumes", Tone.WARN, is_badge=True)


def _state(known: HeaderData) -> Part:
    assert known.status is not None
    state = known.risk.state if known.risk is not None else known.status.trading_state
    cause = known.risk.cause_text if known.risk is not None else known.status.cause
    if state is TradingState.ACTIVE and known.risk is not None and known.risk.is_locked:
        return Part("no entries: L unlocks" if known.may_operate else "no entries: locked", Tone.WARN)
    if state is TradingState.ACTIVE:
        return Part("entries allowed", Tone.GOOD)
    because = f": {cause}" if cause else ""
    tone = Tone.WARN if state is TradingState.REDUCE_ONLY else Tone.BAD
    text = f"{spaced(state).upper()}{because}"
    return Part(fit(text, min(cell_len(text), _MAX_STATE)), tone)


def _link(known: HeaderData) -> Part:
    if known.link.link is Link.DISCONNECTED:
        return Part(f"NO CONNECTION {age(known.silence_ms)}", Tone.BAD)
    if known.link.link is Link.STALE:
        return Part(f"ENGINE SILENT {age(known.silence_ms)}", Tone.BAD)
    if known.is_old:
        return Part(f"DATA {age(known.age_ms)} OLD", Tone.BAD)
    return Part("connected", Tone.PLAIN, drop_order=5)


def _clock(status: StatusRow) -> Part:
    clock = status.clock
    if clock.offset_ms is None:
        return Part("clock unknown", Tone.WARN, drop_order=1)
    is_bad = bool(clock.warning) or abs(clock.error_ms or 0) > _MAX_CLOCK_ERROR_MS
    error = "" if clock.error_ms is None else f" ±{clock.error_ms:.0f}"
    return Part(
        f"clock {round(clock.offset_ms):+d}{error}ms", Tone.WARN if is_bad else Tone.PLAIN, drop_order=2
    )


def _feed(status: StatusRow) -> Part:
    streams = status.streams
    if not streams.topics:
        return Part("no feed", Tone.WARN, drop_order=1)
    if streams.stale:
        return Part(f"feed {streams.stale} of {streams.topics} STALE", Tone.BAD, drop_order=1)
    since = "" if streams.newest_s is None else f" {streams.newest_s}s ago"
    return Part(f"feed {streams.live}/{streams.topics} {streams.messages_per_s:.0f}/s{since}", drop_order=4)


def _money(known: HeaderData) -> list[Part]:
    risk = known.risk
    if risk is None:
        return [Part("equity unknown", Tone.FAINT)]
    day, percent = gain(risk.day_pnl), gain(risk.day_pct, 1, "%")
    about = "" if risk.is_complete else "~"
    guard = Tone.PLAIN if risk.risk_level is RiskLevel.NORMAL else Tone.BAD
    parts = [
        Part(f"equity {about}{amount(risk.equity).text} {risk.quote_asset}", Tone.STRONG),
        Part(f"day {day.text.strip()} ({percent.text.strip('▲▼ ')})", day.tone),
        Part(f"open {known.positions}, {amount(risk.exposure).text} at the bid", drop_order=1),
        Part(f"risk {spaced(risk.risk_level)}", guard, drop_order=0 if guard is Tone.BAD else 2),
        Part(f"drawdown {amount(risk.drawdown_pct, 1).text}%", drop_order=3),
        Part(f"cash {amount(risk.cash).text}", Tone.FAINT, drop_order=4),
        Part(f"reserved {amount(risk.reserved).text}", Tone.FAINT, drop_order=5),
    ]
    if not known.is_old:
        return parts
    first, *others = parts
    return [_as_last_known(first), *(replace(part, tone=Tone.FAINT) for part in others)]
