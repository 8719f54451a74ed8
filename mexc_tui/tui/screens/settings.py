"""Screen 9: every setting with its allowed values and pending changes."""

from mexc_tui.desk.engine_requests import SETTINGS, NoArguments, SettingList
from mexc_tui.model.view import SettingRow
from mexc_tui.tui.query_cache import QueryResponse
from mexc_tui.tui.render_context import RenderContext
from mexc_tui.tui.screens.panes import LOADING, PanePlace, PicturePane, QueryPane, ScreenSpec
from mexc_tui.tui.widgets.cell import Cell, Tone
from mexc_tui.tui.widgets.columns import Column
from mexc_tui.tui.widgets.styled_text import Drawn, StyledSpan, text_line, wrap
from mexc_tui.tui.widgets.table_rows import Line

_ASK_S = 5.0
_SETTINGS = (
    Column("SETTING", 30),
    Column("VALUE", 16),
    Column("UNIT", 10, drop_order=2),
    Column("FROM", 12, drop_order=1),
    Column("PENDING", 10, drop_order=3),
    Column("DESCRIPTION", 20, drop_order=4, grows=True),
)


def all_settings(context: RenderContext) -> QueryResponse[SettingList]:
    """Return all settings."""
    return context.query(SETTINGS, NoArguments(), _ASK_S)


def _rows(found: SettingList, _: RenderContext) -> dict[str, Line]:
    return {row.name: _line(row) for row in found.rows}


def _line(row: SettingRow) -> Line:
    is_own = row.value != row.default
    return (
        Cell(row.name, Tone.STRONG if is_own else Tone.PLAIN),
        Cell(row.value, Tone.WARN if is_own else Tone.PLAIN),
        Cell(row.unit, Tone.FAINT),
        Cell(row.origin.removeprefix("the "), Tone.PLAIN if is_own else Tone.FAINT),
        Cell(row.pending, Tone.WARN),
        Cell(row.help, Tone.FAINT),
    )


def chosen(context: RenderContext) -> SettingRow | None:
    """Return the setting under the cursor."""
    found = all_settings(context).result
    return None if found is None else next((row for row in found.rows if row.name == context.key), None)


def _detail(context: RenderContext, width: int, height: int) -> list[Drawn]:
    del height
    answer, row = all_settings(context), chosen(context)
    if row is None:
        return [
            text_line(answer.problem or LOADING if answer.result is None else "Select a setting.", Tone.FAINT)
        ]
    later = "applies after restart" if row.needs_restart else "applies immediately"
    lines = [
        text_line(row.name, Tone.STRONG),
        *(text_line(line) for line in wrap(row.help, width)),
        text_line(""),
        (StyledSpan("value    ", Tone.FAINT), StyledSpan(f"{row.value} {row.unit}".rstrip(), Tone.STRONG)),
        (StyledSpan("default  ", Tone.FAINT), StyledSpan(row.default)),
        *_hanging("allowed  ", row.allowed, width),
        *_hanging("from     ", row.origin, width),
        (
            StyledSpan("change   ", Tone.FAINT),
            StyledSpan(later, Tone.WARN if row.needs_restart else Tone.PLAIN),
        ),
    ]
    if row.pending:
        lines.append(
            (
                StyledSpan("pending  ", Tone.FAINT),
                StyledSpan(f"{row.pending}, after restart", Tone.WARN),
            )
        )
    return lines


def _hanging(name: str, text: str, width: int) -> list[Drawn]:
    """Draw a name with a wrapped text behind it."""
    first, *others = wrap(text, max(width - len(name), 8))
    return [
        (StyledSpan(name, Tone.FAINT), StyledSpan(first)),
        *((StyledSpan(" " * len(name)), StyledSpan(other)) for other in others),
    ]


def _changed(context: RenderContext, width: int, height: int) -> list[Drawn]:
    """Draw settings that differ from their defaults, as a diff."""
    del width, height
    found = all_settings(context).result
    if found is None:
        return [text_line(LOADING, Tone.FAINT)]
    lines: list[Drawn] = []
    for row in found.rows:
        if row.value != row.default or row.pending:
            waits = f", {row.pending} after restart" if row.pending else ""
            lines += [
                text_line(row.name),
                (
                    StyledSpan(f"  - {row.default}", Tone.BAD),
                    StyledSpan(f"  + {row.value}", Tone.GOOD),
                    StyledSpan(waits, Tone.WARN),
                ),
            ]
    return lines or [text_line("All settings have their defaults.", Tone.FAINT)]


BOARD = ScreenSpec(
    "settings",
    "Settings",
    "Every setting with its unit, allowed values, origin and pending change. "
    "API keys are not settings: see `mexc-tui keys show`.",
    (
        QueryPane(
            "Settings",
            _SETTINGS,
            all_settings,
            _rows,
            "No settings available.",
            place=PanePlace(share=3),
        ),
        PicturePane("Setting", _detail, PanePlace(share=2, is_beside=True)),
        PicturePane(
            "Changed from the defaults", _changed, PanePlace(share=2, is_beside=True, least_height=30)
        ),
    ),
)
