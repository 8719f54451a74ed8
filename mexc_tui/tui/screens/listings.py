"""Screen 2: every listing, with history and plan of the selected one."""

from collections.abc import Callable, Iterable

from mexc_tui.model.view import ListingRow
from mexc_tui.model.why import WhyRow
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.empty_listings import no_listing
from mexc_tui.tui.screens.listing_history import (
    heading,
    listing_lines,
    missing_history,
    query_history,
    signal_lines,
    snipe_lines,
    what_if_lines,
)
from mexc_tui.tui.screens.panes import PanePlace, PicturePane, ScreenSpec, TablePane, reading
from mexc_tui.tui.widgets import table_lines
from mexc_tui.tui.widgets.cell import Tone
from mexc_tui.tui.widgets.styled_text import Drawn, text_line
from mexc_tui.tui.widgets.table_rows import SortOrder

_CHOOSE = "Select a listing to see its history."
Draws = Callable[[WhyRow, ListingRow, RenderContext, int], Iterable[Drawn]]


def _chosen(context: RenderContext) -> ListingRow | None:
    return None if context.key is None else context.source.listings.rows.get(context.key)


def _drawn(context: RenderContext, width: int, draws: Draws) -> list[Drawn]:
    row = _chosen(context)
    symbol = None if row is None else row.symbol
    response = query_history(context, symbol)
    if response.result is None or row is None:
        return missing_history(response, _CHOOSE, symbol)
    return list(draws(response.result, row, context, width))


def _story(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del height
    return _drawn(context, width, _history)


def _plan(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del height
    return _drawn(context, width, _plan_and_checks)


def all_of(context: RenderContext, width: int) -> list[Drawn]:
    """Draw the history of a listing, then its plan and pre-trade check."""
    return _drawn(context, width, _all)


def _all(answer: WhyRow, row: ListingRow, context: RenderContext, width: int) -> Iterable[Drawn]:
    yield from _history(answer, row, context, width=width)
    yield text_line("")
    yield from _plan_and_checks(answer, row, context, width=width)


def _history(answer: WhyRow, row: ListingRow, context: RenderContext, width: int) -> Iterable[Drawn]:
    story = next((item for item in answer.listings if item.listing.id == row.id), None)
    if story is None:
        yield text_line(f"Nothing recorded for {row.symbol} yet.", Tone.FAINT)
        return
    yield heading(row.symbol)
    yield from listing_lines(story, context, width)
    yield heading("Signals")
    yield from signal_lines(story.detectors, context, width)


def _plan_and_checks(answer: WhyRow, row: ListingRow, context: RenderContext, width: int) -> Iterable[Drawn]:
    snipes = [says for says in answer.snipes if says.snipe.listing_id == row.id]
    for says in snipes:
        yield from snipe_lines(says, context, width)
    if not snipes:
        yield text_line(f"{row.symbol} is not armed.", Tone.FAINT)
    yield heading("Pre-trade check")
    yield from what_if_lines(answer.what_if, context, width)


BOARD = ScreenSpec(
    "listings",
    "Listings",
    "Every listing: opening time, sources and their agreement, outcome. Of the selected "
    "one: history, signals, plan, T0 checklist and pre-trade check.",
    (
        TablePane(
            "Listings",
            table_lines.LISTING,
            reading(lambda source: source.listings, table_lines.listing),
            no_listing,
            "listings",
            SortOrder(1),
            PanePlace(share=3),
            left_ms=table_lines.prices_left_ms,
        ),
        PicturePane("History", _story, PanePlace(share=3, is_beside=True)),
        PicturePane("Plan and checks", _plan, PanePlace(share=3, is_beside=True)),
    ),
    wide_from=160,
    details=all_of,
)
