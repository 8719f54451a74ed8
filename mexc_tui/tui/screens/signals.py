"""Screen 3: every signal with its reasons, and the pre-trade check of its symbol."""

from collections.abc import Iterable

from mexc_tui.model.view import SignalRow
from mexc_tui.model.why import WhyRow
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.listing_history import (
    heading,
    missing_history,
    paragraph,
    query_history,
    signal_paragraphs,
    what_if_lines,
)
from mexc_tui.tui.screens.panes import PanePlace, PicturePane, ScreenSpec, TablePane, reading
from mexc_tui.tui.widgets import table_lines
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Drawn, text_line
from mexc_tui.tui.widgets.table_rows import SortOrder
from mexc_tui.wording.signals import readable

_CHOOSE = "Select a signal to see its reasons."


def _chosen(context: RenderContext) -> SignalRow | None:
    return None if context.key is None else context.source.signals.rows.get(context.key)


def _reasons(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del height
    row = _chosen(context)
    if row is None:
        return [text_line(_CHOOSE, Tone.FAINT)]
    return list(_signal_text(row, query_history(context, row.symbol).result, context, width=width))


def all_of(context: RenderContext, width: int) -> list[Drawn]:
    """Draw the reasons of a signal, then the pre-trade check of its symbol."""
    return [
        *_reasons(context, width, 0),
        text_line(""),
        heading("Pre-trade check"),
        *_pre_trade_check(context, width, 0),
    ]


def _signal_text(
    row: SignalRow, answer: WhyRow | None, context: RenderContext, *, width: int
) -> Iterable[Drawn]:
    yield heading(f"{row.symbol}  {readable(row.state.replace('_', ' '))}")
    yield from signal_paragraphs(row, context, width)
    yield text_line(f"version {row.version}, settings {row.config_hash[:12]}", Tone.FAINT)
    story = (
        None
        if answer is None
        else next((item for item in answer.listings if item.listing.id == row.listing_id), None)
    )
    if story is None:
        return
    outcome = story.listing.outcome
    yield from paragraph(f"outcome: {outcome or 'unknown'}", width, Tone.PLAIN if outcome else Tone.FAINT)
    says = next((item for item in story.detectors if item.detector == row.detector), None)
    if says is not None:
        yield from paragraph(f"inputs: {readable(', '.join(says.inputs))}", width, Tone.FAINT)
        if says.why_not:
            yield from paragraph(f"inactive now: {says.why_not}", width, Tone.WARN)


def _pre_trade_check(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del height
    row = _chosen(context)
    symbol = None if row is None else row.symbol
    response = query_history(context, symbol)
    if response.result is None:
        return missing_history(response, _CHOOSE, symbol)
    return list(what_if_lines(response.result.what_if, context, width))


BOARD = ScreenSpec(
    "signals",
    "Signals",
    "Every signal: probability with its interval and sample (N), reasons, inputs and "
    "outcome, and the pre-trade check of its symbol.",
    (
        TablePane(
            "Signals",
            table_lines.SIGNAL,
            reading(lambda source: source.signals, table_lines.signal),
            "No signals yet.",
            "signals",
            SortOrder(0),
            PanePlace(share=3),
        ),
        PicturePane("Reasons", _reasons, PanePlace(share=3, is_beside=True)),
        PicturePane("Pre-trade check", _pre_trade_check, PanePlace(share=3, is_beside=True)),
    ),
    wide_from=160,
    details=all_of,
)
